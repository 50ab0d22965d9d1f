"""The HTTP response inside a WARC record: status, headers, and the body with its encodings undone."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastwarc.stream_io import BrotliReader

from corpus_builder.sources.frames import ZSTD, CalmZstdReader, inflated, member_end
from corpus_builder.sources.record import HEADER_END, Broken

MAX_BODY_BYTES = 64 << 20  # ours: limits what a decompression bomb can expand to
MAX_LAYERS = 4  # ours: nested content encodings
PIECE = 1 << 20
LAST_PIECE = 64  # FastWARC returns nothing of a piece that it cannot fill, so a possibly truncated body is read in small pieces
NO_SUCH_STREAM = "the body is not compressed as it says"

_STATUS = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]+(\d{3})(?!\d)")
_FIELD = re.compile(rb"\n(Content-Type|Content-Encoding|Transfer-Encoding)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; `content_type` is the header as sent; "" if there is none."""

    status: int
    content_type: str
    body: bytes


def parse_response(head: bytes, rest: bytes, truncated: bool) -> Response:
    r"""Parse the response in `head + rest`; raises Broken with a reason for the ledger.

    Archives store bodies either as sent or already decoded under the original headers, so an encoding is undone only if the
    bytes really have it.  A body that the crawler cut off (`truncated`) is decoded as far as it goes.

    >>> parse_response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", b"", truncated=False)
    Response(status=200, content_type='text/html', body=b'<p>')
    """
    end = HEADER_END.search(head)
    if not end and rest:
        head, rest = head + rest, b""
        end = HEADER_END.search(head)
    header_end = end.start() if end else len(head)
    status = _STATUS.match(head, 0, header_end)
    if not status:
        raise Broken("http_damaged", f"the response starts with {head[:40].decode('latin-1')!r}")
    body = head[end.end() :] + rest if end else b""
    fields: dict[bytes, bytes] = {}
    encodings: list[bytes] = []
    for name, value in _FIELD.findall(head, 0, header_end):
        fields[name.lower()] = value.strip()
    for name in (b"content-encoding", b"transfer-encoding"):  # in the order in which they were applied
        if name in fields:
            encodings += [encoding.strip() for encoding in fields[name].lower().split(b",")]
    for encoding in reversed(encodings[-MAX_LAYERS:]):
        body = _undo(encoding, body, truncated)
    return Response(int(status[1]), fields.get(b"content-type", b"").decode("latin-1"), body)


def _undo(encoding: bytes, body: bytes, truncated: bool) -> bytes:
    if encoding == b"chunked":
        return _dechunk(body, truncated)
    if encoding in (b"gzip", b"x-gzip"):
        return _inflate(body, 31, truncated) if body[:2] == b"\x1f\x8b" else body
    if encoding == b"deflate":
        return _deflated(body, truncated)
    if encoding == b"br":
        return _unbrotli(body, truncated)
    if encoding == b"zstd":
        return _unzstd(body, truncated)
    return body


def _dechunk(body: bytes, truncated: bool) -> bytes:
    """The body without its chunk headers; unchanged if it does not begin with a chunk."""
    pieces: list[bytes] = []
    position = 0
    while found := _CHUNK.match(body, position):
        size = int(found[1], 16)
        start, position = found.end(), found.end() + size
        if size == 0:
            return b"".join(pieces)
        if position > len(body) and not truncated:
            raise Broken("http_encoding_broken", f"a chunk is cut off after {len(body) - start} of {size} bytes")
        pieces.append(body[start:position])
        if body.startswith(b"\r\n", position):
            position += 2
        elif body.startswith(b"\n", position):
            position += 1
        elif position < len(body) and len(pieces) == 1:
            return body  # it looked like a chunk by chance
    if pieces and position < len(body):
        raise Broken("http_encoding_broken", f"no chunk starts at byte {position} of the body")
    return b"".join(pieces) if pieces else body


def _deflated(body: bytes, truncated: bool) -> bytes:
    """Undo `deflate`, which is sent with and without the zlib header; if neither fits, the body was stored decoded."""
    for window in (15, -15):
        try:
            return _inflate(body, window, truncated)
        except Broken as broken:
            if broken.args != ("http_encoding_broken", NO_SUCH_STREAM):
                raise
    return body


def _inflate(body: bytes, window: int, truncated: bool) -> bytes:
    """The content of one compressed stream; for gzip, of one or more members."""
    pieces: list[bytes] = []
    at = total = 0
    while at < len(body) and (at == 0 or (window == 31 and body.startswith(b"\x1f\x8b", at))):
        stream = inflated(body, at, window)
        try:
            while True:
                pieces.append(next(stream))
                total += len(pieces[-1])
                if total > MAX_BODY_BYTES:
                    raise Broken("http_body_too_large", f"it unfolds to more than {MAX_BODY_BYTES} bytes")
        except StopIteration as end:
            at = end.value
        except zlib.error as error:
            if truncated and total:
                break
            raise Broken("http_encoding_broken", str(error) if window == 31 else NO_SUCH_STREAM) from error
        if at > len(body) and not truncated:
            raise Broken("http_encoding_broken", "the compressed body is cut off")
    return b"".join(pieces)


def _unbrotli(body: bytes, truncated: bool) -> bytes:
    """Undo Brotli, which has no magic number: a body that does not even begin to decode was stored decoded."""
    try:
        return _read_all(BrotliReader, body, truncated)
    except OSError as error:
        if body.lstrip()[:1] in (b"<", b"") or not _begins(body):
            return body
        raise Broken("http_encoding_broken", str(error)) from error


def _begins(body: bytes) -> bool:
    try:
        return len(BrotliReader(io.BytesIO(body)).read(LAST_PIECE)) == LAST_PIECE
    except OSError:
        return False


def _unzstd(body: bytes, truncated: bool) -> bytes:
    if not body.startswith(ZSTD):
        return body
    try:
        content = _read_all(CalmZstdReader, body, truncated)
    except OSError as error:
        raise Broken("http_encoding_broken", str(error)) from error
    if not truncated and (member_end(body, 0, ZSTD) or 0) > len(body):
        raise Broken("http_encoding_broken", "the compressed body is cut off")
    return content


def _read_all(decompressor: Callable[[BinaryIO], Any], body: bytes, truncated: bool) -> bytes:
    """All of a decompressor's output; for a body that the crawler cut off, what comes before the error."""
    pieces: list[bytes] = []
    total, size = 0, LAST_PIECE if truncated else PIECE
    reader = decompressor(io.BytesIO(body))
    try:
        while piece := reader.read(size):
            pieces.append(piece)
            total += len(piece)
            if total > MAX_BODY_BYTES:
                raise Broken("http_body_too_large", f"it unfolds to more than {MAX_BODY_BYTES} bytes")
    except OSError:
        if not (truncated and total):
            raise
    return b"".join(pieces)
