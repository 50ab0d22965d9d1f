"""The cuts of `[select]` over the whole corpus: which score the best share ends at, exact to the document.

Survey   a shard's documents that the rules keep -> their rank, weight, tie, group and topic
Count    these -> documents and weight by bin of the order, where cuts are looked for; repeated with finer bins until all are found
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from corpus_builder.quality.choice import Choice
from corpus_builder.quality.rulebook import RunningRule, judge_rows
from corpus_builder.quality.selection import Bin, Bound, Counts, Cut, Place, Pooled, Search, Tier, counted, score_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.rows import judged_rows, judged_shards
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, read_table
from corpus_builder.store.run import Runner
from corpus_builder.store.stats import Count as Number
from corpus_builder.store.tables import Table, database

POOLED = pa.schema(
    [
        pa.field("weight", pa.int64(), nullable=False),
        pa.field("tie", pa.uint64(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("topic", pa.string(), nullable=False),
    ]
)
BINS = pa.schema(
    [
        pa.field("place", pa.int32(), nullable=False),  # among those of the search; -1 at first
        pa.field("tier", pa.int32(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("weight", pa.int64(), nullable=False),
        pa.field("first", pa.uint64(), nullable=False),
        pa.field("last", pa.uint64(), nullable=False),
    ]
)
CUTS = pa.schema(
    [
        pa.field("tier", pa.string(), nullable=False),  # "" if the recipe has no tiers
        pa.field("group", pa.string(), nullable=False),  # the source, crawl or category; "" for all
        pa.field("score", pa.string(), nullable=False),
        pa.field("by", pa.string(), nullable=False),
        pa.field("low", pa.float64()),  # the shares that were asked for; null where a value was
        pa.field("high", pa.float64()),
        pa.field("min", pa.float64()),
        pa.field("documents", pa.int64(), nullable=False),  # that the rules keep, of the tier's topics, in the group
        pa.field("weight", pa.float64(), nullable=False),  # theirs, in what `by` counts
        pa.field("taken_documents", pa.int64()),  # of these, in the share; also those that a tier above takes; null where a value was asked for
        pa.field("taken_weight", pa.float64()),
        pa.field("tied_documents", pa.int64(), nullable=False),  # with the score of the last one, if not all of them are taken; 0 if they are
        pa.field("low_value", pa.float64()),  # score of the last document before a band; null if there is none
        pa.field("value", pa.float64()),  # score of the last document: the value that the share became; null if nothing or everything is taken
        *(pa.field(f"{side}_{name}", pa.string(), nullable=False) for side in ("low", "high") for name in ("rank", "tie")),  # hexadecimal
        pa.field("place", pa.int32(), nullable=False),  # of the tier in the recipe
    ]
)  # fmt: skip


@dataclass(frozen=True)
class SelectedShare:
    """What one tier takes of one group."""

    tier: str
    group: str
    asked: float
    reached: float
    value: float | None  # score of its last document
    documents: Number  # of the group
    tied: Number  # of these, with that score, if not all of them are taken


@dataclass(frozen=True)
class SelectStats:
    """The shares that were asked for, and those that are reached."""

    shares: tuple[SelectedShare, ...]


@dataclass(frozen=True)
class Select(Stage):
    """The stage: one shard, with a row per tier and group."""

    choice: Choice
    rules: tuple[RunningRule, ...]
    cuts: tuple[Cut, ...] | None = None  # once they are found
    name: ClassVar[str] = "select"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("cuts",)
    stats: ClassVar[type[Any]] = SelectStats

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe selects."""
        return recipe.select is not None

    @classmethod
    def of(cls, running: Running) -> Select:
        """The stage with all rules, and what the recipe's table `select` asks."""
        assert running.choice is not None  # it is wanted
        return cls(running.choice, running.rules)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard, which depends on all documents that are chosen among, and on the rules."""
        surveyed = digest_of([[shard.name, shard.made_of] for shard in self._surveyed(manifests)])
        made_from = {"stage": f"{self.name}/{self.version}", "select": digest_of(self.choice.identity), "documents": surveyed}
        return [Shard("cuts", made_from)]

    def _surveyed(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        shards = judged_shards(self, self.rules, manifests, self.choice.reads)
        return [shard for shard in shards if shard.task["source"] in self.choice.sources]

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Find the cuts: documents ─► Survey ─► Count ─► Count ..."""
        pooled = runner.run_step(Survey(self.choice, self.rules, tuple(self._surveyed(manifests))))
        search = Search(self.choice.tiers)
        while not search.done:
            search = search.narrowed(_added_up(runner.run_step(Count(search, pooled)), search.places))
        return replace(self, cuts=search.cuts)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write the cuts."""
        assert self.cuts is not None  # found before the shard is run
        rows = [self._row(cut) for cut in self.cuts]
        out.table("cuts", CUTS)
        out.write("cuts", pa.Table.from_pylist(rows, schema=CUTS))
        out.stats = SelectStats(
            tuple(
                SelectedShare(
                    row["tier"],
                    row["group"],
                    row["high"] - row["low"],
                    row["taken_weight"] / (row["weight"] or 1.0),
                    row["value"],
                    row["documents"],
                    row["tied_documents"],
                )
                for row in rows
                if row["min"] is None
            )
        )

    def _row(self, cut: Cut) -> dict[str, Any]:
        tier, unit = self.choice.tiers[cut.tier], self.choice.unit
        by_value = tier.min is not None
        return {
            "tier": tier.name,
            "group": cut.group,
            "score": self.choice.scores[tier.score].name if self.choice.scores else "",
            "by": self.choice.by,
            "low": None if by_value else tier.low,
            "high": None if by_value else tier.high,
            "min": tier.min,
            "documents": cut.documents,
            "weight": cut.weight / unit,
            "taken_documents": None if by_value else cut.high.documents - cut.low.documents,
            "taken_weight": None if by_value else (cut.high.weight - cut.low.weight) / unit,
            "tied_documents": cut.high.tied,
            "low_value": score_of(cut.low.rank),
            "value": score_of(cut.high.rank),
            "low_rank": f"{cut.low.rank:x}",
            "low_tie": f"{cut.low.tie:x}",
            "high_rank": f"{cut.high.rank:x}",
            "high_tie": f"{cut.high.tie:x}",
            "place": cut.tier,
        }


def cuts_in(path: Path) -> list[Cut]:
    """The cuts in a table."""
    return [
        Cut(
            row["place"],
            row["group"],
            Bound(int(row["low_rank"], 16), int(row["low_tie"], 16), 0, 0),
            Bound(int(row["high_rank"], 16), int(row["high_tie"], 16), 0, 0),
            row["documents"],
            0,
        )
        for row in read_table(path).to_pylist()
    ]


@dataclass(frozen=True)
class Survey(Stage):
    """The scratch step: a shard per shard of documents."""

    choice: Choice
    rules: tuple[RunningRule, ...]
    shards: tuple[Shard, ...]
    name: ClassVar[str] = "select_survey"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("pooled",)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each."""
        own = {"step": f"{self.name}/{self.version}", "select": digest_of(self.choice.identity)}
        return [Shard(shard.name, {**shard.made_from, **own}, shard.task) for shard in self.shards]

    def for_workers(self) -> Survey:
        """Without the shards, of which each worker gets its own."""
        return replace(self, shards=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write the documents that the rules keep."""
        source = shard.task["source"]
        schema = _pooled_schema(self.choice.tiers)
        out.table("pooled", schema)
        for documents, rows in judged_rows(shard.task):
            there = np.flatnonzero(judge_rows(self.rules, source, rows).keep)
            ids, crawls = (documents.column(name).to_pylist() for name in ("id", "crawl"))
            found = self.choice.pooled(ids, source, crawls, rows, there)
            columns = [*found.ranks, found.weight, found.ties(np.arange(len(there))), found.group, found.topic]
            out.write("pooled", pa.table(columns, schema=schema))


@dataclass(frozen=True)
class Count(Stage):
    """The scratch step: a shard per shard of `Survey`."""

    search: Search
    pooled: Manifest
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("bins",)

    @property
    def name(self) -> str:
        """A name for each level."""
        return f"select_count_{digest_of(self.search.places)[:8]}"

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each."""
        own = {
            "step": f"select_count/{self.version}",
            "places": digest_of(self.search.places),
            "tiers": digest_of(repr(self.search.tiers)),
        }
        return [
            Shard(receipt.shard, own | {"pooled": receipt.tables["pooled"].sha256}, self.pooled.path(receipt, "pooled"))
            for receipt in self.pooled.receipts
        ]

    def for_workers(self) -> Count:
        """Without the list of shards."""
        return replace(self, pooled=replace(self.pooled, receipts=()))

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Count a shard's documents."""
        places = self.search.places
        numbers = {place: number for number, place in enumerate(places or ())}
        out.table("bins", BINS)
        for place, bins in counted(_joined(shard.task, self.search.tiers), self.search.tiers, places).items():
            head = (numbers.get(place, -1), place.tier, place.group)
            rows = [dict(zip(BINS.names, (*head, *bin_), strict=True)) for bin_ in bins]
            out.write("bins", pa.Table.from_pylist(rows, schema=BINS))


def _pooled_schema(tiers: Sequence[Tier]) -> pa.Schema:
    """Of the documents of a shard: `rank_0` and so on by the scores of the tiers, and what else a search needs."""
    ranks = [
        pa.field(f"rank_{score}", pa.uint64(), nullable=False)
        for score in range(1 + max((tier.score for tier in tiers), default=0))
    ]
    return pa.schema([*ranks, *POOLED])


def _joined(path: Path, tiers: Sequence[Tier]) -> Pooled:
    """All documents of a shard."""
    schema = _pooled_schema(tiers)
    table = pa.concat_tables([schema.empty_table(), *read_groups(path)])
    rank = np.stack([table.column(name).to_numpy() for name in schema.names if name.startswith("rank_")])
    weight, tie = (table.column(name).to_numpy() for name in ("weight", "tie"))
    group, topic = (np.array(table.column(name).to_pylist(), dtype=object) for name in ("group", "topic"))
    return Pooled(rank, weight, group, topic, lambda places: tie[places])


_ADDED = """
    select place, tier, "group", number, sum(documents)::bigint, sum(weight)::bigint, min(first), max(last)
    from bins group by all order by all
"""


def _added_up(counts: Manifest, places: Sequence[Place] | None) -> Counts:
    """The counts of all shards together."""
    found: Counts = {}
    for number, tier, group, *bin_ in _rows(counts.paths("bins")):
        place = Place(tier, group, 0, 0) if places is None else places[number]
        found.setdefault(place, []).append(Bin(*bin_))
    return found


def _rows(paths: Sequence[Path]) -> Iterator[tuple[Any, ...]]:
    if paths:
        with database({"bins": Table(tuple(paths), tuple(paths[:1]))}) as connection:
            yield from connection.execute(_ADDED).fetchall()
