"""The pages of a WARC file, and an account of everything in it that is no page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from corpus_builder.errors import InputError
from corpus_builder.remote.patience import Stat
from corpus_builder.remote.places import name_of
from corpus_builder.remote.window import Window, opened, search
from corpus_builder.sources.http import parse_response
from corpus_builder.sources.members import GZIP, LZ4, READERS, ZSTD, read_members
from corpus_builder.sources.record import (
    HEADER_END,
    MAX_HEADER_BYTES,
    MAX_RECORD_BYTES,
    Broken,
    Damage,
    Record,
    header_fields,
)

__all__ = ["REASONS", "Damage", "OtherRecord", "Page", "read_warc"]

REASONS = {
    "warc_empty": "the file has no bytes",
    "not_a_warc": "no WARC record was found in the file",
    "warc_damaged": "a stretch of the file cannot be decompressed, or holds no readable record",
    "warc_truncated": "the file ends inside a record",
    "warc_content_length": "a record is longer or shorter than its Content-Length says",
    "warc_record_too_large": f"a record has more than {MAX_RECORD_BYTES >> 20} MiB",
    "http_damaged": "a response does not start with an HTTP status line",
    "http_encoding_broken": "the body's gzip or chunked encoding is broken",
    "http_body_too_large": "the body's encoding unfolds to more than 64 MiB",
    "revisit": "the record holds no body, as the page had not changed since an earlier visit",
}

_SUFFIXES = {".gz": GZIP, ".zst": ZSTD, ".lz4": LZ4}
_KINDS = {b"warcinfo", b"response", b"resource", b"request", b"metadata", b"revisit", b"conversion", b"continuation"}
_RECORD_START = re.compile(rb"WARC/\d\.\d{1,2}[ \t]*\r?\n")
_NEXT_RECORD = re.compile(rb"\nWARC/\d\.\d{1,2}[ \t]*\r?\n")
_CRAWL = re.compile(rb"^isPartOf[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP response of a WARC.

    `number` is the byte offset of the record in the file as stored, so that a person can cut it out; `date` is WARC-Date;
    `crawl` is isPartOf of the warcinfo record; `content_type` is the HTTP header, `identified_type` the crawler's
    WARC-Identified-Payload-Type, `truncated` WARC-Truncated; each "" where unknown.  `body` has its encodings undone.
    """

    number: int
    url: str
    date: str
    crawl: str
    status: int
    content_type: str
    identified_type: str
    truncated: str
    body: bytes


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """A sound record that is no page; `kind` is its WARC-Type, "unknown", or "response_not_http"."""

    kind: str
    number: int
    url: str


def read_warc(path: str | Path, stat: Stat | None = None) -> Iterator[Page | Damage | OtherRecord]:
    """Every record of a WARC file, in order: .warc, .warc.gz, .warc.zst, .warc.lz4, told apart by their bytes.

    The file may lie at https:// or s3://; `stat` is then the version that is meant (default: the one that is there).  Bad content never raises: what cannot be read is a Damage with one of REASONS.  A file that is missing or cannot be
    read raises InputError.
    """
    crawl = ""
    for record in read_records(path, stat):
        if isinstance(record, Damage):
            yield record
            continue
        kind = record.fields[b"warc-type"].lower()
        if kind != b"response":
            if kind == b"warcinfo" and (found := _CRAWL.search(record.head + record.rest)):
                crawl = _text(found[1].strip())
            yield OtherRecord(kind.decode() if kind in _KINDS else "unknown", record.number, _url(record))
        elif not record.head.startswith(b"HTTP/") and b"http" not in record.fields.get(b"content-type", b"http").lower():
            yield OtherRecord("response_not_http", record.number, _url(record))
        else:
            try:
                yield _page(record, crawl)
            except Broken as broken:
                reason, detail = broken.args
                yield Damage(record.number, len(record.head) + len(record.rest), reason, detail, _url(record))


def _page(record: Record, crawl: str) -> Page:
    fields = record.fields
    truncated = _text(fields.get(b"warc-truncated", b""))
    response = parse_response(record.head, record.rest, bool(truncated))
    return Page(
        number=record.number,
        url=_url(record),
        date=_text(fields.get(b"warc-date", b"")),
        crawl=crawl,
        status=response.status,
        content_type=response.content_type,
        identified_type=_text(fields.get(b"warc-identified-payload-type", b"")),
        truncated=truncated,
        body=response.body,
    )


def _url(record: Record) -> str:
    return _text(record.fields.get(b"warc-target-uri", b"").strip(b"<>"))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def read_records(path: str | Path, stat: Stat | None = None) -> Iterator[Record | Damage]:
    """Every record as bytes and every damaged stretch; see `read_warc`."""
    try:
        with opened(path, stat) as (file, data):
            if not len(data):
                yield Damage(0, 0, "warc_empty", REASONS["warc_empty"])
                return
            found = False
            for item in _read(file, data, Path(name_of(path)).suffix.lower()):
                if not found and isinstance(item, Damage) and item.reason == "warc_damaged" and item.length == len(data):
                    what = "an ARC file; convert it to WARC" if data[:11] == b"filedesc://" else item.detail
                    item = Damage(0, item.length, "not_a_warc", what)
                found = True
                yield item
            if not found:
                yield Damage(0, len(data), "not_a_warc", "the file holds line breaks only")
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}; check the path of the source in the recipe.") from error
    except OSError as error:
        raise InputError(
            f"The file {path} cannot be read ({error.strerror or error}); check that it is a file, its permissions and the disk."
        ) from error


def _read(file: BinaryIO, data: Window, suffix: str) -> Iterator[Record | Damage]:
    magic = next((magic for magic in READERS if data[: len(magic)] == magic), b"")
    if not magic and not _RECORD_START.match(data[:MAX_HEADER_BYTES]):  # the start of the file is damaged: go by the name
        magic = _SUFFIXES.get(suffix, b"")
    return read_members(file, data, magic) if magic else _read_plain(data)


def _read_plain(data: Window) -> Iterator[Record | Damage]:
    position, size = _after_newlines(data, 0), len(data)
    while position < size:
        try:
            fields, content_at, length = _plain_header(data, position)
            end = content_at + length
            if end > size:
                raise Broken("warc_truncated", f"the file ends after {size - content_at} of {length} bytes")
            following = _after_newlines(data, end)
            closed = data[end : end + 4] == b"\r\n\r\n"  # then the record is sound, whatever follows
            if following < size and data[following : following + 5] != b"WARC/" and not closed:
                raise Broken("warc_content_length", f"no record starts {length} bytes after the header")
        except Broken as broken:
            reason, detail = broken.args
            # The length may be what is wrong, so the next record may start before the end of this one.
            found = search(_NEXT_RECORD, data, position)
            end = found[0] + 1 if found else size
            if found and reason == "warc_truncated":
                reason, detail = "warc_content_length", f"another record starts within its {length} bytes"
            yield Damage(position, end - position, reason, detail)
            position = end
            continue
        if length > MAX_RECORD_BYTES:
            yield Damage(position, end - position, "warc_record_too_large", f"Content-Length is {length}")
        else:
            yield Record(position, fields, data[content_at:end])
        position = following


def _plain_header(data: Window, position: int) -> tuple[dict[bytes, bytes], int, int]:
    if data[position : position + 5] != b"WARC/":
        raise Broken("warc_damaged", "no record starts here")
    found = search(HEADER_END, data, position, position + MAX_HEADER_BYTES)
    if not found:
        if len(data) - position < MAX_HEADER_BYTES:
            raise Broken("warc_truncated", "the file ends inside a record's header")
        raise Broken("warc_damaged", f"the header has no end within {MAX_HEADER_BYTES} bytes")
    fields, length = header_fields(data[position : found[0]])
    return fields, found[1], length


def _after_newlines(data: Window, position: int) -> int:
    while data[position : position + 1] in (b"\r", b"\n"):
        position += 1
    return position
