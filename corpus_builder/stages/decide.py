"""From measures, matches and hosts to decisions: applies the rules in the recipe's order, without reading any text.

`Screen` applies the first part of the same rules, if the recipe filters before it looks for duplicates: it decides which documents
take part in the search.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.document import DECISION
from corpus_builder.quality.choice import Choice
from corpus_builder.quality.rulebook import Rows, RunningRule, Verdicts, judge_rows
from corpus_builder.quality.selection import Cut
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.rows import judged_rows, judged_shards
from corpus_builder.stages.select import cuts_in
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of
from corpus_builder.store.stats import Count, Digest, Documents

LIVE = pa.schema([pa.field("row", pa.int64(), nullable=False)])


class KeptOfGroup(NamedTuple):
    """The kept documents of a row group."""

    documents: Count
    characters: Count
    repeats: tuple[tuple[float, Count], ...] = ()  # their characters by repeat; empty if each is released once an epoch


@dataclass(frozen=True)
class KeptOfTier:
    """The kept documents of a tier, and how often each is released."""

    documents: Count
    characters: Count
    repeat: float


@dataclass(frozen=True)
class DecideStats:
    """The documents of a shard."""

    source: str
    kept: Documents
    dropped: dict[str, Documents]  # by reason
    groups: tuple[KeptOfGroup, ...]  # in order; a large corpus has millions
    keep: Digest  # of which rows are kept, and of their tiers and repeats
    tiers: dict[str, KeptOfTier]  # the kept documents by tier; empty if the recipe has no tiers


@dataclass(frozen=True)
class Decide(Stage):
    """The stage: one shard per shard of documents."""

    rules: tuple[RunningRule, ...]
    choice: Choice | None = None
    name: ClassVar[str] = "decide"
    version: ClassVar[int] = 4
    tables: ClassVar[tuple[str, ...]] = ("decisions",)
    stats: ClassVar[type[Any]] = DecideStats

    @classmethod
    def of(cls, running: Running) -> Decide:
        """The stage with all rules."""
        return cls(running.rules, running.choice)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on the rules and on the columns that they read."""
        choice = self.choice
        shards = judged_shards(self, self.rules, manifests, choice.reads if choice else ())
        if choice is None:
            return shards
        cuts = manifests["select"].by_shard["cuts"]
        made_from = {"select": digest_of(choice.identity), "cuts": cuts.tables["cuts"].sha256}
        path = manifests["select"].path(cuts, "cuts")
        return [
            Shard(shard.name, {**shard.made_from, **made_from}, shard.task | {"cuts": path})
            if shard.task["source"] in choice.sources
            else shard
            for shard in shards
        ]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Judge a shard's documents."""
        source = shard.task["source"]
        out.table("decisions", DECISION)
        counts: Counter[str] = Counter()  # by reason; "" if kept
        letters: Counter[str] = Counter()
        groups = []
        keep = hashlib.sha256()
        cuts = cuts_in(shard.task["cuts"]) if "cuts" in shard.task else None
        tiers: dict[str, KeptOfTier] = {}
        for documents, rows in judged_rows(shard.task):
            verdicts = judge_rows(self.rules, source, rows)
            tier, repeat = self._chosen(documents, source, rows, verdicts, cuts)
            out.write_group("decisions", _decisions(documents.column("id"), verdicts, tier, repeat))
            keep.update(np.packbits(verdicts.keep).tobytes())
            characters = rows.measures["num_letters"].astype(np.int64)
            if cuts is not None:
                keep.update("\0".join(tier.tolist()).encode() + repeat.tobytes())
                _add_tiers(tiers, tier, repeat, characters)
            for reason in np.unique(verdicts.reason):
                counts[str(reason)] += int((verdicts.reason == reason).sum())
                letters[str(reason)] += int(characters[verdicts.reason == reason].sum())
            groups.append(_group(repeat, characters))
        dropped = {reason: Documents(counts[reason], letters[reason]) for reason in counts if reason}
        kept = Documents(counts[""], letters[""])
        out.stats = DecideStats(source, kept, dropped, tuple(groups), keep.hexdigest()[:32], dict(sorted(tiers.items())))

    def _chosen(
        self, documents: pa.Table, source: str, rows: Rows, verdicts: Verdicts, cuts: Sequence[Cut] | None
    ) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.float64]]:
        """The tier and the repeat of each document; those that select drops get their reason in `verdicts`."""
        names = np.full(len(documents), "", dtype=object)
        if cuts is not None and self.choice is not None:
            there = np.flatnonzero(verdicts.keep)
            ids, crawls = (documents.column(name).to_pylist() for name in ("id", "crawl"))
            pooled = self.choice.pooled(ids, source, crawls, rows, there)
            tier, said = self.choice.choose(pooled, cuts)
            verdicts.put(there, said)
            names[there] = [self.choice.tiers[number].name if number >= 0 else "" for number in tier.tolist()]
            repeat = np.zeros(len(documents))
            repeat[there] = [self.choice.tiers[number].repeat if number >= 0 else 0.0 for number in tier.tolist()]
            return names, repeat
        return names, verdicts.keep.astype(np.float64)


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


def _group(repeat: npt.NDArray[np.float64], characters: npt.NDArray[np.int64]) -> KeptOfGroup:
    kept = repeat > 0
    by_repeat = tuple((float(one), int(characters[repeat == one].sum())) for one in np.unique(repeat[kept]) if one != 1)
    if by_repeat and (repeat == 1).any():
        by_repeat = ((1.0, int(characters[repeat == 1].sum())), *by_repeat)
    return KeptOfGroup(int(kept.sum()), int(characters[kept].sum()), by_repeat)


def _add_tiers(
    tiers: dict[str, KeptOfTier],
    tier: npt.NDArray[np.object_],
    repeat: npt.NDArray[np.float64],
    characters: npt.NDArray[np.int64],
) -> None:
    """Add the kept documents of each tier in place."""
    for name in sorted(set(tier[repeat > 0].tolist()) - {""}):
        there = (tier == name) & (repeat > 0)
        before = tiers.get(name, KeptOfTier(0, 0, 0.0))
        documents, letters = before.documents + int(there.sum()), before.characters + int(characters[there].sum())
        tiers[name] = KeptOfTier(documents, letters, float(repeat[there][0]))


def _decisions(
    ids: pa.ChunkedArray, verdicts: Verdicts, tier: npt.NDArray[np.object_], repeat: npt.NDArray[np.float64]
) -> pa.Table:
    return pa.table(
        [
            ids,
            verdicts.keep,
            verdicts.reason,
            pa.array(verdicts.value, from_pandas=True),
            pa.array(verdicts.threshold, from_pandas=True),
            verdicts.detail,
            tier,
            repeat,
        ],
        schema=DECISION,
    )


def kept_characters(decide: Manifest, sources: Iterable[str]) -> dict[str, int]:
    """Number of characters of the kept documents, each as often as its tier is released, by source."""
    found = dict.fromkeys(sources, 0.0)
    for decided in decide.stats(DecideStats).values():
        more = sum(tier.characters * (tier.repeat - 1.0) for tier in decided.tiers.values())
        found[decided.source] += decided.kept.characters + more
    return {source: round(characters) for source, characters in found.items()}
