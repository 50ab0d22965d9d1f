"""Selects records of a crawl from its columnar index, reading no more of it than necessary.

Common Crawl publishes an index of every crawl as some 300 Parquet files of about 0.7 GB.  Unless a row group's statistics
rule it out, the columns that the query filters by are read first; offsets and lengths are read only for groups
with a match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus_builder.errors import InputError
from corpus_builder.messages.terminal import harmless
from corpus_builder.remote.lists import is_list, matching, read_list
from corpus_builder.remote.places import check_scheme, is_remote, joined, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import RangeFile
from corpus_builder.store.names import is_below, is_warc_path

SELECTION = pa.schema(
    [
        pa.field("warc", pa.string(), nullable=False),  # path relative to the base
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
    ]
)
_WANTED = {"warc": "warc_filename", "offset": "warc_record_offset", "length": "warc_record_length", "url": "url"}
_PARTITION = re.compile(r"(crawl|subset)=([^/]+)")
BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class Query:
    """Which records to select; an empty tuple means no restriction.

    `languages` are ISO 639-3 codes, one of which must occur anywhere in the page's `content_languages`; `hosts` also match
    their subdomains; `limit` takes the first records in the order of the index.
    """

    languages: tuple[str, ...] = ("jpn",)
    statuses: tuple[int, ...] = (200,)
    mime_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    hosts: tuple[str, ...] = ()
    crawls: tuple[str, ...] = ()
    limit: int | None = None


@dataclass
class IndexTraffic:
    """Counters of what reading the index cost."""

    bytes: int = 0
    requests: int = 0
    whole_bytes: int = 0


def index_files(named: tuple[str, ...], base: str, query: Query) -> list[str]:
    """The index's Parquet files: paths, directories, globs, URLs, and lists of files relative to `base`.

    Files of other crawls than the query's, and of the subsets robotstxt and crawldiagnostics, are left out, judging by
    their paths (`crawl=CC-MAIN-2024-51/subset=warc`).  Raises InputError if no file is left.
    """
    found: list[str] = []
    for name in named:
        check_scheme(name)
        for place in _files(name):
            found += _listed(place, base) if is_list(place) else [place]
    wanted = [place for place in found if _wanted_partition(place, query)]
    if not wanted:
        others = f" for {', '.join(query.crawls)}" if query.crawls and found else ""
        raise InputError(f"There are no Parquet index files in {', '.join(map(shown, named))}{others}. Check the paths.")
    return wanted


def _listed(place: str, base: str) -> list[str]:
    lines = read_list(place)
    for line in lines:
        if not is_remote(line) and not is_below(line):
            raise InputError(
                f"{shown(place)} names {line!r}, but a list must contain URLs, or relative paths below the base without '..'; correct it."
            )
    return [joined(base, line) for line in lines]


def _files(name: str) -> list[str]:
    if is_remote(name):
        return matching(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return [str(file) for file in sorted(path.rglob("*.parquet"))]
    if not path.is_file():
        raise InputError(f"There is no index file {path}; name a Parquet file, a directory of them, a URL or a .paths list.")
    return [str(path)]


def _wanted_partition(place: str, query: Query) -> bool:
    partition = dict(_PARTITION.findall(place))
    return partition.get("subset", "warc") == "warc" and (
        not query.crawls or "crawl" not in partition or partition["crawl"] in query.crawls
    )


def select(place: str, stat: Stat, query: Query, traffic: IndexTraffic) -> Iterator[pa.Table]:
    """The selected rows of one index file, as tables with schema SELECTION; raises InputError if it is not such an index."""
    source: Any = RangeFile(place, stat)
    try:
        file = pq.ParquetFile(source, pre_buffer=True)
        columns = _columns_asked(place, query)
        if missing := [name for name in (*columns, *_WANTED.values()) if name not in file.schema_arrow.names]:
            raise InputError(
                f"The index {shown(place)} has no column {missing[0]!r}; crawls before 2018-39 have no content_languages, and "
                "tables other than Common Crawl's cc-index are not supported."
            )
        for group in range(file.num_row_groups):
            if _ruled_out(file, group, query):
                continue
            mask = _mask(file.read_row_group(group, columns=columns), query) if columns else None
            if mask is not None and not pc.any(mask).as_py():
                continue
            at = 0
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(_WANTED.values())):
                rows = pa.Table.from_batches([batch])
                if mask is not None:
                    rows = rows.filter(mask.slice(at, rows.num_rows))
                at += batch.num_rows
                if rows.num_rows:
                    _check_names(place, rows)
                    yield pa.table(
                        [rows.column(name).cast(SELECTION.field(key).type) for key, name in _WANTED.items()], SELECTION
                    )
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"The index {shown(place)} cannot be read as Parquet ({str(error).splitlines()[0]}).") from error
    finally:
        traffic.bytes += source.traffic.bytes
        traffic.requests += source.traffic.requests
        traffic.whole_bytes += stat.size


def _check_names(place: str, rows: pa.Table) -> None:
    """Raise InputError if a row names a WARC by anything but a path below the base."""
    for name in pc.unique(rows.column(_WANTED["warc"])).to_pylist():
        if not is_warc_path(name):
            raise InputError(
                f"The index {shown(place)} names a WARC '{harmless(shown(str(name)), 200)}': that is not a relative path of a .warc.gz file below the "
                "base of a crawl, and nothing is fetched from it. Leave this index out, or correct it."
            )


def _columns_asked(place: str, query: Query) -> list[str]:
    asked = {
        "fetch_status": query.statuses,
        "content_mime_detected": query.mime_types,
        "content_languages": query.languages,
        "url_host_name": query.hosts,
        "crawl": query.crawls if "crawl" not in dict(_PARTITION.findall(place)) else (),
    }
    return [name for name, values in asked.items() if values]


def _mask(rows: pa.Table, query: Query) -> pa.ChunkedArray:
    masks = []
    for name in rows.column_names:
        column = rows.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if name == "content_languages":
            codes = "|".join(map(re.escape, query.languages))
            masks.append(pc.match_substring_regex(column, f"(^|,)({codes})(,|$)"))
        elif name == "url_host_name":
            hosts = "|".join(map(re.escape, query.hosts))
            masks.append(pc.match_substring_regex(column, f"(^|\\.)({hosts})$"))
        else:
            values = {"fetch_status": query.statuses, "content_mime_detected": query.mime_types, "crawl": query.crawls}[name]
            masks.append(pc.is_in(column, pa.array(values, column.type)))
    mask = masks[0]
    for other in masks[1:]:
        mask = pc.and_(mask, other)
    return pc.fill_null(mask, False)


def _ruled_out(file: pq.ParquetFile, group: int, query: Query) -> bool:
    """Whether a row group's statistics exclude any match."""
    metadata = file.metadata.row_group(group)
    asked: dict[str, tuple[tuple[Any, Any], ...]] = {  # ranges of values, one of which must meet the column's
        "fetch_status": tuple((value, value) for value in query.statuses),
        "content_mime_detected": tuple((value, value) for value in query.mime_types),
        "url_surtkey": tuple((prefix, prefix + "\U0010ffff") for prefix in map(_surt, query.hosts)),
    }
    for place in range(metadata.num_columns):
        column = metadata.column(place)
        ranges = asked.get(column.path_in_schema)
        statistics = column.statistics if ranges else None
        if not ranges or statistics is None or not statistics.has_min_max:
            continue
        low, high = statistics.min, statistics.max
        if not any(last >= low and first <= high for first, last in ranges):
            return True
    return False


def _surt(host: str) -> str:
    """The prefix of the sort keys of a host's URLs, without www.: example.jp -> jp,example"""
    return ",".join(reversed(re.sub(r"^www\d*\.", "", host.lower()).split(".")))


def as_words(query: Query) -> str:
    """The query as readable text.

    >>> as_words(Query(hosts=("example.jp",), limit=10))
    'language jpn; status 200; type text/html, application/xhtml+xml; host example.jp; the first 10'
    """
    parts = [
        ("language", query.languages),
        ("status", query.statuses),
        ("type", query.mime_types),
        ("host", query.hosts),
        ("crawl", query.crawls),
    ]
    words = [f"{name} {', '.join(map(str, values))}" for name, values in parts if values]
    return "; ".join([*words, *([f"the first {query.limit:,}"] if query.limit else [])]) or "every record"
