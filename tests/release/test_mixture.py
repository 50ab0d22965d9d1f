"""The mixture: shares come out as asked, or are refused; who is drawn depends on the seed and the id alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.errors import RecipeError
from corpus_builder.release.mixture import drawn, keyed_number, resolve_epochs


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.floats(0.001, 0.9))
def test_a_share_is_that_share_of_what_is_released(web, wiki, share):
    epochs = resolve_epochs({"web": web, "wiki": wiki}, {}, {"wiki": share}, {"wiki": float("inf")})
    released = wiki * epochs["wiki"]
    assert released / (released + web * epochs["web"]) == pytest.approx(share)


def test_a_share_that_repeats_a_source_too_often_is_refused():
    with pytest.raises(RecipeError, match=r"share = 0.5 takes 9.00 epochs .* max_epochs = 4; .* at most 0.3077"):
        resolve_epochs({"web": 900, "wiki": 100}, {}, {"wiki": 0.5}, {"wiki": 4})
    assert resolve_epochs({"web": 900, "wiki": 100}, {}, {"wiki": 0.3076}, {"wiki": 4})["wiki"] == pytest.approx(4, abs=0.01)


def test_a_source_without_text_is_released_no_times():
    assert resolve_epochs({"web": 900, "wiki": 0}, {}, {"wiki": 0.5}, {"wiki": 4}) == {"web": 1.0, "wiki": 0.0}


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
