"""Candidate pairs that were looked at: which of them count, and who survives of the documents that they join.

`link` compares the documents of each group that shares a key; `resolve` turns the links into one fate for each dropped document.
Two meanings of "duplicates" are offered, both of which leave the same survivors whatever the order of the rows:

first       a document is dropped if a better one matches it, whatever becomes of the better one; the survivor is the end of the
            chain of those that it lost to.
components  all that hang together by matches are one group, and its best document survives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]
NEAR, EXACT, URL = 0, 1, 2
RULES = ("near", "exact", "url")


@dataclass(frozen=True)
class Links:
    """Pairs of which the loser ranks after the winner, as columns of one length; a shard is its place in the list of shards."""

    loser_shard: I64
    loser_number: I64
    winner_order: I64
    winner_shard: I64
    winner_number: I64
    similarity: npt.NDArray[np.float64]  # estimated or exact Jaccard similarity, 0..1
    rule: I64  # NEAR, EXACT or URL

    @classmethod
    def joined(cls, parts: list[Links]) -> Links:
        """Some links one after the other."""
        kinds = {"similarity": np.float64}
        return cls(
            *(
                np.concatenate([np.zeros(0, kinds.get(f.name, np.int64)), *(getattr(p, f.name) for p in parts)])
                for f in fields(cls)
            )
        )

    def taken(self, rows: npt.NDArray[Any]) -> Links:
        """Some of the links, in this order."""
        return Links(*(getattr(self, f.name)[rows] for f in fields(self)))

    def best(self) -> Links:
        """One link per loser, to the winner that ranks first; sorted by (loser_shard, loser_number)."""
        by_loser = np.lexsort(
            (-self.rule, self.winner_number, self.winner_shard, self.winner_order, self.loser_number, self.loser_shard)
        )
        found = self.taken(by_loser)
        first = np.ones(len(by_loser), dtype=np.bool_)
        first[1:] = (np.diff(found.loser_shard) != 0) | (np.diff(found.loser_number) != 0)
        return found.taken(first)


@dataclass(frozen=True)
class Fates:
    """What became of each dropped document: whom it matched, and who survives in its place; sorted by (shard, number)."""

    shard: I64
    number: I64
    matched_shard: I64
    matched_number: I64
    survivor_shard: I64
    survivor_number: I64
    similarity: npt.NDArray[np.float64]  # of the document and the one that it matched
    rule: I64


def link(starts: I64, documents: I64, contents: Any, content_starts: I64, sets: bool, threshold: float, spanning: bool) -> Any:
    """Links within groups of candidates that are sorted by rank: (loser row, winner row, similarity).

    Group g has the rows starts[g]..starts[g + 1]; `documents` says which content each row has, and content d lies in
    contents[content_starts[d]:content_starts[d + 1]]: a signature or, with `sets`, the sorted hashes of the shingles.  A row is
    linked to the first one before it that is at least as similar as `threshold`; with `spanning`, pairs are looked at
    until what hangs together in truth hangs together by links.
    """
    losers = np.empty(len(documents), dtype=np.int64)
    winners = np.empty(len(documents), dtype=np.int64)
    similarity = np.empty(len(documents), dtype=np.float64)
    count = _link(starts, documents, contents, content_starts, sets, threshold, spanning, losers, winners, similarity)
    return losers[:count], winners[:count], similarity[:count]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _similarity(contents: Any, starts: Any, left: Any, right: Any, sets: Any) -> float:
    one, other = contents[starts[left] : starts[left + 1]], contents[starts[right] : starts[right + 1]]
    if len(one) == 0 or len(other) == 0:
        return 0.0
    same = 0
    if not sets:
        for place in range(len(one)):
            same += one[place] == other[place]
        return same / len(one)
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            same += 1
            i += 1
            j += 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return same / (len(one) + len(other) - same)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _root(parents: Any, place: Any) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return int(place)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _link(
    starts: Any,
    documents: Any,
    contents: Any,
    content_starts: Any,
    sets: Any,
    threshold: Any,
    spanning: Any,
    losers: Any,
    winners: Any,
    similarity: Any,
) -> int:
    count = 0
    parents = np.arange(len(documents))
    for group in range(len(starts) - 1):
        for row in range(starts[group] + 1, starts[group + 1]):
            for earlier in range(starts[group], row):
                if documents[row] == documents[earlier]:
                    continue
                if spanning and _root(parents, row) == _root(parents, earlier):
                    continue
                alike = _similarity(contents, content_starts, documents[row], documents[earlier], sets)
                if alike >= threshold:
                    losers[count], winners[count], similarity[count] = row, earlier, alike
                    count += 1
                    if not spanning:
                        break
                    parents[_root(parents, row)] = _root(parents, earlier)
    return count


def resolve(links: Links, components: bool) -> Fates:
    """One fate for each dropped document; any order and any split of the links gives the same."""
    links = links.best() if not components else links
    shards = np.concatenate([links.loser_shard, links.winner_shard])
    numbers = np.concatenate([links.loser_number, links.winner_number])
    # A document that nowhere wins is never the best of its component, so its own rank is not needed.
    order = np.concatenate([np.full(len(links.loser_shard), np.iinfo(np.int64).max), links.winner_order])
    by_place = np.lexsort((order, numbers, shards))
    shards, numbers, order = shards[by_place], numbers[by_place], order[by_place]
    wins = np.concatenate([np.zeros(len(links.loser_shard)), np.ones(len(links.loser_shard))])[by_place]
    new = np.ones(len(shards), dtype=np.bool_)
    new[1:] = (np.diff(shards) != 0) | (np.diff(numbers) != 0)
    node_of = np.empty(len(shards), dtype=np.int64)
    node_of[by_place] = np.cumsum(new) - 1
    ever_wins = np.maximum.reduceat(wins, np.flatnonzero(new)) if len(wins) else wins
    shards, numbers, order = shards[new], numbers[new], order[new]
    by_rank = np.lexsort((numbers, shards, order, 1 - ever_wins))
    rank = np.empty(len(by_rank), dtype=np.int64)
    rank[by_rank] = np.arange(len(by_rank))
    ends = rank[node_of]  # nodes by rank: 0 is the best
    losers, winners = ends[: len(links.loser_shard)], ends[len(links.loser_shard) :]
    shards, numbers = shards[by_rank], numbers[by_rank]
    survivors = np.arange(len(shards))
    _join(losers, winners, survivors, components)
    # Whom it matched: the best of those that it lost to or, where it lost to none, of those that lost to it.
    both = np.concatenate(
        [np.stack([losers, np.zeros_like(losers), winners]), np.stack([winners, np.ones_like(losers), losers])], axis=1
    )
    which = np.tile(np.arange(len(losers)), 2)
    by_node = np.lexsort((-np.tile(links.rule, 2), both[2], both[1], both[0]))
    nodes, matched, which = both[0][by_node], both[2][by_node], which[by_node]
    first = np.ones(len(nodes), dtype=np.bool_)
    first[1:] = np.diff(nodes) != 0
    nodes, matched, which = nodes[first], matched[first], which[first]
    lost = survivors[nodes] != nodes
    nodes, matched, which = nodes[lost], matched[lost], which[lost]
    by_place = np.lexsort((numbers[nodes], shards[nodes]))
    nodes, matched, which = nodes[by_place], matched[by_place], which[by_place]
    end = survivors[nodes]
    return Fates(
        shards[nodes],
        numbers[nodes],
        shards[matched],
        numbers[matched],
        shards[end],
        numbers[end],
        links.similarity[which],
        links.rule[which],
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _join(losers: Any, winners: Any, survivors: Any, components: Any) -> None:
    for place in range(len(losers)):
        if components:
            one, other = _root(survivors, losers[place]), _root(survivors, winners[place])
            survivors[max(one, other)] = min(one, other)
        else:
            survivors[losers[place]] = winners[place]
    for node in range(len(survivors)):
        survivors[node] = _root(survivors, node)
