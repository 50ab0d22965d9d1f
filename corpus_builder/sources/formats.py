"""File formats, detected from the bytes: how a file is compressed and what it holds.  File names are used only to suggest a remedy.

All source readers and `dedup` open their files here, so a gzipped file that is called .jsonl is read, and a Parquet file that is
called .jsonl is recognized.  Decompression is streamed: memory does not grow with the file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from corpus_builder.errors import FormatError, InputError
from corpus_builder.remote.places import name_of, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import opened, opened_in_order
from corpus_builder.sources.frames import GZIP, LZ4, SKIPPABLE, ZSTD
from corpus_builder.sources.packing import packing_of

HEAD_BYTES = 1 << 16
MAX_LINE_BYTES = 64 << 20  # ours, the same as for WARC records: a document is held in memory
XZ_MEMORY_BYTES = 256 << 20  # decompressing `xz -9` needs 65 MiB; a header may ask for 4 GiB
UNPACKING_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What a stream from `unpacked` raises if the file is truncated or damaged."""

PACKINGS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst", "lz4": ".lz4"}
"""The compression formats that can be read and written, each with its usual suffix."""

_MAGIC = {GZIP: "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", ZSTD: "zstd", LZ4: "lz4"}
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)  # zstd and LZ4 share these frames, which hold no data
_DUMP = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,1000}?-->\s*)?<mediawiki\b", re.DOTALL)
_ARRAY = re.compile(rb'\s*\[\s*\{\s*"')
BOM = b"\xef\xbb\xbf"
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"ARROW1\0\0": "an Arrow IPC (Feather) file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"%PDF-": "a PDF file",
    b"SQLite format 3\0": "an SQLite database",
}


@dataclass(frozen=True)
class Format:
    """How a file is compressed (one of `PACKINGS`, or "" if it is not), and what it holds: one of `CONTENTS`, or a description of something else."""

    packing: str
    content: str

    @property
    def kind(self) -> str | None:
        """The kind of source that reads it; None if none does, or if the bytes do not decide."""
        return CONTENTS.get(self.content)

    def __str__(self) -> str:
        """A description that completes "it is ..."."""
        return f"{self.content}, compressed with {self.packing}" if self.packing else self.content


JSONL, ONE_OBJECT, PARQUET, WARC = "JSON lines", "one JSON object", "a Parquet file", "a WARC or ARC file"
ARRAY = "a JSON array"
DUMP, TEXT, UTF_16 = "a MediaWiki dump", "text", "text in UTF-16"
EMPTY, DAMAGED, BINARY = "empty", "damaged", "binary data"
CONTENTS = {
    JSONL: "jsonl",
    ONE_OBJECT: "jsonl",
    PARQUET: "parquet",
    WARC: "warc",
    DUMP: "wikipedia",
    TEXT: "text",
    UTF_16: "text",
}
"""The contents that are recognized from their bytes, and the kind of source that reads each."""

_UNSURE = {EMPTY, DAMAGED, BINARY, TEXT}  # left to the reader to judge
_FITS = {
    "warc": {WARC, UTF_16},
    "commoncrawl": {WARC, UTF_16},
    "wikipedia": {DUMP, UTF_16},
    "jsonl": {JSONL, ONE_OBJECT},
    "parquet": {PARQUET},
    "text": {ONE_OBJECT, ARRAY, UTF_16},
}


@contextmanager
def opened_unpacked(place: str | Path, stat: Stat | None = None) -> Iterator[tuple[BinaryIO, Format]]:
    """A file's decompressed content as a stream, and its format.  Raises InputError if there is no such file; reading may raise `UNPACKING_ERRORS`."""
    with ExitStack() as stack:
        try:
            packed = stack.enter_context(opened_in_order(place, stat))
            found = _format(packed, place, stat)
            stream = stack.enter_context(unpacked(packed, found.packing))
        except FileNotFoundError as error:
            raise InputError(f"There is no file {shown(place)}.") from error
        except OSError as error:
            raise InputError(f"{shown(place)} cannot be read: {error.strerror or error}.") from error
        yield stream, found


def format_of(place: str | Path, stat: Stat | None = None) -> Format:
    """A file's format.  Raises InputError if there is no such file, or if it cannot be read."""
    with opened_unpacked(place, stat) as (_, found):
        return found


def unpacked(file: BinaryIO, packing: str) -> Any:
    """The decompressed content of a file as a stream and context manager; members or frames are concatenated, and `file` stays open."""
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)
    if packing == "bzip2":
        return bz2.BZ2File(file)
    if packing == "xz":
        return io.BufferedReader(_Xz(file), HEAD_BYTES)
    return io.BufferedReader(_Arrow(file, packing), HEAD_BYTES) if packing else nullcontext(file)


def packed_into(file: BinaryIO, packing: str) -> Any:
    """A stream that compresses what is written to it; closing it finishes the output, and `file` stays open."""
    if packing == "xz":
        return lzma.LZMAFile(file, "wb")
    if not packing:
        return _Left(file)
    return pa.CompressedOutputStream(pa.PythonFile(_Left(file), "w"), "bz2" if packing == "bzip2" else packing)


def lines_of(file: BinaryIO, longest: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """The lines of a file with their line ends; a line longer than `longest` bytes is cut to `longest` + 1.

    The rest of such a line is skipped piece by piece, so that a line of gigabytes or a decompression bomb does not fill the memory.
    """
    while line := file.readline(longest + 1):
        yield line
        while len(line) > longest and not line.endswith(b"\n"):
            line = file.readline(longest + 1)


def check_kind(found: Format, place: str | Path, source: str, kind: str) -> None:
    """Raise FormatError if a file is certainly not of its source's kind; where the bytes do not decide, the reader will."""
    if found.content == EMPTY:
        return
    if found.content in _FITS[kind] or (found.content in _UNSURE and kind != "parquet"):
        if (kind == "parquet" and found.packing) or (found.content == WARC and found.packing in ("bzip2", "xz")):
            how = "only if not compressed as a whole" if kind == "parquet" else "plain or compressed with gzip, zstd or lz4"
            raise FormatError(f"{shown(place)} is {found}; such files are read {how}. Decompress it.")
        return
    right = found.kind
    if kind in ("warc", "commoncrawl", "wikipedia") and found.content == TEXT:
        right = None
    remedy = (
        f"write kind = {right!r}".replace("'", '"') if right else "convert it to JSON lines, Parquet or text, or leave it out"
    )
    if found.content == UTF_16:
        remedy = "convert it with `iconv -f UTF-16 -t UTF-8`"
    if found.content == ARRAY:
        remedy = "convert it with `jq -c '.[]'`, which writes one object per line"
    whose = f"its source {source!r} has" if source else "it is read as"
    raise FormatError(f'{shown(place)} is {found}, but {whose} kind = "{kind}"; {remedy}.')


def _format(file: BinaryIO, place: str | Path, stat: Stat | None) -> Format:
    raw = file.read(HEAD_BYTES)
    file.seek(0)
    packing = _packing(raw)
    head = raw
    if packing:
        head = _head(unpacked(file, packing))
        file.seek(0)
        if not head and raw.startswith(SKIPPABLE):  # a WARC with a dictionary before its records
            head = _head_of_archive(place, stat)
    content = content_of(head) if head else EMPTY if not raw or (packing and _is_empty(file, packing)) else DAMAGED
    return Format(packing, content)


def _packing(raw: bytes) -> str:
    start = 0
    while _SKIPPABLE.match(raw, start):
        start += 8 + int.from_bytes(raw[start + 4 : start + 8], "little")
    return next((packing for magic, packing in _MAGIC.items() if raw.startswith(magic, start)), "zstd" if start else "")


def _head(stream: Any) -> bytes:
    head = b""
    read = getattr(stream, "read1", stream.read)  # returns what comes before damage
    try:
        while len(head) < HEAD_BYTES and (piece := read(1 << 10)):
            head += piece
    except UNPACKING_ERRORS:
        pass
    return head


def _is_empty(file: BinaryIO, packing: str) -> bool:
    try:
        return not unpacked(file, packing).read(1)
    except UNPACKING_ERRORS:
        return False
    finally:
        file.seek(0)


def _head_of_archive(place: str | Path, stat: Stat | None) -> bytes:
    with opened(place, stat) as (_, data):
        packing = packing_of(data, name_of(place).lower())
        return _head(packing.reader(io.BytesIO(data[packing.start : packing.start + (1 << 20)]))) if packing else b""


def content_of(head: bytes) -> str:
    """What a file holds, judged by the first bytes of its decompressed content.

    >>> content_of(b'{"text": "a"}\\n{"text": "b"}\\n'), content_of(b"PAR1"), content_of(b"WARC/1.0\\r\\n"), content_of("猫".encode())
    ('JSON lines', 'a Parquet file', 'a WARC or ARC file', 'text')
    """
    if head.startswith((b"PAR1", b"PARE")):
        return PARQUET
    if head.startswith((b"WARC/", b"filedesc:")):
        return WARC
    if other := next((name for magic, name in _OTHERS.items() if head.startswith(magic)), ""):
        return other
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2] in (b"{\0", b"\0{"):
        return UTF_16
    head = head.removeprefix(BOM)
    if _DUMP.match(head):
        return DUMP
    lines = head.split(b"\n")
    if len(head) >= HEAD_BYTES - len(BOM):  # the last line is incomplete
        cut = lines.pop()
        if not lines and re.match(rb'\s*\{\s*"', cut):
            return JSONL
    objects = sum(line.lstrip().startswith(b"{") and is_object(line) for line in lines)
    if objects <= 1 and _ARRAY.match(head):  # in an array with one object per line, only the last has no comma after it
        return ARRAY
    if objects:
        return JSONL if objects > 1 else ONE_OBJECT
    return BINARY if b"\0" in head else TEXT


def is_object(line: bytes) -> bool:
    """Whether a line is a JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class _Left:
    """A file that stays open when a stream on top of it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.write, self.flush = file.read, getattr(file, "write", None), getattr(file, "flush", None)
        self.closed = False

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


class _Arrow(io.RawIOBase):
    """zstd or LZ4 frames, decompressed."""

    def __init__(self, file: BinaryIO, packing: str) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(_Left(file), "r"), packing)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Some bytes; few at a time, as those of the last call are lost if the file is truncated."""
        piece = self._stream.read(min(len(buffer), 1 << 13))
        buffer[: len(piece)] = piece
        return len(piece)


class _Xz(io.RawIOBase):
    """xz streams, decompressed in bounded memory: the standard library's LZMAFile allocates whatever a header asks for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = self._new()
        self._begun = False

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Some bytes."""
        rest = b""
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data.lstrip(b"\0")  # streams may be followed by zeros
                while not rest and (rest := self._file.read(HEAD_BYTES)):
                    rest = rest.lstrip(b"\0")
                    if rest:
                        break
                if not rest:
                    return 0
                self._stream = self._new()
            elif self._stream.needs_input and not rest:
                rest = self._file.read(HEAD_BYTES)
                if not rest:
                    raise EOFError("the file ends inside an xz stream")
            piece = self._stream.decompress(rest, len(buffer))
            rest = b""
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
