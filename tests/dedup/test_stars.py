"""Passes over edges that are dealt out anyhow lead everybody to the first document of what hangs together."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.dedup.stars import NAMES, both_ways, large_star, small_star

Pairs = list[tuple[int, int]]


def columns(pairs: Pairs, ranks: list[int]) -> dict[str, np.ndarray]:
    u, v = (np.array(side, dtype=np.int64) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
    rank = np.array(ranks, dtype=np.int64)
    return {"u_rank": rank[u], "u": u, "v_rank": rank[v], "v": v}


def dealt(edges: dict[str, np.ndarray], group_of: np.ndarray, groups: int) -> list[dict[str, np.ndarray]]:
    """The edges of each group's documents, in any order."""
    found = []
    for group in range(groups):
        rows = np.flatnonzero(group_of[edges["u"]] == group)
        found.append({name: edges[name][np.random.default_rng(group).permutation(rows)] for name in NAMES})
    return found


def joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def starred(pairs: Pairs, ranks: list[int], group_of: np.ndarray, groups: int) -> tuple[dict[int, int], int]:
    """Whom each document is joined to when nobody is unsettled, and after how many rounds."""
    edges, rounds = both_ways(columns(pairs, ranks)), 0
    while True:
        parts = [large_star(part) for part in dealt(edges, group_of, groups)]
        if not sum(unsettled for _, unsettled in parts):
            break
        edges = both_ways(joined([small_star(part) for part in dealt(joined([part for part, _ in parts]), group_of, groups)]))
        rounds += 1
    first = {}
    for u_rank, u, v_rank, v in zip(*(edges[name].tolist() for name in NAMES), strict=True):
        if (v_rank, v) < (u_rank, u):
            assert first.setdefault(u, v) == v
    return first, rounds


def firsts(pairs: Pairs, ranks: list[int]) -> dict[int, int]:
    """The same by the plain way: the first of each component, by (rank, place)."""
    root = list(range(len(ranks)))
    for one, other in pairs:
        ends = root[one], root[other]
        best = min(ends, key=lambda place: (ranks[place], place))
        root = [best if end in ends else end for end in root]
    return {place: end for place, end in enumerate(root) if place != end}


@st.composite
def graphs(draw):
    count = draw(st.integers(2, 14))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] != p[1]), max_size=20)
    )
    ranks = draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count))
    groups = draw(st.integers(1, 4))
    group_of = draw(st.lists(st.integers(0, groups - 1), min_size=count, max_size=count))
    return pairs, ranks, np.array(group_of), groups


@settings(deadline=None, max_examples=300)
@given(graphs())
def test_everybody_is_joined_to_the_first_of_the_component(graph):
    pairs, ranks, group_of, groups = graph
    found, _ = starred(pairs, ranks, group_of, groups)
    assert found == firsts(pairs, ranks)


def test_many_components_of_many_sizes():
    rng = random.Random(1)
    pairs = [(one, other) for one, other in ((rng.randrange(400), rng.randrange(400)) for _ in range(180)) if one != other]
    ranks = [rng.randrange(9) for _ in range(400)]
    found, rounds = starred(pairs, ranks, np.random.default_rng(2).integers(0, 7, 400), 7)
    assert found == firsts(pairs, ranks)
    assert len(found) > 100
    assert rounds <= 5


@pytest.mark.parametrize("order", ["random", "rising", "falling"])
def test_a_long_chain_takes_few_rounds(order):
    count = 2_000
    ranks = {
        "random": random.Random(0).sample(range(count), count),
        "rising": list(range(count)),
        "falling": list(range(count))[::-1],
    }
    pairs = [(place, place + 1) for place in range(count - 1)]
    found, rounds = starred(pairs, ranks[order], np.random.default_rng(0).integers(0, 5, count), 5)
    best = min(range(count), key=ranks[order].__getitem__)
    assert found == {place: best for place in range(count) if place != best}
    assert 1 < rounds <= 2 * math.log2(count) + 4


def test_a_star_is_settled_at_once():
    ranks = [5, 1, 1, 9]
    edges = both_ways(columns([(0, 1), (2, 1), (3, 1), (3, 1)], ranks))  # the same edge twice is one
    _, unsettled = large_star(edges)
    assert unsettled == 0
    _, unsettled = large_star(both_ways(columns([(0, 1), (0, 2)], ranks)))
    assert unsettled == 1


def test_no_edges_no_stars():
    none = columns([], [])
    found, unsettled = large_star(none)
    assert ({name: column.tolist() for name, column in found.items()}, unsettled) == ({name: [] for name in NAMES}, 0)
    assert {name: column.tolist() for name, column in small_star(none).items()} == {name: [] for name in NAMES}
