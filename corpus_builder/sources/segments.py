"""Records that a crawler cut into segments, joined again where all of them stand in one file.

A long record may be written as a first segment (WARC-Segment-Number: 1) and `continuation` records that name it
(WARC-Segment-Origin-ID); the last one tells the total length.  Source: WARC 1.1 (ISO 28500:2017), 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from corpus_builder.sources.record import MAX_RECORD_BYTES, Damage, Record

PAGES = (b"response", b"conversion")
MISSING = "warc_segment_missing"


@dataclass(slots=True)
class _Open:
    """A record of which segments are still to come."""

    first: Record
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0


def join_segments(records: Iterator[Record | Damage]) -> Iterator[Record | Damage]:
    """The records with segments joined; a joined record comes behind its last segment, under the number of its first.

    Segments that wait hold no more than MAX_RECORD_BYTES together: the oldest goes when there is more.  What cannot be joined
    is a Damage.
    """
    waiting: dict[bytes, _Open] = {}
    passed: set[bytes] = set()  # segmented records that are no pages: their segments are nothing to speak of
    for record in records:
        if isinstance(record, Damage) or b"warc-segment-number" not in record.fields:
            yield record
            continue
        kind, place = record.fields[b"warc-type"].lower(), record.fields[b"warc-segment-number"]
        if kind != b"continuation":
            name = record.fields.get(b"warc-record-id", b"")
            if kind not in PAGES or place != b"1":
                passed.add(name)
                yield record
                continue
            if name in waiting:
                yield _missing(waiting.pop(name))
            waiting[name] = _Open(record)
            yield from _add(waiting, name, record)
            continue
        yield record
        name = record.fields.get(b"warc-segment-origin-id", b"")
        found = waiting.get(name)
        if found is None or place != b"%d" % (len(found.pieces) + 1):
            if found is not None or name not in passed:
                yield Damage(record.number, _size(record), MISSING, _DETAIL_ORPHAN, record.url)
            continue
        yield from _add(waiting, name, record)
        total = record.fields.get(b"warc-segment-total-length")
        if total is not None and name in waiting:
            del waiting[name]
            yield _joined(found, record) if total == b"%d" % found.size else _missing(found)
    for found in waiting.values():
        yield _missing(found)


_DETAIL_ORPHAN = "the segment before this one is not in this file"


def _add(waiting: dict[bytes, _Open], name: bytes, record: Record) -> Iterator[Damage]:
    found = waiting[name]
    found.pieces.append(record.head + record.rest)
    found.size += len(found.pieces[-1])
    while sum(one.size for one in waiting.values()) > MAX_RECORD_BYTES:
        yield _missing(waiting.pop(next(iter(waiting))))


def _joined(found: _Open, last: Record) -> Record:
    fields = dict(found.first.fields)
    if b"warc-truncated" in last.fields:
        fields[b"warc-truncated"] = last.fields[b"warc-truncated"]
    return Record(found.first.number, fields, b"".join(found.pieces))


def _missing(found: _Open) -> Damage:
    detail = f"{len(found.pieces)} of its segments with {found.size} bytes are in this file, the others are not, or are too large"
    return Damage(found.first.number, found.size, MISSING, detail, found.first.url)


def _size(record: Record) -> int:
    return len(record.head) + len(record.rest)
