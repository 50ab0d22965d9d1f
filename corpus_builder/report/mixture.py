"""The mixture as far as it can be known: as a bound once the text is extracted, exactly once the decisions stand."""

from __future__ import annotations

from collections.abc import Mapping

from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import wanted
from corpus_builder.release.mixture import Capped, settle
from corpus_builder.sources.extracted import ExtractStats
from corpus_builder.stages.decide import kept_characters
from corpus_builder.store.dataset import Manifest


def capped(manifests: Mapping[str, Manifest], recipe: Recipe) -> tuple[Capped, ...]:
    """The shares that are capped; none before the decisions stand."""
    if "decide" not in manifests:
        return ()
    return settle(kept_characters(manifests["decide"], recipe.source_names), wanted(recipe)).capped


def foretold(extract: Manifest, recipe: Recipe) -> list[str]:
    """What the extracted text says of the shares before any rule has judged it.

    Rules can only take text away.  So where a strict share takes too much even if every document of its own source stays, and none
    of the others that a rule judges, it is refused here: RecipeError.  What merely looks like too much is told: the share of a small
    source that nothing judges is asked of a crawl of which most is dropped.
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
