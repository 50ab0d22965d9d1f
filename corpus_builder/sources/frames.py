"""Where a compressed member ends according to its own headers, which tells a truncated file from a damaged one."""

from __future__ import annotations

import io
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from fastwarc.stream_io import ZstdReader

from corpus_builder.remote.window import Window

T = TypeVar("T")

GZIP, ZSTD, LZ4 = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
SKIPPABLE = b"\x5d\x2a\x4d\x18"  # a zstd frame that holds no data; at the head of a .warc.zst it holds the dictionary

PIECE = 1 << 16  # bytes read and decompressed at a time
FIRST_PIECE = 1 << 12  # most members are small
ZSTD_BLOCK = 128 << 10


def member_end(data: Window, at: int, magic: bytes) -> int | None:
    """End offset of the member that starts at `at`; greater than the file's size if the file ends within it.

    None if it is visibly damaged: gzip is decompressed to find out, zstd and LZ4 frames are walked by their block lengths.
    """
    if not (data[at : at + 4].startswith(magic) or magic.startswith(data[at : at + len(magic)])):
        return None
    if magic == GZIP:
        return _gzip_end(data, at)
    return deque(block_ends(data, at, magic), maxlen=1).pop()


def block_ends(data: Window, at: int, magic: bytes) -> Iterator[int | None]:
    """End offsets of the header, of each block and of the checksum of a zstd or LZ4 frame; the last is the frame's end.

    The last is None if the frame is damaged, and greater than the file's size if the file ends within the frame.
    """
    return (_zstd_ends if magic == ZSTD else _lz4_ends)(data, at)


def skippable_end(data: Window, at: int) -> int:
    """End offset of the skippable frames at `at`, which zstd and LZ4 allow before a frame; `at` itself if there are none."""
    while (_number(data, at, 4) or 0) >> 4 == int.from_bytes(SKIPPABLE, "little") >> 4:
        at += 8 + (_number(data, at + 4, 4) or 0)
    return at


def begins(data: Window, at: int, magic: bytes, reader: Callable[..., Any]) -> bytes:
    """The first 5 bytes of a member's decompressed content; b"" if no member starts at `at`.

    The magic number may occur by chance any number of times, so a check must be cheap.  For gzip it reads 4 KiB, as the header
    may hold a file name, but no real one is longer; for LZ4 only the literals, as the start of a record has nothing to
    repeat; for zstd the first block, of up to 128 KiB.
    """
    if magic == GZIP:
        if (_number(data, at + 3, 1) or 0) & 0xE0:
            return b""
        try:
            return zlib.decompressobj(31).decompress(data[at : at + 4096], 5)
        except zlib.error:
            return b""
    flags = _number(data, at + 4, 1) or 0
    if magic == LZ4:
        return _lz4_begins(data, at + _lz4_header(flags)) if flags >> 6 == 1 else b""
    block = at + _zstd_header(flags)
    header = _number(data, block, 3)
    kind, size = (header or 0) >> 1 & 3, (header or 0) >> 3
    if flags & 8 or header is None or kind == 3 or size > ZSTD_BLOCK:
        return b""
    if kind != 2:
        return data[block + 3 : block + 3 + min(size, 5)] if kind == 0 else b""
    try:
        return bytes(reader(io.BytesIO(data[at : block + 3 + size])).read(5))
    except OSError:
        return b""


def _lz4_begins(data: Window, block: int) -> bytes:
    """The first 5 bytes of a block if they are literals, as they are unless they repeat.  Source: LZ4 Block Format."""
    size = _number(data, block, 4) or 0
    place = block + 4
    if not size >> 31:
        token = _number(data, place, 1) or 0
        place += 1
        if token >> 4 == 15:  # more length bytes follow, for up to 4 MiB of literals
            rest = data[place : place + (4 << 20) // 255]
            place += len(rest) - len(rest.lstrip(b"\xff")) + 1
        elif token >> 4 < 5:
            return b""
    return data[place : min(place + 5, block + 4 + (size & 0x7FFFFFFF))]


def _zstd_header(flags: int) -> int:
    """Length in bytes.  RFC 8878, 3.1.1.1: magic number, flags, window, dictionary id, content size."""
    single = flags >> 5 & 1
    return 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]


def _lz4_header(flags: int) -> int:
    return 7 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)


def inflated(data: Window | bytes, at: int, window: int = 31, salvage: bool = False) -> Generator[bytes, None, int]:
    """Yield the decompressed deflate stream that starts at `at`, in pieces of up to PIECE bytes; return its end offset.

    The end is greater than len(data) if the data end within the stream.  Raises zlib.error if it is damaged; with `salvage`
    everything before the damage is yielded first.  `window` is zlib's wbits: 31 for gzip, 15 with a zlib header, -15 for raw deflate.
    """
    stream = zlib.decompressobj(window)
    packed, size = b"", FIRST_PIECE
    while not stream.eof:
        if not packed:
            packed = data[at : at + size]
            at, size = at + len(packed), min(2 * size, PIECE)
        last, before = not packed, stream.copy() if salvage else stream
        try:
            piece = stream.decompress(packed, PIECE)
        except zlib.error:
            if salvage:
                yield from _up_to_damage(before, packed)
            raise
        packed = stream.unconsumed_tail
        if piece:
            yield piece
        elif last and not stream.eof:
            return len(data) + 1
    return at - len(stream.unused_data)


def _up_to_damage(stream: Any, packed: bytes) -> Iterator[bytes]:
    """What comes before the error; zlib discards it if both fall into one call."""
    for place in range(len(packed)):
        try:
            piece = stream.decompress(packed[place : place + 1])
        except zlib.error:
            return
        if piece:
            yield piece


def _gzip_end(data: Window, at: int) -> int | None:
    pieces = inflated(data, at)
    try:
        while True:
            next(pieces)
    except StopIteration as end:
        return int(end.value)
    except zlib.error:
        return None


def _zstd_ends(data: Window, at: int) -> Iterator[int | None]:
    """RFC 8878, 3.1.1: a header, blocks of which the last is flagged, and an optional checksum."""
    flags = _number(data, at + 4, 1)
    if flags is None:
        yield len(data) + 1
        return
    position = at + _zstd_header(flags)
    last = 0
    while not last:
        yield position
        block = _number(data, position, 3)
        if block is None:
            yield len(data) + 1
            return
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind == 3 or size > ZSTD_BLOCK:
            yield None
            return
        position += 3 + (1 if kind == 1 else size)
    yield position + 4 * (flags >> 2 & 1)


def _lz4_ends(data: Window, at: int) -> Iterator[int | None]:
    """LZ4 Frame Format 1.6: a descriptor, length-prefixed blocks, four zero bytes, and an optional checksum."""
    flags = _number(data, at + 4, 1)
    if flags is None:
        yield len(data) + 1
        return
    position = at + _lz4_header(flags)
    while size := _number(data, position, 4):
        yield position
        position += 4 + (size & 0x7FFFFFFF) + 4 * (flags >> 4 & 1)
    yield len(data) + 1 if size is None else position + 4 + 4 * (flags >> 2 & 1)


def _number(data: Window, at: int, length: int) -> int | None:
    found = data[at : at + length]
    return int.from_bytes(found, "little") if len(found) == length else None


class CalmZstdReader:
    """FastWARC's zstd reader, raising OSError where it would panic: on invalid dictionaries, which a damaged file may hold anywhere."""

    def __init__(self, file: Any, buffer_size: int = 1 << 16, dictionary: bytes | None = None) -> None:
        self._inner = _calm(lambda: ZstdReader(file, buffer_size=buffer_size, dictionary=dictionary))

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        return _calm(lambda: bytes(self._inner.read(size)))


def _calm(work: Callable[[], T]) -> T:
    try:
        return work()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's; it cannot be imported and is not an Exception
            raise
        raise OSError(f"zstd: {error}") from None
