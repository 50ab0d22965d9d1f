"""The tables of a build as Arrow datasets and in SQL: read in place, only from files that manifests name."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from corpus_builder.errors import IntegrityError
from corpus_builder.store.dataset import Manifest

MOST_ON_DISK = "64GiB"
"""Ours: how much a query may put into the system's temporary directory (TMPDIR) if memory is short; it is removed with the query."""


@dataclass(frozen=True)
class Table:
    """The Parquet files of a table; `samples` has one file per schema, so that not every file must be opened."""

    files: tuple[Path, ...]
    samples: tuple[Path, ...]

    @classmethod
    def of(cls, manifests: Sequence[Manifest], table: str) -> Table:
        """A table of some stages.  Shards that have the same tables have the same schemas."""
        files: list[Path] = []
        samples: dict[tuple[str, ...], Path] = {}
        for manifest in manifests:
            for receipt in manifest.receipts:
                files.append(manifest.path(receipt, table))
                samples.setdefault((manifest.stage, *sorted(receipt.tables)), files[-1])
        return cls(tuple(files), tuple(samples.values()))

    def dataset(self) -> ds.Dataset:
        """One dataset with the columns of all files; files without a column have nulls in it.  Reads no rows yet."""
        with readable():
            schemas = [pq.read_schema(path) for path in self.samples]
            fields = pa.unify_schemas(schemas)
            shared = set.intersection(*(set(schema.names) for schema in schemas))
            schema = pa.schema([field.with_nullable(field.nullable or field.name not in shared) for field in fields])
            return ds.dataset([str(path) for path in self.files], schema=schema, format="parquet")


def database(tables: Mapping[str, Table], temporary: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database with these tables by name; it fetches no extensions from the network.

    If memory is short, it spills to `temporary`, or, within a limit, to the system's temporary directory.
    """
    config: dict[str, str | bool] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "temp_directory": str(temporary or Path(tempfile.gettempdir(), f"corpus_builder-{uuid.uuid4().hex}")),
    }
    connection = duckdb.connect(config=config if temporary else config | {"max_temp_directory_size": MOST_ON_DISK})
    with readable():
        for name, table in tables.items():
            rows = connection.read_parquet([str(path) for path in table.files], union_by_name=len(table.samples) > 1)
            rows.create_view(name)
    return connection


def add_joined(connection: duckdb.DuckDBPyConnection, name: str, tables: Sequence[Table], key: str) -> None:
    """Add a view of several tables that have the same rows by `key`, with the columns of all."""
    with readable():
        joined = connection.read_parquet([str(path) for path in tables[0].files])
        for table in tables[1:]:
            joined = joined.join(connection.read_parquet([str(path) for path in table.files]), key)
        joined.create_view(name)


@contextmanager
def readable() -> Iterator[None]:
    """Turn the libraries' errors about missing or damaged files into IntegrityError."""
    try:
        yield
    except (OSError, pa.ArrowException, duckdb.IOException, duckdb.InvalidInputException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise IntegrityError(f"A file of the build cannot be read ({reason}); `corpus-builder verify` says which.") from error
