"""Tries a recipe's rules, or a filter, on one document: every rule judges it, whatever earlier rules decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_builder.document import OWN_DOCUMENT, PAGE_COLUMNS, Document, Drop, Filter
from corpus_builder.errors import RecipeError
from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.messages.terminal import harmless
from corpus_builder.quality.rulebook import DuplicateRule, MeasureRule, on_hosts
from corpus_builder.quality.rules import Threshold, apply_filter
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.measure import Measure
from corpus_builder.stages.rows import rows_of
from corpus_builder.stages.score import scores_of


@dataclass(frozen=True)
class Judged:
    """One rule's verdict on a document; `value` is the measured value of a rule with a measure, dropped or not."""

    rule: str
    drop: Drop | None
    value: float | None = None


class Verdicts(list[Judged]):
    """The verdicts of all rules, shown one per line."""

    def __repr__(self) -> str:
        return as_text(self)


def judge(how: Recipe | Filter | Threshold, document: Document | str) -> Verdicts:
    """Every rule's verdict on a document, in the recipe's order.

    `how` is a recipe, or a single filter.  The document may be given as a mere text.  Rules for sources other than the
    document's are left out (a document without a source is judged by all), and so are duplicates and rules on hosts, since
    one document has none.
    Raises RecipeError if the recipe has no such source.

    >>> judge(Threshold("hiragana_fraction", min=0.2), "東京都千代田区")[0].drop.reason
    'hiragana_fraction_low'
    """
    if isinstance(document, str):
        document = Document(text=document)
    if not isinstance(how, Recipe):
        if not callable(how):
            raise RecipeError(
                f"{how!r} is neither a recipe nor a filter; give `Recipe.load(path)`, a function, or a rule such as "
                'Threshold("hiragana_fraction", min=0.2).'
            )
        return Verdicts([_judge_alone(how, document)])
    if document.source and document.source not in how.source_names:
        raise RecipeError(f"The recipe has no source {document.source!r}; its sources are {', '.join(how.source_names)}.")
    running = Running(how, Path())
    row = pa.Table.from_pylist([_row(document)], schema=pa.schema([*OWN_DOCUMENT, *PAGE_COLUMNS]))
    measured = Measure.of(running).table(row)
    rows = rows_of([document.url], [measured, *(scores_of(one, row, measured) for one in running.classifiers)], None)
    judged = Verdicts()
    for rule in running.rules:
        if isinstance(rule, DuplicateRule) or on_hosts([rule]) or (document.source and document.source not in rule.sources):
            continue
        drop = rule.judge(rows).at(0)
        value = float(rule.column.of(rows)[0]) if isinstance(rule, MeasureRule) else None
        judged.append(Judged(rule.label, drop, value))
    return judged


def _judge_alone(how: Callable[[Document], Any], document: Document) -> Judged:
    name = str(how) if isinstance(how, Threshold) else getattr(how, "__name__", repr(how))
    return Judged(name, apply_filter(how, document))


def _row(document: Document) -> dict[str, Any]:
    strings = {name: surrogates_replaced(getattr(document, name)) for name in OWN_DOCUMENT.names}
    return strings | {field.name: getattr(document, field.name) for field in PAGE_COLUMNS}


def as_text(judged: list[Judged]) -> str:
    """The verdicts as lines for a terminal."""
    lines = []
    for one in judged:
        if one.drop is None:
            seen = "" if one.value is None else f"  ({one.value:.6g})"
            lines.append(f"keeps  {harmless(one.rule)}{seen}")
            continue
        value = "" if one.drop.value is None else f"  ({one.drop.value:.6g})"
        lines.append(f"DROPS  {harmless(one.rule)}{value}  {harmless(one.drop.reason)}  {harmless(one.drop.detail)}".rstrip())
    first = next((one.drop.reason for one in judged if one.drop), None)
    return "\n".join([*lines, f"Dropped: {harmless(first)}" if first else "Kept."])
