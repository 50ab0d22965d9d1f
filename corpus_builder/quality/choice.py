"""What `[select]` asks, made ready to run over rows: the score, weight and pool of each document, and the verdicts of the tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus_builder.errors import InputError
from corpus_builder.hashing.keyed import keyed_number
from corpus_builder.quality.rulebook import Column, Rows, Verdicts
from corpus_builder.quality.selection import I64, Cut, Pooled, Tier, has_topic, ranks, score_of, scores_of, tiers_of, up_to

STEPS = 1 << 16
"""Weights by a measure are counted in steps of 1 / 65,536, so that sums of them do not depend on their order."""
_MOST = float(1 << 40)


@dataclass(frozen=True)
class Choice:
    """The table `select` of a recipe."""

    tiers: tuple[Tier, ...]
    scores: tuple[Column, ...]  # as the tiers number them; none: all documents are equal
    by: str
    weight: Column | None  # of a measure; None for documents and characters
    per: str
    topic: str | None
    sources: tuple[str, ...]
    seed: int

    @property
    def identity(self) -> list[Any]:
        """Everything besides the rows that its verdicts depend on, as JSON values."""
        tiers = [[tier.name, tier.low, tier.high, tier.min, tier.topics, tier.repeat, tier.score] for tier in self.tiers]
        columns = [column.identity if column else None for column in (*self.scores, self.weight)]
        return [tiers, columns, self.by, self.per, self.topic, self.sources, self.seed]

    @property
    def reads(self) -> frozenset[str]:
        """The columns that it needs."""
        return frozenset().union(*(column.reads for column in (*self.scores, self.weight) if column))

    @property
    def unit(self) -> int:
        """How many steps of a weight are one of what it counts."""
        return STEPS if self.weight else 1

    def pooled(self, ids: Sequence[str], source: str, crawls: Sequence[str], rows: Rows, there: I64) -> Pooled:
        """Some of the rows, as they are ordered and grouped.  Raises InputError for a weight below 0, or none."""
        scores = [column.of(rows) for column in self.scores] or [np.zeros(len(ids))]
        names = {"all": [""] * len(ids), "source": [source] * len(ids), "crawl": crawls}
        groups = names[self.per] if self.per in names else rows.labels[self.per]
        topics = rows.labels[self.topic] if self.topic else names["all"]
        ties = [ids[place] for place in there.tolist()]
        return Pooled(
            np.stack([ranks(score[there]) for score in scores]),
            self._weights(rows, there, ties),
            np.array(groups, dtype=object)[there],
            np.array(topics, dtype=object)[there],
            lambda places: np.array([keyed_number(self.seed, "select", ties[one]) for one in places.tolist()], dtype=np.uint64),
        )

    def _weights(self, rows: Rows, there: I64, ids: Sequence[str]) -> I64:
        if self.weight is None:
            return (
                np.ones(len(there), np.int64) if self.by == "documents" else rows.measures["num_letters"][there].astype(np.int64)
            )
        values = self.weight.of(rows)[there]
        if len(wrong := np.flatnonzero(~((values >= 0) & (values <= _MOST)))):
            raise InputError(
                f"select.by: {self.by} of the document {ids[wrong[0]]} is {values[wrong[0]]:g}; shares are counted in a measure of at least 0, "
                f"at most {_MOST:g}."
            )
        return np.round(values * STEPS).astype(np.int64)

    def choose(self, pooled: Pooled, cuts: Sequence[Cut]) -> tuple[I64, Verdicts]:
        """The tier of each document, -1 for none, and why those are dropped that no tier takes, or one that is not released."""
        tier = tiers_of(pooled, self.tiers, cuts)
        said = Verdicts.none(len(tier))
        for number, one in enumerate(self.tiers):
            if one.repeat == 0:
                there = tier == number
                said.reason[there], said.detail[there] = "tier_dropped", one.name
        said.reason[tier < 0], said.detail[tier < 0] = "select_no_tier", pooled.topic[tier < 0]
        nearest = np.full(
            len(tier), -1
        )  # of the tiers that a document could have been in, the one that reaches the furthest down by the first score that is asked of it
        for place, cut in sorted(enumerate(cuts), key=lambda pair: (-self.tiers[pair[1].tier].score, pair[1].high.rank)):
            nearest[(tier < 0) & (pooled.group == cut.group) & has_topic(pooled.topic, self.tiers[cut.tier])] = place
        for place in set(nearest[nearest >= 0].tolist()):
            here, low, high = np.flatnonzero(nearest == place), cuts[place].low, cuts[place].high
            rank = pooled.ranks[self.tiers[cuts[place].tier].score][here]
            said.value[here] = scores_of(rank)
            said.reason[here], said.detail[here] = "select_below_cut", pooled.group[here]
            said.threshold[here] = np.nan if (cut_at := score_of(high.rank)) is None else cut_at
            if low.rank >= 0:
                above = here[up_to(pooled, here, rank, low)]
                said.reason[above] = "select_above_band"
                said.threshold[above] = np.nan if (cut_at := score_of(low.rank)) is None else cut_at
        gone = ~said.keep & (nearest < 0)
        said.value[gone] = scores_of(pooled.ranks[0][gone])
        return tier, said
