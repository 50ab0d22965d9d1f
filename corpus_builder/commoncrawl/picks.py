"""The selected records of each WARC, and the byte ranges in which to fetch them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.commoncrawl.index import SELECTION
from corpus_builder.errors import IntegrityError
from corpus_builder.store.files import give_name
from corpus_builder.store.names import is_warc_path
from corpus_builder.store.tables import database

I64 = npt.NDArray[np.int64]

GAP_BYTES = 1 << 16  # ours: a separate request costs more than 64 KiB of unneeded data (3 ms at 20 MB/s)

SORT = "sort.tmp"  # DuckDB's temporary directory, next to the selection


@dataclass(frozen=True)
class Pick:
    """The selected records of one WARC, by offset; `warc` is its path relative to the base."""

    warc: str
    offsets: I64
    lengths: I64
    urls: Sequence[str]

    @property
    def name(self) -> str:
        """The WARC's file name, with which ids start."""
        return self.warc.rpartition("/")[2]

    @property
    def digest(self) -> str:
        """Digest that identifies the selection of records."""
        return hashlib.sha256(self.warc.encode() + b"\n" + self.offsets.tobytes() + self.lengths.tobytes()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes start..end-1, which contain the records first..last-1 of a pick."""

    start: int
    end: int
    first: int
    last: int


def ranges(offsets: I64, lengths: I64, gap_bytes: int = GAP_BYTES, first: int = 0) -> list[Range]:
    """Byte ranges that cover the records from `first` on; records with at most `gap_bytes` between them share one.

    >>> ranges(np.array([100, 150, 900]), np.array([50, 10, 20]), gap_bytes=0)
    [Range(start=100, end=160, first=0, last=2), Range(start=900, end=920, first=2, last=3)]
    """
    starts, ends = offsets[first:], (offsets + lengths)[first:]
    if not len(starts):
        return []
    reach = np.maximum.accumulate(ends)
    breaks = np.flatnonzero(starts[1:] - reach[:-1] > gap_bytes) + 1
    firsts = [0, *breaks.tolist()]
    lasts = [*breaks.tolist(), len(starts)]
    return [
        Range(int(starts[one]), int(reach[last - 1]), one + first, last + first) for one, last in zip(firsts, lasts, strict=True)
    ]


def sort_selection(found: Sequence[Path], sorted_file: Path) -> None:
    """Sort selected rows by WARC and offset into one file, without repeated records; DuckDB spills to disk if memory is short."""
    temporary = sorted_file.with_suffix(".tmp")
    with database({}, sorted_file.parent / SORT) as connection:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(
            f"""COPY (SELECT warc, "offset", length, min(url) AS url FROM read_parquet(?)
                GROUP BY warc, "offset", length ORDER BY warc, "offset", length)
                TO '{str(temporary).replace("'", "''")}' (FORMAT parquet, COMPRESSION zstd)""",
            [[str(path) for path in found]],
        )
    give_name(temporary, sorted_file)


def picks(sorted_file: Path) -> Iterator[Pick]:
    """The picks in order of their WARCs, one at a time in memory; raises IntegrityError for an impossible WARC name."""
    held: list[pa.Table] = []
    with pq.ParquetFile(sorted_file) as file:
        for batch in file.iter_batches(1 << 16, columns=SELECTION.names):
            rows = pa.Table.from_batches([batch])
            warcs = rows.column("warc").to_numpy(zero_copy_only=False)
            edges = [0, *(np.flatnonzero(warcs[1:] != warcs[:-1]) + 1).tolist(), len(warcs)]
            for start, end in itertools.pairwise(edges):
                if held and held[0].column("warc")[0].as_py() != warcs[start]:
                    yield _pick(held, sorted_file)
                    held = []
                held.append(rows.slice(start, end - start))
    if held:
        yield _pick(held, sorted_file)


def _pick(pieces: list[pa.Table], sorted_file: Path) -> Pick:
    rows = pa.concat_tables(pieces)
    warc = rows.column("warc")[0].as_py()
    if not is_warc_path(warc):
        raise IntegrityError(
            f"{sorted_file} is damaged: it names {str(warc)[:200]!r}, which is not a WARC; delete it and run the same command again."
        )
    return Pick(
        warc,
        np.asarray(rows.column("offset").to_numpy(), np.int64),
        np.asarray(rows.column("length").to_numpy(), np.int64),
        rows.column("url").to_pylist(),
    )
