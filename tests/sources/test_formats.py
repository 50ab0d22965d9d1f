"""What a file is, is told by its bytes: packing and content, whatever its name says; in linear time and bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.files import packed
from support.paths import ZOO

from corpus_builder.errors import InputError
from corpus_builder.sources.formats import (
    PACKINGS,
    UNPACKING_ERRORS,
    Format,
    check_kind,
    format_of,
    lines_of,
    opened_unpacked,
    unpacked,
)

OBJECTS = '{"text": "一"}\n{"text": "二"}\n'.encode()
DUMP = b'<?xml version="1.0"?>\n<mediawiki xmlns="x"><page></page></mediawiki>'
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": ["一"]}), out)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize("packing", ["", *PACKINGS])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (OBJECTS, "JSON lines"),
        (b"\xef\xbb\xbf\r\n" + OBJECTS.replace(b"\n", b"\r\n"), "JSON lines"),
        (b"no json\n" + OBJECTS, "JSON lines"),
        (b'{"text": "' + b"a" * 100_000 + b'"}\n', "JSON lines"),
        (b'{"text": "a"}', "one JSON object"),
        (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n", "a WARC or ARC file"),
        (b"filedesc://a.arc 0.0.0.0 1 text/plain 1\n", "a WARC or ARC file"),
        (DUMP, "a MediaWiki dump"),
        ('{"text": "一"}\n'.encode("utf-16"), "text in UTF-16"),
        ('{"text": "一"}\n'.encode("utf-16-le"), "text in UTF-16"),
        ("吾輩は猫である。".encode("shift_jis"), "text"),
        (b"{\n}\n[1]\n", "text"),
        (b'[\n{"text": "a"},\n{"text": "b"}\n]\n', "a JSON array"),
        (b'\xef\xbb\xbf[{\r\n  "text": "a"\r\n}]', "a JSON array"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\x00\x01\x02", "binary data"),
        (b"", "empty"),
    ],
)
def test_packing_and_content_are_told_by_the_bytes(tmp_path: Path, content: bytes, what: str, packing: str) -> None:
    path = tmp_path / "name.parquet"
    path.write_bytes(packed(content, packing) if content or packing else b"")
    assert format_of(path) == Format(packing, what)
    with opened_unpacked(path) as (file, _):
        assert file.read() == content


def test_parquet_is_told_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(parquet())
    assert format_of(tmp_path / "a.jsonl.gz") == Format("", "a Parquet file")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(parquet(), mtime=0))
    assert str(format_of(tmp_path / "b.jsonl.gz")) == "a Parquet file, compressed with gzip"


@pytest.mark.parametrize("packing", PACKINGS)
def test_several_members_are_one_content(tmp_path: Path, packing: str) -> None:
    pieces = [OBJECTS, b"", OBJECTS, b'{"text": "' + b"x" * 200_000 + b'"}\n']
    between = SKIPPABLE if packing in ("zstd", "lz4") else bytes(8) if packing in ("xz", "gzip") else b""
    path = tmp_path / "many"
    path.write_bytes(between * (between[:1] == b"\x50") + between.join(packed(piece, packing) for piece in pieces) + between)
    with opened_unpacked(path) as (file, found):
        assert (found, list(lines_of(file))) == (Format(packing, "JSON lines"), b"".join(pieces).splitlines(keepends=True))


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_file_cut_off_gives_what_comes_before_and_says_so(tmp_path: Path, packing: str) -> None:
    content = b"".join(b'{"text": "%d"}\n' % number for number in range(20_000))
    path = tmp_path / "cut"
    path.write_bytes(packed(content, packing)[:-9])
    found: list[bytes] = []
    with opened_unpacked(path) as (file, _), pytest.raises(UNPACKING_ERRORS):
        found.extend(lines_of(file))
    assert content.startswith(b"".join(found))
    assert packing in ("bzip2", "zstd") or len(found) > 5_000  # these two are packed in blocks that are larger than this


@pytest.mark.parametrize("packing", PACKINGS)
def test_unpacking_a_bomb_takes_little_memory(packing: str) -> None:
    bomb = packed(bytes(1 << 26), packing)
    tracemalloc.start()
    try:
        stream, length = unpacked(io.BytesIO(bomb), packing), 0
        while piece := stream.read(1 << 16):
            length += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length == 1 << 26
    assert peak < 12 << 20  # 8 MiB are the window of `xz -6`


def test_an_xz_file_that_asks_for_too_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    content = lzma.compress(b"a" * 100, filters=filters)
    at = content.index(b"\x21\x01", 12) + 2  # the properties of LZMA2: one byte for the size of the dictionary
    header = bytearray(content[12 : 12 + (content[12] + 1) * 4])
    header[at - 12] = 39  # 3 GiB
    header[-4:] = zlib.crc32(bytes(header[:-4])).to_bytes(4, "little")
    with pytest.raises(lzma.LZMAError, match=r"(?i)memory"):
        unpacked(io.BytesIO(content[:12] + bytes(header) + content[12 + len(header) :]), "xz").read(1)


def test_a_line_that_is_too_long_is_cut_and_read_over() -> None:
    lines = [b"a" * 9 + b"\n", b"b" * 100 + b"\n", b"c" * 10, b"\n", b"d" * 11 + b"\n", b"e" * 44]
    found = list(lines_of(io.BytesIO(b"".join(lines)), longest=11))
    assert found == [b"a" * 9 + b"\n", b"b" * 12, b"c" * 10 + b"\n", b"d" * 11 + b"\n", b"e" * 12]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(["", *PACKINGS]), st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=3))
def test_any_bytes_have_a_format(tmp_path_factory, packing: str, content: bytes, at: int, other: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    whole = packed(content, packing)
    path.write_bytes(whole[:at] + other + whole[at + len(other) :])
    with opened_unpacked(path) as (file, found):
        assert found.content
        try:
            file.read()
        except UNPACKING_ERRORS:
            assert found.packing


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (OBJECTS, "warc", 'is JSON lines, but its source \'web\' has kind = "warc"; write kind = "jsonl".'),
        (gzip.compress(OBJECTS, mtime=0), "wikipedia", 'is JSON lines, compressed with gzip, but .* write kind = "jsonl".'),
        (OBJECTS, "text", 'is JSON lines, .* write kind = "jsonl".'),
        (OBJECTS, "parquet", 'is JSON lines, .* write kind = "jsonl".'),
        (b"WARC/1.0\r\n", "jsonl", 'is a WARC or ARC file, .* write kind = "warc".'),
        (bz2.compress(DUMP), "jsonl", 'is a MediaWiki dump, compressed with bzip2, .* write kind = "wikipedia".'),
        (parquet(), "jsonl", 'is a Parquet file, .* write kind = "parquet".'),
        (
            gzip.compress(parquet(), mtime=0),
            "parquet",
            "is a Parquet file, compressed with gzip; such files are read only if not compressed as a whole. Decompress it.",
        ),
        (
            lzma.compress(b"WARC/1.0\r\n"),
            "warc",
            "compressed with xz; such files are read plain or compressed with gzip, zstd or lz4. Decompress it.",
        ),
        (OBJECTS.decode().encode("utf-16"), "jsonl", "is text in UTF-16, .*; convert it with `iconv -f UTF-16 -t UTF-8`."),
        (
            b'[{"a": 1}]',
            "jsonl",
            r"is a JSON array, but .*; convert it with `jq -c '\.\[\]'`, which writes one object per line\.",
        ),
        (b"PK\x03\x04", "text", "is a ZIP archive, .*; convert it to JSON lines, Parquet or text, or leave it out."),
    ],
)
def test_a_file_of_another_kind_is_a_sentence_that_says_which(tmp_path: Path, content: bytes, kind: str, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        check_kind(format_of(path), path, "web", kind)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"", ["warc", "wikipedia", "jsonl", "parquet", "text"]),
        (b"prose\n", ["warc", "wikipedia", "jsonl", "text"]),  # may be a damaged start: the reader tells
        (b"\x00\x01", ["warc", "wikipedia", "jsonl", "text"]),
        (b'{"a": 1}', ["jsonl", "text"]),  # a file of JSON, as in a collection of code
        (b'[{"a": 1}]', ["text"]),
        ("猫".encode("utf-16"), ["warc", "wikipedia", "text"]),
    ],
)
def test_what_may_be_of_a_kind_is_left_to_its_reader(tmp_path: Path, content: bytes, kinds: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    fits = []
    for kind in ("warc", "wikipedia", "jsonl", "parquet", "text"):
        try:
            check_kind(format_of(path), path, "web", kind)
            fits.append(kind)
        except InputError:
            pass
    assert fits == kinds


def test_a_warc_with_a_dictionary_before_its_records_is_a_warc(tmp_path: Path) -> None:
    zoo = ZOO
    found = [format_of(zoo / name) for name in ("dictionary.warc.zst", "dictionary_packed.warc.zst")]
    assert found == [Format("zstd", "a WARC or ARC file")] * 2
