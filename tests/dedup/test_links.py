"""Links and fates are those of the definitions, whatever the order of the rows and the cuts between them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.dedup.links import Fates, Links, link, resolve

THRESHOLD = 0.5
documents = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 5)),  # (shard, number)
    st.tuples(st.integers(-2, 2), st.sets(st.integers(0, 4), max_size=3), st.sets(st.integers(0, 5), min_size=1, max_size=4)),
    max_size=12,
)  # order, keys, shingles


def rank(found, document):
    return (found[document][0], *document)


def alike(found, one, other) -> float:
    left, right = found[one][2], found[other][2]
    return len(left & right) / len(left | right)


def matches(found, threshold):
    """(loser, winner) of every pair that shares a key and is alike enough."""
    pairs = [(one, other) for one in found for other in found if rank(found, other) < rank(found, one)]
    return [(a, b) for a, b in pairs if found[a][1] & found[b][1] and alike(found, a, b) >= threshold]


def links_of(found, threshold, components, cut=None) -> Links:
    """Links as the stage makes them, by one range of keys after the other."""
    places = sorted(found)
    contents = [np.array(sorted(found[place][2]), np.uint64) for place in places]
    content_starts = np.cumsum([0, *map(len, contents)]).astype(np.int64)
    flat = np.concatenate([np.zeros(0, np.uint64), *contents])
    parts = []
    for keys in [range(5)] if cut is None else [range(cut), range(cut, 5)]:
        groups = [sorted((p for p in found if key in found[p][1]), key=lambda p: rank(found, p)) for key in keys]
        rows = [place for group in groups for place in group]
        starts = np.cumsum([0, *map(len, groups)]).astype(np.int64)
        number = np.array([places.index(place) for place in rows], dtype=np.int64)
        losers, winners, same = link(starts, number, flat, content_starts, True, threshold, components)
        shard, inner = (np.array([place[axis] for place in rows], dtype=np.int64) for axis in (0, 1))
        order = np.array([found[place][0] for place in rows], dtype=np.int64)
        rules = np.zeros(len(losers), np.int64)
        parts.append(Links(shard[losers], inner[losers], order[winners], shard[winners], inner[winners], same, rules))
    return Links.joined(parts)


def survivors(fates: Fates) -> dict[tuple[int, int], tuple[int, int]]:
    columns = (fates.shard, fates.number, fates.survivor_shard, fates.survivor_number)
    return {(a, b): (c, d) for a, b, c, d in zip(*(column.tolist() for column in columns), strict=True)}


def by_first(found, pairs):
    ends = {}
    for document in sorted(found, key=lambda d: rank(found, d)):
        winners = [winner for loser, winner in pairs if loser == document]
        if winners:
            best = min(winners, key=lambda d: rank(found, d))
            ends[document] = ends.get(best, best)
    return ends


def by_components(found, pairs):
    groups = [{document} for document in found]
    for one, other in pairs:
        ours = next(group for group in groups if one in group)
        theirs = next(group for group in groups if other in group)
        if ours is not theirs:
            groups.remove(theirs)
            ours |= theirs
    best = [(min(group, key=lambda d: rank(found, d)), group) for group in groups]
    return {document: first for first, group in best for document in group if document != first}


@settings(deadline=None, max_examples=150)
@given(documents, st.sampled_from([0.0, THRESHOLD, 1.0]), st.booleans(), st.integers(0, 5), st.randoms())
def test_the_fates_are_those_of_the_definition(found, threshold, components, cut, random):
    pairs = matches(found, threshold)
    expected = by_components(found, pairs) if components else by_first(found, pairs)
    whole = links_of(found, threshold, components)
    assert survivors(resolve(whole, components)) == expected
    parts = links_of(found, threshold, components, cut)
    shuffled = np.array(random.sample(range(len(parts.rule)), len(parts.rule)), dtype=np.int64)
    assert survivors(resolve(parts.taken(shuffled), components)) == expected


@settings(deadline=None, max_examples=60)
@given(documents, st.booleans())
def test_each_was_compared_with_the_one_that_it_matched(found, components):
    fates = resolve(links_of(found, THRESHOLD, components), components)
    columns = (fates.shard, fates.number, fates.matched_shard, fates.matched_number, fates.similarity)
    for a, b, c, d, similarity in zip(*(column.tolist() for column in columns), strict=True):
        assert similarity == alike(found, (a, b), (c, d)) >= THRESHOLD
        assert found[a, b][1] & found[c, d][1]


def test_the_two_meanings_part_where_a_bridge_is_worse_than_both_ends():
    """A and B are unlike, C is like both: by the first rule C alone goes, by components B goes, too."""
    found = {(0, 0): (0, {1}, {1}), (0, 1): (1, {2}, {1}), (0, 2): (2, {1, 2}, {1})}
    assert survivors(resolve(links_of(found, 0.5, False), False)) == {(0, 2): (0, 0)}
    assert survivors(resolve(links_of(found, 0.5, True), True)) == {(0, 1): (0, 0), (0, 2): (0, 0)}


def test_the_survivor_is_the_end_of_the_chain():
    found = {(0, 0): (0, {1}, {1}), (0, 1): (1, {1, 2}, {1}), (0, 2): (2, {2}, {1})}
    fates = resolve(links_of(found, 0.5, False), False)
    assert survivors(fates) == {(0, 1): (0, 0), (0, 2): (0, 0)}
    assert fates.matched_number.tolist() == [0, 1]
