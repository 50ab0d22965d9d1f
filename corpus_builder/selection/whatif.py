"""What another recipe would keep, from the columns that a build stored: no text is read, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from corpus_builder.built import Built
from corpus_builder.errors import InputError
from corpus_builder.quality.rulebook import MeasureRule
from corpus_builder.quality.selection import score_of, scores_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.recipe.running import Running
from corpus_builder.selection.columns import Columns
from corpus_builder.selection.judged import I64, Bools, ShardRows, columns_of, values_of
from corpus_builder.selection.nearest import Margin, Nearest, limits_of
from corpus_builder.selection.outcomes import Outcome, Outcomes
from corpus_builder.selection.patch import Change, patched
from corpus_builder.selection.readable import estimates, refuse_what_is_not_stored, refuse_what_needs_texts, rules_of

CHARACTERS, TOKENS = "num_letters", "tokens"


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
class TierChange:
    """The documents of a tier, each counted once however often it is repeated."""

    tier: str
    before: Amount
    after: Amount


@dataclass(frozen=True)
class CutAt:
    """Where a share, or a tier, ends in a group: the score of its last document; None if it has none, or takes everything."""

    tier: str
    group: str
    value: float | None
    low_value: float | None  # of the last document before a band
    documents: int  # that the rules keep, of the tier's topics, in the group
    taken: int | None  # of these, also those that a tier above takes; None where a value was asked for


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
    tiers: tuple[TierChange, ...] = ()
    cuts: tuple[CutAt, ...] = ()
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
    parsed, wanted, columns, running = _changed_recipe(built, changes, recipe)
    tokens = TOKENS in columns.numbers
    outcomes = Outcomes(columns, running.rules, running.choice, [CHARACTERS, *([TOKENS] if tokens else [])])
    counting = _Counting(outcomes, running, _changed(built.recipe, wanted), tokens)
    for one in outcomes:
        counting.add(one)
    return counting.found(columns, tuple(map(str, parsed)), estimates(built.recipe, wanted), wanted)


def fates(built: Built, changes: Sequence[str | Change], recipe: Recipe | None = None) -> Iterator[pa.Table]:
    """`id`, `keep` and `reason` of every document with another recipe, a shard at a time; arguments and errors are those of `whatif`."""
    _, _, columns, running = _changed_recipe(built, changes, recipe)
    outcomes = Outcomes(columns, running.rules, running.choice)
    for one in outcomes:
        names = pa.array(outcomes.reasons.names, pa.string())
        yield pa.table({"id": one.rows.column("id"), "keep": one.reason == 0, "reason": names.take(pa.array(one.reason))})


def _changed_recipe(
    built: Built, changes: Sequence[str | Change], recipe: Recipe | None
) -> tuple[list[Change], Recipe, Columns, Running]:
    parsed = [one if isinstance(one, Change) else Change.parse(one) for one in changes]
    start = recipe or built.recipe
    wanted = Recipe.of(patched(as_data(start), parsed), base=start.base, where="The changed recipe")
    columns = Columns.of(built)
    refuse_what_needs_texts(built.recipe, wanted)
    running = Running(wanted, built.out)
    try:
        rules = running.rules
    except InputError as error:
        if recipe is not None:
            raise
        raise InputError(
            f"A build does not record where the file of its recipe stands, so its relative paths are looked for in {start.base}; if that is wrong, name "
            f"the file with --recipe, or give `recipe` in Python. {error}"
        ) from error
    for number, rule in enumerate(rules):
        refuse_what_is_not_stored(f"quality.rules[{number}]", columns_of(rule), wanted, columns)
    if (choice := running.choice) is not None:
        categories = [name for name in (choice.per, choice.topic) if name not in (None, "all", "source", "crawl")]
        refuse_what_is_not_stored("select", [*sorted(choice.reads), *map(str, categories)], wanted, columns)
    return parsed, wanted, columns, running


def _changed(old: Recipe, new: Recipe) -> list[int]:
    """The places of the rules that the old recipe did not have."""
    before = rules_of(old)
    return [place for place, one in enumerate(rules_of(new)) if one not in before]


class _Counting:
    """Adds up shards."""

    def __init__(self, outcomes: Outcomes, running: Running, changed: Sequence[int], tokens: bool) -> None:
        self._outcomes, self._rules, self._choice, self._tokens = outcomes, running.rules, running.choice, tokens
        count = len(self._rules)
        self._flows: dict[tuple[str, int, int], Amount] = {}
        self._hosts: dict[str, tuple[Amount, Amount]] = {}
        self._tiers: dict[str, tuple[Amount, Amount]] = {}
        self._together = np.zeros((count, count), dtype=np.int64)
        self._first, self._alone = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self._by_count = np.zeros(count + 1, dtype=np.int64)
        self._margins = {place: Nearest(rule.label) for place in changed if isinstance(rule := self._rules[place], MeasureRule)}
        self._of_cut = Nearest("the cut of select")

    def add(self, one: Outcome) -> None:
        """Compare the outcome of a shard with what the build decided."""
        rows, dropped, after = one.rows, one.dropped, one.reason
        before = self._outcomes.reasons.numbers(rows.reason)
        sizes = [rows.number(CHARACTERS).astype(np.int64)]
        if self._tokens:
            sizes.append(np.nan_to_num(rows.number(TOKENS)).astype(np.int64))
        for pair, amount in _sums(before * (1 << 20) + after, sizes):
            key = (rows.source, pair >> 20, pair & ((1 << 20) - 1))
            self._flows[key] = self._flows.get(key, Amount()) + amount
        self._add_hosts(rows, before, after, sizes)
        self._add_tiers(one, sizes)
        self._add_overlap(dropped)
        for place, nearest in self._margins.items():
            rule = self._rules[place]
            if rows.source in rule.sources and isinstance(rule, MeasureRule):
                others = np.logical_or.reduce(
                    [hit for other, hit in enumerate(dropped) if other != place] or [np.zeros(rows.count, bool)]
                )
                nearest.add(rows, values_of(rule, rows), limits_of(rule), dropped[place], ~others, before, after)
        if one.pooled is not None and self._choice is not None and self._choice.scores:
            scores = np.full(rows.count, np.nan)
            scores[one.there] = scores_of(one.pooled.ranks[0])
            values = [
                score_of(bound.rank)
                for cut in self._outcomes.cuts
                if self._choice.tiers[cut.tier].score == 0
                for bound in (cut.low, cut.high)
            ]
            limits = [value for value in values if value is not None]
            self._of_cut.add(rows, scores, limits, after != 0, ~np.isnan(scores), before, after)

    def _add_tiers(self, one: Outcome, sizes: Sequence[I64]) -> None:
        """Documents by tier, before and after; those without a tier are not counted."""
        was = one.rows.column("tier") if "tier" in one.rows.columns.places else None
        names = [tier.name for tier in self._choice.tiers] if self._choice else []
        was_kept = self._outcomes.reasons.numbers(one.rows.reason) == 0
        for side, (labels, codes) in enumerate((_coded(was), (names, one.tier))):
            kept = was_kept if side == 0 else one.reason == 0
            there = np.flatnonzero(kept & (codes >= 0)) if len(codes) else np.zeros(0, dtype=np.int64)
            for place, amount in _sums(codes[there], [size[there] for size in sizes]):
                if label := labels[place]:
                    both = list(self._tiers.get(label, (Amount(), Amount())))
                    both[side] += amount
                    self._tiers[label] = (both[0], both[1])

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

    def found(self, columns: Columns, changes: tuple[str, ...], notes: tuple[str, ...], recipe: Recipe) -> WhatIf:
        """The result."""
        names = self._outcomes.reasons.names
        flows = [Flow(source, names[b], names[a], amount) for (source, b, a), amount in self._flows.items()]
        hosts = [HostChange(host, *both) for host, both in self._hosts.items()]
        return WhatIf(
            changes,
            notes,
            tuple(sorted(flows, key=lambda flow: (flow.source, flow.before, flow.after))),
            tuple(sorted(hosts, key=lambda one: (-one.gained.documents - one.lost.documents, one.host))),
            tuple(self._overlap()),
            tuple(self._by_count.tolist()),
            tuple(one.found(columns, names) for one in (*self._margins.values(), *([self._of_cut] if self._choice else []))),
            tuple(TierChange(name, *both) for name, both in sorted(self._tiers.items())),
            tuple(self._cuts()),
            self._tokens,
            recipe,
        )

    def _cuts(self) -> Iterator[CutAt]:
        tiers = self._choice.tiers if self._choice else ()
        for cut in self._outcomes.cuts:
            tier = tiers[cut.tier]
            documents = cut.high.documents - cut.low.documents if tier.min is None else None
            yield CutAt(tier.name, cut.group, score_of(cut.high.rank), score_of(cut.low.rank), cut.documents, documents)

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


def _coded(column: pa.ChunkedArray | None) -> tuple[list[str], I64]:
    if column is None:
        return [], np.zeros(0, dtype=np.int64)
    coded = column.combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)
