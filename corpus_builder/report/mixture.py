"""The mixture as far as it can be known: as a bound once the text is extracted, exactly once the decisions stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from corpus_builder.dataset import Manifest
from corpus_builder.recipe import Recipe
from corpus_builder.release.mixture import Capped, Wanted, settle


def wanted(recipe: Recipe) -> Wanted:
    """What the recipe says under `release.mixture`."""
    mixture = recipe.release.mixture
    return Wanted(
        epochs={source: mix.epochs for source, mix in mixture.items() if mix.epochs is not None},
        shares={source: mix.share for source, mix in mixture.items() if mix.share is not None},
        max_epochs={name: mixture[name].max_epochs if name in mixture else 1.0 for name in recipe.source_names},
        strict=frozenset(source for source, mix in mixture.items() if mix.strict),
    )


def kept_characters(decide: Manifest, sources: Iterable[str]) -> dict[str, int]:
    """Characters of the documents that are kept, by source."""
    found = dict.fromkeys(sources, 0)
    for receipt in decide.receipts:
        found[receipt.stats["source"]] += receipt.stats["kept"]["characters"]
    return found


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
    for receipt in extract.receipts:
        there[receipt.stats["source"]] += receipt.stats["characters"]
    judged = {source for rule in recipe.quality.rules for source in recipe.judged_by(rule)}
    for strict in sorted(mixture.strict):
        least = {source: 0 if source in judged and source != strict else count for source, count in there.items()}
        for one in settle(least, mixture).capped:
            if one.source == strict:
                raise one.refused()
    return [f"release.mixture.{one.source}: before any rule, {one}" for one in settle(there, mixture).capped]
