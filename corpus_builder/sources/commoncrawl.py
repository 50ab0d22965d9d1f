"""WARCs made of individually fetched records, and where each record stood in Common Crawl's original file.

`corpus-builder crawl` writes NAME.warc.gz and, next to it, NAME.warc.gz.records.parquet.  Page ids use the original offsets,
so a page has the same id whether its whole WARC was read or only this record was fetched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.errors import InputError
from corpus_builder.remote.places import beside, is_remote, shown
from corpus_builder.remote.window import read_small

SUFFIX = ".records.parquet"


def records_of(warc: Path) -> Path:
    """Path of the table of original offsets next to a WARC."""
    return warc.with_name(warc.name + SUFFIX)


def original_numbers(place: str) -> Callable[[int], int]:
    """A function from offsets in the fetched WARC at `place` to offsets in Common Crawl's original file.

    Raises InputError if the table next to the WARC cannot be read.
    """
    table = beside(place, SUFFIX)
    try:
        source = pa.BufferReader(read_small(table)) if is_remote(table) else table
        rows = pq.read_table(source, columns=["offset", "original_offset"])
        here, there = rows.column("offset").to_pylist(), rows.column("original_offset").to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(
            f'{shown(table)} cannot be read ({str(error).splitlines()[0]}). A source with kind = "commoncrawl" '
            'must be the output of `corpus-builder crawl`; for other WARCs write kind = "warc".'
        ) from error

    def original(number: int) -> int:
        place = max(bisect_right(here, number) - 1, 0)
        return int(there[place] + number - here[place]) if here else number

    return original
