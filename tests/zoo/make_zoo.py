"""Write the zoo: small WARC files, each broken or odd in one way.

    python tests/zoo/make_zoo.py

The files are committed, so that a new zlib does not change what the tests read; what is in them says zoo.toml.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from fastwarc.stream_io import BrotliWriter, Lz4Writer, ZstdWriter

HERE = Path(__file__).parent
PAGE = "<html lang=ja><title>{0}番</title><p>これは{0}番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。"


def record(kind: str, content: bytes, url: str = "", extra: str = "", length: int | None = None, end: str = "\r\n") -> bytes:
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        "WARC-Date: 2024-12-01T00:00:00Z",
        *([f"WARC-Target-URI: {url}"] if url else []),
        *([extra] if extra else []),
        f"Content-Length: {len(content) if length is None else length}",
    ]
    return end.join([*lines, "", ""]).encode() + content + end.encode() * 2


def http(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, "Content-Type: text/html", *headers, "", ""]).encode() + body


def page(number: int, **changes) -> bytes:
    return record("response", http(PAGE.format(number).encode()), f"https://www.example/{number}", **changes)


INFO = record("warcinfo", b"software: zoo\r\nisPartOf: CC-MAIN-2024-51\r\n")
REQUEST = record("request", b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n", "https://www.example/")
FIVE = [INFO, REQUEST, page(1), page(2), page(3)]


def gz(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def members(records: list[bytes]) -> list[bytes]:
    return [gz(one) for one in records]


def joined(records: list[bytes]) -> bytes:
    return b"".join(members(records))


def overwritten(records: list[bytes], which: int, at: int, octets: bytes) -> bytes:
    """The records compressed, one member overwritten from byte `at` (negative: from its end)."""
    made = members(records)
    at = at % len(made[which])
    made[which] = made[which][:at] + octets + made[which][at + len(octets) :]
    return b"".join(made)


def framed(writer: type, records: list[bytes]) -> bytes:
    made = b""
    for one in records:
        out = io.BytesIO()
        stream = writer(out)
        stream.write(one)
        stream.finish()
        del stream
        made += out.getvalue()
    return made


def brotli(content: bytes) -> bytes:
    out = io.BytesIO()
    stream = BrotliWriter(out)
    stream.write(content)
    stream.finish()
    del stream
    return out.getvalue()


def chunked(content: bytes, size: int = 50) -> bytes:
    pieces = [content[i : i + size] for i in range(0, len(content), size)]
    return b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def deflated(content: bytes, window: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, window)
    return stream.compress(content) + stream.flush()


def answer(body: bytes, *headers: str, extra: str = "") -> list[bytes]:
    """A response in one encoding between two sound ones."""
    odd = record("response", http(body, *headers), "https://www.example/2", extra=extra)
    return [page(1), odd, page(3)]


def compressed_files() -> dict[str, bytes]:
    sound = joined(FIVE)
    body = len(http(PAGE.format(1).encode()))
    return {
        "sound.warc.gz": sound,
        "damaged_member.warc.gz": overwritten(FIVE, 2, 60, bytes(40)),
        "damaged_head.warc.gz": overwritten(FIVE, 0, 0, bytes(30)),
        "bad_checksum.warc.gz": overwritten(FIVE, 3, -8, b"\xff\xff"),
        "bad_last_checksum.warc.gz": overwritten(FIVE, 4, -8, b"\xff\xff"),
        "cut_off.warc.gz": sound[:-60],
        "cut_off_in_trailer.warc.gz": sound[:-3],
        "cut_off_in_header.warc.gz": joined(FIVE[:4]) + members(FIVE)[4][:5],
        "zeros_at_end.warc.gz": sound + bytes(512),
        "garbage_between.warc.gz": joined(FIVE[:3]) + b"garbage " * 9 + joined(FIVE[3:]),
        "junk_member.warc.gz": joined([*FIVE[:3], b"no record at all", *FIVE[3:]]),
        "empty_member.warc.gz": joined([*FIVE[:3], b"", *FIVE[3:]]),
        "length_too_long.warc.gz": joined([*FIVE[:2], page(1, length=body + 77), *FIVE[3:]]),
        "length_too_short.warc.gz": joined([*FIVE[:2], page(1, length=body - 77), *FIVE[3:]]),
        "length_takes_next.warc.gz": joined([INFO, page(1, length=body + 4 + len(page(2)) - 4), page(2), page(3)]),
        "length_beyond_file.warc.gz": joined([*FIVE[:4], page(3, length=10**9)]),
        "no_length.warc.gz": joined([INFO, page(1).replace(b"Content-Length", b"Content-Size"), page(2)]),
        "no_type.warc.gz": joined([INFO, page(1).replace(b"WARC-Type", b"WARC-Kind"), page(2)]),
        "endless_header.warc.gz": joined([INFO, b"WARC/1.0\r\n" + b"X: y\r\n" * 12_000, page(2)]),
        "one_member.warc.gz": gz(b"".join(FIVE)),
        "one_member_cut_off.warc.gz": gz(b"".join(FIVE))[:-40],
        "no_closing_lines.warc.gz": joined([one.removesuffix(b"\r\n\r\n") for one in FIVE]),
        "line_feeds.warc.gz": joined(
            [INFO, record("response", http(PAGE.format(1).encode()), "https://www.example/1", end="\n"), page(2)]
        ),
        "folded_header.warc.gz": joined([INFO, page(1).replace(b"WARC-Target-URI: ", b"warc-target-uri:\r\n\t"), page(2)]),
        "tiny_records.warc.gz": joined([b"WARC/1.0\r\nWARC-Type:x\r\nContent-Length:0\r\n\r\n\r\n\r\n"] * 7 + [page(1)]),
        "empty.warc.gz": b"",
        "only_an_empty_member.warc.gz": gz(b""),
        "text.warc.gz": gz(b"This is a text, and no archive.\n"),
        "arc.arc.gz": gz(b"filedesc://zoo.arc 0.0.0.0 20240101000000 text/plain 76\n1 0 Zoo\n"),
        "sound.warc.zst": framed(ZstdWriter, FIVE),
        "cut_off.warc.zst": framed(ZstdWriter, FIVE)[:-20],
        "sound.warc.lz4": framed(Lz4Writer, FIVE),
        "cut_off.warc.lz4": framed(Lz4Writer, FIVE)[:-20],
    }


def plain_files() -> dict[str, bytes]:
    body = len(http(PAGE.format(1).encode()))
    return {
        "sound.warc": b"".join(FIVE),
        "cut_off.warc": b"".join(FIVE)[:-60],
        "cut_off_in_header.warc": b"".join(FIVE[:4]) + FIVE[4][:40],
        "garbage_between.warc": b"".join(FIVE[:3]) + b"garbage\r\n" * 9 + b"".join(FIVE[3:]),
        "garbage_first.warc": b"garbage\r\n" + b"".join(FIVE),
        "length_too_long.warc": b"".join([*FIVE[:2], page(1, length=body + 77), *FIVE[3:]]),
        "length_too_short.warc": b"".join([*FIVE[:2], page(1, length=body - 77), *FIVE[3:]]),
        "length_beyond_file.warc": b"".join([*FIVE[:2], page(1, length=10**9), *FIVE[3:]]),
        "newlines.warc": b"\r\n" * 9,
        "page.warc": PAGE.format(1).encode(),
    }


def http_files() -> dict[str, bytes]:
    body = PAGE.format(2).encode()
    files = {
        "gzip": answer(gz(body), "Content-Encoding: gzip"),
        "gzip_stored_decoded": answer(body, "Content-Encoding: gzip"),
        "gzip_broken": answer(gz(body)[:-30], "Content-Encoding: gzip"),
        "gzip_truncated_by_crawler": answer(gz(body * 9)[:-30], "Content-Encoding: gzip", extra="WARC-Truncated: length"),
        "deflate_with_header": answer(deflated(body, 15), "Content-Encoding: deflate"),
        "deflate_bare": answer(deflated(body, -15), "Content-Encoding: deflate"),
        "deflate_stored_decoded": answer(body, "Content-Encoding: deflate"),
        "brotli": answer(brotli(body), "Content-Encoding: br"),
        "brotli_stored_decoded": answer(body, "Content-Encoding: br"),
        "chunked": answer(chunked(body), "Transfer-Encoding: chunked"),
        "chunked_stored_decoded": answer(body, "Transfer-Encoding: chunked"),
        "chunked_broken": answer(chunked(body)[:100], "Transfer-Encoding: chunked"),
        "chunked_gzip": answer(chunked(gz(body)), "Content-Encoding: gzip", "Transfer-Encoding: chunked"),
        "unknown_encoding": answer(body, "Content-Encoding: sdch"),
        "no_status": [page(1), record("response", b"\x00\x01 no status\r\n\r\n<p>", "https://www.example/2"), page(3)],
        "no_header_end": [page(1), record("response", b"HTTP/1.1 204 No Content", "https://www.example/2"), page(3)],
        "dns": [
            page(1),
            record("response", b"20240101\nwww.example. 1 IN A", "dns:www.example", "Content-Type: text/dns"),
            page(3),
        ],
    }
    return {f"http_{name}.warc.gz": joined(records) for name, records in files.items()}


if __name__ == "__main__":
    for old in HERE.glob("*arc*"):
        if old.suffix != ".py":
            old.unlink()
    for name, content in {**compressed_files(), **plain_files(), **http_files()}.items():
        (HERE / name).write_bytes(content)
