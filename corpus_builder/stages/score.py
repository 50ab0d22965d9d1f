"""From documents to scores: what each classifier of the recipe says of each document.

A shard holds the scores of one classifier for one shard of documents, with its order and its row groups, so another classifier,
or another file of one, makes only its own shards anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus_builder.quality.histograms import Bin, add_histogram, histogram
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import NamedClassifier, Running
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, read_groups
from corpus_builder.store.sidecars import scored_shard
from corpus_builder.store.stats import Count


@dataclass(frozen=True)
class ScoreStats:
    """The documents of a shard, by one classifier."""

    classifier: str
    histograms: dict[str, dict[Bin, Count]]  # documents by column and bin
    fractions: tuple[str, ...]  # the columns among these whose values, and bins, are from 0 to 1
    categories: dict[str, dict[str, Count]]  # documents by column and category


@dataclass(frozen=True)
class Score(Stage):
    """The stage: one shard per classifier and shard of documents, called CLASSIFIER/SHARD."""

    classifiers: tuple[NamedClassifier, ...]
    name: ClassVar[str] = "score"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("scores",)
    stats: ClassVar[type[Any]] = ScoreStats

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe names a classifier."""
        return bool(recipe.quality.classifiers)

    @classmethod
    def of(cls, running: Running) -> Score:
        """The stage with the recipe's classifiers."""
        return cls(running.classifiers)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Each shard depends on its documents and its classifier, and on the measures if the classifier reads some."""
        extract, measure = manifests["extract"], manifests["measure"]
        shards = []
        for number, one in enumerate(self.classifiers):
            for receipt in extract.receipts:
                made_from = {
                    "stage": f"{self.name}/{self.version}",
                    "classifier": one.digest,
                    "documents": receipt.tables["documents"].sha256,
                }
                measures = None
                if one.measures:
                    made_from["measures"] = measure.by_shard[receipt.shard].tables["measures"].sha256
                    measures = measure.get(receipt.shard, "measures")
                task = (number, extract.path(receipt, "documents"), measures)
                shards.append(Shard(scored_shard(one.name, receipt.shard), made_from, task))
        return shards

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Score a shard's documents, one row group at a time."""
        number, documents, measures = shard.task
        one = self.classifiers[number]
        out.table("scores", schema_of(one))
        histograms: dict[str, dict[int, int]] = {}
        categories: dict[str, dict[str, int]] = {}
        for texts, measured in _groups(documents, measures, one.measures):
            scored = scores_of(one, texts, measured)
            out.write_group("scores", scored)
            for name, property_ in one.columns.items():
                column = scored.column(name)
                if property_.kind == "category":
                    counts = categories.setdefault(name, {})
                    for category in column.to_pylist():
                        counts[category or ""] = counts.get(category or "", 0) + 1
                else:
                    found = histogram(name, column.to_numpy(), fraction=property_.kind == "binary")
                    add_histogram(histograms.setdefault(name, {}), found)
        fractions = tuple(name for name in sorted(histograms) if one.columns[name].kind == "binary")
        out.stats = ScoreStats(one.name, histograms, fractions, categories)


def schema_of(one: NamedClassifier) -> pa.Schema:
    """Of a classifier's scores: id, and its columns; a category is followed by its probability, as NAME.probability.

    A score is null where the classifier says nothing of a text.
    """
    fields = [pa.field("id", pa.string(), nullable=False)]
    for name, property_ in one.columns.items():
        if property_.kind == "category":
            fields += [pa.field(name, pa.string()), pa.field(f"{name}.probability", pa.float64())]
        else:
            fields.append(pa.field(name, pa.float64()))
    return pa.schema(fields)


def scores_of(one: NamedClassifier, documents: pa.Table, measures: pa.Table | None) -> pa.Table:
    """The scores of some documents, with `id` and `text`, by one classifier, which may read columns of `measures`."""
    read = {name: measures.column(name).to_numpy().astype(np.float64) for name in one.measures} if measures is not None else {}
    said = one.score(documents.column("text").to_pylist(), read)
    columns = [documents.column("id")]
    for property_ in one.properties:
        if property_.kind == "category":
            columns.append(pa.array(said[property_.name], pa.string(), from_pandas=True))
            columns.append(pa.array(said[f"{property_.name}.probability"], pa.float64(), from_pandas=True))
        else:
            columns.append(pa.array(said[property_.name], pa.float64(), from_pandas=True))
    return pa.table(columns, schema=schema_of(one))


def _groups(documents: Path, measures: Path | None, names: tuple[str, ...]) -> Iterator[tuple[pa.Table, pa.Table | None]]:
    measured = read_groups(measures, list(names)) if measures else None
    for group in read_groups(documents, ["id", "text"]):
        yield group, next(measured) if measured else None
