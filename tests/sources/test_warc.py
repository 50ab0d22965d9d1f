"""Every page of a WARC comes out, and everything that does not is named: nothing is lost in silence."""

import gzip
import io
import tomllib
from pathlib import Path

import pytest
import warcio.archiveiterator
from fastwarc.stream_io import Lz4Reader, ZstdReader
from hypothesis import given, settings
from support.corpora import make_inputs
from support.paths import ZOO
from support.strategies import Harmed, warc_bytes

from corpus_builder.errors import InputError
from corpus_builder.reasons import REASONS
from corpus_builder.sources import frames, http, members, record, warc, whole
from corpus_builder.sources.warc import Damage, OtherRecord, Page, Text, read_warc

EXPECTED = tomllib.loads((ZOO / "zoo.toml").read_text())


def words(item: Page | Text | Damage | OtherRecord) -> str:
    if isinstance(item, Page | Text):
        return f"{type(item).__name__.lower()} {item.url.rsplit('/', 1)[-1]}"
    return f"damage {item.reason}" if isinstance(item, Damage) else item.kind


def test_the_zoo_and_its_list_hold_the_same_files() -> None:
    assert sorted(EXPECTED) == sorted(
        path.name for path in ZOO.iterdir() if path.suffix in (".warc", ".arc", ".gz", ".zst", ".lz4")
    )


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_zoo(name: str) -> None:
    assert [words(item) for item in read_warc(ZOO / name)] == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_zoo_numbers_are_unique_and_damage_lies_within_the_file(name: str) -> None:
    items = list(warc.read_records(ZOO / name))
    numbers = [item.number for item in items]
    assert numbers == sorted(set(numbers))
    size = (ZOO / name).stat().st_size
    for item in items:
        if isinstance(item, Damage):
            assert item.reason in REASONS
            assert item.detail
            assert 0 <= item.number <= item.number + item.length <= size


@pytest.mark.parametrize("name", ["sound.warc.gz", "damaged_member.warc.gz", "sound.warc.zst", "sound.warc.lz4", "sound.warc"])
def test_a_record_can_be_cut_out_at_its_number(name: str) -> None:
    content = (ZOO / name).read_bytes()
    readers = {".gz": lambda file: gzip.GzipFile(fileobj=file), ".zst": ZstdReader, ".lz4": Lz4Reader}
    pages = [item for item in read_warc(ZOO / name) if isinstance(item, Page)]
    assert pages
    for page in pages:
        rest = io.BytesIO(content[page.number :])
        cut = readers[Path(name).suffix](rest).read(4000) if Path(name).suffix in readers else rest.read(4000)
        assert cut.startswith(b"WARC/1.0\r\nWARC-Type: response")
        assert f"WARC-Target-URI: {page.url}\r\n".encode() in cut[:400]


def test_every_encoding_gives_the_same_body() -> None:
    expected = next(item.body for item in read_warc(ZOO / "http_unknown_encoding.warc.gz") if words(item) == "page 2")
    assert "これは2番目のページです。".encode() in expected
    whole_ = [
        name for name, found in EXPECTED.items() if name.startswith("http_") and "page 2" in found and "truncated" not in name
    ]
    assert len(whole_) == 17
    for name in whole_:
        if name != "http_no_header_end.warc.gz":
            assert [item.body for item in read_warc(ZOO / name) if words(item) == "page 2"] == [expected], name


def test_a_body_cut_off_by_the_crawler_is_decoded_as_far_as_it_goes() -> None:
    page = next(item for item in read_warc(ZOO / "http_gzip_truncated_by_crawler.warc.gz") if words(item) == "page 2")
    assert isinstance(page, Page)
    assert page.body.startswith("<html lang=ja><title>2番</title>".encode())


def test_a_page_carries_what_the_archive_says_of_it(tmp_path: Path) -> None:
    make_inputs(tmp_path / "inputs")
    first = next(item for item in read_warc(tmp_path / "inputs" / "web-b.warc.gz") if isinstance(item, Page))
    assert first.url == "https://mirror.example/3"
    assert first.date == "2024-12-09T00:00:00Z"
    assert first.crawl == "CC-MAIN-2024-51"
    assert first.status == 200
    assert first.content_type == "text/html; charset=utf-8"
    assert first.body.startswith(b"<!DOCTYPE html>")


def test_sound_files_read_as_warcio_reads_them(tmp_path: Path) -> None:
    make_inputs(tmp_path / "inputs")
    for name in ("web-a.warc.gz", "web-b.warc.gz"):
        path = tmp_path / "inputs" / name
        with path.open("rb") as file:
            theirs = [
                (found.rec_headers["WARC-Target-URI"], found.http_headers.get_statuscode(), found.content_stream().read())
                for found in warcio.archiveiterator.ArchiveIterator(file)
                if found.rec_type == "response"
            ]
        assert [(page.url, str(page.status), page.body) for page in read_warc(path) if isinstance(page, Page)] == theirs


@settings(deadline=None, max_examples=200)
@given(warc_bytes())
def test_what_the_harm_did_not_touch_is_read_and_the_rest_is_reported(tmp_path_factory, harmed: Harmed) -> None:
    path = tmp_path_factory.getbasetemp() / "harmed.warc.gz"
    path.write_bytes(harmed.content)
    items = list(warc.read_records(path))
    contents = [item.head + item.rest for item in items if not isinstance(item, Damage)]
    assert set(contents) <= set(harmed.records)  # nothing that was never written
    assert {harmed.records[place] for place in harmed.untouched} <= set(contents)
    assert len(contents) == len(harmed.records) or any(isinstance(item, Damage) for item in items)


@settings(deadline=None, max_examples=100)
@given(warc_bytes())
def test_small_reads_find_what_large_reads_find(tmp_path_factory, harmed: Harmed) -> None:
    path = tmp_path_factory.getbasetemp() / "steps.warc.gz"
    path.write_bytes(harmed.content)
    found = []
    for size in (7, 256, 2000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(frames, "PIECE", size)
            patch.setattr(frames, "FIRST_PIECE", size)
            found.append([_brief(item) for item in warc.read_records(path)])
    assert found[0] == found[1]
    assert found[1] == found[2]


def _brief(item: Damage | record.Record) -> tuple[object, ...]:
    if isinstance(item, Damage):
        return item.number, item.length, item.reason, item.detail
    return item.number, hash(item.head + item.rest)


@settings(deadline=None, max_examples=100)
@given(warc_bytes())
def test_any_bytes_are_read_without_an_error(tmp_path_factory, harmed: Harmed) -> None:
    for suffix in (".warc", ".warc.gz", ".warc.zst", ".warc.lz4", ""):
        path = tmp_path_factory.getbasetemp() / f"any{suffix}"
        path.write_bytes(harmed.content[3:])
        assert list(read_warc(path))


def test_a_record_that_is_too_large_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (members, warc, record, whole):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 190)
    for name in ("sound.warc.gz", "sound.warc"):
        assert [words(item) for item in read_warc(ZOO / name)] == ["warcinfo", "request"] + ["damage warc_record_too_large"] * 3


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_decompression_bomb_is_bounded(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1000)
    monkeypatch.setattr(http, "PIECE", 64)
    name = {"gzip": "gzip", "deflate": "deflate_with_header", "br": "brotli", "zstd": "zstd"}[encoding]
    found = [words(item) for item in read_warc(ZOO / f"http_{name}.warc.gz")]
    assert found == ["page 1", "page 2", "page 3"]
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 100)
    found = [words(item) for item in read_warc(ZOO / f"http_{name}.warc.gz")]
    assert found == ["page 1", "damage http_body_too_large", "page 3"]


def test_a_file_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*check the path of the source"):
        list(read_warc(tmp_path / "absent.warc.gz"))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_warc(tmp_path))
