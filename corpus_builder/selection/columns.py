"""What a build stored about its documents, column by column, in step: a row group of each table that has a wanted column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from corpus_builder.built import Built
from corpus_builder.errors import InputError
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import read_groups
from corpus_builder.store.tables import Table

OF_A_DOCUMENT = ("id", "url", "host", "crawl", "date", "title", "text")
OF_A_DECISION = ("keep", "reason", "value", "threshold", "detail")


@dataclass(frozen=True)
class Group:
    """Some columns of a row group of documents."""

    shard: str
    source: str
    number: int
    rows: pa.Table


@dataclass(frozen=True)
class Columns:
    """Where each column of a build is stored: the stage and the table that hold it, and its type."""

    built: Built
    places: dict[str, tuple[str, str]]
    types: dict[str, pa.DataType]

    @classmethod
    def of(cls, built: Built) -> Columns:
        """The columns of a build; raises InputError if it has not come as far as its decisions."""
        if "decide" not in built.manifests:
            raise InputError(
                f"The build in {built.out} has not come as far as its decisions yet; run `corpus-builder build` again."
            )
        places: dict[str, tuple[str, str]] = {}
        types: dict[str, pa.DataType] = {}
        for stage, table in (("extract", "documents"), ("decide", "decisions"), ("measure", "measures"), ("score", "scores")):
            if stage in built.manifests:
                for field in Table.of([built.manifests[stage]], table).dataset().schema:
                    if places.setdefault(field.name, (stage, table)) == (stage, table):
                        types[field.name] = field.type
        return cls(built, places, types)

    @property
    def numbers(self) -> list[str]:
        """The columns that are measures or scores: numbers that a rule may name."""
        return [name for name, (stage, _) in self.places.items() if stage in ("measure", "score") and is_number(self.types[name])]

    @property
    def categories(self) -> list[str]:
        """The columns that hold the name of a category, such as a topic."""
        return [name for name, (stage, _) in self.places.items() if stage == "score" and pa.types.is_string(self.types[name])]

    def groups(self, names: Iterable[str], within: dict[str, set[int]] | None = None) -> Iterator[Group]:
        """The row groups of all shards, in order, with these columns; `within` names the shards and row groups to read."""
        wanted = list(dict.fromkeys(names))
        by_table: dict[tuple[str, str], list[str]] = {("extract", "documents"): []}  # which says how many rows there are
        for name in wanted:
            by_table.setdefault(self.places[name], []).append(name)
        if not by_table["extract", "documents"]:
            by_table["extract", "documents"] = ["id"]
        extract = self.built.manifests["extract"]
        sources = extract.stats(ExtractStats)
        for receipt in extract.receipts:
            shard = receipt.shard
            if within is not None and shard not in within:
                continue
            files = [(self.built.manifests[stage].get(shard, table), columns) for (stage, table), columns in by_table.items()]
            numbers = None if within is None else sorted(within[shard])
            read = [read_groups(path, columns, numbers) for path, columns in files if path is not None]
            for place, tables in enumerate(zip(*read, strict=True)):
                columns = {name: table.column(name) for table in tables for name in table.column_names}
                number = place if numbers is None else numbers[place]
                yield Group(shard, sources[shard].source, number, pa.table({name: columns[name] for name in wanted}))


def is_number(type_: pa.DataType) -> bool:
    """Whether a column's type is a number."""
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))
