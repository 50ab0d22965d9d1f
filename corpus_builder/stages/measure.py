"""From documents to measures: every number that a rule may use, in a sidecar table with the documents' order.

This is costly, but done once, so that thresholds can change many times.  A user's filters run here too, since they need the text;
their verdicts are stored, and applied where their rule stands in the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus_builder.document import OWN_DOCUMENT, PAGE_COLUMNS, Document, Filter
from corpus_builder.engine.own_functions import UserFunction, answers
from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.quality import vocabulary
from corpus_builder.quality.catalogue import OF_PAGES
from corpus_builder.quality.groups import MeasureGroup
from corpus_builder.quality.histograms import Bin, add_histogram, histogram
from corpus_builder.quality.measures import MEASURES, measure_texts
from corpus_builder.quality.ng_words import NgWords, ng_fraction
from corpus_builder.quality.rules import apply_filter, measure
from corpus_builder.recipe.running import Running
from corpus_builder.sources.jsonl import answered_lines
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups
from corpus_builder.store.stats import Count

BATCH_LINES = 256
NAMES = (*OWN_DOCUMENT.names, *(field.name for field in PAGE_COLUMNS))
"""The columns of documents that a `Document` has."""

VERDICT = pa.struct([("reason", pa.string()), ("value", pa.float64()), ("threshold", pa.float64()), ("detail", pa.string())])


@dataclass(frozen=True)
class MeasureStats:
    """The documents of a shard."""

    histograms: dict[str, dict[Bin, Count]]  # documents by measure and bin, as `quality.histograms` numbers them


@dataclass(frozen=True)
class Measure(Stage):
    """The stage: one shard per shard of documents."""

    ng_words: NgWords | None = None
    measures: tuple[tuple[str, UserFunction], ...] = ()
    filters: tuple[UserFunction, ...] = ()
    groups: tuple[MeasureGroup, ...] = ()
    name: ClassVar[str] = "measure"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("measures",)
    stats: ClassVar[type[Any]] = MeasureStats

    @classmethod
    def of(cls, running: Running) -> Measure:
        """The stage with the recipe's own measures, filters and word lists, and the groups that it turns on."""
        return cls(running.ng_words, running.measures, running.filters, running.measure_groups)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on these, the word list and the source of the user's functions."""
        made_from = {
            "stage": f"{self.name}/{self.version}",
            "measures": digest_of(list(MEASURES)),
            "vocabulary": vocabulary.digest(),
            "NG words": self.ng_words.digest if self.ng_words else "",
            "own functions": digest_of(
                [[name, function.name, function.digest] for name, function in self.measures]
                + [[function.name, function.digest] for function in self.filters]
            ),
        }
        made_from |= {group.group.name: group.digest for group in self.groups}
        extract = manifests["extract"]
        return [
            Shard(
                receipt.shard,
                made_from | {"documents": receipt.tables["documents"].sha256},
                extract.path(receipt, "documents"),
            )
            for receipt in extract.receipts
        ]

    @property
    def schema(self) -> pa.Schema:
        """Of the measures table: id, a column per measure, what the word list matched, a verdict per filter."""
        types = {"float64": pa.float64(), "int32": pa.int32()}
        fields = [pa.field("id", pa.string(), nullable=False)]
        infos = [*MEASURES.values(), *OF_PAGES.measures, *(info for group in self.groups for info in group.group.measures)]
        fields += [pa.field(info.name, types[info.dtype], nullable=False) for info in infos]
        if self.ng_words:
            fields += [pa.field("ng_fraction", pa.float64()), pa.field("ng_fraction.detail", pa.string())]
        fields += [pa.field(name, pa.float64()) for name, _ in self.measures]
        fields += [pa.field(f"filter {function.name}", VERDICT) for function in self.filters]
        return pa.schema(fields)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Measure a shard's documents, one row group at a time."""
        out.table("measures", self.schema)
        histograms: dict[str, dict[int, int]] = {}
        said = self._answers(lambda: (row for group in read_groups(shard.task) for row in as_documents(group)))
        for documents in read_groups(shard.task):
            measured = self._table(documents, said)
            out.write_group("measures", measured)
            for field_ in measured.schema:
                if pa.types.is_floating(field_.type) or pa.types.is_integer(field_.type):
                    values = measured.column(field_.name).to_numpy()
                    add_histogram(histograms.setdefault(field_.name, {}), histogram(field_.name, values))
        out.stats = MeasureStats(histograms)

    def table(self, documents: pa.Table) -> pa.Table:
        """The measures table of some documents."""
        return self._table(documents, self._answers(lambda: as_documents(documents)))

    def _answers(self, documents: Callable[[], Iterable[Document]]) -> Iterator[Any]:
        """The results of the user's measures, then of the user's filters, for each document."""
        functions = [(function, measure) for _, function in self.measures] + [(function, verdict_of) for function in self.filters]
        return answers(functions, documents) if functions else iter(())

    def _table(self, documents: pa.Table, said: Iterator[Any]) -> pa.Table:
        texts: list[str] = documents.column("text").to_pylist()
        columns: dict[str, Any] = {"id": documents.column("id"), **measure_texts(texts)}
        for info in OF_PAGES.measures:
            known = info.name in documents.column_names
            columns[info.name] = documents.column(info.name) if known else np.zeros(len(texts))
        for group in self.groups:
            columns |= group.measure(texts)
        if self.ng_words:
            matched = [self.ng_words.matched(text) for text in texts]
            letters = columns["num_japanese_letters"]
            fractions = [ng_fraction(count, int(total)) for (count, _), total in zip(matched, letters, strict=True)]
            columns["ng_fraction"] = np.array(fractions, dtype=np.float64)
            columns["ng_fraction.detail"] = [word for _, word in matched]
        own = [*(name for name, _ in self.measures), *(f"filter {function.name}" for function in self.filters)]
        columns |= {name: [] for name in own}
        for _ in texts:
            for name in own:
                columns[name].append(next(said))
        return pa.table(columns, schema=self.schema)


def as_documents(table: pa.Table) -> list[Document]:
    """The rows of a table of documents as `Document`s."""
    return [Document(**row) for row in table.select([name for name in NAMES if name in table.column_names]).to_pylist()]


def verdict_of(filter_: Filter, document: Document) -> dict[str, Any] | None:
    """A user's filter's verdict on a document, as stored in the table of measures."""
    drop = apply_filter(filter_, document)
    if drop is None:
        return None
    if not isinstance(drop.reason, str) or not drop.reason:
        raise TypeError(f"its reason is {drop.reason!r}; give a word, for example Drop('too_short')")
    value, threshold = (None if number is None else float(number) for number in (drop.value, drop.threshold))
    reason, detail = (surrogates_replaced(str(text)) for text in (drop.reason, drop.detail))
    return {"reason": reason, "value": value, "threshold": threshold, "detail": detail}


def measured_lines(path: Path) -> Iterator[dict[str, Any]]:
    """A JSONL file's texts, measured: `id` (the line's own, else its number) and `measures`, or `id` and `reason`."""
    return answered_lines(path, "measures", measure_texts)
