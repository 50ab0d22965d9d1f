"""The mixture as far as it is known: a bound after extraction, exact after the decisions."""

from __future__ import annotations

from collections.abc import Mapping

from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import wanted
from corpus_builder.release.mixture import Capped, settle
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.decide import kept_characters
from corpus_builder.store.dataset import Manifest


def capped(manifests: Mapping[str, Manifest], recipe: Recipe) -> tuple[Capped, ...]:
    """The shares that are capped; none before the decisions are made."""
    if "decide" not in manifests:
        return ()
    return settle(kept_characters(manifests["decide"], recipe.source_names), wanted(recipe)).capped


def foretold(extract: Manifest, recipe: Recipe) -> list[str]:
    """Messages about shares that the extracted text cannot fill, before any rule has judged it.

    Rules can only remove text.  So a strict share that needs too much even if every document of its own source is kept, and no
    document of the others that a rule judges, raises RecipeError here.  A share that only may need too much is merely reported, as
    for a small source that no rule judges next to a crawl of which most will be dropped.
    """
    mixture = wanted(recipe)
    there = dict.fromkeys(recipe.source_names, 0)
    for stats in extract.stats(ExtractStats).values():
        there[stats.source] += stats.characters
    judged = {source for rule in recipe.quality.rules for source in recipe.judged_by(rule)}
    for strict in sorted(mixture.strict):
        least = {source: 0 if source in judged and source != strict else count for source, count in there.items()}
        for one in settle(least, mixture).capped:
            if one.source == strict:
                raise one.refused()
    return [f"release.mixture.{one.source}: before any rule, {one}" for one in settle(there, mixture).capped]
