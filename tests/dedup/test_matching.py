"""The keep-first rule: the same losers whatever the order and the split, and no two survivors share a band."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.dedup.matching import Pairs, best_winner, keep_first

FIELDS = ("loser_shard", "loser_number", "winner_order", "winner_shard", "winner_number")

documents = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 5)),  # (shard, number)
    st.tuples(st.integers(-2, 2), st.sets(st.integers(0, 9), max_size=4)),  # order, keys
    max_size=14,
)


def columns(found):
    rows = [(key, order, shard, number) for (shard, number), (order, keys) in found.items() for key in sorted(keys)]
    key, order, shard, number = zip(*rows, strict=True) if rows else ((), (), (), ())
    return np.array(key, np.uint64), np.array(order, np.int64), np.array(shard, np.int32), np.array(number, np.int64)


def as_rows(pairs: Pairs) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(pairs, name).tolist() for name in FIELDS), strict=True))


def losers(found) -> dict[tuple[int, int], tuple[int, int]]:
    """The definition, one document at a time: lose to the first of those before you that share a key."""
    ranked = sorted(found, key=lambda document: (found[document][0], *document))
    lost = {}
    for place, document in enumerate(ranked):
        firsts = []
        for key in found[document][1]:
            holder = next(other for other in ranked if key in found[other][1])
            if ranked.index(holder) < place:
                firsts.append((found[holder][0], *holder))
        if firsts:
            lost[document] = min(firsts)[1:]
    return lost


@settings(max_examples=200)
@given(documents)
def test_the_losers_are_those_of_the_definition(found):
    pairs = best_winner(keep_first(*columns(found)))
    assert {row[:2]: row[3:] for row in as_rows(pairs)} == losers(found)


@given(documents, st.randoms())
def test_order_of_the_rows_and_cuts_change_nothing(found, random):
    whole = columns(found)
    expected = as_rows(best_winner(keep_first(*whole)))
    shuffled = np.array(random.sample(range(len(whole[0])), len(whole[0])), dtype=np.int64)
    assert as_rows(best_winner(keep_first(*(column[shuffled] for column in whole)))) == expected
    cut = random.randint(0, 10)
    parts = [best_winner(keep_first(*(column[mask] for column in whole))) for mask in (whole[0] < cut, whole[0] >= cut)]
    joined = Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))
    assert as_rows(best_winner(joined)) == expected


@given(documents)
def test_deduplicating_the_survivors_drops_nobody(found):
    lost = losers(found)
    survivors = {document: value for document, value in found.items() if document not in lost}
    assert as_rows(keep_first(*columns(survivors))) == []


def test_a_document_does_not_lose_to_itself():
    twice = keep_first(np.array([7, 7], np.uint64), *(np.zeros(2, kind) for kind in (np.int64, np.int32, np.int64)))
    assert as_rows(twice) == []


def test_a_loser_still_stands_before_later_ones():
    """B loses to A and C to B, though B is dropped: the rule needs no graph."""
    found = {(0, 0): (0, {1}), (0, 1): (1, {1, 2}), (0, 2): (2, {2})}
    assert losers(found) == {(0, 1): (0, 0), (0, 2): (0, 1)}
    assert {row[:2]: row[3:] for row in as_rows(best_winner(keep_first(*columns(found))))} == losers(found)
