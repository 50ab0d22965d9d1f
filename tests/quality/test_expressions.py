"""Expressions: the numbers that docs/selection.md says, and nothing but arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder import Recipe, RecipeError
from corpus_builder.quality.expressions import Expression, linked

NAN, LARGEST = math.nan, 1.7976931348623157e308


def value(text: str, labels: dict[str, str] | None = None, **numbers: float) -> float:
    named = {name.replace("__", "."): np.array([number]) for name, number in numbers.items()}
    (found,) = Expression(text).values(named, {name: [label] for name, label in (labels or {}).items()}).tolist()
    return found


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        ("edu + 0.5 * rubric.quality - 2 * rubric.adult", {"edu": 3, "rubric__quality": 1, "rubric__adult": 0.25}, 3.0),
        ("-a + +b", {"a": 1, "b": 3}, 2.0),
        ("3", {"a": 1}, 3.0),
        ("a / b", {"a": 1, "b": 0}, 0.0),
        ("a / b", {"a": NAN, "b": 0}, NAN),
        ("log(a)", {"a": math.e}, 1.0),
        ("log(a)", {"a": 0}, math.log(2.2250738585072014e-308)),
        ("log(a)", {"a": -5}, math.log(2.2250738585072014e-308)),
        ("a * a", {"a": 1e200}, LARGEST),
        ("a - b", {"a": math.inf, "b": math.inf}, 0.0),
        ("min(a, 2, b)", {"a": 3, "b": 4}, 2.0),
        ("max(a, b)", {"a": 3, "b": NAN}, NAN),
        ("abs(a)", {"a": -2}, 2.0),
        ("1 < a <= 3", {"a": 3}, 1.0),
        ("1 < a <= 3", {"a": 4}, 0.0),
        ("a == b", {"a": NAN, "b": NAN}, NAN),
        ("a != 0 and not b", {"a": 2, "b": 0}, 1.0),
        ("a or b", {"a": 0, "b": -7}, 1.0),
        ("a or b", {"a": 1, "b": NAN}, NAN),
        ("where(a > 1, b, 7)", {"a": 0, "b": NAN}, 7.0),
        ("where(a > 1, b, 7)", {"a": 2, "b": NAN}, NAN),
        ("where(a, 1, 2)", {"a": NAN}, NAN),
    ],
)
def test_values(text: str, numbers: dict[str, float], expected: float) -> None:
    assert value(text, **numbers) == pytest.approx(expected, nan_ok=True, abs=0)


@pytest.mark.parametrize(
    ("text", "topic", "expected"),
    [
        ("topic == '料理'", "料理", 1.0),
        ("'料理' == topic", "祭り", 0.0),
        ("topic != '料理'", "", 1.0),
        ("2 * (topic in ('料理', '祭り'))", "祭り", 2.0),
        ("topic not in ['料理']", "料理", 0.0),
    ],
)
def test_categories_are_compared_with_names(text: str, topic: str, expected: float) -> None:
    assert value(text, {"topic": topic}, a=1) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "a.b()", "a[0]", "a if b else c", "a ** 2", "a // b", "a % b", "~a", "lambda: 1", "(a := 1)", "f'{a}'", "x = 1", "",
        "True", "None", "'x'", "1e999", "1j", "a == [1]", "a < 'x'", "min(a)", "abs(a, b)", "abs(*a)", "abs(x=1)", "sum(a, b)", "a\x00", "(a", "a is b",
        "(" * 500 + "a" + ")" * 500, "-" * 1_500 + "a", "a+" * 900 + "a", "a" * 2_001, "(1).real", "...",
    ],
)  # fmt: skip
def test_anything_but_arithmetic_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Expression(text).tree  # noqa: B018
    assert len(str(caught.value)) < 400


LEAVES = st.sampled_from(["a", "b.c", "2", "0", "1e308"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/<"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["abs", "log", "-", "not "]), inner).map(lambda t: f"({t[0]}({t[1]}))"),
        st.tuples(inner, inner, inner).map(lambda t: f"where({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    ),
    max_leaves=12,
)


@given(TEXTS, st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_known_columns_always_give_a_finite_number(text: str, rows: list[tuple[float, float]]) -> None:
    a, c = np.array(rows).T
    assert np.isfinite(Expression(text).values({"a": a, "b.c": c}, {})).all()


def test_expressions_may_name_each_other_but_not_themselves() -> None:
    found = linked({"sum": "a + half", "half": "b / 2"})
    assert found["sum"].values({"a": np.array([1.0]), "b": np.array([4.0])}, {}).tolist() == [3.0]
    assert found["sum"].columns == {"a", "b"}
    with pytest.raises(RecipeError, match=r"quality.expressions.x: x -> y -> x: an expression cannot need itself"):
        linked({"x": "y", "y": "x + 1"})


@pytest.mark.parametrize(
    ("quality", "sentence"),
    [
        ({"expressions": {"worth": "edv * 2"}}, "unknown measure 'edv' in quality.expressions.worth.*did you mean 'edu'"),
        ({"expressions": {"worth": "edu.score"}}, ""),
        ({"expressions": {"edu": "1"}}, "quality.expressions: 'edu' is taken"),
        ({"expressions": {"duplicates": "1"}}, "quality.expressions: 'duplicates' is taken"),
        ({"expressions": {"worth": "edu; 1"}}, r"quality.expressions.worth: 'edu; 1' is not arithmetic"),
        (
            {"expressions": {"worth": "edu"}, "rules": [{"measure": "wort", "min": 1}]},
            "unknown measure 'wort'.*did you mean 'worth'",
        ),
        ({"rules": [{"measure": "edu", "any_of": ["x"], "min": 1}]}, "any_of and none_of are for categories, min, max"),
        ({"rules": [{"hosts": ["x"], "none_of": ["x"]}]}, "none_of go with measure"),
    ],
)
def test_names_of_a_recipe(quality: dict, sentence: str) -> None:
    value = {
        "name": "x",
        "sources": [{"name": "web", "kind": "jsonl", "paths": ["x.jsonl"]}],
        "quality": {"classifiers": {"edu": {"model": "m"}}} | quality,
    }
    if not sentence:
        assert Recipe.of(value).quality.expressions == quality["expressions"]
        return
    with pytest.raises(RecipeError, match=sentence):
        Recipe.of(value)


def test_an_expression_that_needs_the_hosts_stands_below_the_duplicates() -> None:
    rules = [{"measure": "worth", "min": 1}, {"duplicates": True}]
    value = {"name": "x", "sources": [{"name": "web", "kind": "jsonl", "paths": ["x.jsonl"]}], "dedup": {}}
    quality = {"expressions": {"worth": "2 * host.kept"}, "rules": rules}
    with pytest.raises(RecipeError, match="the rule on worth stands before duplicates = true"):
        Recipe.of(value | {"quality": quality})
    assert Recipe.of(value | {"quality": quality | {"rules": rules[::-1]}}).host_columns == ("host.kept",)
