"""What ends the process while a file is read, or an article understood, costs that record or article, and is counted."""

import gzip
import os
from pathlib import Path

import pytest
from support.corpora import page, write_warc, write_wikipedia

from corpus_builder.engine import guard
from corpus_builder.pages.page import PageSettings
from corpus_builder.sources import members, warc, whole, wikipedia
from corpus_builder.sources.record import Layout, Record
from corpus_builder.sources.warc import read_records
from corpus_builder.stages.extract import InputFile, Ledgered, pages_of

ARTICLES = [(n, f"港{n}", f"港{n}の話。") for n in range(1, 9)]


def rows(path: Path, kind: str) -> list[tuple[str, str, str]]:
    """What becomes of each page of a file: where it is, its URL, and why it was dropped."""
    found = pages_of(InputFile(str(path), "source", kind, ""), PageSettings(), {})
    return [(row.id.rpartition("/")[2], row.url, row.drop.reason if isinstance(row, Ledgered) else "") for row in found]


def test_an_article_that_crashes_or_never_ends_costs_that_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = write_wikipedia(tmp_path / "jawiki.xml.bz2", ARTICLES)
    expected = rows(dump, "wikipedia")

    def text(wikitext: str, title: str) -> str:
        if title == "港3":
            os.abort()
        while title == "港5":
            pass
        return wikitext

    monkeypatch.setattr(guard, "CPU_SECONDS", 0)
    monkeypatch.setattr(wikipedia, "wikitext_to_text", text)
    found = rows(dump, "wikipedia")
    assert [*found[:2], found[3], *found[5:]] == [*expected[:2], expected[3], *expected[5:]]
    assert found[2] == ("-3", expected[2][1], "extraction_crashed")
    assert found[4] == ("-5", expected[4][1], "extraction_endless")


def test_a_dump_that_crashes_while_it_is_read_keeps_what_came_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = write_wikipedia(tmp_path / "jawiki.xml.bz2", ARTICLES)
    expected = rows(dump, "wikipedia")

    def find(self: wikipedia._Pages, tag: bytes) -> bool:
        if self.pages == 4:
            os.abort()
        return inner(self, tag)

    inner = wikipedia._Pages._find
    monkeypatch.setattr(wikipedia._Pages, "_find", find)
    assert rows(dump, "wikipedia") == [*expected[:4], ("-5", "", "reading_crashed")]


@pytest.mark.parametrize("way", ["whole", "members", "plain"])
def test_a_record_that_crashes_while_it_is_read_costs_that_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    path = tmp_path / "web.warc.gz"
    write_warc(path, [page(number) for number in range(6)])
    if way == "plain":
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path = path.with_suffix("")
    deadly = [record.number for record in read_records(path)][3]
    expected = rows(path, "warc")

    def abort_at(number: int) -> None:
        if number == deadly:
            os.abort()

    def header(self: warc._PlainHeaders, position: int) -> tuple[dict[bytes, bytes], int, int]:
        abort_at(position)
        return read_header(self, position)

    def whole_record(content: bytearray, number: int, layout: Layout) -> Record | None:
        abort_at(number)
        return read_whole(content, number, layout)

    def member_record(self: members._Run) -> object:
        abort_at(self.number)
        return read_member(self)

    read_header, read_whole, read_member = warc._PlainHeaders.read, whole._record, members._Run._record
    monkeypatch.setattr(warc._PlainHeaders, "read", header)
    monkeypatch.setattr(whole, "_record", whole_record)
    monkeypatch.setattr(members._Run, "_record", member_record)
    if way == "members":
        monkeypatch.setattr(members, "MISSES", 0)
    found = rows(path, "warc")
    lost = next(place for place, row in enumerate(expected) if row[0] == str(deadly))
    assert [*found[:lost], *found[lost + 1 :]] == [*expected[:lost], *expected[lost + 1 :]]
    assert found[lost] == (str(deadly), "", "reading_crashed")


def test_an_http_body_that_crashes_costs_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "web.warc.gz"
    write_warc(path, [page(number) for number in range(4)])
    expected = rows(path, "warc")

    def response(head: bytes, rest: bytes, truncated: bool) -> object:
        if "<title>2番目".encode() in head + rest:
            os.abort()
        return inner(head, rest, truncated)

    inner = warc.parse_response
    monkeypatch.setattr(warc, "parse_response", response)
    found = rows(path, "warc")
    (lost,) = [place for place, row in enumerate(expected) if row[1] == "https://www.example/2"]
    assert [*found[:lost], *found[lost + 1 :]] == [*expected[:lost], *expected[lost + 1 :]]
    assert found[lost] == (*expected[lost][:2], "extraction_crashed")
