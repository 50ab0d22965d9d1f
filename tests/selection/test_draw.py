"""What is drawn depends on the documents alone, and its weights lead back to all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.release.mixture import keyed_number
from corpus_builder.selection.draw import Candidate, Lot, Tally, allot
from corpus_builder.selection.strata import Quantiles

documents = st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), max_size=40).map(
    lambda pairs: [Candidate(number * 1000 + place, str(place), host) for place, (number, host) in enumerate(pairs)]
)


def plainly(documents: list[Candidate], most: int, per_host: int | None) -> list[Candidate]:
    """All documents in order, but for those whose host has its number already."""
    taken: list[Candidate] = []
    for one in sorted(documents):
        if per_host is None or sum(other.host == one.host for other in taken) < per_host:
            taken.append(one)
    return taken[:most]


@given(documents, st.integers(1, 10), st.none() | st.integers(1, 4), st.randoms())
def test_a_lot_draws_the_same_in_any_order(documents, most, per_host, random) -> None:
    wanted = plainly(documents, most, per_host)
    random.shuffle(documents)
    lot = Lot(most, per_host)
    for one in documents:
        lot.offer(one)
    assert [one for one, _ in lot.drawn(len(documents))] == wanted


@given(documents, st.integers(1, 10))
def test_a_lot_keeps_no_more_than_it_draws(documents, most) -> None:
    lot = Lot(most, 2)
    for one in documents:
        lot.offer(one)
        assert sum(map(len, lot._taken.values())) <= most + 1


def test_weights_estimate_the_whole() -> None:
    """A host with half of all documents, of which a sixth of the sample may be, counts as about half in the mean over many seeds."""
    documents = [(f"large/{n}", "large") for n in range(200)] + [(f"small{n}/0", f"small{n}") for n in range(200)]
    found = []
    for seed in range(200):
        lot = Lot(120, 20)
        for id_, host in documents:
            lot.offer(Candidate(keyed_number(seed, id_), id_, host))
        drawn = lot.drawn(400)
        assert abs(sum(weight for _, weight in drawn) - 400) < 1e-9
        assert sum(one.host == "large" for one, _ in drawn) == 20
        found.append(sum(weight for one, weight in drawn if one.host == "large") / 400)
    assert 0.47 < np.mean(found) < 0.52


def test_without_a_limit_each_document_stands_for_equally_many() -> None:
    lot = Lot(4)
    for n in range(10):
        lot.offer(Candidate(keyed_number(0, n), str(n)))
    assert [weight for _, weight in lot.drawn(10)] == [2.5] * 4


@given(st.dictionaries(st.text(max_size=2), st.integers(1, 20), min_size=1, max_size=8), st.integers(1, 60))
def test_strata_get_equally_many_as_far_as_they_have_them(available, count) -> None:
    given_ = allot(available, count)
    assert sum(given_.values()) == min(count, sum(available.values()))
    assert all(0 <= given_[name] <= available[name] for name in available)
    most = max(given_.values())
    assert all(given_[name] >= most - 1 for name in available if given_[name] < available[name])


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(1, 5)), max_size=40), st.integers(1, 3), st.randoms())
def test_a_tally_of_many_strata_keeps_the_same_ones_in_any_order(counts, most, random) -> None:
    total = {name: sum(n for other, n in counts if other == name) for name, _ in counts}
    wanted = sorted(total, key=lambda name: keyed_number(7, "stratum", name))[:most]
    random.shuffle(counts)
    tally = Tally(most, 7)
    for one in counts:
        tally.add([one])
    assert tally.strata() == {name: total[name] for name in sorted(wanted)}
    assert tally.documents == sum(total.values())


@given(st.lists(st.floats(allow_nan=True), max_size=60), st.integers(2, 6), st.integers(1, 60))
def test_quantiles_are_the_same_however_the_values_are_divided(values, bins, at) -> None:
    whole, parts = Quantiles(most=16), Quantiles(most=16)
    whole.add(np.array(values))
    parts.add(np.array(values[at:]))
    parts.add(np.array(values[:at]))
    assert whole.edges(bins) == parts.edges(bins)


def test_quantiles_of_few_values_are_exact() -> None:
    quantiles = Quantiles()
    quantiles.add(np.array([0.25] * 90 + [-1.5, 3.0] * 5))
    assert quantiles.edges(10) == [0.25, 3.0]
