"""Where a compressed member ends, by its own account: what tells a file that was cut off from one that is damaged."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from fastwarc.stream_io import ZstdReader

from corpus_builder.remote.window import Window

T = TypeVar("T")

GZIP, ZSTD, LZ4 = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
SKIPPABLE = b"\x5d\x2a\x4d\x18"  # a zstd frame that holds no data; at the head of a .warc.zst it holds the dictionary

PIECE = 1 << 20


def member_end(data: Window, at: int, magic: bytes) -> int | None:
    """Offset behind the member that starts at `at`; more than the file's size where the file ends within it.

    None where it is damaged as far as it can be seen: gzip is decompressed, the frames of zstd and LZ4 are walked by the
    lengths of their blocks.
    """
    if not (data[at : at + 4].startswith(magic) or magic.startswith(data[at : at + len(magic)])):
        return None
    return {GZIP: _gzip_end, ZSTD: _zstd_end, LZ4: _lz4_end}[magic](data, at)


def first_bytes(data: Window, at: int, magic: bytes) -> int:
    """How many bytes of a member must be read to see how its content begins, 0 where it is no member.

    The mark of a member may stand anywhere any number of times, so looking at one must cost little.
    """
    if magic == GZIP:  # the header may hold names and comments; nobody writes longer ones
        return 0 if (_number(data, at + 3, 1) or 0) & 0xE0 else 4096
    if magic == ZSTD:
        flags = _number(data, at + 4, 1) or 0
        block = at + _zstd_header(flags)
        return 0 if flags & 8 else block - at + 3 + min((_number(data, block, 3) or 0) >> 3, 128 << 10)
    flags = _number(data, at + 4, 1) or 0
    block = at + _lz4_header(flags)
    return 0 if flags >> 6 != 1 else block - at + 8 + min((_number(data, block, 4) or 0) & 0x7FFFFFFF, 4 << 20)


def _zstd_header(flags: int) -> int:
    """RFC 8878, 3.1.1.1: magic number, flags, window, dictionary, size of the content."""
    single = flags >> 5 & 1
    return 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]


def _lz4_header(flags: int) -> int:
    return 7 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)


def _gzip_end(data: Window, at: int) -> int | None:
    member = zlib.decompressobj(31)
    position = at
    try:
        while not member.eof and position < len(data):
            piece = data[position : position + PIECE]
            position += len(piece)
            while piece and not member.eof:
                member.decompress(piece, PIECE)
                piece = member.unconsumed_tail
    except zlib.error:
        return None
    return position - len(member.unused_data) if member.eof else len(data) + 1


def _zstd_end(data: Window, at: int) -> int | None:
    """RFC 8878, 3.1.1: a header, then blocks, the last of which says so, then perhaps a checksum."""
    flags = _number(data, at + 4, 1)
    if flags is None:
        return len(data) + 1
    position = at + _zstd_header(flags)
    last = 0
    while not last:
        block = _number(data, position, 3)
        if block is None:
            return len(data) + 1
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind == 3 or size > 128 << 10:
            return None
        position += 3 + (1 if kind == 1 else size)
    return position + 4 * (flags >> 2 & 1)


def _lz4_end(data: Window, at: int) -> int | None:
    """LZ4 Frame Format 1.6: a descriptor, blocks with their lengths, four zero bytes, perhaps a checksum."""
    flags = _number(data, at + 4, 1)
    if flags is None:
        return len(data) + 1
    position = at + _lz4_header(flags)
    while size := _number(data, position, 4):
        position += 4 + (size & 0x7FFFFFFF) + 4 * (flags >> 4 & 1)
    if size is None:
        return len(data) + 1
    return position + 4 + 4 * (flags >> 2 & 1)


def _number(data: Window, at: int, length: int) -> int | None:
    found = data[at : at + length]
    return int.from_bytes(found, "little") if len(found) == length else None


class CalmZstdReader:
    """FastWARC's reader, with an OSError where it panics: at dictionaries that are none, which may stand anywhere in a file."""

    def __init__(self, file: Any, buffer_size: int = 1 << 16, dictionary: bytes | None = None) -> None:
        self._inner = _calm(lambda: ZstdReader(file, buffer_size=buffer_size, dictionary=dictionary))

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        return _calm(lambda: bytes(self._inner.read(size)))

    def frame_start_position(self) -> int | None:
        """Where the member starts that was read last."""
        return _calm(lambda: self._inner.frame_start_position())

    def inner_tell(self) -> int:
        """How far the file was read."""
        return _calm(lambda: int(self._inner.inner_tell()))


def _calm(work: Callable[[], T]) -> T:
    try:
        return work()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's; it cannot be imported, and is no Exception
            raise
        raise OSError(f"zstd: {error}") from None
