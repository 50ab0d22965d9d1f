"""From measures, matches and hosts to decisions: applies the rules in the recipe's order, without reading any text.

`Screen` applies the first part of the same rules, if the recipe filters before it looks for duplicates: it decides which documents
take part in the search.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from corpus_builder.document import DECISION
from corpus_builder.quality.rulebook import RunningRule, Verdicts, judge_rows
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.rows import judged_rows, judged_shards
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage
from corpus_builder.store.stats import Count, Digest, Documents

LIVE = pa.schema([pa.field("row", pa.int64(), nullable=False)])


class KeptOfGroup(NamedTuple):
    """The kept documents of a row group."""

    documents: Count
    characters: Count


@dataclass(frozen=True)
class DecideStats:
    """The documents of a shard."""

    source: str
    kept: Documents
    dropped: dict[str, Documents]  # by reason
    groups: tuple[KeptOfGroup, ...]  # in order; a large corpus has millions
    keep: Digest  # of which rows are kept


@dataclass(frozen=True)
class Decide(Stage):
    """The stage: one shard per shard of documents."""

    rules: tuple[RunningRule, ...]
    name: ClassVar[str] = "decide"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("decisions",)
    stats: ClassVar[type[Any]] = DecideStats

    @classmethod
    def of(cls, running: Running) -> Decide:
        """The stage with all rules."""
        return cls(running.rules)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on the rules and on the columns that they read."""
        return judged_shards(self, self.rules, manifests)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Judge a shard's documents."""
        source = shard.task["source"]
        out.table("decisions", DECISION)
        counts: Counter[str] = Counter()  # by reason; "" if kept
        letters: Counter[str] = Counter()
        groups = []
        keep = hashlib.sha256()
        for documents, rows in judged_rows(shard.task):
            verdicts = judge_rows(self.rules, source, rows)
            out.write_group("decisions", _decisions(documents.column("id"), verdicts))
            keep.update(np.packbits(verdicts.keep).tobytes())
            characters = rows.measures["num_letters"].astype(np.int64)
            for reason in np.unique(verdicts.reason):
                counts[str(reason)] += int((verdicts.reason == reason).sum())
                letters[str(reason)] += int(characters[verdicts.reason == reason].sum())
            groups.append(KeptOfGroup(int(verdicts.keep.sum()), int(characters[verdicts.keep].sum())))
        dropped = {reason: Documents(counts[reason], letters[reason]) for reason in counts if reason}
        out.stats = DecideStats(source, Documents(counts[""], letters[""]), dropped, tuple(groups), keep.hexdigest()[:32])


@dataclass(frozen=True)
class Screen(Stage):
    """The stage: the rules before the search for duplicates."""

    rules: tuple[RunningRule, ...]
    name: ClassVar[str] = "screen"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("live",)

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe filters before it looks for duplicates."""
        return recipe.dedup is not None and not recipe.quality.rules[0].duplicates

    @classmethod
    def of(cls, running: Running) -> Screen:
        """The stage with the rules before the search."""
        return cls(running.before_duplicates)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on the rules and on the columns that they read."""
        return judged_shards(
            self, self.rules, {name: manifests[name] for name in ("extract", "measure", "score") if name in manifests}
        )

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write which rows no rule dropped."""
        out.table("live", LIVE)
        first = 0
        for documents, rows in judged_rows(shard.task):
            keep = judge_rows(self.rules, shard.task["source"], rows).keep
            out.write("live", pa.table([first + np.flatnonzero(keep)], schema=LIVE))
            first += len(documents)


def _decisions(ids: pa.ChunkedArray, verdicts: Verdicts) -> pa.Table:
    return pa.table(
        [
            ids,
            verdicts.keep,
            verdicts.reason,
            pa.array(verdicts.value, from_pandas=True),
            pa.array(verdicts.threshold, from_pandas=True),
            verdicts.detail,
        ],
        schema=DECISION,
    )


def kept_characters(decide: Manifest, sources: Iterable[str]) -> dict[str, int]:
    """Number of characters of the kept documents, by source."""
    found = dict.fromkeys(sources, 0)
    for decided in decide.stats(DecideStats).values():
        found[decided.source] += decided.kept.characters
    return found
