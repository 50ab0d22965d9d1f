"""The best part of documents, exact to the document, against a plain sort."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus_builder.quality.selection import Pooled, Search, Tier, add_counts, counted, find_cuts, score_of, tiers_of

Row = tuple[float, int, str, str, int]  # score, weight, group, topic, tie


def pooled(rows: Sequence[Row]) -> Pooled:
    from corpus_builder.quality.selection import ranks

    score, weight, group, topic, tie = zip(*rows, strict=True) if rows else ((),) * 5
    ties = np.array(tie, dtype=np.uint64)
    return Pooled(
        np.stack([ranks(np.array(score, dtype=np.float64)), ranks(-np.array(score, dtype=np.float64))]),
        np.array(weight, dtype=np.int64),
        np.array(group, dtype=object),
        np.array(topic, dtype=object),
        lambda places: ties[places],
    )


def plain_tiers(rows: Sequence[Row], tiers: Sequence[Tier]) -> list[int]:
    """By sorting, and by the words of the module's docstring."""
    found = [-1] * len(rows)
    for number, tier in enumerate(tiers):
        for group in {row[2] for row in rows}:
            pool = [n for n, row in enumerate(rows) if row[2] == group and (tier.topics is None or row[3] in tier.topics)]
            score = {n: -rows[n][0] if tier.score else rows[n][0] for n in pool}
            pool.sort(key=lambda n: (math.isnan(score[n]), 0 if math.isnan(score[n]) else -score[n], rows[n][4]))
            total, position = sum(rows[n][1] for n in pool), 0
            for n in pool:
                if tier.min is not None:
                    taken = score[n] >= tier.min
                else:
                    before, up_to = (share == 1 or position < Fraction(str(share)) * total for share in (tier.low, tier.high))
                    taken = up_to and not before
                position += rows[n][1]
                if taken and found[n] < 0:
                    found[n] = number
    return found


SCORES = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]), st.floats(width=32))
ROWS = st.lists(
    st.tuples(
        SCORES,
        st.sampled_from([0, 1, 1, 2, 7, 1_000]),
        st.sampled_from(["", "web", "wiki"]),
        st.sampled_from(["science", "news", ""]),
        st.sampled_from([0, 1, 2**16, 2**48 + 1, 2**48 + 2, 2**63, 2**64 - 2]),
    ),
    max_size=30,
    unique_by=lambda row: row[4] if math.isnan(row[0]) else (row[0], row[4]),
)
SHARES = st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.3, 0.5, 0.9, 1.0])


@st.composite
def lists_of_tiers(draw: Any) -> list[Tier]:
    tiers = []
    for number in range(draw(st.integers(1, 4))):
        low, high = sorted(draw(st.tuples(SHARES, SHARES)))
        minimum = draw(st.one_of(st.none(), st.none(), st.sampled_from([0.0, 0.5, -1e30])))
        topics = draw(st.sampled_from([None, ("science",), ("science", "news")]))
        shares = (low, high) if minimum is None else (0.0, 1.0)
        tiers.append(Tier(str(number), *shares, minimum, topics, score=draw(st.sampled_from([0, 0, 1]))))
    return tiers


@given(ROWS, lists_of_tiers())
@example([(0.5, 1, "", "", 3), (0.5, 1, "", "", 1), (0.5, 1, "", "", 2)], [Tier(high=0.5)])
@example([(math.nan, 1, "", "", 0)], [Tier(high=0.5)])
@example([(1.0, 0, "", "", 0), (1.0, 0, "", "", 1)], [Tier(high=0.5), Tier()])
def test_each_document_is_in_the_tier_that_sorting_says(rows: list[Row], tiers: list[Tier]) -> None:
    found = pooled(rows)
    assert tiers_of(found, tiers, find_cuts(found, tiers)).tolist() == plain_tiers(rows, tiers)


@given(ROWS, lists_of_tiers(), st.integers(1, 5))
def test_parts_counted_apart_have_the_same_cuts(rows: list[Row], tiers: list[Tier], parts: int) -> None:
    search = Search(tuple(tiers))
    while not search.done:
        counts: Any = {}
        for part in range(parts):
            add_counts(counts, counted(pooled(rows[part::parts]), tiers, search.places))
        search = search.narrowed(counts)
    assert search.cuts == find_cuts(pooled(rows), tiers)


@given(ROWS, SHARES, SHARES)
def test_bands_share_out_all_documents(rows: list[Row], one: float, other: float) -> None:
    low, high = sorted([one, other])
    found = pooled(rows)
    bands = [[Tier(high=low)], [Tier(low=low, high=high)], [Tier(low=high)]]
    taken = [tiers_of(found, band, find_cuts(found, band)) for band in bands]
    assert np.sum([part >= 0 for part in taken], axis=0).tolist() == [1] * len(rows)


@pytest.mark.parametrize(("share", "documents"), [(0.0, 0), (0.15, 15), (0.151, 16), (0.5, 50), (1.0, 100)])
def test_a_share_of_documents_is_exact(share: float, documents: int) -> None:
    scores = np.random.default_rng(0).permutation(100) / 7
    found = pooled([(float(score), 1, "", "", n) for n, score in enumerate(scores)])
    (cut,) = find_cuts(found, [Tier(high=share)])
    assert int((tiers_of(found, [Tier(high=share)], [cut]) == 0).sum()) == documents == cut.high.documents
    if 0 < share < 1:
        assert score_of(cut.high.rank) == sorted(scores, reverse=True)[documents - 1]


def test_ties_are_drawn_only_where_they_decide() -> None:
    asked: list[int] = []
    rows = pooled([(float(n // 10), 1, "", "", n) for n in range(1_000)])

    def ties(places: Any) -> Any:
        asked.extend(places.tolist())
        return rows.ties(places)

    watched = Pooled(rows.ranks, rows.weight, rows.group, rows.topic, ties)
    find_cuts(watched, [Tier(high=0.155)])
    assert set(asked) == set(range(840, 850))


@pytest.mark.parametrize(("scores", "tied"), [([1.0, 1.0, 0.0, 0.0], 0), ([1.0, 1.0, 1.0, 0.0], 3), ([1.0, 0.5, 0.0, 0.0], 0)])
def test_documents_are_tied_only_where_the_cut_divides_them(scores: list[float], tied: int) -> None:
    rows = [(score, 1, "", "", tie) for tie, score in enumerate(scores)]
    (cut,) = find_cuts(pooled(rows), [Tier(high=0.5)])
    assert (cut.high.documents, cut.high.tied) == (2, tied)
