"""Where a compressed member ends, by its own account: what tells a file that was cut off from one that is damaged."""

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

PIECE = 1 << 16  # bytes read, and unpacked, at a time
FIRST_PIECE = 1 << 12  # most of what is looked at in pieces is small
ZSTD_BLOCK = 128 << 10


def member_end(data: Window, at: int, magic: bytes) -> int | None:
    """Offset behind the member that starts at `at`; more than the file's size where the file ends within it.

    None where it is damaged as far as it can be seen: gzip is decompressed, the frames of zstd and LZ4 are walked by the
    lengths of their blocks.
    """
    if not (data[at : at + 4].startswith(magic) or magic.startswith(data[at : at + len(magic)])):
        return None
    if magic == GZIP:
        return _gzip_end(data, at)
    return deque(block_ends(data, at, magic), maxlen=1).pop()


def block_ends(data: Window, at: int, magic: bytes) -> Iterator[int | None]:
    """Where the header, each block and the checksum of a frame of zstd or LZ4 end, by its own account, so the last is the frame's end.

    The last is None where the frame is damaged, and more than the file's size where the file ends within it.
    """
    return (_zstd_ends if magic == ZSTD else _lz4_ends)(data, at)


def skippable_end(data: Window, at: int) -> int:
    """Behind the frames without data that zstd and LZ4 allow before a frame: `at` itself where there is none."""
    while (_number(data, at, 4) or 0) >> 4 == int.from_bytes(SKIPPABLE, "little") >> 4:
        at += 8 + (_number(data, at + 4, 4) or 0)
    return at


def begins(data: Window, at: int, magic: bytes, reader: Callable[..., Any]) -> bytes:
    """The first bytes of what a member holds, 5 or none; b"" where there is no member.

    The mark of a member may stand anywhere any number of times, so looking at one must cost little: of gzip 4 KiB are looked
    at, as the header may hold names and nobody writes longer ones; of LZ4 only the bytes themselves, as
    what a record begins with repeats nothing; of zstd the first block, of up to 128 KiB.
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
    """The first 5 bytes of a block where they are literals, as different bytes always are.  Source: LZ4 Block Format."""
    size = _number(data, block, 4) or 0
    place = block + 4
    if not size >> 31:
        token = _number(data, place, 1) or 0
        place += 1
        if token >> 4 == 15:  # the number of literals goes on, for up to 4 MiB
            rest = data[place : place + (4 << 20) // 255]
            place += len(rest) - len(rest.lstrip(b"\xff")) + 1
        elif token >> 4 < 5:
            return b""
    return data[place : min(place + 5, block + 4 + (size & 0x7FFFFFFF))]


def _zstd_header(flags: int) -> int:
    """RFC 8878, 3.1.1.1: magic number, flags, window, dictionary, size of the content."""
    single = flags >> 5 & 1
    return 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]


def _lz4_header(flags: int) -> int:
    return 7 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)


def inflated(data: Window | bytes, at: int, window: int = 31, salvage: bool = False) -> Generator[bytes, None, int]:
    """What a stream of zlib holds that starts at `at`, in pieces of up to PIECE bytes; then its end, or more than len(data) where it has none.

    Raises zlib.error where it is damaged.  `window` is zlib's: 31 for gzip, 15 with zlib's header, -15 without.
    With `salvage` nothing that comes before the damage is lost.
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
    """What comes before the error, which zlib keeps to itself where it meets both in one call."""
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
    """RFC 8878, 3.1.1: a header, then blocks, the last of which says so, then perhaps a checksum."""
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
    """LZ4 Frame Format 1.6: a descriptor, blocks with their lengths, four zero bytes, perhaps a checksum."""
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
    """FastWARC's reader, with an OSError where it panics: at dictionaries that are none, which may stand anywhere in a file."""

    def __init__(self, file: Any, buffer_size: int = 1 << 16, dictionary: bytes | None = None) -> None:
        self._inner = _calm(lambda: ZstdReader(file, buffer_size=buffer_size, dictionary=dictionary))

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        return _calm(lambda: bytes(self._inner.read(size)))


def _calm(work: Callable[[], T]) -> T:
    try:
        return work()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's; it cannot be imported, and is no Exception
            raise
        raise OSError(f"zstd: {error}") from None
