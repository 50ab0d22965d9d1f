"""Bodies in every encoding, alone and on top of each other: whole, cut off by the crawler, cut off by accident, stored decoded."""

import random
from collections.abc import Callable
from functools import cache

import pytest
from make_zoo import brotli, chunked, deflated, gz, zstd

from corpus_builder.sources.http import Response, parse_response
from corpus_builder.sources.record import Broken

# Longer than some blocks of zstd, of which none can be decoded in part (128 KiB).
BODY = "".join(random.Random(1).choices("あいうえおかきくけこ漢字日本語、。<p>", k=120_000)).encode()
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gz,
    "x-gzip": gz,
    "deflate": lambda body: deflated(body, 15),
    "Deflate": lambda body: deflated(body, -15),
    "br": brotli,
    "zstd": zstd,
    "gzip, br": lambda body: brotli(gz(body)),
    "br,gzip": lambda body: gz(brotli(body)),
    "zstd , gzip": lambda body: gz(zstd(body)),
    "gzip, gzip": lambda body: gz(gz(body)),
    "identity": lambda body: body,
    "": lambda body: body,
}
each_encoding = pytest.mark.parametrize("encoding", ENCODINGS)
each_transfer = pytest.mark.parametrize("transfer", ["", "chunked", "gzip, chunked"])


@cache
def encoded(encoding: str) -> bytes:
    return ENCODINGS[encoding](BODY)


def response(encoding: str, transfer: str, body: bytes) -> tuple[bytes, bytes]:
    """Header and body, as sent."""
    if transfer == "gzip, chunked":
        body = gz(body)
    fields = [f"Content-Encoding: {encoding}"] * bool(encoding) + [f"Transfer-Encoding: {transfer}"] * bool(transfer)
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/html", *fields, "", ""])
    return head.encode(), chunked(body, 997) if transfer else body


@each_transfer
@each_encoding
def test_whole(encoding: str, transfer: str) -> None:
    head, body = response(encoding, transfer, encoded(encoding))
    assert parse_response(head, body, truncated=False) == Response(200, "text/html", BODY)
    assert parse_response(head, body, truncated=True) == Response(200, "text/html", BODY)


@each_transfer
@each_encoding
def test_cut_off_by_the_crawler_it_is_decoded_as_far_as_it_goes(encoding: str, transfer: str) -> None:
    head, body = response(encoding, transfer, encoded(encoding))
    found = parse_response(head, body[: len(body) * 2 // 3], truncated=True).body
    assert BODY.startswith(found)
    assert len(found) > len(BODY) // 3


@each_transfer
@each_encoding
def test_cut_off_by_accident_it_is_never_handed_out_as_if_it_were_whole(encoding: str, transfer: str) -> None:
    if encoding in ("", "identity") and not transfer:
        return  # nothing tells
    head, body = response(encoding, transfer, encoded(encoding))
    cut = body[: len(body) * 2 // 3]
    with pytest.raises(Broken) as found:
        parse_response(head, cut, truncated=False)
    assert found.value.args[0] == "http_encoding_broken"


@each_encoding
def test_stored_decoded(encoding: str) -> None:
    head, _ = response(encoding, "chunked", b"")
    assert parse_response(head, BODY, truncated=False).body == BODY
    assert parse_response(head, BODY, truncated=True).body == BODY
