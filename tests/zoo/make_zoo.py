"""Write the zoo: small WARC and ARC files, each broken or odd in one way.

    python tests/zoo/make_zoo.py

The files are committed, so that a new zlib does not change what the tests read; what is in them says zoo.toml.
"""

from __future__ import annotations

import gzip
import io
import zlib
from functools import partial
from pathlib import Path

from fastwarc.stream_io import BrotliWriter, Lz4Writer, ZstdWriter, zstd_train_dictionary_from_samples

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


def framed(writer, records: list[bytes]) -> bytes:
    made = b""
    for one in records:
        out = io.BytesIO()
        stream = writer(out)
        for start in range(0, len(one), 1 << 20):  # of more than 8 MiB at once the zstd writer takes a part
            stream.write(one[start : start + (1 << 20)])
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


def zstd(content: bytes) -> bytes:
    return framed(ZstdWriter, [content])


def arc_record(content: bytes, url: str, kind: str = "text/html", length: int | None = None, version: int = 1) -> bytes:
    size = len(content) if length is None else length
    middle = "200 fac069150613fe55599cc7fa88aa089d - 209 zoo.arc " if version == 2 else ""
    return f"{url} 192.0.2.1 20081104142103 {kind} {middle}{size}\n".encode() + content + b"\n"


def arc_page(number: int, **changes) -> bytes:
    return arc_record(http(PAGE.format(number).encode()), f"http://www.example/{number}", **changes)


def arc_info(version: int = 1) -> bytes:
    fields = "Content-type Result-code Checksum Location Offset Filename" if version == 2 else "Content-type"
    about = f"{version} 0 Zoo\nURL IP-address Archive-date {fields} Archive-length\n".encode()
    return arc_record(about, "filedesc://zoo.arc", "text/plain", version=version)


DNS = arc_record(b"20081104142103\nwww.example. 1 IN A 192.0.2.1\n", "dns:www.example", "text/dns")
ARC = [arc_info(), DNS, arc_page(1), arc_page(2), arc_page(3)]


def arc_files() -> dict[str, bytes]:
    body = len(http(PAGE.format(1).encode()))
    return {
        "sound.arc": b"".join(ARC),
        "sound.arc.gz": joined(ARC),
        "version_2.arc": b"".join([arc_info(2), arc_page(1, version=2), arc_page(2, version=2)]),
        "version_2.arc.gz": joined([arc_info(2), arc_page(1, version=2), arc_page(2, version=2)]),
        "one_member.arc.gz": gz(b"".join(ARC)),
        "space_in_url.arc.gz": joined([arc_info(), arc_record(http(b"<p>1"), "http://www.example/a b/page 1"), arc_page(2)]),
        "no_http.arc.gz": joined([arc_info(), arc_record(b"<p>1", "http://www.example/1"), arc_page(2)]),
        "damaged_head.arc.gz": overwritten(ARC, 0, 0, bytes(30)),
        "damaged_member.arc.gz": overwritten(ARC, 2, 60, bytes(40)),
        "cut_off.arc": b"".join(ARC)[:-60],
        "cut_off.arc.gz": joined(ARC)[:-60],
        "garbage_between.arc": b"".join(ARC[:3]) + b"garbage\n" * 9 + b"".join(ARC[3:]),
        "length_too_long.arc": b"".join([ARC[0], arc_page(1, length=body + 77), *ARC[3:]]),
        "length_too_short.arc": b"".join([ARC[0], arc_page(1, length=body - 77), *ARC[3:]]),
        "length_too_short.arc.gz": joined([ARC[0], arc_page(1, length=body - 77), *ARC[3:]]),
        "length_negative.arc": b"".join([ARC[0], arc_page(1, length=-1), *ARC[3:]]),
    }


def text(number: int, kind: str = "text/plain") -> bytes:
    content = PAGE.format(number).partition("<p>")[2].encode()
    return record("conversion", content, f"https://www.example/{number}", f"Content-Type: {kind}")


def segment(number: int, content: bytes, origin: str = "<urn:uuid:1>", total: int | None = None) -> bytes:
    fields = [f"WARC-Segment-Number: {number}"]
    fields += [f"WARC-Segment-Origin-ID: {origin}"] if number > 1 else [f"WARC-Record-ID: {origin}"]
    fields += [f"WARC-Segment-Total-Length: {total}"] if total is not None else []
    return record("response" if number == 1 else "continuation", content, "https://www.example/2", "\r\n".join(fields))


def skippable(content: bytes) -> bytes:
    return b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def other_files() -> dict[str, bytes]:
    body = http(PAGE.format(2).encode())
    one, two, three = segment(1, body[:50]), segment(2, body[50:150]), segment(3, body[150:], total=len(body))
    dictionary = zstd_train_dictionary_from_samples([page(number) for number in range(300)], 1024)
    head, packed = skippable(dictionary), skippable(zstd(dictionary))
    writer = partial(ZstdWriter, dictionary=dictionary, compress_dictionary_frame=False)
    parts = [framed(writer, [one])[len(head) :] for one in FIVE]
    damaged = b"".join([*parts[:2], parts[2][:20] + bytes(30) + parts[2][50:], *parts[3:]])
    members_ = b"".join(parts)
    return {
        "upper_lower_case.warc": b"".join(FIVE).replace(b"WARC/", b"warc/").replace(b"WARC-", b"wARc-"),
        "texts.warc.wet.gz": joined([INFO, text(1), text(2, "application/pdf"), text(3)]),
        "segments.warc.gz": joined([page(1), one, two, three, page(3)]),
        "segments_apart.warc.gz": joined([one, page(1), two, page(3), three]),
        "segments_no_first.warc.gz": joined([page(1), two, three, page(3)]),
        "segments_no_middle.warc.gz": joined([page(1), one, three, page(3)]),
        "segments_no_last.warc.gz": joined([page(1), one, two, page(3)]),
        "segments_wrong_total.warc.gz": joined([page(1), one, two, segment(3, body[150:], total=9), page(3)]),
        "dictionary.warc.zst": head + members_,
        "dictionary_packed.warc.zst": packed + members_,
        "dictionary_cut_off.warc.zst": (packed + members_)[:-20],
        "dictionary_damaged_member.warc.zst": head + damaged,
        "dictionary_damaged.warc.zst": skippable(dictionary[:16] + b"\xff" * 24 + dictionary[40:]) + members_,
        "dictionary_packed_damaged.warc.zst": skippable(zstd(dictionary)[:99]) + members_,
        "little_before_damage.warc.zst": zstd(b"\0\0") + b"\x07X&\x80" * 9 + framed(ZstdWriter, FIVE[2:]),
        "dictionary_lost.warc.zst": members_,
    }


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
        "zstd": answer(zstd(body), "Content-Encoding: zstd"),
        "zstd_stored_decoded": answer(body, "Content-Encoding: zstd"),
        "zstd_broken": answer(zstd(body)[:-30], "Content-Encoding: zstd"),
        "x_gzip": answer(gz(body), "Content-Encoding: x-gzip"),
        "gzip_brotli": answer(brotli(gz(body)), "Content-Encoding: gzip, br"),
        "zstd_gzip_chunked": answer(chunked(gz(zstd(body))), "Content-Encoding: zstd,gzip", "Transfer-Encoding: chunked"),
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
    for name, content in {**compressed_files(), **plain_files(), **http_files(), **arc_files(), **other_files()}.items():
        (HERE / name).write_bytes(content)
