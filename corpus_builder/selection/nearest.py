"""The documents next to a limit, on both sides: those that show what a threshold means."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_builder.quality.rulebook import MeasureRule
from corpus_builder.selection.columns import Columns
from corpus_builder.selection.judged import I64, Bools, ShardRows

SHOWN = 5
"""Documents that are shown on each side of a limit."""


@dataclass(frozen=True)
class Near:
    """A document near a limit, and what becomes of it: "" is kept, else the reason."""

    id: str
    url: str
    value: float
    before: str
    after: str


@dataclass(frozen=True)
class Margin:
    """The documents nearest to the limit of a rule that changed, of those that the rule alone decides about; or to the cut of `[select]`."""

    rule: str
    kept: tuple[Near, ...]
    dropped: tuple[Near, ...]


def limits_of(rule: MeasureRule) -> list[float]:
    """The limits of a rule."""
    found = (rule.threshold.min, rule.threshold.above, rule.threshold.max, rule.threshold.below)
    return [limit for limit in found if limit is not None]


class Nearest:
    """Keeps the documents nearest to some limits, on both sides."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._nearest: dict[bool, list[tuple[float, int, str, int, float, int, int]]] = {True: [], False: []}
        self._seen = 0

    def add(
        self,
        rows: ShardRows,
        values: npt.NDArray[np.float64],
        limits: Sequence[float],
        dropped: Bools,
        among: Bools,
        before: I64,
        after: I64,
    ) -> None:
        """Look at a shard; only documents in `among` count."""
        if not limits:
            return
        distance = np.min([np.abs(values - limit) for limit in limits], axis=0)
        self._seen += 1
        for side, nearest in self._nearest.items():
            at = np.flatnonzero((dropped == side) & among & ~np.isnan(distance))
            if len(at) > SHOWN:
                at = at[distance[at] <= np.partition(distance[at], SHOWN - 1)[SHOWN - 1]][: 100 * SHOWN]
            for row in at.tolist():
                one = (
                    -float(distance[row]),
                    -self._seen,
                    rows.shard,
                    -row,
                    float(values[row]),
                    int(before[row]),
                    int(after[row]),
                )
                (heapq.heappush if len(nearest) < SHOWN else heapq.heappushpop)(nearest, one)

    def found(self, columns: Columns, names: Sequence[str]) -> Margin:
        """The documents with their ids and URLs, the nearest first."""

        def shown(side: bool) -> tuple[Near, ...]:
            result = []
            for _, _, shard, row, value, before, after in sorted(self._nearest[side], reverse=True):
                id_, url = (columns.at(shard, name, -row) for name in ("id", "url"))
                result.append(Near(id_, url, value, names[before], names[after]))
            return tuple(result)

        return Margin(self._label, shown(False), shown(True))
