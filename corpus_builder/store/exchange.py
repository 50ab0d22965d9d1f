"""The exchange: regroups rows by key in bounded memory, deterministically.

A *run* is what one task of the map side writes: its rows, distributed to *buckets*.  A task of the reduce side reads one bucket of
every run.  The number of buckets and runs follows from the memory that a task may use, and must not change any result.

A run is one file of plain columns, bucket after bucket, so that a bucket is one read at a known offset, however many buckets
and runs there are (opening a Parquet footer takes milliseconds, and an exchange of 10^10 documents would open 10^8 of them):

    8 bytes      RUN_MAGIC
    uint64       length of the next part
    JSON         {"columns": [[name, dtype], ...], "buckets": n, "rows": n}, padded by spaces to a multiple of 8
    uint64       n + 1 row numbers: bucket b has the rows from number b up to, but not including, number b + 1
    buckets      each: its part of the first column, of the second, ...
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import IntegrityError

RUN_MAGIC = b"cb-run/1"
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]


def bucket_count(rows: int, bytes_per_row: int, memory_bytes: int) -> int:
    """Number of buckets needed so that the rows of one fit into memory.

    >>> bucket_count(1_000, 100, 60_000)
    2
    """
    return max(1, -(-rows * bytes_per_row // memory_bytes))


def buckets_of(keys: U64, count: int) -> I64:
    """The bucket of each 64-bit key, by the key's upper half, so that uniformly distributed keys fill all buckets evenly.

    >>> buckets_of(np.array([0, 1 << 63, (1 << 64) - 1], np.uint64), 4).tolist()
    [0, 2, 3]
    """
    return (((keys >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)).astype(np.int64)


def spans(sizes: Sequence[int], limit: int) -> list[list[tuple[int, int, int]]]:
    """Partitions of consecutive items of at most `limit` rows: (index in `sizes`, first row, row after the last); a large item is cut.

    >>> spans([2, 3, 9], 6)
    [[(0, 0, 2), (1, 0, 3), (2, 0, 1)], [(2, 1, 7)], [(2, 7, 9)]]
    """
    found: list[list[tuple[int, int, int]]] = [[]]
    left = limit
    for number, size in enumerate(sizes):
        first = 0
        while first < size:
            if left == 0:
                found.append([])
                left = limit
            last = min(size, first + left)
            found[-1].append((number, first, last))
            left -= last - first
            first = last
    return found


def write_run(file: BinaryIO, columns: Mapping[str, npt.NDArray[Any]], buckets: I64 | None = None, count: int = 1) -> int:
    """Write the rows of one task, distributed to `count` buckets; rows of a bucket keep their order.  Returns the number of rows.

    Without `buckets` all rows go into one.
    """
    rows = len(next(iter(columns.values())))
    starts = np.array([0, rows]) if buckets is None else np.zeros(count + 1, dtype=np.int64)
    order = np.zeros(0, dtype=np.int64)
    if buckets is not None:
        order = np.empty(rows, dtype=np.int64)
        _order_by_bucket(buckets, starts, order)
    head = {"columns": [[name, column.dtype.str] for name, column in columns.items()], "buckets": count, "rows": rows}
    packed = json.dumps(head).encode()
    packed += b" " * (-len(packed) % 8)
    file.write(RUN_MAGIC + len(packed).to_bytes(8, "little") + packed + starts.astype("<u8").tobytes())
    if buckets is None:
        for column in columns.values():
            file.write(column.tobytes())
        return rows
    for first, last in _stretches(starts):
        pieces = [column[order[starts[first] : starts[last]]] for column in columns.values()]
        for low, high in itertools.pairwise((starts[first : last + 1] - starts[first]).tolist()):
            for column in pieces:
                file.write(column[low:high].tobytes())
    return rows


def _stretches(starts: I64, rows: int = 1 << 20) -> list[tuple[int, int]]:
    """Ranges of buckets, each small enough to be copied."""
    found, first = [], 0
    for bucket in range(1, len(starts)):
        if starts[bucket] - starts[first] >= rows or bucket == len(starts) - 1:
            found.append((first, bucket))
            first = bucket
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _order_by_bucket(buckets: Any, starts: Any, order: Any) -> None:
    for row in range(len(buckets)):
        starts[buckets[row] + 1] += 1
    for bucket in range(1, len(starts)):
        starts[bucket] += starts[bucket - 1]
    after = starts[:-1].copy()
    for row in range(len(buckets)):
        order[after[buckets[row]]] = row
        after[buckets[row]] += 1


def read_bucket(paths: Sequence[Path], bucket: int, names: Sequence[str] | None = None) -> Columns:
    """The rows of one bucket from all runs, concatenated; `names` selects columns.

    Raises IntegrityError if a run is missing or damaged.
    """
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for path in paths:
        for name, column in _bucket(path, bucket).items():
            if names is None or name in names:
                parts.setdefault(name, []).append(column)
    return {name: found[0] if len(found) == 1 else np.concatenate(found) for name, found in parts.items()}


def _bucket(path: Path, bucket: int) -> Columns:
    try:
        with path.open("rb") as file:
            magic, length = file.read(8), int.from_bytes(file.read(8), "little")
            if magic != RUN_MAGIC:
                raise ValueError(f"it begins with {magic!r}")
            head = json.loads(file.read(length))
            columns = [(name, np.dtype(kind)) for name, kind in head["columns"]]
            file.seek(16 + length + 8 * bucket)
            first, last = np.frombuffer(file.read(16), dtype="<u8").tolist()
            width = sum(kind.itemsize for _, kind in columns)
            file.seek(16 + length + 8 * (head["buckets"] + 1) + first * width)
            block = file.read((last - first) * width)
    except FileNotFoundError as error:
        raise IntegrityError(f"The exchange file {path} is missing; run the same command again to recreate it.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    if len(block) < (last - first) * width:
        raise _damaged(path, "it ends too early")
    found, offset = {}, 0
    for name, kind in columns:
        found[name] = np.frombuffer(block, dtype=kind, count=last - first, offset=offset)
        offset += (last - first) * kind.itemsize
    return found


def _damaged(path: Path, why: str) -> IntegrityError:
    return IntegrityError(f"The exchange file {path} is damaged ({why}); delete it and run the same command again.")
