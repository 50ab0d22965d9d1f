"""Pointers over documents that are distributed in any way lead every document to the first one that it is connected with."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.hashing.pointers import before, hooked, hooks, pointers, targets_of

Pairs = list[tuple[int, int]]


def links_of(pairs: Pairs, ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Matches as links, from whoever comes later."""
    one, other = (np.array(side, dtype=np.int64) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
    later = before(ranks[other], other, ranks[one], one)
    loser, matched = np.where(later, one, other), np.where(later, other, one)
    return {"loser_rank": ranks[loser], "loser": loser, "matched_rank": ranks[matched], "matched": matched}


def ends_of(tables: list[np.ndarray], partition_of: np.ndarray, ranks: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Where documents point to, looked up in the tables of their partitions."""
    found = documents.copy()
    for partition, table in enumerate(tables):
        here = np.flatnonzero(partition_of[documents] == partition)
        hit, rank, place = targets_of(table, documents[here])
        assert ranks[place[hit]].tolist() == rank[hit].tolist()
        found[here[hit]] = place[hit]
    return found


def joined(pairs: Pairs, ranks: np.ndarray, partition_of: np.ndarray, partitions: int) -> tuple[dict[int, int], int, int]:
    """Whom each document points to in the end, after how many jumps and rounds of hooking."""
    dealt = [
        [pair for pair in pairs if partition_of[links_of([pair], ranks)["loser"][0]] == partition]
        for partition in range(partitions)
    ]
    links = [links_of(part, ranks) for part in dealt]
    tables, jumps, rounds = [pointers(part) for part in links], 0, 0
    while True:
        moved = True
        while moved:
            new = [ends_of(tables, partition_of, ranks, table[2]) for table in tables]
            moved = any((end != table[2]).any() for end, table in zip(new, tables, strict=True))
            tables = [np.stack([table[0], ranks[end], end]) for end, table in zip(new, tables, strict=True)]
            jumps += 1
        found = []
        for part in links:
            u, v = (ends_of(tables, partition_of, ranks, part[name]) for name in ("loser", "matched"))
            found.append(hooks({"u_rank": ranks[u], "u": u, "v_rank": ranks[v], "v": v}))
        every = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        if not len(every["loser"]):
            return {int(one): int(end) for table in tables for one, end in zip(table[0], table[2], strict=True)}, jumps, rounds
        for partition in range(partitions):
            here = partition_of[every["loser"]] == partition
            tables[partition] = hooked(tables[partition], {name: column[here] for name, column in every.items()})
            assert (np.diff(tables[partition][0]) > 0).all()
        rounds += 1


def firsts(pairs: Pairs, ranks: np.ndarray) -> dict[int, int]:
    """The same by the plain way: the first of each component, by (rank, place)."""
    root = list(range(len(ranks)))
    for one, other in pairs:
        ends = root[one], root[other]
        best = min(ends, key=lambda place: (ranks[place], place))
        root = [best if end in ends else end for end in root]
    return {place: end for place, end in enumerate(root) if place != end}


@st.composite
def graphs(draw):
    count = draw(st.integers(2, 12))
    place = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(place, place).filter(lambda pair: pair[0] != pair[1]), max_size=20))
    ranks = draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count))
    partitions = draw(st.integers(1, 4))
    partition_of = draw(st.lists(st.integers(0, partitions - 1), min_size=count, max_size=count))
    return pairs, np.array(ranks), np.array(partition_of), partitions


@settings(deadline=None, max_examples=300)
@given(graphs())
def test_everybody_is_joined_to_the_first_of_the_component(graph):
    pairs, ranks, partition_of, partitions = graph
    found, _, _ = joined(pairs, ranks, partition_of, partitions)
    assert found == firsts(pairs, ranks)


@pytest.mark.parametrize("order", ["rising", "falling", "mixed", "high and low"])
def test_a_long_chain_takes_few_passes(order):
    count = 500
    ranks = {
        "rising": np.arange(count),
        "falling": np.arange(count)[::-1],
        "mixed": np.array(random.Random(0).sample(range(count), count)),
        "high and low": np.where(np.arange(count) % 2, np.arange(count) + count, np.arange(count)[::-1]),
    }[order]
    pairs = [(place, place + 1) for place in range(count - 1)]
    found, jumps, rounds = joined(pairs, ranks, np.random.default_rng(0).integers(0, 5, count), 5)
    assert found == firsts(pairs, ranks)
    assert len(found) == count - 1
    assert rounds <= math.log2(count)
    assert jumps <= (math.log2(count) + 2) * (rounds + 1)
    if order == "rising":
        assert (rounds, jumps) == (0, 10)  # 2^9 > 499, and a last look


def test_a_star_whose_centre_comes_last_takes_one_round():
    """The centre points to the best of all; the others' roots are joined by its links alone."""
    ranks = np.array([9, 1, 2, 3, 4])
    found, _, rounds = joined([(0, other) for other in (1, 2, 3, 4)], ranks, np.array([0, 1, 0, 1, 0]), 2)
    assert (found, rounds) == ({0: 1, 2: 1, 3: 1, 4: 1}, 1)


def test_no_links_no_trees():
    assert joined([], np.zeros(3, np.int64), np.zeros(3, np.int64), 2) == ({}, 1, 0)
