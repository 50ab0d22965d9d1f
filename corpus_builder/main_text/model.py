"""Which blocks of a page are its main text: a small neural network over their features, trained on pages labelled by hand."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.main_text.features import FEATURES, features
from corpus_builder.main_text.scan import CHARS, ELEMENT, PARENT, Scan

SHIPPED = Path(__file__).with_name("model.npz")
CONTEXT = 16  # what the second look sees of the first: see _context
LIMIT = 6.0  # features are cut off at so many standard deviations


@dataclass(frozen=True)
class Model:
    """Weights, float32.  First look: (FEATURES, h), (h,), (h,), scalar; second look the same over the first's context and result.

    `mean` and `scale` (FEATURES,) bring features to mean 0 and deviation 1; `least` is the expected F1 below which a page
    has no main text.
    """

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    hidden: npt.NDArray[np.float32]
    hidden_bias: npt.NDArray[np.float32]
    output: npt.NDArray[np.float32]
    output_bias: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    second_bias: npt.NDArray[np.float32]
    least: npt.NDArray[np.float32]


def logits(rows: npt.NDArray[np.float32], model: Model) -> npt.NDArray[np.float32]:
    """The first look at every block: (blocks, FEATURES) -> (blocks,), > 0 where it is rather main text."""
    out = np.zeros(len(rows), dtype=np.float32)
    _first_look(rows, model.mean, model.scale, model.hidden, model.hidden_bias, model.output, model.output_bias, out)
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _first_look(rows: Any, mean: Any, scale: Any, hidden: Any, hidden_bias: Any, output: Any, bias: Any, out: Any) -> None:
    """Sums run in one order on every machine, so that verdicts do not depend on it."""
    width = len(hidden_bias)
    sums = np.empty(width, dtype=np.float32)
    limit = np.float32(LIMIT)
    for index in range(len(rows)):
        sums[:] = hidden_bias
        for column in range(len(mean)):
            value = (rows[index, column] - mean[column]) * scale[column]
            value = min(max(value, -limit), limit)
            weights = hidden[column]
            for unit in range(width):
                sums[unit] += value * weights[unit]
        total = bias[0]
        for unit in range(width):
            if sums[unit] > 0:
                total += sums[unit] * output[unit]
        out[index] = total
