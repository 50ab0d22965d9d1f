"""The fast path through an intact .warc.gz: members that hold one record each, decompressed in one call.

libdeflate decompresses a whole member in two thirds of the time that a stream takes, but must be given the member's end.
That is where the next one begins, so the magic number is searched for; it occurs by chance every 16 MB, in which case
the checksum fails and the next occurrence is tried.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator

import deflate

from corpus_builder.engine.guard import Reading
from corpus_builder.remote.window import Window, come_ahead
from corpus_builder.sources.record import HEADER_END, MAX_HEADER_BYTES, MAX_RECORD_BYTES, Broken, Layout, Record

FIRST_WINDOW = 1 << 16  # after the slow path took over, this one may not get far
WINDOW = 1 << 20
WIDEST = 8 << 20  # longer members take the slow path, which holds less in memory; crawlers truncate responses well below this
TRIES = 4  # magic numbers tried as the end of one member

_MARK = re.compile(rb"\x1f\x8b\x08")
_SHORTEST = 20  # bytes of the shortest member: header, trailer, and some data


def whole_members(data: Window, start: int, layout: Layout, reading: Reading) -> Generator[Record, None, int]:
    """Yield the records from `start` on, as long as each fills a gzip member of its own; return the offset where that stops.

    Each record has passed its member's checksum, begins and ends with its member, and is as long as its header
    says: exactly what the slow path would find.  Anything else stops it.
    """
    base, window, size = start, b"", FIRST_WINDOW
    while start < len(data) and not reading.at(start):
        ends = _MARK.finditer(window, start - base + _SHORTEST)
        for _ in range(TRIES):
            mark = next(ends, None)
            if mark is None and base + len(window) < len(data):
                if len(window) >= WIDEST and base == start:
                    return start
                size = max(size, 2 * (base == start) * len(window))
                base, window, size = start, data[start : start + size], max(min(2 * size, WINDOW), FIRST_WINDOW)
                come_ahead(data, base + len(window))
                break
            end = mark.start() if mark else len(window)
            packed = window[start - base : end]
            content = _content(packed)
            if content:
                record = _record(content, start, layout)
                if record is None:
                    return start
                yield record
            elif mark is None and content is None:
                return start
            if content is not None:
                start = base + end
                break
        else:
            return start
    return start


def _content(packed: bytes) -> bytearray | None:
    """The content of `packed` if that is exactly one whole member; None otherwise."""
    size = int.from_bytes(packed[-4:], "little")
    if not 0 <= size <= MAX_RECORD_BYTES or len(packed) < _SHORTEST:
        return None
    try:
        content = deflate.gzip_decompress(packed, size or 1)
    except (deflate.DeflateError, ValueError, MemoryError):
        return None
    return content if len(content) == size and _ends(packed, content) else None


def _ends(packed: bytes, content: bytearray) -> bool:
    """Whether the member ends where `packed` does; libdeflate verifies the checksum, but ignores what follows it.

    The trailer (checksum and size) must be the last thing in `packed`, and occur nowhere before.
    """
    trailer = packed[-8:]
    if deflate.crc32(content) != int.from_bytes(trailer[:4], "little"):
        return False
    if content:
        return packed.find(trailer) == len(packed) - 8
    member = zlib.decompressobj(31)  # the trailer is all zeros, which may occur anywhere
    return not member.decompress(packed, 1) and member.eof and not member.unused_data


def _record(content: bytearray, number: int, layout: Layout) -> Record | None:
    """The record in a member, if the member holds nothing else."""
    header = layout.header_end.search(content, 0, MAX_HEADER_BYTES)
    if not header or not layout.first.match(content):
        return None
    try:
        fields, length = layout.fields(bytes(content[: header.start()]))
    except Broken:
        return None
    begin, end = header.end(), header.end() + length
    if end > len(content) or content[end:] != layout.closing:
        return None
    split = HEADER_END.search(content, begin, end)
    middle = split.end() if split else end
    view = memoryview(content)
    return Record(number, fields, bytes(view[begin:middle]), bytes(view[middle:end]))
