"""Who shares a key with whom, and which pairs count, against the same said plainly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.duplicates.signed_files import estimates
from corpus_builder.hashing.pairs import best_links, block_links, checked_links, distinct_links, first_links, sharers

HASHES = 4
VALUE = estimates(HASHES)

entries = st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 2), st.integers(0, 9)), max_size=25)
"""(key, rank, document); a document can have a key twice, as two bands may."""


def arrays(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    key, rank, document = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(key, np.uint64) << np.uint64(61), np.array(rank, np.int64), np.array(document, np.int64)


def in_groups(rows: list[tuple[int, int, int]]) -> list[list[tuple[int, int, int]]]:
    return [found for _, group in itertools.groupby(sorted(rows), key=lambda row: row[0]) if len(found := list(group)) > 1]


@settings(deadline=None)
@given(entries)
def test_company_is_whoever_shares_a_key_in_order(given_rows):
    rows, starts = sharers(*arrays(given_rows))
    groups = [[given_rows[row] for row in rows[first:last]] for first, last in itertools.pairwise(starts.tolist())]
    assert groups == in_groups(given_rows)
    assert len(set(rows.tolist())) == len(rows)
    assert (rows.dtype, starts.dtype) == (np.int64, np.int64)


def test_keys_of_all_64_bits_are_told_apart():
    keys = np.array([0, (1 << 64) - 1, 1 << 63, (1 << 64) - 1, 1, (1 << 63) + 1], np.uint64)
    rows, starts = sharers(keys, np.array([0, 1, 0, 0, 0, 0]), np.arange(6))
    assert (rows.tolist(), starts.tolist()) == ([3, 1], [0, 2])


@pytest.mark.parametrize("keys", [1, 3, 60, 5_000, 1 << 62])
def test_any_number_of_rows_can_share_a_key(keys):
    rng = np.random.default_rng(keys)
    key, rank, document = (
        rng.integers(0, keys, 5_000).astype(np.uint64) << np.uint64(2),
        rng.integers(-3, 3, 5_000),
        np.arange(5_000),
    )
    key |= rng.integers(0, 2, 5_000).astype(np.uint64) << np.uint64(63)
    rows, starts = sharers(key, rank, document)
    given_rows = list(zip(key.tolist(), rank.tolist(), document.tolist(), strict=True))
    assert [[given_rows[row] for row in rows[first:last]] for first, last in itertools.pairwise(starts.tolist())] == in_groups(
        given_rows
    )


def in_order(given_rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    _, _, document = arrays(given_rows)
    rows, starts = sharers(*arrays(given_rows))
    return document[rows], starts


@settings(deadline=None)
@given(entries)
def test_everybody_loses_to_the_first_of_the_group(given_rows):
    document, starts = in_order(given_rows)
    loser, matched = first_links(document, starts)
    expected = [(row[2], group[0][2]) for group in in_groups(given_rows) for row in group if row[2] != group[0][2]]
    assert list(zip(document[loser].tolist(), document[matched].tolist(), strict=True)) == expected


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


sketches = st.lists(st.lists(st.integers(0, 1), min_size=HASHES, max_size=HASHES), min_size=10, max_size=10)
shingles = st.lists(st.sets(st.integers(0, 5), max_size=5), min_size=10, max_size=10)


@settings(deadline=None, max_examples=200)
@given(
    entries,
    st.one_of(sketches, shingles),
    st.sampled_from([0.2, 0.5, 1.0]),
    st.booleans(),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_pairs_that_are_alike_enough_count(given_rows, texts, threshold, spanning, stay):
    by_sketch = isinstance(texts[0], list)
    value_of = VALUE if by_sketch else np.zeros(0)
    contents = np.array([value for text in texts for value in sorted(text)] if not by_sketch else texts, np.uint64).ravel()
    content_starts = np.cumsum([0, *map(len, texts)])
    document, starts = in_order(given_rows)
    stays = np.array(stay, dtype=np.bool_)[document]
    found = checked_links(starts, document, contents, content_starts, value_of, threshold, spanning, stays)
    links = list(zip(*(column.tolist() for column in found), strict=True))

    def alike(row: int, earlier: int) -> float:
        one, other = texts[document[row]], texts[document[earlier]]
        return float(VALUE[sum(a == b for a, b in zip(one, other, strict=True))]) if by_sketch else jaccard(one, other)

    every = [
        (row, earlier, alike(row, earlier))
        for first, last in itertools.pairwise(starts.tolist())
        for row in range(first, last)
        for earlier in range(first, row)
        if document[row] != document[earlier] and not stays[row] and alike(row, earlier) >= threshold
    ]
    if not spanning:
        assert links == [next(pair for pair in every if pair[0] == row) for row in sorted({row for row, *_ in every})]
        return
    assert set(links) <= set(every)
    assert components(links) == components(every)
    assert len(links) == sum(len(part) - 1 for part in components(links))  # no pair more than it takes
    firsts = {row: next(pair for pair in every if pair[0] == row) for row, *_ in every}
    assert {row: next(link for link in links if link[0] == row) for row in firsts} == firsts  # the best match is among them


def components(pairs: list[tuple[int, int, float]]) -> set[frozenset[int]]:
    parts: list[set[int]] = []
    for one, other, _ in pairs:
        near = [part for part in parts if one in part or other in part]
        parts = [part for part in parts if part not in near] + [{one, other}.union(*near)]
    return {frozenset(part) for part in parts}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.one_of(sketches, shingles),
    st.sampled_from([0.2, 0.5, 1.0]),
    st.booleans(),
    st.lists(st.booleans(), min_size=10, max_size=10),
    st.integers(1, 5),
)
def test_a_group_can_be_looked_at_in_blocks(content, texts, threshold, spanning, stay, size):
    by_sketch = isinstance(texts[0], list)
    value_of = VALUE if by_sketch else np.zeros(0)
    contents = np.array(texts if by_sketch else [value for text in texts for value in sorted(text)], np.uint64).ravel()
    content_starts = np.cumsum([0, *map(len, texts)])
    content = np.array(content)
    stays = np.array(stay, dtype=np.bool_)[content] & (not spanning)
    known = (contents, content_starts, value_of, threshold, spanning)
    whole = [column.tolist() for column in checked_links(np.array([0, len(content)]), content, *known, stays)]

    settled, parents = stays.copy(), np.arange(len(content))
    blocks = [(first, min(first + size, len(content))) for first in range(0, len(content), size)]
    found = [
        block_links(own, earlier, (content[slice(*own)], content[slice(*earlier)]), *known, settled, parents)
        for number, own in enumerate(blocks)
        for earlier in blocks[: number + 1]
    ]
    links = sorted(link for columns in found for link in zip(*(column.tolist() for column in columns), strict=True))
    if not spanning:
        assert links == list(zip(*whole, strict=True))
    assert components(links) == components(list(zip(*whole, strict=True)))
    assert len(links) == len(whole[0])
    firsts = {row: earlier for row, earlier, _ in reversed(links)}
    assert firsts == {row: earlier for row, earlier, _ in reversed(list(zip(*whole, strict=True)))}


def test_a_text_without_shingles_is_like_nothing():
    starts, document, stays = np.array([0, 2]), np.array([0, 1]), np.zeros(2, np.bool_)
    found = checked_links(starts, document, np.zeros(0, np.uint64), np.array([0, 0, 0]), np.zeros(0), 0.1, False, stays)
    assert [column.tolist() for column in found] == [[], [], []]


links = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.5, 0.75])), max_size=20)
RANKS = [3, -1, 3, 0, 0, 7]


def table(found: list[tuple[int, int, float]]) -> dict[str, np.ndarray]:
    loser, matched, similarity = zip(*found, strict=True) if found else ((), (), ())
    loser, matched, ranks = np.array(loser, np.int64), np.array(matched, np.int64), np.array(RANKS)
    names = ("loser_rank", "loser", "matched_rank", "matched", "similarity")
    return dict(zip(names, (ranks[loser], loser, ranks[matched], matched, np.array(similarity, np.float64)), strict=True))


def rows_of(found: dict[str, np.ndarray]) -> list[tuple[int, int, float]]:
    assert found["loser_rank"].tolist() == [RANKS[place] for place in found["loser"]]
    assert found["matched_rank"].tolist() == [RANKS[place] for place in found["matched"]]
    return list(zip(*(found[name].tolist() for name in ("loser", "matched", "similarity")), strict=True))


@given(links)
def test_the_best_link_of_a_loser_is_the_one_to_whom_comes_first(given_links):
    found = rows_of(best_links(table(given_links)))
    best = {loser: min((RANKS[w], w) for one, w, _ in given_links if one == loser)[1] for loser, _, _ in given_links}
    assert [(loser, matched) for loser, matched, _ in found] == sorted(best.items())
    assert set(found) <= set(given_links)


@given(links)
def test_every_pair_is_there_once_with_its_least_similarity(given_links):
    least: dict[tuple[int, int], float] = {}
    for loser, matched, similarity in given_links:
        least[loser, matched] = min(similarity, least.get((loser, matched), 1.0))
    assert rows_of(distinct_links(table(given_links))) == [(*pair, least[pair]) for pair in sorted(least)]


@pytest.mark.parametrize("reduced", [best_links, distinct_links])
@given(given_links=links, cut=st.integers(0, 20))
def test_links_can_be_reduced_in_parts(reduced, given_links, cut):
    similar = {}
    given_links = [(loser, matched, similar.setdefault((loser, matched), value)) for loser, matched, value in given_links]
    part = rows_of(reduced(table(given_links[:cut])))
    assert rows_of(reduced(table(part + given_links[cut:]))) == rows_of(reduced(table(given_links)))
