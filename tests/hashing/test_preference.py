"""Ranks say who survives: the smaller the better, what is unknown last."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.preference import LAST, Preference, date_ranks, number_ranks


@given(st.lists(st.floats(allow_nan=False), max_size=20))
def test_the_largest_number_comes_first(values):
    ranks = number_ranks(values).tolist()
    assert [values[i] for i in sorted(range(len(values)), key=lambda i: (ranks[i], i))] == sorted(values, reverse=True)


def test_what_is_no_number_comes_last():
    assert number_ranks([None, "9", float("nan"), True]).tolist() == [LAST] * 4
    assert number_ranks([float("-inf")])[0] < LAST
    assert number_ranks([0.0, -0.0, 0]).tolist() == [number_ranks([0])[0]] * 3


def test_numbers_of_any_size_and_kind_have_a_rank():
    ranks = number_ranks([10**400, 1e308, Decimal("2.5"), 2, -(10**400), Decimal("nan")]).tolist()
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 6


def test_dates_in_many_forms_are_one_moment():
    moment = datetime(2024, 12, 1, tzinfo=UTC)
    values = ["2024-12-01T09:00:00+09:00", "2024-12-01", moment, date(2024, 12, 1), moment.timestamp()]
    assert len(set(date_ranks(values, newest=True).tolist())) == 1
    assert date_ranks(["昔", None, True, 1e300], newest=False).tolist() == [LAST] * 4


@pytest.mark.parametrize("word", ["", "best", "newest:x", "largest", "largest:", "largest:a,b", "first:", "first: , "])
def test_what_is_no_preference_is_a_sentence(word):
    with pytest.raises(RecipeError, match="is not a preference"):
        Preference.parse(word)
