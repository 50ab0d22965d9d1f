"""Precision, recall and areas of selections and scores on labelled documents, with intervals over hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DRAWS = 1_000
F64 = npt.NDArray[np.float64]
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
    """Labelled documents, in rows.  `draws` (DRAWS, n) is how often each is in a sample of hosts drawn with replacement."""

    good: Bools
    weight: F64
    left: Bools
    right: Bools
    scores: dict[str, F64]
    draws: F64
    strangers: int = 0

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], scores: Sequence[str], strangers: int = 0) -> Truth:
        """From rows of id, host, good, weight, left, right and scores.  A document without a host stands alone."""
        hosts, place = np.unique([row[1] or row[0] for row in rows], return_inverse=True)
        drawn = np.random.default_rng(0).multinomial(len(hosts), np.full(len(hosts), 1 / len(hosts)), size=DRAWS)
        good, left, right = (np.array([row[column] for row in rows], dtype=np.bool_) for column in (2, 4, 5))
        weight = np.array([row[3] for row in rows], dtype=np.float64)
        columns = {name: np.array([row[6 + at] for row in rows], dtype=np.float64) for at, name in enumerate(scores)}
        return cls(good, weight, left, right, columns, drawn[:, place].astype(np.float64), strangers)


def qualities(truth: Truth) -> Iterator[Quality]:
    """Both selections, the difference of the two, and every score.

    A document counts as often as its weight says, so that a sample by strata stands for the whole build.  Intervals are those of
    a bootstrap over hosts, as documents of one host are alike; the difference is taken within each draw.
    """
    whole = np.ones((1, len(truth.good)))
    both = [(_ratios(truth, kept, whole)[:, 0], _ratios(truth, kept, truth.draws)) for kept in (truth.left, truth.right)]
    for name, (value, drawn) in zip(("left", "right"), both, strict=True):
        yield Quality(name, *(_estimate(one, of) for one, of in zip(value, drawn, strict=True)))
    difference = (both[1][0] - both[0][0], both[1][1] - both[0][1])
    yield Quality("right - left", *(_estimate(one, of) for one, of in zip(*difference, strict=True)))
    for name, scores in truth.scores.items():
        known = ~np.isnan(scores)
        order = np.argsort(scores[known], kind="stable")
        good, weight, ranked = truth.good[known][order], truth.weight[known][order], scores[known][order]
        areas = _areas(good, ranked, np.concatenate([whole, truth.draws])[:, known][:, order] * weight)
        yield Quality(name, auc=_estimate(areas[0], areas[1:]))


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


def _estimate(value: Any, drawn: F64) -> Estimate:
    if np.isnan(value):
        return Estimate(None)
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]).tolist() if len(known) else (None, None)
    return Estimate(float(value), low, high)
