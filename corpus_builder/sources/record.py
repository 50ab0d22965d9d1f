"""One record as bytes, a stretch where no record can be read, and the layouts of WARC and ARC files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_RECORD_BYTES = 64 << 20  # ours: 400 times the mean page; larger records are skipped piece by piece, and reported
MAX_HEADER_BYTES = 64 << 10  # ours: URLs of several kilobytes occur

HEADER_END = re.compile(rb"\n\r?\n")  # an optional \r in front would make the search twenty times slower
_FIELD = re.compile(rb"\n([^:\s]+)[ \t]*:[ \t]*([^\n]*)")
_FOLDED = re.compile(rb"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its offset in the file, its header fields (names in lower case), and its content in two pieces.

    The k-th further record inside one compressed member has no offset of its own; it is numbered member offset + k.
    The content is `head + rest`, kept apart because joining a page of 160 kB costs more than all other work on a record.
    """

    number: int
    fields: dict[bytes, bytes]
    head: bytes
    rest: bytes = b""

    @property
    def url(self) -> str:
        """WARC-Target-URI; "" if there is none."""
        return self.fields.get(b"warc-target-uri", b"").strip(b"<>").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the file that yielded no page: `number` is its byte offset, `length` its size in bytes.

    `url` is the page's if the record itself is intact and only its HTTP response is not.
    """

    number: int
    length: int
    reason: str
    detail: str
    url: str = ""


class Broken(Exception):
    """What is being read is not a record; args are the reason and the detail.  Never leaves this package."""


def header_fields(header: bytes) -> tuple[dict[bytes, bytes], int]:
    r"""The fields of a record's header and its Content-Length; raises Broken if that or WARC-Type is missing or invalid.

    >>> header_fields(b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 12")[1]
    12
    """
    if b"\n " in header or b"\n\t" in header:
        header = _FOLDED.sub(b" ", header)
    fields = {name.lower(): value.strip() for name, value in _FIELD.findall(header)}
    length = fields.get(b"content-length", b"")
    if not length.isdigit() or len(length) > 15:
        raise Broken("warc_damaged", f"Content-Length is {length.decode('latin-1')[:40]!r}")
    if not fields.get(b"warc-type"):
        raise Broken("warc_damaged", "the record has no WARC-Type")
    return fields, int(length)


# URL IP-address Archive-date Content-type [Result-code Checksum Location Offset Filename] Archive-length; old crawlers left
# spaces in URLs, so the length is searched from the right, and the first date preceded by an address from the left.
_ARC_HEADER = re.compile(rb"(\S.*?) \S++ (\d{14})(?: (\S*)|$)")


def arc_fields(header: bytes) -> tuple[dict[bytes, bytes], int]:
    r"""Parse the header line of an ARC record (version 1, 1.1 or 2) into the fields that a WARC record would have, and its length.

    The file's own description becomes a `warcinfo` record.  Source: Internet Archive, "Arc File Format", 1996.

    >>> arc_fields(b"http://a.example/ 192.0.2.1 19961104142103 text/html 202")[0][b"warc-date"]
    b'1996-11-04T14:21:03Z'
    """
    start, _, length = header.rstrip(b" \r").rpartition(b" ")
    found = _ARC_HEADER.match(start)
    if not found or not length.isdigit() or len(length) > 15:
        raise Broken("warc_damaged", f"no header of an ARC record: {header[:60].decode('latin-1')!r}")
    url, date, kind = found.groups()
    about = url.startswith(b"filedesc:")
    day, clock = b"-".join((date[:4], date[4:6], date[6:8])), b":".join((date[8:10], date[10:12], date[12:]))
    return {
        b"warc-type": b"warcinfo" if about else b"response",
        b"warc-target-uri": b"" if about else url,
        b"warc-date": b"%sT%sZ" % (day, clock),
        b"content-type": b"application/http" if url.startswith(b"http") else kind or b"unknown",
    }, int(length)


@dataclass(frozen=True, slots=True)
class Layout:
    """How records are laid out in an archive: `first` matches a record's first 5 bytes, `line` its first line; `closing` ends it."""

    first: re.Pattern[bytes]
    line: re.Pattern[bytes]
    header_end: re.Pattern[bytes]
    fields: Callable[[bytes], tuple[dict[bytes, bytes], int]]
    closing: bytes

    def next_line(self) -> re.Pattern[bytes]:
        """A pattern for the start of a record in a plain file, with the line break before it."""
        return re.compile(b"\n" + self.line.pattern)


WARC = Layout(
    re.compile(rb"(?i:WARC)/"), re.compile(rb"(?i:WARC)/\d\.\d{1,2}[ \t]*\r?\n"), HEADER_END, header_fields, b"\r\n\r\n"
)
ARC = Layout(
    re.compile(rb"http[s:]|filed|dns:|ftp:/|whois"),
    # The line's end is searched first, then the last date from the right: no line is scanned more than twice.
    re.compile(rb"(?:https?|filedesc|dns|ftp|whois):(?=[^\r\n]{1,69632}+\r?\n)[^\r\n]{1,69632}(?<= \d{14} )[^\r\n]*+\r?\n"),
    re.compile(rb"\n"),
    arc_fields,
    b"\n",
)
