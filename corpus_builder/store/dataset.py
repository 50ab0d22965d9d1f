"""The on-disk contract: shards, receipts, manifests.

A *dataset* is the directory of one stage.  A *shard* of it is one Parquet file per table.  A *receipt* vouches for one
shard: what it was made from, and the size and digest of each of its files.  A *manifest* is the sorted list of the
receipts: once it stands, the dataset is *sealed*.

    OUT/extract/manifest.json
    OUT/extract/receipts/web-00000.warc.gz.json
    OUT/extract/documents/web-00000.warc.gz.3f9a01bc.parquet
    OUT/extract/ledger/web-00000.warc.gz.3f9a01bc.parquet

Readers open only what a receipt or manifest names, never a glob.  A file is written under a temporary name and renamed,
and its receipt is written last, so a crash at any moment leaves a shard either committed or absent; what a receipt names outlasts
a loss of power, too.  File names carry the
first letters of `made_of`, so a newer version of a shard never overwrites a file that a standing receipt names.
Nothing in a receipt or manifest tells time, host, path or worker: the same input and recipe give the same bytes.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.errors import IntegrityError
from corpus_builder.store import names
from corpus_builder.store.files import digest_file, full_disk, remedy, sync_directory, write_atomically
from corpus_builder.store.names import digest_of as digest_of
from corpus_builder.store.names import stem_of
from corpus_builder.store.ownership import generated
from corpus_builder.store.shard_files import ROW_GROUP_ROWS, PlainFile, TableFile, TableWriter

FORMAT = "corpus_builder/1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What vouches for one committed shard."""

    shard: str
    made_from: Mapping[str, str]
    tables: Mapping[str, TableFile]
    stats: Mapping[str, Any]

    @property
    def made_of(self) -> str:
        """Digest of what the shard was made from."""
        return digest_of(self.made_from)

    def as_json(self) -> dict[str, Any]:
        """The receipt as JSON values."""
        return {
            "shard": self.shard,
            "made_from": dict(self.made_from),
            "tables": {name: asdict(table) for name, table in sorted(self.tables.items())},
            "stats": self.stats,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Receipt:
        """The receipt that `as_json` wrote; ValueError where a name in it is not of the form that a writer gives."""
        tables = {name: TableFile(**table) for name, table in value["tables"].items()}
        receipt = cls(value["shard"], value["made_from"], tables, value["stats"])
        counts = [number for table in tables.values() for number in (table.rows, table.size_bytes)]
        if not all(isinstance(number, int) and number >= 0 for number in counts) or not isinstance(receipt.stats, dict):
            raise ValueError(f"the numbers of the shard {receipt.shard!r} are none")
        stem = file_stem(receipt.shard, receipt.made_of)
        for name, table in tables.items():
            start = f"{name}/{stem}"
            known = names.TABLE.fullmatch(name) and table.path.startswith(start)
            if not known or not names.SUFFIX.fullmatch(table.path[len(start) :]) or not names.SHA256.fullmatch(table.sha256):
                raise ValueError(f"it names {table.path!r}, which is no file of the shard {receipt.shard!r}")
        return receipt


@dataclass(frozen=True)
class Manifest:
    """The sealed list of a dataset's receipts, in shard order."""

    stage: str
    version: int
    root: Path
    receipts: tuple[Receipt, ...]

    @cached_property
    def by_shard(self) -> dict[str, Receipt]:
        """The receipts by shard name."""
        return {receipt.shard: receipt for receipt in self.receipts}

    def get(self, shard: str, table: str) -> Path | None:
        """Where a shard's table lies, or None if the dataset has no such shard."""
        receipt = self.by_shard.get(shard)
        return self.path(receipt, table) if receipt else None

    def path(self, receipt: Receipt, table: str) -> Path:
        """Where a receipt's table lies."""
        return self.root / self._table(receipt, table).path

    def paths(self, table: str) -> list[Path]:
        """The files of one table, in shard order; shards without rows included."""
        return [self.path(receipt, table) for receipt in self.receipts]

    def rows(self, table: str) -> int:
        """Number of rows of one table over all shards."""
        return sum(self._table(receipt, table).rows for receipt in self.receipts)

    def _table(self, receipt: Receipt, table: str) -> TableFile:
        try:
            return receipt.tables[table]
        except KeyError as error:
            path = self.root / "manifest.json"
            what = remedy(path, "delete it and build again")
            raise IntegrityError(f"{path} is damaged: it names no {table} of the shard {receipt.shard!r}; {what}.") from error


@dataclass(frozen=True)
class Shard:
    """A unit of work: minutes of it.  `task` is what the stage needs to run it.

    `made_from` names everything that its bytes depend on (the stage's version, settings, digests of inputs): the shard runs
    again when one of them changes, and `corpus-builder plan` tells which.
    """

    name: str
    made_from: Mapping[str, str]
    task: Any = field(repr=False, default=None)

    @cached_property
    def made_of(self) -> str:
        """Digest of what the shard is made from."""
        return digest_of(self.made_from)


class Stage(Protocol):
    """Turns sealed datasets into one new dataset, a shard at a time."""

    @property
    def name(self) -> str:
        """Name of the stage, of its directory, and of the dataset that it makes."""

    @property
    def version(self) -> int:
        """Goes up with every change of the bytes that the stage writes."""

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """The shards that the new dataset shall have, in order, given the sealed datasets that it reads."""

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Make one shard.  Pure: the same shard gives the same bytes wherever it runs."""


def file_stem(shard: str, made_of: str) -> str:
    """What the names of a shard's files begin with.

    >>> file_stem("web.warc.gz", "3f9a01bc6d2e")
    'web.warc.gz.3f9a01bc'
    """
    return f"{stem_of(shard)}.{made_of[:8]}"


class Dataset:
    """The directory of one stage."""

    def __init__(self, root: Path, stage: str, version: int) -> None:
        self.root = root
        self.stage = stage
        self.version = version

    def receipt(self, shard: Shard) -> Receipt | None:
        """The receipt of a committed shard that is made of just what `shard` asks for, with all its files there."""
        receipt = self.last_receipt(shard.name)
        if receipt is None or receipt.made_from != shard.made_from or lost_files(self.root, receipt):
            return None
        return receipt

    def last_receipt(self, name: str) -> Receipt | None:
        """The receipt that stands under a shard's name, whatever it was made from."""
        try:
            return Receipt.from_json(json.loads(self._receipt_path(name).read_bytes()))
        except (FileNotFoundError, IsADirectoryError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def seal(self, receipts: Sequence[Receipt]) -> Manifest:
        """Write the manifest, then remove the files of ours that it does not name; what others put there stays."""
        value = {"format": FORMAT, "stage": self.stage, "version": self.version, "shards": [r.as_json() for r in receipts]}
        packed = (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
        path = self.root / "manifest.json"
        before = path.read_bytes() if path.is_file() else b""
        tables = {name for receipt in receipts for name in receipt.tables}
        if before != packed:
            tables |= _tables_in(before)
            write_atomically(path, packed)
        keep = {path, *(self._receipt_path(receipt.shard) for receipt in receipts)}
        keep.update(self.root / table.path for receipt in receipts for table in receipt.tables.values())
        for found in generated(self.root, tables):
            if found not in keep:
                found.unlink(missing_ok=True)
        return Manifest(self.stage, self.version, self.root, tuple(receipts))

    def _receipt_path(self, shard: str) -> Path:
        return self.root / "receipts" / f"{stem_of(shard)}.json"

    def writer(self, shard: Shard) -> ShardWriter:
        """A writer for one shard; what it wrote counts once `commit` has returned."""
        return ShardWriter(self.root, shard, self._receipt_path(shard.name))


class ShardWriter:
    """Writes the tables of one shard, then commits them with a receipt."""

    def __init__(self, root: Path, shard: Shard, receipt_path: Path) -> None:
        self._root = root
        self._shard = shard
        self._receipt_path = receipt_path
        self._open: dict[str, Any] = {}  # TableWriter or PlainFile
        self.stats: dict[str, Any] = {}

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for table in self._open.values():
            table.discard()
        if isinstance(error, OSError) and (sentence := full_disk(error, self._root)):
            raise sentence from error

    def table(self, name: str, schema: pa.Schema, group_rows: int = ROW_GROUP_ROWS) -> None:
        """Open a table, so that it is there even if it gets no rows; `group_rows` is the length of its row groups."""
        if name not in self._open:
            file_name = f"{file_stem(self._shard.name, self._shard.made_of)}.parquet"
            self._open[name] = TableWriter(self._root / name, file_name, schema, group_rows)

    def write(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table."""
        self.table(name, rows.schema)
        self._open[name].write(rows)

    def open_file(self, name: str, suffix: str) -> BinaryIO:
        """A file of the user's format among the tables; `close_file` says how many rows it got."""
        table = PlainFile(self._root / name, f"{file_stem(self._shard.name, self._shard.made_of)}{suffix}")
        self._open[name] = table
        return table.file

    def close_file(self, name: str, rows: int) -> None:
        """How many rows a file that `open_file` opened has."""
        self._open[name].rows = rows

    def write_group(self, name: str, rows: pa.Table) -> None:
        """Append rows as one row group, so that a sidecar's row groups are those of the documents."""
        self.table(name, rows.schema)
        self._open[name].write_group(rows)

    def commit(self) -> Receipt:
        """Close the tables, give them their names, then write the receipt."""
        tables = {name: table.close() for name, table in self._open.items()}
        self._open = {}
        for name in tables:  # what the receipt will name is there before it, even after a loss of power
            sync_directory(self._root / name)
        receipt = Receipt(self._shard.name, self._shard.made_from, tables, self.stats)
        packed = json.dumps(receipt.as_json(), ensure_ascii=False, sort_keys=True)
        write_atomically(self._receipt_path, f"{packed}\n".encode())
        return Receipt.from_json(json.loads(packed))  # the same to its order as the one that the next run reads


def _tables_in(manifest: bytes) -> set[str]:
    """The tables that a manifest names, as far as it can be read."""
    try:
        return {str(name) for shard in json.loads(manifest)["shards"] for name in shard["tables"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def is_whole(manifest: Manifest) -> bool:
    """Whether all files that a manifest names are there, as long as it says."""
    return not any(lost_files(manifest.root, receipt) for receipt in manifest.receipts)


def lost_files(root: Path, receipt: Receipt) -> list[Path]:
    """The files of a receipt that are missing, or not as long as it says."""
    lost = []
    for table in receipt.tables.values():
        path = root / table.path
        try:
            there = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            lost.append(path)
            continue
        if not stat.S_ISREG(there.st_mode) or there.st_size != table.size_bytes:  # a link leads to what is not ours
            lost.append(path)
    return lost


def read_manifest(root: Path) -> Manifest | None:
    """The sealed manifest of the dataset in a directory, or None if it is not sealed."""
    path = root / "manifest.json"
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise IntegrityError(f"{path} is not JSON ({error}); {remedy(path, 'delete it and build again')}.") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        found = value.get("format") if isinstance(value, dict) else None
        raise IntegrityError(
            f"{path} has format {found!r}, but this version reads {FORMAT!r}; "
            "read it with the version that wrote it, or build into a new directory."
        )
    if (stage := value.get("stage", root.name)) != root.name:
        raise IntegrityError(f"{path} is of the stage {stage!r}; {remedy(path, 'delete it and build again')}.")
    try:
        return Manifest(value["stage"], value["version"], root, tuple(map(Receipt.from_json, value["shards"])))
    except ValueError as error:
        raise IntegrityError(f"{path} is damaged: {error}; {remedy(path, 'delete it and build again')}.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path} is damaged (no {error}); {remedy(path, 'delete it and build again')}.") from error


def sealed_manifest(root: Path) -> Manifest:
    """The manifest of a dataset that must be sealed; IntegrityError if it is not."""
    manifest = read_manifest(root)
    if manifest is None:
        what = remedy(root / "manifest.json", "the stage did not finish. Run `corpus-builder build` again")
        raise IntegrityError(f"{root} has no manifest.json: {what}.")
    return manifest


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole table, or some of its columns."""
    return pq.ParquetFile(path, memory_map=True).read(columns=columns)


def read_groups(path: Path, columns: Sequence[str] | None = None, groups: Iterable[int] | None = None) -> Iterator[pa.Table]:
    """A table's row groups in order, one in memory at a time."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups) if groups is None else groups:
            yield file.read_row_group(group, columns=columns)


def read_between(path: Path, column: str, low: int, high: int) -> pa.Table:
    """The rows with low <= column < high of a table that is sorted by an integer column; only their row groups are opened."""
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


def verify(manifest: Manifest, again: str = "build again") -> list[str]:
    """Sentences on every file that is missing or not what the manifest says; empty if all is well.  `again` makes a file anew."""
    tables = {name for receipt in manifest.receipts for name in receipt.tables}
    problems = [
        f"{path} is a symbolic link, and what lies behind it is not what was written; remove the link and {again}."
        for path in (manifest.root, *(manifest.root / name for name in sorted(tables)))
        if path.is_symlink()
    ]
    if problems:
        return problems
    for receipt in manifest.receipts:
        for table in receipt.tables.values():
            path = manifest.root / table.path
            if not os.path.lexists(path):
                problems.append(f"{path} is missing; {again}.")
            elif path.is_symlink() or not path.is_file():
                problems.append(f"{path} is no plain file, as was written; remove it and {again}.")
            elif digest_file(path) != table.sha256:
                problems.append(f"{path} is not the file that the manifest vouches for; delete it and {again}.")
            elif path.suffix == ".parquet" and pq.read_metadata(path).num_rows != table.rows:
                problems.append(f"{path} holds another number of rows than its manifest says ({table.rows}).")
    return problems
