"""Records that a crawler split into segments, joined again if all segments are in one file.

A long record may be written as a first segment (WARC-Segment-Number: 1) and `continuation` records that name it
(WARC-Segment-Origin-ID); the last one gives the total length.  Source: WARC 1.1 (ISO 28500:2017), 7.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from corpus_builder.sources.record import MAX_RECORD_BYTES, Damage, Record

PAGES = (b"response", b"conversion")
MISSING = "warc_segment_missing"


MAX_NAMES = 10_000  # of segmented records that are not pages; ours: crawlers write the segments of a record close together
_DETAIL_ORPHAN = "the segment before this one is not in this file"


@dataclass(slots=True)
class _Open:
    """A record with segments still to come; `first` has no content."""

    first: Record
    content: bytearray
    segments: int = 1


class _Waiting:
    """Incomplete records by name, oldest first, with up to MAX_RECORD_BYTES of contents and as much of headers."""

    def __init__(self) -> None:
        self._records: OrderedDict[bytes, _Open] = OrderedDict()
        self._contents = self._headers = 0

    def get(self, name: bytes) -> _Open | None:
        return self._records.get(name)

    def put(self, name: bytes, record: Record) -> None:
        self._records[name] = _Open(Record(record.number, record.fields, b""), bytearray(record.head + record.rest))
        self._contents += _size(record)
        self._headers += _header_size(record)

    def add(self, found: _Open, record: Record) -> None:
        found.content += record.head + record.rest
        found.segments += 1
        self._contents += _size(record)

    def take(self, name: bytes) -> _Open | None:
        found = self._records.pop(name, None)
        if found:
            self._contents -= len(found.content)
            self._headers -= _header_size(found.first)
        return found

    def too_many(self) -> Iterator[_Open]:
        """Remove the oldest until the rest is within bounds."""
        while self._contents > MAX_RECORD_BYTES or self._headers > MAX_RECORD_BYTES:
            if found := self.take(next(iter(self._records))):
                yield found

    def all(self) -> Iterable[_Open]:
        return self._records.values()


def join_segments(records: Iterator[Record | Damage]) -> Iterator[Record | Damage]:
    """The records with segments joined; a joined record follows its last segment, under the number of its first.

    Incomplete records take up at most twice MAX_RECORD_BYTES in all: beyond that the oldest is given up.  What cannot be joined
    is yielded as Damage.
    """
    waiting = _Waiting()
    passed: OrderedDict[bytes, None] = OrderedDict()  # segmented records that are not pages: their segments are not reported
    for record in records:
        if isinstance(record, Damage) or b"warc-segment-number" not in record.fields:
            yield record
            continue
        kind, place = record.fields[b"warc-type"].lower(), record.fields[b"warc-segment-number"]
        if kind != b"continuation":
            name = _name(record, b"warc-record-id")
            if kind not in PAGES or place != b"1":
                passed[name] = None
                if len(passed) > MAX_NAMES:
                    passed.popitem(last=False)
                yield record
                continue
            if replaced := waiting.take(name):
                yield _missing(replaced)
            waiting.put(name, record)
            yield from map(_missing, waiting.too_many())
            continue
        yield record
        name = _name(record, b"warc-segment-origin-id")
        found = waiting.get(name)
        if found is None or place != b"%d" % (found.segments + 1):
            if found is not None or name not in passed:
                yield Damage(record.number, _size(record), MISSING, _DETAIL_ORPHAN, record.url)
            continue
        waiting.add(found, record)
        yield from map(_missing, waiting.too_many())
        total = record.fields.get(b"warc-segment-total-length")
        if total is not None and waiting.take(name):
            yield _joined(found, record) if total == b"%d" % len(found.content) else _missing(found)
    yield from map(_missing, waiting.all())


def _name(record: Record, field: bytes) -> bytes:
    """A record's name as a digest of 16 bytes: names themselves may have kilobytes."""
    return blake2b(record.fields.get(field, b""), digest_size=16).digest()


def _joined(found: _Open, last: Record) -> Record:
    fields = dict(found.first.fields)
    if b"warc-truncated" in last.fields:
        fields[b"warc-truncated"] = last.fields[b"warc-truncated"]
    return Record(found.first.number, fields, bytes(found.content))


def _missing(found: _Open) -> Damage:
    size = len(found.content)
    detail = f"{found.segments} of its segments with {size} bytes are in this file, the others are not, or are too large"
    return Damage(found.first.number, size, MISSING, detail, found.first.url)


def _size(record: Record) -> int:
    return len(record.head) + len(record.rest)


def _header_size(record: Record) -> int:
    """Roughly the bytes that the header takes in memory."""
    return 500 + sum(100 + len(name) + len(value) for name, value in record.fields.items())
