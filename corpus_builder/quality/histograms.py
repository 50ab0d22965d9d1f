"""Histograms of measures with fixed bins, so that counts of shards can be added.

A measure with a maximum of 1 in the catalogue has 50 equal bins.  Any other has bins at the quarter powers of
two, on both sides of zero, which cover every finite float.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from corpus_builder.quality.catalogue import INFOS

LINEAR_BINS = 50
_STEPS_PER_DOUBLING = 4
LAST_BIN = 1024 * _STEPS_PER_DOUBLING - 1  # of the largest numbers that a float can be
Bin = Annotated[int, Field(ge=-1 - LAST_BIN, le=LAST_BIN)]


def is_fraction(name: str) -> bool:
    """Whether the range of a measure is 0..1."""
    return name == "ng_fraction" or (name in INFOS and INFOS[name].low == 0 and INFOS[name].high <= 1)


def histogram(name: str, values: npt.NDArray[np.generic], *, fraction: bool = False) -> dict[int, int]:
    """Counts by bin number; only bins that hold something.  `fraction`: the values are 0..1, though `MEASURES` does not say so."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if fraction or is_fraction(name):
        bins = np.clip((numbers * LINEAR_BINS).astype(np.int64), 0, LINEAR_BINS - 1)
    else:
        magnitude = np.floor(np.log2(1 + np.abs(numbers)) * _STEPS_PER_DOUBLING).clip(max=LAST_BIN).astype(np.int64)
        bins = np.where(numbers < 0, -1 - magnitude, magnitude)
    found, counts = np.unique(bins, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def bin_edges(name: str, bin_: int, *, fraction: bool = False) -> tuple[float, float]:
    """The lower and upper edge of a bin.

    >>> bin_edges("num_letters", 4)
    (1.0, 1.378414230005442)
    """
    if fraction or is_fraction(name):
        return bin_ / LINEAR_BINS, (bin_ + 1) / LINEAR_BINS
    if bin_ < 0:
        low, high = bin_edges(name, -1 - bin_)
        return -high, -low
    high = sys.float_info.max if bin_ == LAST_BIN else 2.0 ** ((bin_ + 1) / _STEPS_PER_DOUBLING) - 1
    return 2.0 ** (bin_ / _STEPS_PER_DOUBLING) - 1, high


def add_histogram(total: dict[int, int], more: Mapping[int, int]) -> None:
    """Add counts in place."""
    for bin_, count in more.items():
        total[bin_] = total.get(bin_, 0) + count
