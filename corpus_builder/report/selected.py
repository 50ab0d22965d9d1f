"""What `[select]` asks and where its cuts are, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.quality.selection import Tier
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.select import Select
from corpus_builder.report.tables import query
from corpus_builder.stages.select import SelectStats
from corpus_builder.store.dataset import Manifest

TIED = 0.05
"""A share that ends among more equal scores than this share of the documents is warned of; ours."""


@dataclass(frozen=True)
class CutLine:
    """What one tier asks of one group, and what became of it."""

    tier: str
    group: str
    asked: str
    documents: int  # of the pool
    taken: int | None  # of these; None where a value was asked for
    reached: float | None  # share of the weight
    value: float | None  # score of the last document


def asked(select: Select) -> str:
    """What the recipe selects, in a few words.

    >>> asked(Select(score="edu", top=0.15, by="characters", per="source"))
    'the best 15 % by edu, in characters, per source'
    """
    tiers = "; ".join(_named(tier, select) for tier in select.wanted)
    by = f" by {select.score}, in {select.by}" if select.score else ""
    return f"{tiers}{by}{'' if select.per == 'all' else f', per {select.per}'}"


def _named(tier: Tier, select: Select) -> str:
    name = f"{tier.name}: " if tier.name else ""
    return f"{name}{words_of(tier, select)}{f', {tier.repeat:g} times' if tier.repeat != 1 else ''}"


def words_of(tier: Tier, select: Select) -> str:
    """What a tier takes, in words."""
    of = f" of {', '.join(tier.topics)}" if tier.topics is not None else ""
    if select.scores and (score := select.scores[tier.score]) != select.score:
        of += f" by {score}"
    if tier.min is not None:
        return f"all from {tier.min:g}{of}"
    if tier.low > 0:
        return f"from the best {_percent(tier.low)} to {_percent(tier.high)}{of}"
    return f"the best {_percent(tier.high)}{of}" if tier.high < 1 else f"the rest{of}"


def _percent(share: float) -> str:
    return f"{100 * share:.6g} %"


def cuts(manifests: Mapping[str, Manifest], recipe: Recipe) -> list[CutLine]:
    """The cuts of a build, in the order of the tiers."""
    if "select" not in manifests or recipe.select is None:
        return []
    wanted = recipe.select.wanted
    rows = query('select * from files order by place, "group"', files=manifests["select"].paths("cuts"))
    return [
        CutLine(
            row["tier"],
            row["group"],
            words_of(wanted[row["place"]], recipe.select),
            row["documents"],
            row["taken_documents"],
            row["taken_weight"] / row["weight"] if row["weight"] and row["taken_weight"] is not None else None,
            row["value"],
        )
        for row in rows
        if row["place"] < len(wanted)
    ]


def tied(manifests: Mapping[str, Manifest], recipe: Recipe) -> list[str]:
    """A warning for each share that ends among many documents of one score, so that a number drawn for each decides."""
    if "select" not in manifests or recipe.select is None:
        return []
    shares = [share for stats in manifests["select"].stats(SelectStats).values() for share in stats.shares]
    return [
        f"select: {' of '.join(filter(None, [f'the tier {one.tier}' if one.tier else 'the share', one.group]))} ends among {one.tied:,} of {one.documents:,} "
        f"documents that all have {recipe.select.score} = {'no value' if one.value is None else f'{one.value:.6g}'}; which of them are taken is drawn by "
        "the seed, not chosen. A score with more different values chooses better."
        for one in shares
        if one.tied > TIED * one.documents
    ]


def meaning(select: Select, decided: Mapping[str, Any]) -> str | None:
    """Why `select` dropped a document, in a sentence with its numbers; None for another reason."""
    sides = {"select_below_cut": ("below", 1), "select_above_band": ("above", 0)}
    if decided["reason"] not in sides:
        return None
    side, end = sides[decided["reason"]]
    value = "without a value" if decided["value"] is None else f"{decided['value']:.6g}"
    if len(select.wanted) > 1:
        what = "the last tier that it could be in"
    elif select.min is not None:
        return f"{select.score} {value} is below min = {select.min:g}"
    else:
        (tier,) = select.wanted
        what = f"the best {_percent((tier.low, tier.high)[end])}"
    cut = "" if decided["threshold"] is None else f" {decided['threshold']:.6g}"
    group = f" of {harmless(decided['detail'])}" if decided["detail"] else ""
    return f"{select.score} {value} is {side} the cut{cut} of {what}{group} by {select.by}"
