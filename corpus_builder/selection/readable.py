"""Which changes of a recipe the stored columns can answer: exactly, as an estimate, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.messages.redact import shareable
from corpus_builder.quality.catalogue import COPIES
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.selection.columns import Columns

_READ_BY = {
    ("sources",): "extract",
    ("extract",): "extract",
    ("quality", "ng_words"): "measure",
    ("quality", "measures"): "measure",
    ("quality", "classifiers"): "score",
    ("dedup",): "sign",
    ("hosts",): "hosts",
    ("lines",): "lines",
}
"""Keys whose change makes a stage go through the texts again, or through the hashes of the texts."""


def refuse_what_needs_texts(old: Recipe, new: Recipe) -> None:
    """Raise RecipeError if the new recipe needs what the build has not stored; the sentence names the stage that would make it."""
    ours, theirs = (shareable(as_data(recipe)) for recipe in (old, new))
    for path, stage in _READ_BY.items():
        if _at(ours, path) != _at(theirs, path) and not (stage == "sign" and new.dedup is None):
            raise _refused(".".join(path), stage)
    if new.dedup is not None and tuple(old.compared) != tuple(new.compared):
        raise _refused("the sources that are compared", "sign")


def refuse_what_is_not_stored(where: str, names: Iterable[str], new: Recipe, columns: Columns) -> None:
    """Raise RecipeError if one of the columns that a part of the recipe reads is not stored, with the stage that would make it."""
    for name in names:
        if name not in columns.places and name != COPIES:
            stage = (
                "hosts"
                if name.startswith("host.")
                else "score"
                if name.partition(".")[0] in new.quality.classifiers
                else "measure"
            )
            hint = did_you_mean(name, columns.numbers)
            raise RecipeError(
                f"{where} reads {name!r}, which the build in {columns.built.out} has not stored{hint}. Change the recipe "
                f"and build: the stage {stage!r} runs again, and those after it."
            )


def _refused(what: str, stage: str) -> RecipeError:
    return RecipeError(
        f"{what} differs from the recipe of the build, and what it changes is not stored: the stage {stage!r} would run again, over all texts or "
        "their hashes. Change the recipe and build; stages before it are not repeated."
    )


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def estimates(old: Recipe, new: Recipe) -> tuple[str, ...]:
    """Sentences on what is not exact, and why."""
    notes = []
    if new.dedup is not None and _before_search(old) != _before_search(new):
        notes.append(
            "An estimate: duplicates are searched among the documents that the rules before `duplicates = true` keep, and these rules differ. "
            "What they newly keep was never compared, and counts as no duplicate; what duplicates a document that they newly drop still counts as one."
        )
    if new.hosts is not None and new.hosts.capped and _of_caps(old) != _of_caps(new):
        notes.append(
            "An estimate: the caps on hosts take the best of what the rules keep, and the rules, the score or the seed differ; what a cap dropped in "
            "the build still counts as dropped by it."
        )
    if "host.kept" in new.host_columns and _before_hosts(old) != _before_hosts(new):
        notes.append(
            "An estimate: host.kept counts what the rules before it keep, and these rules differ; the build's own numbers are used."
        )
    return tuple(notes)


def rules_of(recipe: Recipe, place: int | None = None) -> list[Any]:
    """The first so many rules, with the sources that they judge, and the expressions that they read."""
    rules = recipe.quality.rules[:place]
    return [(shareable(as_data(rule)), tuple(recipe.judged_by(rule)), _means(recipe, rule.measure)) for rule in rules]


def _means(recipe: Recipe, measure: str | None) -> Any:
    """A measure, or what an expression of that name says."""
    return recipe.quality.linked[measure].identity if measure is not None and measure in recipe.quality.expressions else measure


def _of_caps(recipe: Recipe) -> list[Any]:
    """What the caps on hosts depend on, and the recipe may change without the texts."""
    score = (recipe.hosts.score if recipe.hosts else None) or (recipe.select.score if recipe.select else None)
    return [rules_of(recipe), _means(recipe, score), recipe.seed]


def _before_hosts(recipe: Recipe) -> list[Any]:
    """The rules whose outcome `host.kept` counts."""
    on_hosts = (number for number, rule in enumerate(recipe.quality.rules) if recipe.quality.on_hosts(rule.measure))
    return rules_of(recipe, next(on_hosts, None))


def _before_search(recipe: Recipe) -> list[Any]:
    place = next((number for number, rule in enumerate(recipe.quality.rules) if rule.duplicates), 0)
    return rules_of(recipe, place)
