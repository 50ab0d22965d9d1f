"""A summary of what the search for duplicates dropped: how similar near duplicates are to their matches, and what looks suspicious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.verification import similarity_found
from corpus_builder.quality.histograms import add_histogram
from corpus_builder.recipe.models import Recipe
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.stats import Count

FINE = 100
"""Bins of a receipt's histogram: similarities 0..1 by hundredths; the summary shows them five at a time."""
SimilarityBin = Annotated[int, Field(ge=0, lt=FINE)]
SHOWN = 20
TOP = 10
"""How many survivors with the most losers a shard's receipt lists; these are added up over the shards."""
FAR, MUCH, AT_LEAST = 0.1, 0.1, 10
"""There is a warning if more than a tenth of the near duplicates, and at least ten, lie more than 0.1 below the target.  Ours, chosen on
families of templates, of which 26 to 100 % lie there, and on the pages of the sample and changed copies of them, of which 0 and 4 % do."""
SWALLOWED, SWALLOWED_AT_LEAST = 0.1, 20
"""There is a warning if one document is kept in the place of more than a tenth of all documents, and at least twenty, with other texts."""


@dataclass(frozen=True)
class Survivor:
    """A document that is kept in the place of others."""

    id: str
    shard: str
    row: Count  # in the shard
    losers: Count  # with a text other than its own: with the same text nothing is lost


@dataclass(frozen=True)
class MatchStats:
    """What was dropped of a shard."""

    similarities: dict[SimilarityBin, Count]  # near duplicates by their similarity with what they matched, in hundredths
    survivors: tuple[Survivor, ...]  # the TOP survivors with the most losers, in that order


def stats_of(losers: pa.Table) -> MatchStats:
    """What a shard's receipt says about its losers."""
    near = losers.column("similarity").to_numpy()[np.array(losers.column("rule").to_pylist(), dtype=object) == "near"]
    bins, counts = np.unique(np.clip((near * FINE).astype(np.int64), 0, FINE - 1), return_counts=True)
    unlike = losers.filter(pc.not_equal(losers.column("rule"), "exact"))
    by = unlike.group_by(["survivor", "survivor_file", "survivor_row"]).aggregate([([], "count_all")])
    most = by.sort_by([("count_all", "descending"), ("survivor_file", "ascending"), ("survivor_row", "ascending")]).slice(0, TOP)
    names = ("survivor", "survivor_file", "survivor_row", "count_all")
    survivors = tuple(Survivor(*(row[name] for name in names)) for row in most.to_pylist())
    return MatchStats(dict(zip(bins.tolist(), counts.tolist(), strict=True)), survivors)


@dataclass(frozen=True)
class Duplicates:
    """Near duplicates of a build or of files; `near` counts them by similarity, in `SHOWN` bins of equal width.

    `target` is the minimum similarity of a match or, without verification, the similarity at which the hashes find every other pair.
    """

    documents: int
    near: tuple[int, ...]
    target: float
    verify: float | None
    far: int  # near duplicates that are more than `FAR` below the target
    survivor: str = ""  # the one with the most losers whose texts differ from its own
    losers: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on documents that may have been dropped without being duplicates."""
        found = []
        if self.far >= AT_LEAST and self.far > MUCH * sum(self.near):
            found.append(
                f"{self.far:,} of {sum(self.near):,} near duplicates are less similar to their match than {self.target - FAR:.2f}, where the "
                f"hashes aim at {self.target:.2f}: pages of one template rather than copies. Look at some with `corpus-builder why`, and verify "
                f"(verify = {max(0.75, round(self.target, 2)):g}) or take more rows; see docs/duplicates.md."
            )
        if self.losers >= SWALLOWED_AT_LEAST and self.losers > SWALLOWED * self.documents:
            found.append(
                f"One document, {self.survivor[:200]!r}, is kept in the place of {self.losers:,} of {self.documents:,} documents whose texts differ "
                "from its own. Look at some with `corpus-builder why`: the cause may be a template, or a column in which all URLs are the same."
            )
        return tuple(found)

    def bins(self) -> list[tuple[float, float, int]]:
        """From, to, and near duplicates of each bin, beginning with the first that is not empty."""
        first = next((number for number, count in enumerate(self.near) if count), SHOWN)
        return [(number / SHOWN, (number + 1) / SHOWN, self.near[number]) for number in range(first, SHOWN)]


def duplicates_of(match: Manifest, matching: Matching, documents: int) -> Duplicates:
    """The sums of the receipts of a search."""
    total: dict[int, int] = {}
    survivors: dict[tuple[str, str, int], int] = {}
    for found in match.stats(MatchStats).values():
        add_histogram(total, found.similarities)
        for one in found.survivors:
            document = (one.id, one.shard, one.row)
            survivors[document] = survivors.get(document, 0) + one.losers
    fine = [total.get(bin_, 0) for bin_ in range(FINE)]
    width = FINE // SHOWN
    target = similarity_found(0.5, matching.minhash) if matching.verify is None else matching.verify
    first = max(0, int((target - FAR) * FINE + 1e-6))
    (id_, _, _), most = max(survivors.items(), key=lambda item: item[1], default=(("", "", 0), 0))
    near = tuple(sum(fine[start : start + width]) for start in range(0, FINE, width))
    return Duplicates(documents, near, target, matching.verify, sum(fine[:first]), id_, most)


def duplicates_in(manifests: Mapping[str, Manifest], recipe: Recipe) -> Duplicates | None:
    """What a build's receipts say of its duplicates; None if its recipe does not look for them, or the build has none yet."""
    match, dedup = manifests.get("match"), recipe.dedup
    return duplicates_of(match, dedup.matching, match.rows("matches")) if match and dedup else None


def as_json(found: Duplicates) -> dict[str, Any]:
    """The counts as JSON values."""
    similarities = [{"from": low, "to": high, "dropped": count} for low, high, count in found.bins()]
    return {"target": found.target, "verify": found.verify, "similarities": similarities, "warnings": list(found.warnings)}


def as_text(found: Duplicates) -> str:
    """The near duplicates by similarity as lines for a terminal; "" if there are none."""
    if not any(found.near):
        return ""
    how = "every candidate counts" if found.verify is None else f"minimum {found.verify:g}"
    most = max(found.near)
    lines = [f"Near duplicates by similarity to their match ({how})"]
    lines += [
        f"  {low:.2f} to {high:.2f} {count:>12,}  {'#' * -(-40 * count // most)}".rstrip() for low, high, count in found.bins()
    ]
    return "\n".join(lines)


def in_json(found: Duplicates | None) -> dict[str, Any]:
    """What a build's JSON says about its duplicates; empty if the build has no summary of them."""
    return {"duplicates": as_json(found)} if found else {}


def in_text(found: Duplicates | None) -> list[str]:
    """The paragraphs on duplicates below a build's funnels."""
    return [text for text in [as_text(found)] if text] if found else []
