"""What a recipe decides about every document of a build, from stored columns: the rules, then the cuts of `[select]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_builder.quality.choice import Choice
from corpus_builder.quality.rulebook import RunningRule
from corpus_builder.quality.selection import U64, Counts, Cut, Pooled, Search, add_counts, counted
from corpus_builder.release.mixture import keyed_number
from corpus_builder.selection.columns import Columns
from corpus_builder.selection.judged import I64, Bools, Reasons, ShardRows, columns_of, hits, reasons_of

IN_MEMORY = 2_000_000
"""Documents up to which columns stay in memory between finding the cuts and applying them (some 300 MB); of more they are read twice."""


@dataclass(frozen=True)
class Outcome:
    """The documents of a shard: which of them each rule drops, the number of each reason, and the place of each tier (-1: none)."""

    rows: ShardRows
    dropped: Sequence[Bools]
    reason: I64
    tier: I64
    pooled: Pooled | None = None  # those that the rules keep, if they are chosen among, at the places `there`
    there: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


class Outcomes:
    """The outcome of every shard, in order.  Of a document that the rules keep some 50 bytes are held while the cuts are found."""

    def __init__(self, columns: Columns, rules: Sequence[RunningRule], choice: Choice | None, more: Sequence[str] = ()) -> None:
        self._columns, self._rules, self._choice = columns, rules, choice
        self._more = [*more, *(_read_by(choice, columns) if choice else ())]
        self.reasons = Reasons()
        self.cuts: tuple[Cut, ...] = ()

    def __iter__(self) -> Iterator[Outcome]:
        if self._choice is None:
            yield from map(self._judged, self._shards())
            return
        held: list[Outcome] | None = [] if self._columns.built.manifests["extract"].rows("documents") <= IN_MEMORY else None
        pools = []
        for rows in self._shards():
            one = self._judged(rows)
            if held is not None:
                held.append(one)
            if one.pooled is not None:
                pools.append(one.pooled)
        self.cuts = _cuts(pools, self._choice)
        del pools
        for one in held if held is not None else map(self._judged, self._shards()):
            yield self._chosen(one, self._choice)

    def _shards(self) -> Iterator[ShardRows]:
        for shard, source in self._columns.shards().items():
            yield ShardRows(self._columns, shard, source)

    def _judged(self, rows: ShardRows) -> Outcome:
        """What the rules say."""
        rows.read(
            ["reason", *self._more, *(name for rule in self._rules if rows.source in rule.sources for name in columns_of(rule))]
        )
        dropped = [hits(rule, rows) for rule in self._rules]
        reason = reasons_of(self._rules, dropped, rows, self.reasons)
        found = Outcome(rows, dropped, reason, np.full(rows.count, -1, dtype=np.int64))
        if self._choice is None or rows.source not in self._choice.sources:
            return found
        there = np.flatnonzero(reason == 0)
        return replace(found, pooled=_pooled(self._choice, rows, there), there=there)

    def _chosen(self, one: Outcome, choice: Choice) -> Outcome:
        """What is left after the cuts."""
        if one.pooled is None:
            return one
        tier, said = choice.choose(one.pooled, self.cuts)
        one.tier[one.there] = tier
        one.reason[one.there] = self.reasons.numbers(said.reason)
        return one


def _read_by(choice: Choice, columns: Columns) -> list[str]:
    """The columns that a choice reads, but for those of the documents themselves."""
    named = [name for name in (choice.per, choice.topic) if name in columns.categories]
    weights = ["num_letters"] if choice.by == "characters" else []
    return [*sorted(choice.reads), *named, *weights, *(["crawl"] if choice.per == "crawl" else [])]


def _pooled(choice: Choice, rows: ShardRows, there: I64) -> Pooled:
    """Some documents as they are ordered and grouped; ids, which only ties need, are read if there are any."""
    crawls: Any = rows.column("crawl").to_pylist() if choice.per == "crawl" else ()  # type: ignore[union-attr]
    found = choice.pooled(range(rows.count), rows.source, crawls, rows.rows(), there)  # type: ignore[arg-type]

    def ties(places: I64) -> U64:
        ids = rows.column("id")
        assert ids is not None  # every document has one
        wanted = ids.take(pa.array(there[places])).to_pylist()
        return np.array([keyed_number(choice.seed, "select", one) for one in wanted], dtype=np.uint64)

    return replace(found, ties=ties)


def _cuts(pools: Sequence[Pooled], choice: Choice) -> tuple[Cut, ...]:
    """The cuts over all shards, by the steps of the stage `select`."""
    search = Search(choice.tiers)
    while not search.done:
        counts: Counts = {}
        for pooled in pools:
            add_counts(counts, counted(pooled, search.tiers, search.places))
        search = search.narrowed(counts)
    return search.cuts
