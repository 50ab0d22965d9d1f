"""Limits are as strict as they say, and the first rule that drops gives the reason."""

from dataclasses import replace

import numpy as np
import pytest

from corpus_builder import Document, Drop, RecipeError, Threshold
from corpus_builder.quality.rulebook import DuplicateRule, FilterRule, MeasureRule, Rows, judge_rows
from corpus_builder.quality.rules import apply_filter, measure


@pytest.mark.parametrize(
    ("limits", "value", "reason"),
    [
        ({"min": 0.2}, 0.2, None),
        ({"min": 0.2}, 0.19, "m_low"),
        ({"max": 0.5}, 0.5, None),
        ({"max": 0.5}, 0.51, "m_high"),
        ({"above": 0.2}, 0.2, "m_low"),
        ({"above": 0.2}, 0.21, None),
        ({"below": 0.05}, 0.05, "m_high"),
        ({"below": 0.05}, 0.049, None),
        ({"min": 20, "max": 90}, 19, "m_low"),
        ({"min": 20, "max": 90}, 91, "m_high"),
        ({"min": 20, "max": 90}, float("nan"), None),
    ],
)
def test_limits(limits, value, reason):
    def m(document):
        return value

    drop = Threshold(m, **limits)(Document(text="x"))
    assert (drop.reason if drop else None) == reason
    if drop:
        assert drop.value == value
        assert drop.threshold in limits.values()


def test_a_threshold_says_what_it_keeps():
    assert str(Threshold("num_letters", min=20, below=90)) == "num_letters >= 20 and < 90"


def test_a_threshold_without_limits_or_on_nothing_is_a_sentence():
    with pytest.raises(RecipeError, match="has no limit"):
        Threshold("num_letters")
    with pytest.raises(RecipeError, match=r"Unknown measure 'num_leters'; did you mean 'num_letters'\?"):
        measure("num_leters", Document(text="x"))


@pytest.mark.parametrize("answer", [True, False, "spam", 3])
def test_a_filter_that_returns_something_else_is_told_what_to_return(answer):
    def wrong(document):
        return answer

    with pytest.raises(TypeError, match=r"'wrong' returned .* returns None to keep the document, or Drop"):
        apply_filter(wrong, Document(text="x"))


@pytest.mark.parametrize("answer", [True, None, "1"])
def test_a_measure_that_returns_no_number_is_told(answer):
    with pytest.raises(TypeError, match="a measure returns a number"):
        measure(lambda document: answer, Document(text="x"))


ROWS = Rows(
    urls=["a", "b", "c", "d"],
    measures={"m": np.array([0.0, 0.0, 1.0, 1.0]), "n": np.array([5.0, 50.0, 5.0, 50.0])},
    details={"m": ["", "word", "", ""]},
    verdicts={"f": [None, None, {"reason": "spam", "value": None, "threshold": 2.0, "detail": None}, None]},
    matches=[*[{"survivor": None}] * 3, {"survivor": "web/9", "similarity": 0.875, "rule": "near"}],
)
RULES = (
    MeasureRule(Threshold("m", min=0.5), ("web",)),
    FilterRule("f", ("web", "wiki")),
    MeasureRule(Threshold("n", max=10), ("web",)),
    DuplicateRule(("web", "wiki"), verify=0.75),
)


def test_the_first_rule_that_drops_gives_the_reason():
    said = judge_rows(RULES, "web", ROWS)
    assert [said.at(row) for row in range(4)] == [
        Drop("m_low", 0.0, 0.5),
        Drop("m_low", 0.0, 0.5, "word"),
        Drop("spam", None, 2.0),
        Drop("n_high", 50.0, 10.0),
    ]
    assert said.keep.tolist() == [False] * 4


def test_rules_judge_their_own_sources_alone():
    said = judge_rows(RULES, "wiki", ROWS)
    duplicate = Drop("duplicate_near", 0.875, 0.75, "web/9")
    assert [said.at(row) for row in range(4)] == [None, None, Drop("spam", None, 2.0), duplicate]


def test_the_same_url_is_a_reason_of_its_own():
    rows = replace(ROWS, matches=[{"survivor": "web/9", "similarity": 0.25, "rule": "url"}] * 4)
    assert judge_rows(RULES[-1:], "web", rows).at(0) == Drop("duplicate_url", 0.25, None, "web/9")


def test_no_rules_keep_everything():
    assert judge_rows((), "web", ROWS).keep.all()


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"min": float("nan")}, "has a limit that is not a finite number"),
        ({"max": float("inf")}, "has a limit that is not a finite number"),
        ({"min": 20}, "compares a fraction, 0 to 1, with a limit outside that range"),
        ({"below": -0.1}, "compares a fraction, 0 to 1, with a limit outside that range"),
        ({"min": 0.9, "max": 0.2}, "drops everything"),
        ({"above": 0.5, "below": 0.4}, "drops everything"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(limits, says):
    with pytest.raises(RecipeError, match=says):
        Threshold("hiragana_fraction", **limits)
