"""What a build stored about its documents, column by column, in step: a row group of each table that has a wanted column."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from corpus_builder.built import Built
from corpus_builder.errors import InputError
from corpus_builder.quality.catalogue import COPIES
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import read_groups, read_table
from corpus_builder.store.rows import value_at
from corpus_builder.store.tables import Table


@dataclass(frozen=True)
class Group:
    """Some columns of a row group of documents."""

    shard: str
    source: str
    number: int
    rows: pa.Table


class Place(NamedTuple):
    """The files that hold a column: a table of a stage; those of a classifier's scores are named CLASSIFIER/SHARD."""

    stage: str
    table: str
    before: str = ""


DOCUMENTS = Place("extract", "documents")


@dataclass(frozen=True)
class Columns:
    """Where each column of a build is stored, and its type."""

    built: Built
    places: dict[str, Place]
    types: dict[str, pa.DataType]

    @classmethod
    def of(cls, built: Built) -> Columns:
        """The columns of a build; raises InputError if it has not come as far as its decisions."""
        if "decide" not in built.manifests:
            raise InputError(
                f"The build in {built.out} has not come as far as its decisions yet; run `corpus-builder build` again."
            )
        classifiers = sorted(
            {receipt.shard.partition("/")[0] for receipt in built.manifests["score"].receipts}
            if "score" in built.manifests
            else ()
        )
        everywhere = [
            DOCUMENTS,
            Place("decide", "decisions"),
            Place("measure", "measures"),
            *(Place("score", "scores", f"{name}/") for name in classifiers),
            Place("hosts", "host_columns"),
            Place("match", "matches"),
        ]
        places: dict[str, Place] = {}
        types: dict[str, pa.DataType] = {}
        for place in everywhere:
            if place.stage not in built.manifests:
                continue
            manifest = built.manifests[place.stage]
            files = [
                manifest.path(receipt, place.table) for receipt in manifest.receipts if receipt.shard.startswith(place.before)
            ]
            for column in Table(tuple(files), tuple(files[:1])).dataset().schema if files else ():
                if places.setdefault(column.name, place) == place:
                    types[column.name] = column.type
        return cls(built, places, types)

    @property
    def numbers(self) -> list[str]:
        """The columns that are measures or scores: numbers that a rule may name."""
        return [
            name for name, place in self.places.items() if place.stage in ("measure", "score") and is_number(self.types[name])
        ]

    @property
    def of_rules(self) -> list[str]:
        """The numbers that a rule may name: also those of hosts, and how many copies there are."""
        of_hosts = [name for name, place in self.places.items() if place.stage == "hosts" and is_number(self.types[name])]
        return [*self.numbers, *of_hosts, COPIES]

    @property
    def categories(self) -> list[str]:
        """The columns that hold the name of a category, such as a topic."""
        return [name for name, place in self.places.items() if place.stage == "score" and pa.types.is_string(self.types[name])]

    def groups(self, names: Iterable[str], within: dict[str, set[int]] | None = None) -> Iterator[Group]:
        """The row groups of all shards, in order, with these columns; `within` names the shards and row groups to read."""
        wanted = list(dict.fromkeys(names))
        by_place: dict[Place, list[str]] = {DOCUMENTS: []}  # which says how many rows there are
        for name in wanted:
            by_place.setdefault(self.places[name], []).append(name)
        if not by_place[DOCUMENTS]:
            by_place[DOCUMENTS] = ["id"]
        for shard, source in self.shards().items():
            if within is not None and shard not in within:
                continue
            numbers = None if within is None else sorted(within[shard])
            files = [(self._file(place, shard), columns) for place, columns in by_place.items()]
            read = [read_groups(path, columns, numbers) for path, columns in files if path is not None]
            for number, tables in zip(numbers or itertools.count(), zip(*read, strict=True), strict=False):
                columns = {name: table.column(name) for table in tables for name in table.column_names}
                yield Group(shard, source, number, pa.table({name: columns[name] for name in wanted}))

    def shards(self) -> dict[str, str]:
        """The shards of documents, in order, with their sources."""
        return {name: stats.source for name, stats in self.built.manifests["extract"].stats(ExtractStats).items()}

    def of_shard(self, shard: str, names: Iterable[str]) -> dict[str, pa.ChunkedArray | None]:
        """Whole columns of a shard, each file opened once; None if its file has none, as where nothing was compared."""
        by_place: dict[Place, list[str]] = {}
        for name in names:
            by_place.setdefault(self.places[name], []).append(name)
        found: dict[str, pa.ChunkedArray | None] = {}
        for place, columns in by_place.items():
            path = self._file(place, shard)
            table = None if path is None else read_table(path, columns)
            found |= {name: None if table is None else table.column(name) for name in columns}
        return found

    def at(self, shard: str, name: str, row: int) -> Any:
        """One value."""
        path = self._file(self.places[name], shard)
        assert path is not None  # a document has it
        return value_at(path, name, row)

    def _file(self, place: Place, shard: str) -> Path | None:
        return self.built.manifests[place.stage].get(f"{place.before}{shard}", place.table)


def is_number(type_: pa.DataType) -> bool:
    """Whether a column's type is a number."""
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))
