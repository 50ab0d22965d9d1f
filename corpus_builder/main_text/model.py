"""Which blocks of a page are its main text: a small neural network over their features.

docs/extractor.md says what it was trained on and how well it does; `training` trains it.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import InputError
from corpus_builder.main_text.features import FEATURES, features
from corpus_builder.main_text.scan import Scan

SHIPPED = Path(__file__).with_name("model.npz")
LIMIT = 4.0  # features are cut off at so many standard deviations from their mean

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Model:
    """One hidden layer; all float32.

    `mean` and `scale` (FEATURES,) bring features to mean 0 and deviation 1; `hidden` (FEATURES, units), `hidden_bias` (units,),
    `output` (units,), `output_bias` (1,).
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def save(self, path: Path) -> None:
        """Write the weights, in half precision but for the scales."""
        whole = ("mean", "scale")
        values = {name: value if name in whole else value.astype(np.float16) for name, value in vars(self).items()}
        with path.open("wb") as file:
            np.savez(file, **values)


@cache
def load_model(path: Path = SHIPPED) -> Model:
    """The model in a file; InputError where it is none, or one of other features."""
    try:
        with np.load(path) as arrays:
            model = Model(*(arrays[field.name].astype(np.float32) for field in fields(Model)))
    except FileNotFoundError as error:
        raise InputError(f"There is no model {path}; `corpus-builder train-extractor` makes one.") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no model of the extractor: {error}.") from error
    units = len(model.hidden_bias)
    shapes = [(FEATURES,), (FEATURES,), (FEATURES, units), (units,), (units,), (1,)]
    if [value.shape for value in vars(model).values()] != shapes:
        raise InputError(f"The model {path} was trained with another version of the features; train it again.")
    return model


@cache
def model_digest(path: Path = SHIPPED) -> str:
    """The first half of the SHA-256 of a model's file."""
    load_model(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def kept_blocks(found: Scan, model: Model) -> npt.NDArray[np.bool_]:
    """Whether each block is main text, (blocks,) bool."""
    return logits(features(found, _rows.of(len(found.blocks))), model) > 0


class _Rows(threading.local):
    """Where a thread keeps the features of a page, as fresh memory costs as much as they do."""

    def __init__(self) -> None:
        self.rows = np.empty((0, FEATURES), dtype=np.float32)

    def of(self, count: int) -> Floats:
        if count > len(self.rows):
            self.rows = np.empty((max(count, 2000), FEATURES), dtype=np.float32)
        return self.rows


_rows = _Rows()


def logits(rows: Floats, model: Model) -> Floats:
    """(blocks, FEATURES) -> (blocks,): the log odds that a block is main text."""
    out = np.empty(len(rows), dtype=np.float32)
    _logits(rows, model.mean, model.scale, model.hidden, model.hidden_bias, model.output, model.output_bias, out)
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _logits(rows: Any, mean: Any, scale: Any, hidden: Any, hidden_bias: Any, output: Any, output_bias: Any, out: Any) -> None:
    """Sums run in one order on every machine, so that a verdict does not depend on it.

    Most features of most blocks are 0, so the sums of a block of zeros are the start, and the other features are added to it.
    """
    units, columns = len(hidden_bias), len(mean)
    limit = np.float32(LIMIT)
    zeros = np.empty(columns, dtype=np.float32)
    start = hidden_bias.copy()
    for column in range(columns):
        zeros[column] = min(max(-mean[column] * scale[column], -limit), limit)
        for unit in range(units):
            start[unit] += zeros[column] * hidden[column, unit]
    sums = np.empty(units, dtype=np.float32)
    for index in range(len(rows)):
        sums[:] = start
        for column in range(columns):
            feature = rows[index, column]
            if feature != 0:
                value = min(max((feature - mean[column]) * scale[column], -limit), limit) - zeros[column]
                for unit in range(units):
                    sums[unit] += value * hidden[column, unit]
        total = output_bias[0]
        for unit in range(units):
            total += max(sums[unit], np.float32(0)) * output[unit]
        out[index] = total
