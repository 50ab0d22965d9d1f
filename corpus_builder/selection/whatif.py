"""What another recipe would keep, from the columns that a build stored: no text is read, nothing is written."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_builder.built import Built
from corpus_builder.messages.redact import shareable
from corpus_builder.quality.rulebook import MeasureRule, RunningRule
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.recipe.running import Running
from corpus_builder.selection.columns import Columns
from corpus_builder.selection.judged import I64, Bools, Reasons, ShardRows, columns_of, hits, reasons_of, values_of
from corpus_builder.selection.patch import Change, patched
from corpus_builder.selection.readable import estimates, refuse_what_is_not_stored, refuse_what_needs_texts

CHARACTERS, TOKENS = "num_letters", "tokens"
MARGIN = 5
"""Documents that are shown on each side of a limit."""


@dataclass(frozen=True)
class Amount:
    """Documents with their characters, and tokens where the build has a measure of that name."""

    documents: int = 0
    characters: int = 0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.documents + other.documents, self.characters + other.characters, self.tokens + other.tokens)


@dataclass(frozen=True)
class Flow:
    """Documents of a source that had one fate in the build and have another, or the same, now; "" is kept, else the reason."""

    source: str
    before: str
    after: str
    amount: Amount


@dataclass(frozen=True)
class HostChange:
    """What a host gains and loses."""

    host: str
    gained: Amount
    lost: Amount


@dataclass(frozen=True)
class RuleOverlap:
    """A rule among the others: documents that it drops, those to which it gives the reason, and those that no other rule drops."""

    rule: str
    drops: int
    first: int
    alone: int
    also: tuple[tuple[str, int], ...]  # the rules that drop most of the same documents, and how many


@dataclass(frozen=True)
class Near:
    """A document near a limit, and what becomes of it: "" is kept, else the reason."""

    id: str
    url: str
    value: float
    before: str
    after: str


@dataclass(frozen=True)
class Margin:
    """The documents nearest to the limit of a rule that changed: those that the rule alone decides about."""

    rule: str
    kept: tuple[Near, ...]
    dropped: tuple[Near, ...]


@dataclass(frozen=True)
class WhatIf:
    """What would change; `notes` say where the numbers are estimates, and why."""

    changes: tuple[str, ...]
    notes: tuple[str, ...]
    flows: tuple[Flow, ...]
    hosts: tuple[HostChange, ...]  # all that change
    overlap: tuple[RuleOverlap, ...]
    dropped_by: tuple[int, ...]  # documents that so many rules drop: 0, 1, 2 ...
    margins: tuple[Margin, ...]
    has_tokens: bool = False
    recipe: Recipe | None = field(default=None, compare=False, repr=False)

    def amount(self, before: str | None = None, after: str | None = None, source: str | None = None) -> Amount:
        """The documents with these fates; "" is kept, "*" is dropped for any reason, None is either."""

        def fits(fate: str, wanted: str | None) -> bool:
            return wanted is None or fate == wanted or (wanted == "*" and fate != "")

        found = (
            flow.amount
            for flow in self.flows
            if fits(flow.before, before) and fits(flow.after, after) and source in (None, flow.source)
        )
        return sum(found, Amount())

    @property
    def before(self) -> Amount:
        """What the build keeps."""
        return self.amount(before="")

    @property
    def after(self) -> Amount:
        """What would be kept."""
        return self.amount(after="")

    @property
    def gained(self) -> Amount:
        """What would be kept and is dropped."""
        return self.amount("*", "")

    @property
    def lost(self) -> Amount:
        """What is kept and would be dropped."""
        return self.amount("", "*")

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The reasons before and after, the most frequent first."""
        names = {fate for flow in self.flows for fate in (flow.before, flow.after)} - {""}
        return tuple(sorted(names, key=lambda name: (-max(self.amount(name).documents, self.amount(None, name).documents), name)))


def whatif(built: Built, changes: Sequence[str | Change] = (), recipe: Recipe | None = None) -> WhatIf:
    """What a build would keep with another recipe: with `changes` such as "rules[3].min=0.3", made to `recipe` or to that of the build.

    The numbers are those that a build with that recipe has after its stage `decide`, except where `notes` says that they are estimates.
    Raises RecipeError for a change that needs the texts: it names the stage that would go through them.
    """
    parsed, wanted, columns, rules = _changed_recipe(built, changes, recipe)
    counting = _Counting(columns, rules, _changed(built.recipe, wanted))
    for shard, source in columns.shards().items():
        counting.add(ShardRows(columns, shard, source))
    return counting.found(tuple(map(str, parsed)), estimates(built.recipe, wanted), wanted)


def fates(built: Built, changes: Sequence[str | Change], recipe: Recipe | None = None) -> Iterator[pa.Table]:
    """`id`, `keep` and `reason` of every document with another recipe, a shard at a time; arguments and errors are those of `whatif`."""
    _, _, columns, rules = _changed_recipe(built, changes, recipe)
    counting = _Counting(columns, rules, ())
    for shard, source in columns.shards().items():
        rows = ShardRows(columns, shard, source)
        reasons, names = counting.judged(rows)
        yield pa.table(
            {"id": rows.column("id"), "keep": reasons == 0, "reason": pa.array(names, pa.string()).take(pa.array(reasons))}
        )


def _changed_recipe(
    built: Built, changes: Sequence[str | Change], recipe: Recipe | None
) -> tuple[list[Change], Recipe, Columns, Sequence[RunningRule]]:
    parsed = [one if isinstance(one, Change) else Change.parse(one) for one in changes]
    start = recipe or built.recipe
    wanted = Recipe.of(patched(as_data(start), parsed), base=start.base, where="The changed recipe")
    columns = Columns.of(built)
    refuse_what_needs_texts(built.recipe, wanted)
    rules = Running(wanted, built.out).rules
    for number, rule in enumerate(rules):
        refuse_what_is_not_stored(f"quality.rules[{number}]", columns_of(rule), wanted, columns)
    return parsed, wanted, columns, rules


def _changed(old: Recipe, new: Recipe) -> list[int]:
    """The places of the rules that the old recipe did not have."""

    def said(recipe: Recipe) -> list[Any]:
        expressions = [rule.measure in recipe.quality.expressions and recipe.quality.expressions for rule in recipe.quality.rules]
        rules = [(shareable(as_data(rule)), tuple(recipe.judged_by(rule))) for rule in recipe.quality.rules]
        return list(zip(rules, expressions, strict=True))

    before = said(old)
    return [place for place, one in enumerate(said(new)) if one not in before]


class _Counting:
    """Adds up shards."""

    def __init__(self, columns: Columns, rules: Sequence[RunningRule], changed: Sequence[int]) -> None:
        self._columns, self._rules = columns, rules
        self._reasons = Reasons()
        self._flows: dict[tuple[str, int, int], Amount] = {}
        self._hosts: dict[str, tuple[Amount, Amount]] = {}
        self._together = np.zeros((len(rules), len(rules)), dtype=np.int64)
        self._first = np.zeros(len(rules), dtype=np.int64)
        self._alone = np.zeros(len(rules), dtype=np.int64)
        self._by_count = np.zeros(len(rules) + 1, dtype=np.int64)
        self._margins = {place: _MarginOf(rules[place]) for place in changed if isinstance(rules[place], MeasureRule)}

    def judged(self, rows: ShardRows) -> tuple[I64, list[str]]:
        """The numbers of the documents' reasons, and the names of these."""
        return self._judge(rows)[1], self._reasons.names

    def _judge(self, rows: ShardRows) -> tuple[list[Bools], I64]:
        rows.read(["reason", *(name for rule in self._rules if rows.source in rule.sources for name in columns_of(rule))])
        dropped = [hits(rule, rows) for rule in self._rules]
        return dropped, reasons_of(self._rules, dropped, rows, self._reasons)

    def add(self, rows: ShardRows) -> None:
        """Judge the documents of a shard, and compare with what the build decided."""
        dropped, after = self._judge(rows)
        before = self._reasons.numbers(rows.reason)
        sizes = [rows.number(CHARACTERS).astype(np.int64)]
        if self.has_tokens:
            sizes.append(np.nan_to_num(rows.number(TOKENS)).astype(np.int64))
        for pair, amount in _sums(before * (1 << 20) + after, sizes):
            key = (rows.source, pair >> 20, pair & ((1 << 20) - 1))
            self._flows[key] = self._flows.get(key, Amount()) + amount
        self._add_hosts(rows, before, after, sizes)
        self._add_overlap(dropped)
        for place, margin in self._margins.items():
            others = np.logical_or.reduce(
                [hit for other, hit in enumerate(dropped) if other != place] or [np.zeros(rows.count, bool)]
            )
            margin.add(rows, dropped[place], others, before, after)

    def _add_hosts(self, rows: ShardRows, before: I64, after: I64, sizes: Sequence[I64]) -> None:
        moved = np.flatnonzero((before == 0) != (after == 0))
        if not len(moved):
            return
        names, codes = rows.hosts
        for key, amount in _sums(codes[moved] * 2 + (after[moved] == 0), [size[moved] for size in sizes]):
            gained, lost = self._hosts.get(names[key >> 1], (Amount(), Amount()))
            self._hosts[names[key >> 1]] = (gained + amount, lost) if key & 1 else (gained, lost + amount)

    def _add_overlap(self, dropped: Sequence[Bools]) -> None:
        if not dropped:
            return
        table = np.stack(dropped)
        count = table.sum(axis=0)
        self._by_count += np.bincount(count, minlength=len(dropped) + 1)
        some = table[:, count > 0]
        self._together += np.rint(some.astype(np.float32) @ some.T.astype(np.float32)).astype(np.int64)
        self._alone += some[:, count[count > 0] == 1].sum(axis=1)
        self._first += np.bincount(some.argmax(axis=0), minlength=len(dropped))

    @property
    def has_tokens(self) -> bool:
        """Whether the build has a measure called tokens."""
        return TOKENS in self._columns.numbers

    def found(self, changes: tuple[str, ...], notes: tuple[str, ...], recipe: Recipe) -> WhatIf:
        """The result."""
        names = self._reasons.names
        flows = [Flow(source, names[b], names[a], amount) for (source, b, a), amount in self._flows.items()]
        hosts = [HostChange(host, *both) for host, both in self._hosts.items()]
        return WhatIf(
            changes,
            notes,
            tuple(sorted(flows, key=lambda flow: (flow.source, flow.before, flow.after))),
            tuple(sorted(hosts, key=lambda one: (-one.gained.documents - one.lost.documents, one.host))),
            tuple(self._overlap()),
            tuple(self._by_count.tolist()),
            tuple(margin.found(self._columns, names) for margin in self._margins.values()),
            self.has_tokens,
            recipe,
        )

    def _overlap(self) -> Iterator[RuleOverlap]:
        labels = [rule.label for rule in self._rules]
        for place, label in enumerate(labels):
            others = sorted(
                (other for other in range(len(labels)) if other != place),
                key=lambda other: (-self._together[place, other], other),
            )
            also = tuple(
                (labels[other], int(self._together[place, other])) for other in others[:2] if self._together[place, other]
            )
            yield RuleOverlap(label, int(self._together[place, place]), int(self._first[place]), int(self._alone[place]), also)


def _sums(keys: I64, sizes: Sequence[I64]) -> Iterator[tuple[int, Amount]]:
    """Documents and sizes by key."""
    found, places = np.unique(keys, return_inverse=True)
    counts = np.bincount(places, minlength=len(found)).tolist()
    totals = []
    for size in sizes:
        total = np.zeros(len(found), dtype=np.int64)
        np.add.at(total, places, size)
        totals.append(total.tolist())
    for place, key in enumerate(found.tolist()):
        yield key, Amount(counts[place], *(total[place] for total in totals))


class _MarginOf:
    """Keeps the documents nearest to a rule's limits, on both sides, of those that no other rule drops."""

    def __init__(self, rule: RunningRule) -> None:
        assert isinstance(rule, MeasureRule)
        limits = (rule.threshold.min, rule.threshold.above, rule.threshold.max, rule.threshold.below)
        self._rule = rule
        self._limits = [limit for limit in limits if limit is not None]
        self._nearest: dict[bool, list[tuple[float, int, str, int, float, int, int]]] = {True: [], False: []}
        self._seen = 0

    def add(self, rows: ShardRows, dropped: Bools, by_others: Bools, before: I64, after: I64) -> None:
        """Look at a shard."""
        if rows.source not in self._rule.sources:
            return
        values = values_of(self._rule, rows)
        distance = np.min([np.abs(values - limit) for limit in self._limits], axis=0)
        self._seen += 1
        for side, nearest in self._nearest.items():
            at = np.flatnonzero((dropped == side) & ~by_others & ~np.isnan(distance))
            if len(at) > MARGIN:
                at = at[np.argpartition(distance[at], MARGIN - 1)[:MARGIN]]
            for row in at.tolist():
                one = (
                    -float(distance[row]),
                    -self._seen,
                    rows.shard,
                    -row,
                    float(values[row]),
                    int(before[row]),
                    int(after[row]),
                )
                (heapq.heappush if len(nearest) < MARGIN else heapq.heappushpop)(nearest, one)

    def found(self, columns: Columns, names: Sequence[str]) -> Margin:
        """The documents with their ids and URLs, the nearest first."""

        def shown(side: bool) -> tuple[Near, ...]:
            result = []
            for _, _, shard, row, value, before, after in sorted(self._nearest[side], reverse=True):
                id_, url = (columns.at(shard, name, -row) for name in ("id", "url"))
                result.append(Near(id_, url, value, names[before], names[after]))
            return tuple(result)

        return Margin(self._rule.label, shown(False), shown(True))
