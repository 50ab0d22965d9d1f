"""What stored columns cannot answer exactly is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.hosts import RULES, recipe

from corpus_builder import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.selection.patch import Change, patched
from corpus_builder.selection.readable import estimates

CAPPED: dict[str, Any] = {"hosts": {"max_documents": 3}, "select": {"score": "num_letters", "top": 0.5}}


def noted(before: Recipe, *changes: str) -> list[str]:
    """The first words of each note on a recipe with some changes."""
    after = Recipe.of(patched(as_data(before), [Change.parse(one) for one in changes]), base=before.base)
    return [note.split(": ")[1][:18] for note in estimates(before, after)]


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        ("seed=5", ["the caps on hosts "]),  # which draws among equal scores
        ("select.score=num_japanese_letters", ["the caps on hosts "]),
        ("select", ["the caps on hosts "]),
        ("rules[1].min=400", ["the caps on hosts "]),
        ("select.top=0.4", []),
        ("release.mixture.web.epochs=2", []),
    ],
)
def test_caps_depend_on_rules_score_and_seed(tmp_path: Path, change: str, notes: list[str]) -> None:
    assert noted(recipe(tmp_path, RULES, **CAPPED), change) == notes
    assert noted(recipe(tmp_path, RULES, select=CAPPED["select"]), change) == []


def test_an_expression_changes_the_rules_that_read_it(tmp_path: Path) -> None:
    rules = [{"measure": "worth", "min": 600}, *RULES]
    before = recipe(tmp_path, rules, quality={"rules": rules, "expressions": {"worth": "num_letters * 2"}})
    assert noted(before, 'expressions.worth="num_letters * 3"') == ["duplicates are sea"]
    assert noted(before, 'expressions.other="num_letters * 3"', "rules[2].min=400") == []


def test_a_score_that_reads_what_a_host_keeps_depends_on_the_rules(tmp_path: Path) -> None:
    before = recipe(tmp_path, RULES, select={"score": "host.kept", "top": 0.5})
    assert noted(before, "rules[1].min=400") == ["host.kept counts w"]
    assert noted(before, "select.top=0.4") == []
