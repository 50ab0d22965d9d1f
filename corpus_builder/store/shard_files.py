"""The files of a shard, written under temporary names and renamed once they are complete."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.store.files import digest_file, give_name, make_directory

ROW_GROUP_ROWS = 1_000
ROW_GROUP_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class TableFile:
    """One Parquet file of a shard; `path` is relative to the dataset's directory."""

    path: str
    rows: int
    size_bytes: int
    sha256: str


class TableWriter:
    """One Parquet file under a temporary name; row groups end at a number of rows or bytes, so they are reproducible."""

    def __init__(self, directory: Path, file_name: str, schema: pa.Schema, group_rows: int) -> None:
        self._group_rows = group_rows
        make_directory(directory)
        self._path = directory / file_name
        self._temporary = directory / f".{uuid.uuid4().hex}.tmp"
        self._schema = schema
        plain = [f.name for f in schema if f.name in ("text", "id", "url", "key", "number")]
        try:
            self._writer = pq.ParquetWriter(
                self._temporary,
                schema,
                compression="zstd",
                compression_level=3,
                use_dictionary=[f.name for f in schema if f.name not in plain],
            )
        except OSError:  # the disk is full: the file exists, but not its first bytes
            self._temporary.unlink(missing_ok=True)
            raise
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._rows = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        for start in range(0, rows.num_rows, self._group_rows):
            piece = rows.slice(start, self._group_rows)
            self._waiting.append(piece)
            self._waiting_rows += piece.num_rows
            self._waiting_bytes += piece.nbytes
            if self._waiting_rows >= self._group_rows or self._waiting_bytes >= ROW_GROUP_BYTES:
                self._flush()

    def write_group(self, rows: pa.Table) -> None:
        """Append rows as one row group."""
        self._flush()
        self._waiting, self._waiting_rows = [rows], rows.num_rows
        self._flush()

    def _flush(self) -> None:
        if self._waiting_rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=1 << 30)
            self._rows += self._waiting_rows
            self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0

    def close(self) -> TableFile:
        """Finish the file and give it its name."""
        self._flush()
        self._writer.close()
        return _named(self._temporary, self._path, self._rows)

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # the disk may be full; the temporary file goes next
            self._writer.close()
        self._temporary.unlink(missing_ok=True)


class PlainFile:
    """A file of another format than Parquet under a temporary name."""

    def __init__(self, directory: Path, file_name: str) -> None:
        make_directory(directory)
        self._path = directory / file_name
        self._temporary = directory / f".{uuid.uuid4().hex}.tmp"
        self.file = self._temporary.open("wb")
        self.rows = 0

    def close(self) -> TableFile:
        """Finish the file and give it its name."""
        self.file.close()
        return _named(self._temporary, self._path, self.rows)

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def _named(temporary: Path, path: Path, rows: int) -> TableFile:
    """Rename a finished file."""
    digest, size = digest_file(temporary), temporary.stat().st_size
    give_name(temporary, path)
    return TableFile(f"{path.parent.name}/{path.name}", rows, size, digest)


def read_between(path: Path, column: str, low: int, high: int) -> pa.Table:
    """The rows with low <= column < high of a table sorted by an integer column; reads only their row groups."""
    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index(column)
        groups = []
        for group in range(file.num_row_groups):
            found = file.metadata.row_group(group).column(place).statistics
            if found is None or not found.has_min_max or (found.max >= low and found.min < high):
                groups.append(group)
        table = file.read_row_groups(groups)
    first, last = np.searchsorted(table.column(column).to_numpy(), [low, high]).tolist()
    return table.slice(first, last - first)
