"""One WARC record as bytes, and what is found where none can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RECORD_BYTES = 64 << 20  # ours: 400 times the mean page; larger records are passed over in pieces, and reported
MAX_HEADER_BYTES = 64 << 10  # ours: URLs of some kilobytes occur

HEADER_END = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(rb"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it starts in the file, its header fields (names in lower case), its content in two pieces.

    The k-th further record inside one compressed member has no offset of its own; it is numbered member offset + k.
    The content is `head + rest`, left apart because joining a page of 160 kB costs more than all other work on a record.
    """

    number: int
    fields: dict[bytes, bytes]
    head: bytes
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the file that gave no page: `number` is its byte offset, `length` the bytes that it covers.

    `url` is the page's where the record itself is sound and its HTTP response is not.
    """

    number: int
    length: int
    reason: str
    detail: str
    url: str = ""


class Broken(Exception):
    """What is being read is no record: the reason, then the detail.  Never leaves this room."""


def header_fields(header: bytes) -> tuple[dict[bytes, bytes], int]:
    r"""The fields of a record's header and its Content-Length; raises Broken where either is missing.

    >>> header_fields(b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 12")[1]
    12
    """
    if b"\n " in header or b"\n\t" in header:
        header = _FOLDED.sub(b" ", header)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in header.split(b"\n"))}
    length = fields.get(b"content-length", b"")
    if not length.isdigit() or len(length) > 15:
        raise Broken("warc_damaged", f"Content-Length is {length.decode('latin-1')[:40]!r}")
    if not fields.get(b"warc-type"):
        raise Broken("warc_damaged", "the record has no WARC-Type")
    return fields, int(length)
