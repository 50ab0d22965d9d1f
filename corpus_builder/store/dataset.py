"""The on-disk contract: shards, receipts, manifests.

A *dataset* is the directory of one stage.  A *shard* of it is one Parquet file per table.  A *receipt* records, for one
shard, what it was made from, and the size and digest of each of its files.  A *manifest* is the sorted list of the
receipts: once it is written, the dataset is *sealed*.

    OUT/extract/manifest.json
    OUT/extract/receipts/web-00000.warc.gz.json
    OUT/extract/documents/web-00000.warc.gz.3f9a01bc.parquet
    OUT/extract/ledger/web-00000.warc.gz.3f9a01bc.parquet

Readers open only what a receipt or manifest names, never a glob.  A file is written under a temporary name and renamed,
and its receipt is written last, so a crash at any moment leaves a shard either committed or absent; files named by a receipt also
survive a power loss.  File names contain the first letters of `made_of`, so a newer version of a shard never overwrites a file
that an existing receipt names.  Receipts and manifests contain no times, hosts, paths or workers: the same input and recipe give
the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.errors import IntegrityError
from corpus_builder.store.files import full_disk, json_bytes, remedy, sync_directory, write_atomically
from corpus_builder.store.names import digest_of as digest_of
from corpus_builder.store.names import stem_of
from corpus_builder.store.ownership import generated
from corpus_builder.store.receipt import Receipt, file_stem, lost_files
from corpus_builder.store.shard_files import ROW_GROUP_ROWS, PlainFile, TableFile, TableWriter
from corpus_builder.store.stats import NoStats, S, stats_as_json, stats_from_json

if TYPE_CHECKING:
    from corpus_builder.store.run import Runner

FORMAT = "corpus_builder/1"


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
        """Path of a shard's table; None if the dataset has no such shard."""
        receipt = self.by_shard.get(shard)
        return self.path(receipt, table) if receipt else None

    def path(self, receipt: Receipt, table: str) -> Path:
        """Path of a receipt's table."""
        return self.root / self._table(receipt, table).path

    def paths(self, table: str) -> list[Path]:
        """The files of one table, in shard order; shards without rows included."""
        return [self.path(receipt, table) for receipt in self.receipts]

    def rows(self, table: str) -> int:
        """Number of rows of one table over all shards."""
        return sum(self._table(receipt, table).rows for receipt in self.receipts)

    def stats(self, kind: type[S]) -> Mapping[str, S]:
        """The stats in the receipts, by shard; `kind` is the stage's dataclass.  Raises IntegrityError if one does not fit it."""
        if kind not in self._stats:
            self._stats[kind] = {receipt.shard: self._stats_of(receipt, kind) for receipt in self.receipts}
        return self._stats[kind]

    @cached_property
    def _stats(self) -> dict[type[Any], dict[str, Any]]:
        return {}

    def _stats_of(self, receipt: Receipt, kind: type[S]) -> S:
        try:
            return stats_from_json(kind, receipt.stats)
        except ValueError as error:
            raise damaged(self.root, _other_stats(self.stage, receipt, error)) from error

    def _table(self, receipt: Receipt, table: str) -> TableFile:
        try:
            return receipt.tables[table]
        except KeyError as error:
            raise damaged(self.root, f"it names no {table} of the shard {receipt.shard!r}") from error


@dataclass(frozen=True)
class Shard:
    """A unit of work, of some minutes.  `task` is what the stage needs to run it.

    `made_from` names everything that its bytes depend on (the stage's version, settings, digests of inputs): the shard runs
    again when one of them changes, and `corpus-builder plan` says which.
    """

    name: str
    made_from: Mapping[str, str]
    task: Any = field(repr=False, default=None)

    @cached_property
    def made_of(self) -> str:
        """Digest of what the shard is made from."""
        return digest_of(self.made_from)


class Kind(Protocol):
    """What the class of a stage says of all its shards."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that each of them has."""

    @property
    def stats(self) -> type[Any]:
        """The dataclass of their receipts' numbers."""


class Stage(Protocol):
    """Turns sealed datasets into one new dataset, a shard at a time.

    A stage is a frozen dataclass that inherits from this class.  It has a name, `plan` and `run`; everything else here has a default for
    stages that do not need it.
    """

    version: ClassVar[int]
    """Incremented with every change of the bytes that the stage writes."""
    tables: ClassVar[tuple[str, ...]] = ()
    """The tables that every shard has; some shards may have more."""
    stats: ClassVar[type[Any]] = NoStats
    """The frozen dataclass of the stats in a shard's receipt."""

    @property
    def name(self) -> str:
        """Name of the stage, of its directory, and of the dataset that it makes."""

    @classmethod
    def wanted(cls, recipe: Any) -> bool:
        """Whether a build with this recipe has the stage; reads no file."""
        return True

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """The shards of the new dataset, in order, given the sealed datasets that it reads."""

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Make one shard.  Pure: the same shard gives the same bytes wherever it runs."""

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """The stage made ready to run, if it must first go through all documents, in steps by `runner.run_step`.

        It is called only if a shard, or a dataset in `beside`, is missing.
        """
        return self

    @property
    def beside(self) -> tuple[str, ...]:
        """The names of other datasets that `prepare` makes with `runner.run_beside`."""
        return ()

    def for_workers(self) -> Self:
        """The stage as it is sent to workers: without what only its plan needs, such as the inputs of all the other shards."""
        return self

    def stats_before(self, shard: Shard) -> Any:
        """What is known of a shard's stats before it is run; `plan` uses it to show what the later stages would do."""
        return NoStats()


@dataclass(frozen=True)
class Dataset:
    """The directory of one stage; `tables` and `stats` are those that each of its receipts has."""

    root: Path
    stage: str
    version: int
    tables: tuple[str, ...] = ()
    stats: type[Any] = NoStats

    @classmethod
    def of(cls, stage: Stage, parent: Path) -> Dataset:
        """The directory of a stage, among those of the others."""
        return cls(parent / stage.name, stage.name, stage.version, stage.tables, stage.stats)

    def receipt(self, shard: Shard) -> Receipt | None:
        """The receipt of a committed shard that is made of exactly what `shard` asks for and has all its files; else None."""
        receipt = self.last_receipt(shard.name)
        if receipt is None or receipt.made_from != shard.made_from or self.problem(receipt) or lost_files(self.root, receipt):
            return None
        return receipt

    def problem(self, receipt: Receipt) -> str:
        """What a receipt lacks that every receipt of this stage must have; "" if nothing."""
        try:
            stats_from_json(self.stats, receipt.stats)
        except ValueError as error:
            return _other_stats(self.stage, receipt, error)
        lacking = sorted(set(self.tables) - set(receipt.tables))
        return f"it names no {' and no '.join(lacking)} of the shard {receipt.shard!r}" if lacking else ""

    def last_receipt(self, name: str) -> Receipt | None:
        """The receipt stored under a shard's name, whatever it was made from."""
        try:
            return Receipt.from_json(json.loads(self._receipt_path(name).read_bytes()))
        except (FileNotFoundError, IsADirectoryError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def seal(self, receipts: Sequence[Receipt]) -> Manifest:
        """Write the manifest, then remove files of ours that it does not name; other files stay."""
        value = {"format": FORMAT, "stage": self.stage, "version": self.version, "shards": [r.as_json() for r in receipts]}
        packed = json_bytes(value, sort_keys=True)
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
        """A writer for one shard, whose output counts once `commit` has returned."""
        return ShardWriter(self.root, shard, self._receipt_path(shard.name))


class ShardWriter:
    """Writes the tables of one shard, then commits them with a receipt."""

    def __init__(self, root: Path, shard: Shard, receipt_path: Path) -> None:
        self._root = root
        self._shard = shard
        self._receipt_path = receipt_path
        self._open: dict[str, Any] = {}  # TableWriter or PlainFile
        self.stats: Any = NoStats()  # the stage's own dataclass

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for table in self._open.values():
            table.discard()
        if isinstance(error, OSError) and (sentence := full_disk(error, self._root)):
            raise sentence from error

    def table(self, name: str, schema: pa.Schema, group_rows: int = ROW_GROUP_ROWS) -> None:
        """Open a table, so that it exists even without rows; `group_rows` is the number of rows of its row groups."""
        if name not in self._open:
            file_name = f"{file_stem(self._shard.name, self._shard.made_of)}.parquet"
            self._open[name] = TableWriter(self._root / name, file_name, schema, group_rows)

    def write(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table."""
        self.table(name, rows.schema)
        self._open[name].write(rows)

    def open_file(self, name: str, suffix: str) -> BinaryIO:
        """Open a file in the user's format among the tables; `close_file` records its number of rows."""
        table = PlainFile(self._root / name, f"{file_stem(self._shard.name, self._shard.made_of)}{suffix}")
        self._open[name] = table
        return table.file

    def close_file(self, name: str, rows: int) -> None:
        """Record the number of rows of a file opened by `open_file`."""
        self._open[name].rows = rows

    def write_group(self, name: str, rows: pa.Table) -> None:
        """Append rows as one row group, so that a sidecar's row groups are those of the documents."""
        self.table(name, rows.schema)
        self._open[name].write_group(rows)

    def commit(self) -> Receipt:
        """Close the tables, give them their names, then write the receipt."""
        tables = {name: table.close() for name, table in self._open.items()}
        self._open = {}
        for name in tables:  # files are durable before the receipt that names them
            sync_directory(self._root / name)
        receipt = Receipt(self._shard.name, self._shard.made_from, tables, stats_as_json(self.stats))
        packed = json_bytes(receipt.as_json(), indent=None, sort_keys=True)
        write_atomically(self._receipt_path, packed)
        return Receipt.from_json(json.loads(packed))  # identical, even in order, to the one that the next run reads


def _tables_in(manifest: bytes) -> set[str]:
    """The tables that a manifest names, as far as it can be read."""
    try:
        return {str(name) for shard in json.loads(manifest)["shards"] for name in shard["tables"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def is_whole(manifest: Manifest) -> bool:
    """Whether all files that a manifest names exist with the recorded lengths."""
    return not any(lost_files(manifest.root, receipt) for receipt in manifest.receipts)


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
        manifest = Manifest(value["stage"], value["version"], root, tuple(map(Receipt.from_json, value["shards"])))
    except ValueError as error:
        raise damaged(root, str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(root, f"no {error}") from error
    if not isinstance(manifest.version, int):
        raise damaged(root, f"its version is {manifest.version!r}")
    if len(manifest.by_shard) != len(manifest.receipts):
        raise damaged(root, "it names a shard twice")
    return manifest


def _other_stats(stage: str, receipt: Receipt, error: ValueError) -> str:
    return f"the stats of the shard {receipt.shard!r} are not those of a stage {stage!r} ({error})"


def damaged(root: Path, why: str) -> IntegrityError:
    """The error for a manifest that is not what was written."""
    path = root / "manifest.json"
    return IntegrityError(f"{path} is damaged: {why}; {remedy(path, 'delete it and build again')}.")


def sealed_manifest(root: Path) -> Manifest:
    """The manifest of a dataset that must be sealed; raises IntegrityError if it is not."""
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
