"""Single rows of tables, and tables that last no longer than a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def value_at(path: Path, column: str, row: int) -> Any:
    """One value of a table; only its row group is read."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if row < count:
                return file.read_row_group(group, columns=[column]).column(0)[row].as_py()
            row -= count
    raise IndexError(row)


def rows_where(path: Path, column: str, value: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table with a value in a column; of other columns only the row groups with such rows are read."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            keys = file.read_row_group(group, columns=[column]).column(0).to_pylist()
            if value in keys:
                table = file.read_row_group(group, columns=list(columns))
                yield from table.take([at for at, key in enumerate(keys) if key == value]).to_pylist()


def write_rows(path: Path, tables: Iterable[pa.Table]) -> Path:
    """Write tables of one schema, at least one, to a Parquet file for a query; returns its path."""
    writer: pq.ParquetWriter | None = None
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    return path
