"""The mixture: shares come out as asked, or are capped and told; who is drawn depends on the seed and the id alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.release.mixture import Capped, Wanted, drawn, keyed_number, settle


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.floats(0.001, 0.9))
def test_a_share_is_that_share_of_what_is_released(web, wiki, share):
    settled = settle({"web": web, "wiki": wiki}, Wanted({}, {"wiki": share}, {"wiki": float("inf")}))
    released = wiki * settled.epochs["wiki"]
    assert released / (released + web * settled.epochs["web"]) == pytest.approx(share)
    assert settled.capped == ()


def test_a_share_that_repeats_a_source_too_often_is_capped():
    half = Wanted({}, {"wiki": 0.5}, {"wiki": 4.0})
    (capped,) = settle({"web": 900, "wiki": 100}, half).capped
    assert settle({"web": 900, "wiki": 100}, half).epochs == {"web": 1.0, "wiki": 4.0}
    assert capped == Capped("wiki", 0.5, 9.0, 4.0, 100, reached=4 / 13, most=pytest.approx(4 / 13))
    assert str(capped.refused()).startswith(
        "release.mixture.wiki: share = 0.5 needs 9.00 epochs of the 100 characters of 'wiki', more than max_epochs = 4; "
        "lower the share to at most 0.3077, "
    )


def test_a_share_that_takes_just_so_many_epochs_is_not_capped():
    assert settle({"web": 400, "wiki": 100}, Wanted({}, {"wiki": 0.5}, {"wiki": 4.0})).capped == ()
    assert settle({"web": 400, "wiki": 100}, Wanted({}, {"wiki": 0.5}, {"wiki": 4.0})).epochs == {"web": 1.0, "wiki": 4.0}
    assert len(settle({"web": 401, "wiki": 100}, Wanted({}, {"wiki": 0.5}, {"wiki": 4.0})).capped) == 1


@given(
    st.integers(1, 10**6),
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.01, 0.3), st.floats(0.5, 9.0)), min_size=1, max_size=3),
)
def test_shares_that_are_not_capped_are_met_whatever_is_capped_beside_them(web, others):
    characters = {"web": web} | {f"s{n}": count for n, (count, _, _) in enumerate(others)}
    shares = {f"s{n}": share for n, (_, share, _) in enumerate(others)}
    most = {f"s{n}": most for n, (_, _, most) in enumerate(others)}
    settled = settle(characters, Wanted({"web": 0.5}, shares, most))
    released = {source: count * settled.epochs[source] for source, count in characters.items()}
    total = sum(released.values())
    capped = {one.source: one for one in settled.capped}
    assert list(settled.epochs) == list(characters)
    assert settled.epochs["web"] == 0.5
    for source, share in shares.items():
        if source in capped:
            assert settled.epochs[source] == (most[source] if characters[source] else 0.0)
            assert released[source] / total == pytest.approx(capped[source].reached)
            assert capped[source].reached <= share * (1 + 1e-9)
        else:
            assert settled.epochs[source] <= most[source]
            assert released[source] / total == pytest.approx(share)


def test_a_source_without_text_is_released_no_times_and_told():
    settled = settle({"web": 900, "wiki": 0}, Wanted({}, {"wiki": 0.5}, {"wiki": 4.0}))
    assert settled.epochs == {"web": 1.0, "wiki": 0.0}
    assert [str(one) for one in settled.capped] == ["share = 0.5 of wiki: it has no text"]
    assert "but no text of this source is kept" in str(settled.capped[0].refused())


def test_whole_epochs_draw_everyone_and_broken_ones_their_share():
    ids = [f"jawiki/{number}" for number in range(20_000)]
    assert all(drawn(0, id_, copy, 2.25) for id_ in ids[:100] for copy in (0, 1))
    third = sum(drawn(0, id_, 2, 2.25) for id_ in ids) / len(ids)
    assert third == pytest.approx(0.25, abs=0.01)  # three standard deviations are 0.009


def test_another_seed_draws_others():
    ids = [f"jawiki/{number}" for number in range(100)]
    assert [drawn(0, id_, 0, 0.5) for id_ in ids] != [drawn(1, id_, 0, 0.5) for id_ in ids]


def test_keyed_numbers_are_pinned():
    """A change here would reshuffle every corpus that was ever built."""
    assert keyed_number(0, "row", "web.warc.gz/1024", 0) == 8616437778981973903
