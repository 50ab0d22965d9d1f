"""A small crawl: WARCs and their columnar index."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.sources.warc import Page, read_warc
from support.corpora import ENGLISH, Response, page, write_warc

FOLDER = "crawl-data/CC-MAIN-2024-51/segments/1/warc"


TABLE = "cc-index/table/cc-main/warc/crawl=CC-MAIN-2024-51"


@dataclass(frozen=True)
class Row:
    """One record of the crawl, as the index has it."""

    url: str
    host: str
    languages: str | None
    status: int
    mime: str
    warc: str
    offset: int
    length: int


def surt(url: str, host: str) -> str:
    return ",".join(reversed(host.removeprefix("www.").split("."))) + ")" + url.partition(host)[2]


def write_index(path: Path, rows: list[Row], row_group_size: int = 20) -> None:
    """An index file with the types and the order of Common Crawl's."""
    rows = sorted(rows, key=lambda row: surt(row.url, row.host))
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "url_surtkey": [surt(row.url, row.host) for row in rows],
            "url": [row.url for row in rows],
            "url_host_name": [row.host for row in rows],
            "fetch_status": pa.array([row.status for row in rows], pa.int16()),
            "content_digest": [f"{hash(row) & 0xFFFF:032}" for row in rows],
            "content_mime_detected": [row.mime for row in rows],
            "content_languages": [row.languages for row in rows],
            "warc_filename": [row.warc for row in rows],
            "warc_record_offset": pa.array([row.offset for row in rows], pa.int32()),
            "warc_record_length": pa.array([row.length for row in rows], pa.int32()),
        }
    )
    pq.write_table(table, path, row_group_size=row_group_size, compression="gzip")


def make_crawl(root: Path, warcs: int = 3, pages: int = 40) -> list[Row]:
    """WARCs of which every fifth page is Japanese, and an index of two files."""
    (root / FOLDER).mkdir(parents=True)
    rows = []
    for number in range(warcs):
        path = root / FOLDER / f"CC-MAIN-{number:05}.warc.gz"
        responses = [
            page(number * 1000 + n, host="www.hanashi.example")
            if n % 5 == 0
            else Response(f"https://en{n % 3}.example/{number}/{n}", f"{ENGLISH}<p>{n} {os.urandom(900).hex()}".encode())
            for n in range(pages)
        ]
        write_warc(path, responses)
        found = [item for item in read_warc(path) if isinstance(item, Page)]
        ends = [item.number for item in found[1:]] + [path.stat().st_size]
        for n, (item, end) in enumerate(zip(found, ends, strict=True)):
            host = item.url.split("/")[2]
            languages = ["jpn", "jpn,eng", "eng,jpn"][n % 3] if n % 5 == 0 else [None, "eng", "eng,deu"][n % 3]
            rows.append(Row(item.url, host, languages, 200, "text/html", f"{FOLDER}/{path.name}", item.number, end - item.number))
    half = sorted(rows, key=lambda row: surt(row.url, row.host))
    for part, some in enumerate((half[: len(half) // 2], half[len(half) // 2 :])):
        write_index(root / TABLE / f"subset=warc/part-{part:05}.parquet", some)
    write_index(root / TABLE / "subset=robotstxt/part-00000.parquet", rows[:1])
    return rows
