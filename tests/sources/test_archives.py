"""WET and ARC files, damage and counts in a build: what becomes a document, and what the ledger says of the rest."""

import gzip
from pathlib import Path

import pytest
from make_zoo import INFO, arc_info, arc_record, http, members, record
from support.corpora import make_recipe, page, prose, write_warc

from corpus_builder import Built, Serial, build
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import read_table


def built(directory: Path, file: str, **source: str) -> Built:
    changes = {"quality": {"rules": []}, "dedup": None, "release": {}}
    sources = [{"name": "web", "kind": "warc", "paths": [file], **source}]
    return build(make_recipe(directory, sources=sources, **changes), directory / "out", Serial())


def table(found: Built, name: str, *columns: str) -> list[tuple[object, ...]]:
    (path,) = found.manifests["extract"].paths(name)
    return [tuple(row.values()) for row in read_table(path, list(columns)).to_pylist()]


def text(number: int, content: bytes) -> bytes:
    return record("conversion", content, f"https://www.example/{number}", "Content-Type: text/plain")


def test_the_texts_of_a_wet_file_become_documents(tmp_path: Path) -> None:
    english = b"The quick brown fox jumps over the lazy dog, and then it rests for a while. " * 9
    contents = [prose(1).encode(), english, b"\r\n", prose(2).encode("cp932"), prose(3).replace("\n", "\r\n").encode()]
    parts = members([INFO, *(text(number, content) for number, content in enumerate(contents, 1))])
    (tmp_path / "web.warc.wet.gz").write_bytes(b"".join(parts))
    found = built(tmp_path, "web.warc.wet.gz")
    starts = [sum(map(len, parts[:place])) for place in range(7)]
    assert table(found, "documents", "id", "url", "host", "title", "date", "crawl", "charset", "text") == [
        (
            f"web.warc.wet.gz/{starts[number]}",
            f"https://www.example/{number}",
            "www.example",
            "",
            "2024-12-01T00:00:00Z",
            "CC-MAIN-2024-51",
            "utf-8",
            expected,
        )
        for number, expected in ((1, prose(1)), (5, prose(3)))
    ]
    assert table(found, "ledger", "url", "reason") == [
        ("https://www.example/2", "not_japanese"),
        ("https://www.example/3", "no_text"),
        ("https://www.example/4", "undecodable"),
    ]
    assert next(iter(found.manifests["extract"].stats(ExtractStats).values())).records == {"conversion": 5, "warcinfo": 1}
    assert all(funnel.accounted for funnel in found.funnels())


def test_the_pages_of_an_arc_file_become_documents(tmp_path: Path) -> None:
    (tmp_path / "old.arc.gz").write_bytes(b"".join(members([arc_info(), arc_record(http(page(1).body), "http://www.example/1")])))
    found = built(tmp_path, "old.arc.gz")
    ((url, date, content),) = table(found, "documents", "url", "date", "text")
    assert (url, date) == ("http://www.example/1", "2008-11-04T14:21:03Z")
    assert str(content).endswith(prose(1))


def test_a_damaged_stretch_is_told_with_its_place_length_and_error_and_can_be_cut_out(tmp_path: Path) -> None:
    pages = [record("response", http(page(number).body), f"https://www.example/{number}") for number in range(3)]
    parts = members([INFO, *pages])
    parts[2] = parts[2][:100] + bytes(99) + parts[2][199:]
    path = tmp_path / "web.warc.gz"
    path.write_bytes(b"".join(parts))
    found = built(tmp_path, "web.warc.gz")
    ((id_, reason, length, detail),) = table(found, "ledger", "id", "reason", "value", "detail")
    assert reason == "warc_damaged"
    assert "decompress" in str(detail).lower()
    start = int(str(id_).rpartition("/")[2])
    assert path.read_bytes()[start : start + int(str(length).partition(".")[0])] == parts[2]
    (story,) = found.why(str(id_))
    assert (story.outcome.reason, story.outcome.value, story.outcome.detail) == (reason, length, detail)


@pytest.mark.parametrize("separator", ["\t", ",", " "])
def test_a_file_with_fewer_responses_than_were_counted_is_told(tmp_path: Path, separator: str) -> None:
    write_warc(tmp_path / "web.warc.gz", [page(1), page(2)])
    counts = tmp_path / "counts.tsv"
    counts.write_text(f"warc_filename{separator}n\ncrawl-data/CC-MAIN/warc/web.warc.gz{separator}5\nelse.warc.gz{separator}9\n")
    found = built(tmp_path, "web.warc.gz", counts="counts.tsv")
    ((id_, reason, value, threshold, detail),) = table(found, "ledger", "id", "reason", "value", "threshold", "detail")
    assert (reason, value, threshold) == ("records_missing", 2, 5)
    assert str(detail).startswith("3 of 5 responses are not in the file")
    assert found.why(str(id_))[0].outcome.reason == "records_missing"
    counts.write_text(f"web.warc.gz{separator}2\n")
    assert table(built(tmp_path, "web.warc.gz", counts="counts.tsv"), "ledger", "reason") == []


def test_responses_that_cannot_be_read_are_there(tmp_path: Path) -> None:
    broken = record("response", http(gzip.compress(b"x" * 99, mtime=0)[:-9], "Content-Encoding: gzip"), "https://a.example/")
    (tmp_path / "web.warc.gz").write_bytes(b"".join(members([INFO, broken])))
    (tmp_path / "counts.tsv").write_text("web.warc.gz 1\n")
    found = built(tmp_path, "web.warc.gz", counts="counts.tsv")
    assert table(found, "ledger", "reason") == [("http_encoding_broken",)]


def test_a_table_of_counts_that_is_none_is_refused(tmp_path: Path) -> None:
    write_warc(tmp_path / "web.warc.gz", [page(1)])
    with pytest.raises(InputError, match="There is no table of counts"):
        built(tmp_path, "web.warc.gz", counts="absent.tsv")
    (tmp_path / "counts.tsv").write_text("file n\nweb.warc.gz many\n")
    with pytest.raises(InputError, match=r"Line 2 of .* is 'web.warc.gz many'; expected a"):
        built(tmp_path, "web.warc.gz", counts="counts.tsv")
    (tmp_path / "counts.tsv").write_text("")
    with pytest.raises(InputError, match="holds no counts"):
        built(tmp_path, "web.warc.gz", counts="counts.tsv")
    with pytest.raises(RecipeError, match="counts go with kind"):
        built(tmp_path, "web.jsonl", counts="counts.tsv", kind="jsonl")
