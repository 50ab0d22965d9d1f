"""Choosing the best documents exactly: cuts at shares of them, and tiers, over arrays.

Documents are ordered by their score, the best first; equal scores by a number that is drawn for each document (its *tie*), the smaller
first; those without a score (NaN) come last.  A document's *position* is the weight (documents, characters, any measure) of all
documents before it.  A share s of the total weight t has its *cut* after the last document whose position is less than s * t: so the best
part has at least the share, and would have less without its last document; bands from 0 to a, a to b and b to 1 share out all documents.

A *pool* is what a share is taken of: the documents with the topics of a tier, in one group, by its score.  `Search` finds the cuts of all pools by
counting documents in ever finer bins of the order, 16 bits of it at a time, so that only counts are held in memory, and counts
of parts can be added up; `find_cuts` does it for documents in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LAST = (1 << 64) - 1
BITS, LEVELS = 16, 8  # of the order: 64 bits of the score, 64 of the tie


@dataclass(frozen=True)
class Tier:
    """What one tier takes: the best share of its pools, a band of it, all from a value on, or everything; and how often it is released."""

    name: str = ""
    low: float = 0.0  # shares of the weight, 0..1: from the first up to the second
    high: float = 1.0
    min: float | None = None  # a value instead of shares
    topics: tuple[str, ...] | None = None  # only documents of these topics
    repeat: float = 1.0
    score: int = 0  # by which of the scores it orders


@dataclass(frozen=True)
class Pooled:
    """Some documents: (scores, n) rank of each score, (n,) weight, group and topic; `ties` gives the ties of the rows at some places."""

    ranks: U64
    weight: I64
    group: npt.NDArray[np.object_]
    topic: npt.NDArray[np.object_]
    ties: Callable[[I64], U64]


class Bound(NamedTuple):
    """The last document of a best part; `rank` is -1 if the part is empty, and its end is open (`LAST`, `LAST`) if it is everything."""

    rank: int
    tie: int
    documents: int  # of the part
    weight: int
    tied: int = 0  # documents with the score of the last one, if the bound divides them


@dataclass(frozen=True)
class Cut:
    """Where a tier begins and ends in one group: what comes after `low`, up to and including `high`."""

    tier: int  # its place among the tiers
    group: str
    low: Bound
    high: Bound
    documents: int  # of the pool
    weight: int


def ranks(scores: F64) -> U64:
    """The order of scores, the best first.  (n,) float64 -> (n,) uint64; NaN is last, -0.0 is 0.0.

    >>> ranks(np.array([0.5, 2.0, np.nan, -1.0, 0.0, -0.0])).argsort(kind="stable").tolist()
    [1, 0, 4, 5, 3, 2]
    """
    bits = (scores + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    rising = np.where(bits & sign, ~bits, bits | sign)
    return np.where(np.isnan(scores), np.uint64(LAST), ~rising)


def score_of(rank: int) -> float | None:
    """The score that has a rank; None for NaN and for bounds that are no document.

    >>> [score_of(int(rank)) for rank in ranks(np.array([0.5, -3.0, np.nan]))]
    [0.5, -3.0, None]
    """
    return float(scores_of(np.array([rank], dtype=np.uint64))[0]) if 0 <= rank < LAST else None


def scores_of(rank: U64) -> F64:
    """The scores that have these ranks; NaN for the last."""
    rising, sign = ~rank, np.uint64(1 << 63)
    found = np.where(rising & sign, rising & ~sign, ~rising).view(np.float64)
    return np.where(rank == np.uint64(LAST), np.nan, found)


class Bin(NamedTuple):
    """The documents of a bin: its number, how many they are, their weight, and the first and last rank and tie in it."""

    number: int
    documents: int
    weight: int
    first: int
    last: int


class Place(NamedTuple):
    """Where a cut is looked for: in a pool (by the first tier that has it, and the group), among those with the first `level` digits."""

    tier: int
    group: str
    level: int
    digits: int


Counts = dict[Place, list[Bin]]


def pools_of(rows: Pooled, tiers: Sequence[Tier]) -> dict[tuple[int, str], I64]:
    """The rows of every pool, by the first tier that has it and the group."""
    found: dict[tuple[int, str], I64] = {}
    for number, tier in enumerate(tiers):
        there = np.flatnonzero(has_topic(rows.topic, tier))
        if number != first_with(tiers, number) or not len(there):
            continue
        found |= {(number, group): part for group, part in _by_group(rows.group, there).items()}
    return found


def first_with(tiers: Sequence[Tier], number: int) -> int:
    """The first tier with the same pools as the one at a place."""
    return next(place for place, tier in enumerate(tiers) if _same_pools(tier, tiers[number]))


def _same_pools(one: Tier, other: Tier) -> bool:
    return one.topics == other.topics and one.score == other.score


def has_topic(topic: npt.NDArray[np.object_], tier: Tier) -> Bools:
    """Which documents are of the topics of a tier."""
    if tier.topics is None:
        return np.ones(len(topic), np.bool_)
    names, codes = _coded(topic)
    return np.array([name in tier.topics for name in names], dtype=np.bool_)[codes]


def _coded(names: npt.NDArray[np.object_]) -> tuple[list[str], I64]:
    """The distinct names, and which of them each is."""
    index: dict[str, int] = {}
    codes = np.fromiter((index.setdefault(name, len(index)) for name in names.tolist()), np.int64, len(names))
    return list(index), codes


def _by_group(group: npt.NDArray[np.object_], there: I64) -> dict[str, I64]:
    """Some rows by their group, in order."""
    names, codes = _coded(group[there])
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return {name: there[part] for name, part in zip(names, np.split(order, ends[:-1]), strict=True)} if names else {}


def counted(rows: Pooled, tiers: Sequence[Tier], places: Iterable[Place] | None) -> Counts:
    """The bins of some documents at each place; None stands for the first level of every pool that they are in."""
    pools = pools_of(rows, tiers)
    wanted = [Place(*pool, 0, 0) for pool in pools] if places is None else places
    counts: Counts = {}
    for place in wanted:
        there = pools.get((place.tier, place.group))
        if there is None:
            continue
        rank = rows.ranks[tiers[place.tier].score]
        if place.level < LEVELS // 2:
            keys = rank[there]
            if place.level:
                here = keys >> np.uint64(64 - BITS * place.level) == np.uint64(place.digits)
                there, keys = there[here], keys[here]
        else:
            there = there[rank[there] == np.uint64(place.digits >> (BITS * (place.level - LEVELS // 2)))]
            keys = rows.ties(there) if len(there) else np.zeros(0, np.uint64)
            if within := BITS * (place.level - LEVELS // 2):
                here = keys >> np.uint64(64 - within) == np.uint64(place.digits & ((1 << within) - 1))
                there, keys = there[here], keys[here]
        if len(there):
            shift = np.uint64(64 - BITS * (place.level % (LEVELS // 2) + 1))
            counts[place] = _bins((keys >> shift) & np.uint64((1 << BITS) - 1), keys, rows.weight[there])
    return counts


def _bins(numbers: U64, keys: U64, weight: I64) -> list[Bin]:
    order = np.lexsort((keys, numbers))
    numbers, keys, weight = numbers[order], keys[order], weight[order]
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    ends = np.append(starts[1:], len(numbers))
    columns = (numbers[starts], ends - starts, np.add.reduceat(weight, starts), keys[starts], keys[ends - 1])
    return [Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def add_counts(total: Counts, more: Counts) -> None:
    """Add counts in place."""
    for place, bins in more.items():
        if place not in total:
            total[place] = bins
            continue
        found = {one.number: one for one in total[place]}
        for one in bins:
            old = found.get(one.number)
            found[one.number] = one if old is None else _joined(old, one)
        total[place] = [found[number] for number in sorted(found)]


def _joined(a: Bin, b: Bin) -> Bin:
    return Bin(a.number, a.documents + b.documents, a.weight + b.weight, min(a.first, b.first), max(a.last, b.last))


@dataclass(frozen=True)
class _Open:
    """A share whose cut is being looked for: before its place are `documents` and `weight`; `target` is the weight that it takes."""

    place: Place
    target: Fraction
    documents: int = 0
    weight: int = 0
    tied: int = 0  # documents with one score, among which it is looked for by their ties
    above: int = 0  # documents with a better one


@dataclass(frozen=True)
class Search:
    """The cuts that are found, and where the others are looked for; begins without any, at the first level."""

    tiers: tuple[Tier, ...]
    totals: dict[tuple[int, str], tuple[int, int]] | None = None  # documents and weight of every pool
    bounds: tuple[tuple[int, str, float, Bound], ...] = ()  # by pool and share
    open: tuple[tuple[float, _Open], ...] = ()

    @property
    def done(self) -> bool:
        """Whether all are found."""
        return self.totals is not None and not self.open

    @property
    def places(self) -> tuple[Place, ...] | None:
        """What `counted` must count next; None at first."""
        return None if self.totals is None else tuple(dict.fromkeys(one.place for _, one in self.open))

    def narrowed(self, counts: Counts) -> Search:
        """The search after the documents at its places were counted."""
        totals, wanted = self.totals, self.open
        if totals is None:
            pools = {(place.tier, place.group): bins for place, bins in counts.items()}
            totals = {pool: (sum(b.documents for b in bins), sum(b.weight for b in bins)) for pool, bins in pools.items()}
            wanted = tuple(
                (share, _Open(Place(*pool, 0, 0), Fraction(str(share)) * totals[pool][1]))
                for pool in sorted(totals)
                for share in self._shares(pool[0])
            )
        bounds, left = list(self.bounds), []
        for share, one in wanted:
            found = _step(one, counts[one.place])
            if isinstance(found, Bound):
                bounds.append((one.place.tier, one.place.group, share, found))
            else:
                left.append((share, found))
        return replace(self, totals=totals, bounds=tuple(bounds), open=tuple(left))

    def _shares(self, pool: int) -> list[float]:
        """The shares at which pools of this tier's kind are cut."""
        found = {share for tier in self.tiers if _same_pools(tier, self.tiers[pool]) for share in (tier.low, tier.high)}
        return sorted(found - {0.0, 1.0})

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The cuts of every tier in every group that has documents of it; values (`min`) are looked up in none."""
        assert self.totals is not None
        known = {(tier, group, share): bound for tier, group, share, bound in self.bounds}
        found = []
        for number, tier in enumerate(self.tiers):
            pool = first_with(self.tiers, number)
            for (of, group), (documents, weight) in sorted(self.totals.items()):
                if of != pool:
                    continue
                ends = {0.0: Bound(-1, 0, 0, 0), 1.0: Bound(LAST, LAST, documents, weight)}
                low, high = (ends.get(share) or known[pool, group, share] for share in (tier.low, tier.high))
                if tier.min is not None:
                    high = replace_bound(high, int(ranks(np.array([tier.min]))[0]))
                found.append(Cut(number, group, low, high, documents, weight))
        return tuple(found)


def replace_bound(bound: Bound, rank: int) -> Bound:
    """A bound at a value: up to and including all documents that have it."""
    return Bound(rank, LAST, bound.documents, bound.weight)


def _step(one: _Open, bins: Sequence[Bin]) -> Bound | _Open:
    """Where the last document with a position below the target is, given the bins at its place."""
    documents, weight = one.documents, one.weight
    if weight >= one.target:  # only at the first level: nothing is taken
        return Bound(-1, 0, 0, 0)
    for place, bin_ in enumerate(bins):
        is_last = place == len(bins) - 1 or weight + bin_.weight >= one.target
        if not is_last:
            documents, weight = documents + bin_.documents, weight + bin_.weight
            continue
        level = one.place.level
        digits = (one.place.digits << BITS) | bin_.number
        whole = bin_.documents == 1 or weight + bin_.weight < one.target
        of_ties = level >= LEVELS // 2
        if bin_.first == bin_.last:
            if of_ties or whole:
                rank = one.place.digits >> (BITS * (level - LEVELS // 2)) if of_ties else bin_.first
                documents, weight = documents + bin_.documents, weight + bin_.weight
                tied = one.tied if documents < one.above + one.tied else 0
                return Bound(rank, bin_.first if of_ties else LAST, documents, weight, tied)
            level, digits = LEVELS // 2 - 1, bin_.first  # all have one score: go on by their ties
            one = replace(one, tied=bin_.documents, above=documents)
        return replace(one, place=one.place._replace(level=level + 1, digits=digits), documents=documents, weight=weight)
    raise ValueError("no documents where some were counted")  # a place is opened only at a bin that has some


def find_cuts(rows: Pooled, tiers: Sequence[Tier]) -> tuple[Cut, ...]:
    """The cuts of documents in memory."""
    search = Search(tuple(tiers))
    while not search.done:
        search = search.narrowed(counted(rows, tiers, search.places))
    return search.cuts


def tiers_of(rows: Pooled, tiers: Sequence[Tier], cuts: Iterable[Cut]) -> I64:
    """The first tier that takes each document; -1 for none.  (n,) int64"""
    by_place = {(cut.tier, cut.group): cut for cut in cuts}
    found = np.full(len(rows.weight), -1, dtype=np.int64)
    for number, tier in enumerate(tiers):
        free = np.flatnonzero((found < 0) & has_topic(rows.topic, tier))
        for group, there in _by_group(rows.group, free).items():
            if (cut := by_place.get((number, group))) is not None:
                rank = rows.ranks[tier.score][there]
                taken = up_to(rows, there, rank, cut.high) & ~up_to(rows, there, rank, cut.low)
                found[there[taken]] = number
    return found


def up_to(rows: Pooled, there: I64, rank: U64, bound: Bound) -> Bools:
    """Which rows are in a best part."""
    if bound.rank < 0:
        return np.zeros(len(there), dtype=np.bool_)
    inside = rank < np.uint64(bound.rank)
    equal = np.flatnonzero(rank == np.uint64(bound.rank))
    if len(equal):
        inside[equal] = rows.ties(there[equal]) <= np.uint64(bound.tie) if bound.tie != LAST else True
    return inside
