"""Precision, recall and areas of selections and scores on labelled documents, with intervals over hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DRAWS = 1_000
CELLS = 4_000_000
"""Documents times draws that are held at a time: 32 MB."""
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; None where it cannot be said, as the precision of a selection that keeps nothing."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Quality:
    """A selection or a score on the labelled documents; a score has only an area, a selection all but that."""

    name: str
    precision: Estimate | None = None
    recall: Estimate | None = None
    kept: Estimate | None = None
    auc: Estimate | None = None


@dataclass(frozen=True)
class Truth:
    """Labelled documents, in rows.  `host` (n,) is the number of the host of each, from 0."""

    good: Bools
    weight: F64
    left: Bools
    right: Bools
    scores: dict[str, F64]
    host: I64
    strangers: int = 0

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], scores: Sequence[str], strangers: int = 0) -> Truth:
        """From rows of id, host, good, weight, left, right and scores.  A document without a host stands alone."""
        _, host = np.unique([row[1] or row[0] for row in rows], return_inverse=True)
        good, left, right = (np.array([row[column] for row in rows], dtype=np.bool_) for column in (2, 4, 5))
        weight = np.array([row[3] for row in rows], dtype=np.float64)
        columns = {name: np.array([row[6 + at] for row in rows], dtype=np.float64) for at, name in enumerate(scores)}
        return cls(good, weight, left, right, columns, host, strangers)

    def draws(self) -> Iterator[F64]:
        """How often each document counts: once, then in samples of hosts drawn with replacement.  (k, n) each, DRAWS + 1 in all"""
        yield np.ones((1, len(self.host)))
        hosts, generator = int(self.host.max()) + 1, np.random.default_rng(0)
        step = max(1, CELLS // len(self.host))
        for first in range(0, DRAWS, step):
            drawn = generator.multinomial(hosts, np.full(hosts, 1 / hosts), size=min(step, DRAWS - first))
            yield drawn[:, self.host].astype(np.float64)


def qualities(truth: Truth) -> Iterator[Quality]:
    """Both selections, the difference of the two, and every score.

    A document counts as often as its weight says, so that a sample by strata stands for the whole build.  Intervals are those of
    a bootstrap over hosts, as documents of one host are alike; the difference is taken within each draw.
    """
    ranked = {
        name: np.argsort(scores, kind="stable")[: np.count_nonzero(~np.isnan(scores))] for name, scores in truth.scores.items()
    }
    found: dict[str, list[F64]] = {name: [] for name in ("left", "right", *(f"score {name}" for name in ranked))}
    for times in truth.draws():
        for name, kept in (("left", truth.left), ("right", truth.right)):
            found[name].append(_ratios(truth, kept, times))
        for name, order in ranked.items():
            weight = (times * truth.weight)[:, order]
            found[f"score {name}"].append(_areas(truth.good[order], truth.scores[name][order], weight))
    left, right = (np.concatenate(found[name], axis=1) for name in ("left", "right"))
    for name, ratios in (("left", left), ("right", right), ("right - left", right - left)):
        yield Quality(name, *map(_estimate, ratios))
    for name in ranked:
        yield Quality(name, auc=_estimate(np.concatenate(found[f"score {name}"])))


def _ratios(truth: Truth, kept: Bools, times: F64) -> F64:
    """Precision, recall and share kept, in each draw.  (3, draws)"""
    weight = times * truth.weight
    hits, chosen, good = (weight @ mask.astype(np.float64) for mask in (kept & truth.good, kept, truth.good))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([hits / chosen, hits / good, chosen / weight.sum(axis=1)])


def _areas(good: Bools, ranked: F64, times: F64) -> F64:
    """The area under the curve in each draw, ties counting half; documents are in the order of their scores.

    >>> _areas(np.array([False, True, False, True]), np.array([0.1, 0.5, 0.5, 0.9]), np.ones((1, 4)))
    array([0.875])
    """
    _, group = np.unique(ranked, return_inverse=True)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    negative, positive = (np.add.reduceat(times * mask, starts, axis=1) if len(starts) else times for mask in (~good, good))
    below = np.cumsum(negative, axis=1) - negative / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.minimum((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)), 1.0))


def _estimate(values: F64) -> Estimate:
    """The first value, and the interval of the others, which are of draws."""
    value, drawn = values[0], values[1:]
    if np.isnan(value):
        return Estimate(None)
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]).tolist() if len(known) else (None, None)
    return Estimate(float(value), low, high)
