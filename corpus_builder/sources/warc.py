"""The pages of a WARC or ARC file, the texts of a WET file, and a record of everything else in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus_builder.engine.guard import Reading
from corpus_builder.errors import InputError
from corpus_builder.reasons import REASONS
from corpus_builder.remote.places import name_of
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import Window, opened, search
from corpus_builder.sources.http import parse_response
from corpus_builder.sources.members import read_members
from corpus_builder.sources.packing import layout_of, packing_of
from corpus_builder.sources.record import ARC, MAX_HEADER_BYTES, MAX_RECORD_BYTES, Broken, Damage, Layout, Record
from corpus_builder.sources.segments import join_segments
from corpus_builder.sources.stream import check_place

__all__ = ["Damage", "OtherRecord", "Page", "Text", "read_warc"]

_KINDS = {b"warcinfo", b"response", b"resource", b"request", b"metadata", b"revisit", b"conversion", b"continuation"}
MAX_CRAWL_BYTES = 1000  # ours: the name of the crawl is stored with each page
MAX_NEWLINES = 4096  # skipped to see what follows a record whose length may be wrong; two are standard
PIECE = 4096
_CRAWL = re.compile(rb"^isPartOf[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP response of a WARC.

    `number` is the byte offset of the record in the file as stored, so that it can be cut out by hand; `date` is WARC-Date;
    `crawl` is isPartOf of the warcinfo record; `content_type` is the HTTP header; each "" if unknown.  `body` is decoded.
    """

    number: int
    url: str
    date: str
    crawl: str
    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A text that was extracted before: a `conversion` record of type text/plain, as in WET files."""

    number: int
    url: str
    date: str
    crawl: str
    body: bytes


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """An intact record that is not a page; `kind` is its WARC-Type, "unknown", or "response_not_http"."""

    kind: str
    number: int
    url: str


def read_warc(path: str | Path, stat: Stat | None = None) -> Iterator[Page | Text | Damage | OtherRecord]:
    """Every record of a WARC, WET or ARC file, in order; plain, gzip, zstd or LZ4, detected from its bytes.

    `path` may be an https:// or s3:// address; `stat` then pins the version (default: the current one).  Bad content never
    raises: what cannot be read is yielded as Damage.  Raises InputError if the file is missing or unreadable.
    """
    for record, crawl in read_of_crawl(path, stat):
        yield understood(record, crawl)


def read_of_crawl(
    path: str | Path, stat: Stat | None = None, reading: Reading | None = None
) -> Iterator[tuple[Record | Damage, str]]:
    """Every record as bytes, with segments joined, and the name of its crawl: isPartOf in the preceding warcinfo record, or ""."""
    crawl = ""
    for record in join_segments(read_records(path, stat, reading)):
        if isinstance(record, Record) and record.fields[b"warc-type"].lower() == b"warcinfo":
            found = _CRAWL.search(record.head + record.rest)
            crawl = _text(found[1].strip()[:MAX_CRAWL_BYTES]) if found else crawl
        yield record, crawl


def understood(record: Record | Damage, crawl: str) -> Page | Text | Damage | OtherRecord:
    """Interpret a record as a page, a text, damage or something else."""
    if isinstance(record, Damage):
        return record
    fields = record.fields
    kind = fields[b"warc-type"].lower()
    if kind == b"conversion" and fields.get(b"content-type", b"").lower().startswith(b"text/plain"):
        return Text(record.number, record.url, _text(fields.get(b"warc-date", b"")), crawl, record.head + record.rest)
    if kind != b"response":
        return OtherRecord(kind.decode() if kind in _KINDS else "unknown", record.number, record.url)
    if not record.head.startswith(b"HTTP/") and b"http" not in fields.get(b"content-type", b"http").lower():
        return OtherRecord("response_not_http", record.number, record.url)
    try:
        return _page(record, crawl)
    except Broken as broken:
        reason, detail = broken.args
        return Damage(record.number, len(record.head) + len(record.rest), reason, detail, record.url)


def _page(record: Record, crawl: str) -> Page:
    fields = record.fields
    response = parse_response(record.head, record.rest, truncated=bool(fields.get(b"warc-truncated")))
    return Page(
        number=record.number,
        url=record.url,
        date=_text(fields.get(b"warc-date", b"")),
        crawl=crawl,
        status=response.status,
        content_type=response.content_type,
        body=response.body,
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def read_records(path: str | Path, stat: Stat | None = None, reading: Reading | None = None) -> Iterator[Record | Damage]:
    """Every record as bytes and every damaged stretch; see `read_warc`.  `reading` is kept informed of the offset."""
    try:
        with opened(path, stat) as (_, data):
            if not len(data):
                yield Damage(0, 0, "warc_empty", REASONS["warc_empty"].meaning)
                return
            found = False
            for item in _read(data, name_of(path).lower(), reading or Reading()):
                if not found and isinstance(item, Damage) and item.reason == "warc_damaged" and item.length == len(data):
                    item = Damage(0, item.length, "not_a_warc", item.detail)
                found = True
                yield item
            if not found:
                yield Damage(0, len(data), "not_a_warc", "the file holds line breaks only")
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}; check the path of the source in the recipe.") from error
    except OSError as error:
        raise InputError(
            f"The file {path} cannot be read ({error.strerror or error}); check that it is a file, and check its permissions and the disk."
        ) from error


def _read(data: Window, name: str, reading: Reading) -> Iterator[Record | Damage]:
    packing = packing_of(data, name)
    return read_members(data, packing, reading) if packing else _read_plain(data, layout_of(data[:16], name), reading)


def _read_plain(data: Window, layout: Layout, reading: Reading) -> Iterator[Record | Damage]:
    position, size = _after_newlines(data, 0), len(data)
    next_line = layout.next_line()
    headers = _PlainHeaders(data, layout)
    while position < size:
        try:
            check_place(reading, position)
            fields, content_at, length = headers.read(position)
            end = content_at + length
            if end > size:
                raise Broken("warc_truncated", f"the file ends after {size - content_at} of {length} bytes")
            following = _after_newlines(data, end, MAX_NEWLINES)
            followed = following in (size, end + MAX_NEWLINES) or layout.first.match(data[following : following + 5])
            if not followed and not _is_closed(data, content_at, end, layout):
                raise Broken("warc_content_length", f"no record starts {length} bytes after the header")
        except Broken as broken:
            reason, detail = broken.args
            # The length may be wrong, so the next record may start before the end of this one.
            found = search(next_line, data, position)
            end = found[0] + 1 if found else size
            if found and reason == "warc_truncated":
                reason, detail = "warc_content_length", "another record starts before its end"
            yield Damage(position, end - position, reason, detail)
            position = end
            continue
        if length > MAX_RECORD_BYTES:
            yield Damage(position, end - position, "warc_record_too_large", f"Content-Length is {length}")
        else:
            yield Record(position, fields, data[content_at:end])
        position = following if following < end + MAX_NEWLINES else _after_newlines(data, following)


def _is_closed(data: Window, content_at: int, end: int, layout: Layout) -> bool:
    """Whether a record is intact although no other follows.  The line break that ends an ARC record may also be there by chance."""
    if data[end : end + len(layout.closing)] != layout.closing:
        return False
    return layout is not ARC or (
        end - content_at <= MAX_RECORD_BYTES and not search(layout.next_line(), data, content_at, end + 1)
    )


class _PlainHeaders:
    """Reads record headers; bytes already searched for the end of a header are not searched again for another that starts within them."""

    def __init__(self, data: Window, layout: Layout) -> None:
        self._data, self._layout = data, layout
        self._no_end_before = 0
        self._searched_from, self._end = 0, (-1, -1)

    def read(self, position: int) -> tuple[dict[bytes, bytes], int, int]:
        """The fields of the header at `position`, the content's offset and its length; raises Broken if there is no sound header."""
        data, layout = self._data, self._layout
        if not layout.first.match(data[position : position + 5]):
            raise Broken("warc_damaged", "no record starts here")
        stop = position + MAX_HEADER_BYTES
        if not self._searched_from <= position <= self._end[0] < stop:
            self._searched_from = position
            self._end = search(layout.header_end, data, max(position, self._no_end_before), stop) or (-1, -1)
        found = self._end
        if found[0] < 0:
            self._no_end_before = max(min(stop, len(data)) - 2, position)
            if len(data) < stop:
                raise Broken("warc_truncated", "the file ends inside a record's header")
            raise Broken("warc_damaged", f"the header has no end within {MAX_HEADER_BYTES} bytes")
        header = data[position : min(found[0], position + PIECE)]
        goes_on = len(header) == PIECE
        if layout is not ARC and (
            b"\nwarc/" in header.lower() or (goes_on and search(layout.next_line(), data, position, found[1]))
        ):
            raise Broken("warc_damaged", "another record starts within the header")
        fields, length = layout.fields(data[position : found[0]] if goes_on else header)
        return fields, found[1], length


def _after_newlines(data: Window, position: int, most: int | None = None) -> int:
    """The offset after the line breaks at `position`, or after the first `most` of them."""
    end = len(data) if most is None else min(position + most, len(data))
    size = 8  # two CRLFs and something else
    while position < end:
        piece = data[position : min(position + size, end)]
        if left := len(piece.lstrip(b"\r\n")):
            return position + len(piece) - left
        position += len(piece)
        size = PIECE
    return position
