"""Writes web-sample.warc.gz from web-sample.tsv: the sample that `make corpus` builds from, in Common Crawl's format.

    python data/samples/build_web_sample.py UNPACKED [--out web-sample.warc.gz]

UNPACKED is a directory with the Debian packages in PACKAGES (in web_bodies.py), each unpacked under its own name.  With
apt on Debian 12, or with files of exactly these versions from Debian's snapshot archive:

    apt-get download apache2-doc=2.4.71-1~deb12u1 ...        (`--packages` prints the whole list)
    dpkg-deb --extract apache2-doc_*.deb UNPACKED/apache2-doc

web-sample.tsv lists its content: one line per request, with the origin, licence and encoding of the response.
The same input gives the same bytes (with the same zlib).  Hosts, addresses and times are invented.
"""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import hashlib
import io
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser
from warcio.warcwriter import WARCWriter
from web_bodies import PACKAGES, body_of

HERE = Path(__file__).resolve().parent
NAME = "CC-MAIN-20241203094512-20241203124512-00000.warc.gz"
WARCINFO = """\
isPartOf: CC-MAIN-2024-51
publisher: corpus_builder
description: Invented sample in the form of Common Crawl's archives; no part of any crawl. See NOTICE for origin and licences.
operator: corpus_builder
hostname: sample.example
software: data/samples/build_web_sample.py
robots: not applicable
format: WARC File Format 1.0
conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.0/
"""
PHRASES = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 403: "Forbidden", 404: "Not Found", 410: "Gone",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip
ISO_639_3 = {
    "ja": "jpn",
    "en": "eng",
    "de": "deu",
    "fr": "fra",
    "ko": "kor",
    "zh": "zho",
    "zh-Hant": "zho",
    "vi": "vie",
    "es": "spa",
}


@dataclass(frozen=True)
class Row:
    """A line of web-sample.tsv.

    `charset` is the Python codec of the body's bytes, "-" if it is not text; `content_type` is the header as sent, which may
    be wrong; `options` are words `key` or `key=value`, see `web_bodies.body_of` and `http_message`.
    """

    url: str
    date: str
    status: int
    content_type: str
    lang: str
    charset: str
    origin: str
    file: str
    licence: str
    options: dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """The lines of web-sample.tsv, in the order of the archive."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [_row(line) for line in lines]


def _row(line: dict[str, str]) -> Row:
    words = [] if line["options"] == "-" else line["options"].split(" ")
    options = {key: value for key, _, value in (word.partition("=") for word in words)}
    return Row(**{**line, "status": int(line["status"]), "options": options})


def digest(*parts: str) -> bytes:
    """Sixteen pseudorandom bytes, for ids, addresses and durations."""
    return hashlib.sha256("\n".join(parts).encode()).digest()[:16]


def record_id(kind: str, row: Row) -> str:
    return f"<urn:uuid:{uuid.UUID(bytes=digest(kind, row.url, row.date), version=4)}>"


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def http_message(row: Row, body: bytes) -> tuple[bytes, bytes]:
    """The response's header and its body as stored.

    Common Crawl stores bodies decoded and renames the headers that no longer apply; `wire` keeps them as transmitted:
    gzip, chunked, chunked+gzip, or broken-gzip.
    """
    when = datetime.fromisoformat(row.date)
    lines = [f"HTTP/1.1 {row.status} {PHRASES[row.status]}", f"Date: {when:%a, %d %b %Y %H:%M:%S} GMT"]
    chance = digest("server", urlsplit(row.url).netloc)
    lines.append(
        "Server: " + ("nginx", "Apache", "Apache/2.4.62 (Unix)", "nginx/1.26.2", "LiteSpeed", "cloud-edge")[chance[0] % 6]
    )
    if row.content_type != "-":
        lines.append(f"Content-Type: {row.content_type}")
    if "location" in row.options:
        lines.append(f"Location: {row.options['location']}")
    if "content-language" in row.options:
        lines.append(f"Content-Language: {row.options['content-language']}")
    wire = row.options.get("wire", "")
    if "gzip" in wire:
        body = gzip.compress(body, 9, mtime=0)
        lines.append("Content-Encoding: gzip")
        if wire == "broken-gzip":
            body = body[: len(body) // 2] + b"\x00" * 64
    elif row.status == 200 and chance[1] % 4:
        lines.append("X-Crawler-Content-Encoding: " + ("gzip", "gzip", "br")[chance[2] % 3])
    if wire.startswith("chunked"):
        body = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 4096]), body[at : at + 4096]) for at in range(0, len(body), 4096))
        body += b"0\r\n\r\n"
        lines.append("Transfer-Encoding: chunked")
    elif row.status == 200 and chance[3] % 2 and not wire:
        lines.append("X-Crawler-Transfer-Encoding: chunked")
        lines.append(f"Content-Length: {len(body)}")
    elif row.status != 304:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Vary: Accept-Encoding")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), body


def request(row: Row) -> bytes:
    parts = urlsplit(row.url)
    target = parts.path or "/"
    lines = [
        f"GET {target}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        "User-Agent: CCBot/2.0 (https://commoncrawl.org/faq/)",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: br,gzip",
        f"Host: {parts.netloc}",
        "Connection: Keep-Alive",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def metadata(row: Row, body: bytes) -> bytes:
    lines = [f"fetchTimeMs: {100 + digest('fetch', row.url)[0] * 5}"]
    if row.lang in ISO_639_3:
        code = {"code": row.lang, "code-iso-639-3": ISO_639_3[row.lang], "text-covered": 0.97, "score": 1024.0, "name": row.lang}
        found = {"reliable": True, "text-bytes": len(body), "languages": [code]}
        lines.append("charset-detected: " + {"cp932": "Shift_JIS", "utf_8": "UTF-8"}.get(row.charset, row.charset.upper()))
        lines.append("languages-cld2: " + json.dumps(found, separators=(",", ":")))
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def triple(row: Row, body: bytes) -> list[tuple[list[tuple[str, str]], bytes]]:
    """The records of one visit: request, response (or revisit) and metadata, as header fields and content."""
    chance = digest("address", urlsplit(row.url).netloc)
    address = f"{('192.0.2', '198.51.100', '203.0.113')[chance[0] % 3]}.{chance[1]}"
    visit = [("WARC-Warcinfo-ID", INFO_ID), ("WARC-IP-Address", address), ("WARC-Target-URI", row.url)]
    response_id = record_id("response", row)
    head, stored = http_message(row, body)
    cut = int(row.options.get("cut", "0"))
    stored = stored[:cut] if cut else stored
    answer = [*visit, ("WARC-Payload-Digest", sha1(stored)), ("WARC-Block-Digest", sha1(head + stored))]
    kind = "response"
    if row.status == 304:
        kind = "revisit"
        answer.append(("WARC-Profile", "http://netpreserve.org/warc/1.0/revisit/server-not-modified"))
    elif identified := row.options.get("identified", row.content_type.split(";")[0].strip()).strip("-"):
        answer.append(("WARC-Identified-Payload-Type", identified))
    if cut:
        answer.append(("WARC-Truncated", "length"))
    asked = request(row)
    about = metadata(row, body)

    def fields(kind: str, content_type: str, rest: list[tuple[str, str]], length: int) -> list[tuple[str, str]]:
        start = [("WARC-Type", kind), ("WARC-Date", row.date), ("WARC-Record-ID", record_id(kind, row))]
        if kind == "revisit":
            start[2] = ("WARC-Record-ID", response_id)
        return [*start, ("Content-Length", str(length)), ("Content-Type", content_type), *rest]

    return [
        (fields("request", "application/http; msgtype=request", [*visit, ("WARC-Block-Digest", sha1(asked))], len(asked)), asked),
        (fields(kind, "application/http; msgtype=response", [("WARC-Concurrent-To", record_id("request", row)), *answer],
                len(head + stored)), head + stored),
        (fields("metadata", "application/warc-fields",
                [("WARC-Warcinfo-ID", INFO_ID), ("WARC-Concurrent-To", response_id), ("WARC-Target-URI", row.url),
                 ("WARC-Block-Digest", sha1(about))], len(about)), about),
    ]  # fmt: skip


INFO_ID = f"<urn:uuid:{uuid.UUID(bytes=digest('warcinfo', NAME), version=4)}>"


def write_warc(rows: list[Row], unpacked: Path, out: io.BufferedIOBase) -> None:
    """The archive: a warcinfo record, then three records per row."""
    writer = WARCWriter(out, gzip=True, warc_version="1.0")
    info = WARCINFO.replace("\n", "\r\n").encode() + b"\r\n"
    start = [("WARC-Type", "warcinfo"), ("WARC-Date", "2024-12-03T09:45:12Z"), ("WARC-Record-ID", INFO_ID)]
    start += [("Content-Length", str(len(info))), ("Content-Type", "application/warc-fields"), ("WARC-Filename", NAME)]
    records = [(start, info)]
    for row in rows:
        records += triple(row, body_of(row, unpacked))
    for fields, content in records:
        kind = fields[0][1]
        http = None
        if kind == "revisit":  # the writer omits what it does not recognize as a header
            http = StatusAndHeadersParser(["HTTP/1.1"]).parse(io.BytesIO(content))
        header = StatusAndHeaders("", fields, "WARC/1.0")
        writer.write_record(ArcWarcRecord("warc", kind, header, io.BytesIO(content), http, None, len(content)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unpacked", type=Path, nargs="?", help="directory with the unpacked packages")
    parser.add_argument("--out", type=Path, default=HERE / "web-sample.warc.gz")
    parser.add_argument("--packages", action="store_true", help="print what to download, and stop")
    given = parser.parse_args()
    if given.packages or given.unpacked is None:
        print("\n".join(f"{name}={package.version}" for name, package in PACKAGES.items()))
        return
    rows = read_rows(HERE / "web-sample.tsv")
    whole = io.BytesIO()
    write_warc(rows, given.unpacked, whole)
    given.out.write_bytes(whole.getvalue())
    print(
        f"{given.out}: {len(rows)} visits, {len(whole.getvalue()):,} bytes, sha256 {hashlib.sha256(whole.getvalue()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
