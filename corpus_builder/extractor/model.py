"""The classifier that decides which blocks of a page are main text: a small neural network over their features.

docs/extractor.md has its training data and measured quality; `training` trains it.
"""

from __future__ import annotations

import hashlib
import io
import threading
import zlib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import InputError
from corpus_builder.extractor.blocks import CHARS, ELEMENT
from corpus_builder.extractor.elements import TAG, rows_of
from corpus_builder.extractor.features import FEATURES, features
from corpus_builder.extractor.markup import TR
from corpus_builder.extractor.scan import Scan
from corpus_builder.store.files import state_of, write_atomically

SHIPPED = Path(__file__).with_name("model.npz")
CELL_CHARS = 60  # ours: longer cells are separate texts, or columns of a page laid out with a table
LIMIT = 4.0  # features are clipped at this many standard deviations from their mean

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Model:
    """The weights of a network with one hidden layer; all float32.

    `mean` and `scale` (FEATURES,) normalize features to mean 0 and standard deviation 1; `hidden` (FEATURES, units), `hidden_bias` (units,),
    `output` (units,), `output_bias` (1,).
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def save(self, path: Path) -> None:
        """Write the weights, in half precision except for the scales."""
        whole = ("mean", "scale")
        values = {name: value if name in whole else value.astype(np.float16) for name, value in vars(self).items()}
        packed = io.BytesIO()
        np.savez(packed, **values)
        write_atomically(path, packed.getvalue())


def load_model(path: Path = SHIPPED) -> Model:
    """Load a model file, cached until the file changes.  Raises InputError if it is not a model, or one with other features."""
    return _model(path, state_of(path))


@lru_cache(maxsize=8)
def _model(path: Path, state: tuple[int, int]) -> Model:
    try:
        with np.load(io.BytesIO(path.read_bytes())) as arrays:
            values = {field.name: arrays[field.name].astype(np.float32) for field in fields(Model)}
    except FileNotFoundError as error:
        raise InputError(f"There is no model {path}; `corpus-builder train-extractor` makes one.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} is not an extractor model, or is damaged; `corpus-builder train-extractor` makes one."
        ) from error
    units = values["hidden_bias"].size
    shapes = [(FEATURES,), (FEATURES,), (FEATURES, units), (units,), (units,), (1,)]
    if [value.shape for value in values.values()] != shapes:
        raise InputError(f"The model {path} was trained with another version of the features; train it again.")
    if not all(np.isfinite(value).all() for value in values.values()):
        raise InputError(f"The model {path} contains NaN or infinite weights; train it again.")
    return Model(**values)


def model_digest(path: Path = SHIPPED) -> str:
    """The first half of the SHA-256 of a model file, in hexadecimal."""
    load_model(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def kept_blocks(found: Scan, model: Model) -> npt.NDArray[np.bool_]:
    """Whether each block is main text.  (blocks,) bool"""
    odds = logits(features(found, _rows.of(len(found.blocks))), model)
    if found.elements[:, TAG].max(initial=0) >= TR:
        _judge_rows_whole(found.blocks, rows_of(found.elements), odds)
    return odds > 0


class _Rows(threading.local):
    """A thread's buffer for the features of a page, as allocating a new one costs as much as computing them."""

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
def _judge_rows_whole(blocks: Any, rows: Any, odds: Any) -> None:
    """Give all cells of a table row the highest of their odds, if all are short: a value is worthless without its label."""
    start = 0
    while start < len(blocks):
        row = rows[blocks[start, ELEMENT]]
        end = start + 1
        while end < len(blocks) and row >= 0 and rows[blocks[end, ELEMENT]] == row:
            end += 1
        short = end - start > 1
        for index in range(start, end):
            short &= blocks[index, CHARS] <= CELL_CHARS and (
                index == start or blocks[index, ELEMENT] != blocks[index - 1, ELEMENT]
            )
        if short:
            odds[start:end] = odds[start:end].max()
        start = end


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _logits(rows: Any, mean: Any, scale: Any, hidden: Any, hidden_bias: Any, output: Any, output_bias: Any, out: Any) -> None:
    """The same sums in the same order on every machine, so that results do not depend on it.

    Most features of most blocks are 0, so the sums of an all-zero block are computed once, and the other features added to them.
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
