"""Regroup rows by key in bounded memory, the same way every time.

The map side writes one *run* per shard: a table sorted by an integer key, in row groups of `RUN_GROUP_ROWS`.  The reduce
side reads one range of keys from every run; Parquet's row-group statistics say which groups to open.  Which ranges are
asked for depends on the memory that a task may use, and must not change any result.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

RUN_GROUP_ROWS = 1 << 16
KEYS = 1 << 64

U64 = npt.NDArray[np.uint64]


def ranges(rows: int, bytes_per_row: int, memory_bytes: int) -> list[tuple[int, int]]:
    """Key ranges [low, high) over 64-bit keys, as many as it takes to hold one range's rows in memory.

    >>> ranges(1_000, 100, 60_000)
    [(0, 9223372036854775808), (9223372036854775808, 18446744073709551616)]
    """
    count = max(1, -(-rows * bytes_per_row // memory_bytes))
    edges = [KEYS * i // count for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def read_range(path: Path, column: str, low: int, high: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a run with low <= key < high, in the run's order."""
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        wanted = []
        for group in range(metadata.num_row_groups):
            index = next(i for i in range(metadata.num_columns) if metadata.row_group(group).column(i).path_in_schema == column)
            statistics = metadata.row_group(group).column(index).statistics
            if statistics is None or not statistics.has_min_max or (statistics.max >= low and statistics.min < high):
                wanted.append(group)
        table = file.read_row_groups(wanted, columns=columns)
    keys = table.column(column).to_numpy()
    last = high - 1  # high may be 2**64, which no uint64 holds
    first = int(np.searchsorted(keys, keys.dtype.type(low), side="left")) if len(keys) else 0
    stop = int(np.searchsorted(keys, keys.dtype.type(min(last, np.iinfo(keys.dtype).max)), side="right")) if len(keys) else 0
    return table.slice(first, stop - first)
