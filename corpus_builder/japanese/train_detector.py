"""Trains the language detector: logistic regression over hashed n-grams, reproducible to the byte.

It uses only plain floating-point arithmetic in a fixed order: no library's exponential, no threads, no clock.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import InputError
from corpus_builder.japanese.detect import LETTER, MARK, SHORTEST, Detector, is_end, look_up, places, sigmoid, tables
from corpus_builder.japanese.letters import code_points

BITS = 19  # log2 of the table size for pairs and triples: 524,288 weights; 18 costs a point of precision on titles in Chinese characters
EPOCHS = 2  # a third and a fourth changed nothing measurable measurable measurable measurable
RATE = 0.3
TRIPLE_RATE = 0.15  # triples are many and rare: they learn more slowly than single characters and pairs


def train_files(japanese: Sequence[Path], other: Sequence[Path]) -> Detector:
    """`train` on text files with one example per line.  Raises InputError if a file cannot be read as UTF-8."""
    ours, theirs = ([line for path in paths for line in _lines(path)] for paths in (japanese, other))
    return train(ours, theirs)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InputError(f"The examples {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The examples {path} are not UTF-8: {error}.") from error


def train(japanese: Sequence[str], other: Sequence[str], *, bits: int = BITS, epochs: int = EPOCHS, seed: int = 0) -> Detector:
    """Train a detector on texts that are Japanese and texts that are not; both sides have the same total weight.

    Long texts are cut into windows as in the detector.  The same texts give the same model.  Raises InputError if either
    side has no text with kana or Chinese characters.
    """
    windows: list[npt.NDArray[np.int32]] = []
    starts: list[npt.NDArray[np.int64]] = []
    sizes: list[int] = []
    for name, texts in (("Japanese", japanese), ("other", other)):
        points, bounds = code_points(texts)
        features, ends = _features(points, bounds, *tables(), np.uint64(64 - bits))
        if not len(ends):
            raise InputError(f"None of the {name} examples holds kana or Chinese characters; there is nothing to learn.")
        windows.append(features)
        starts.append(ends + sum(map(len, windows[:-1])))
        sizes.append(len(ends))
    ends = np.concatenate(starts)
    order = list(range(len(ends)))
    weights = np.zeros(0x10000 + (1 << bits), dtype=np.float64)
    squares = np.full(0x10000 + (1 << bits), 1.0, dtype=np.float64)
    bias = np.zeros(2, dtype=np.float64)
    balance = 2 * np.array(sizes[::-1], dtype=np.float64) / sum(sizes)
    rng = random.Random(seed)
    features = np.concatenate(windows)
    for _ in range(epochs):
        rng.shuffle(order)
        _epoch(features, ends, np.array(order, dtype=np.int64), sizes[0], balance, weights, squares, bias)
    limit = float(np.sort(np.abs(weights))[-max(len(weights) >> 12, 1)])  # the few beyond it are clipped
    scale = max(limit, 1e-9) / 127
    return Detector(np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale, float(bias[0]))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _features(points: Any, bounds: Any, classes: Any, symbols: Any, shift: Any) -> tuple[Any, Any]:
    """The hashed n-grams of all windows, concatenated, and the offset where each window ends."""
    features = np.empty(3 * len(points), dtype=np.int32)
    ends = np.empty(len(points) // SHORTEST + len(bounds), dtype=np.int64)
    count = windows = 0
    for text in range(len(bounds) - 1):
        before = last = np.uint64(0x20)
        letters = 0
        start = count
        for place in range(bounds[text], bounds[text + 1]):
            kind, here = look_up(points[place], classes, symbols)
            if kind >= MARK:
                first, second, third = places(before, last, here, shift)
                features[count] = first
                features[count + 1] = second
                features[count + 2] = third
                count += 3
                letters += kind == LETTER
            before, last = last, here
            if is_end(points[place], letters):
                ends[windows] = count
                windows += 1
                letters = 0
                start = count
        if letters:
            ends[windows] = count
            windows += 1
        else:
            count = start
    return features[:count].copy(), ends[:windows].copy()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _epoch(features: Any, ends: Any, order: Any, japanese: int, balance: Any, weights: Any, squares: Any, bias: Any) -> None:
    """One pass of stochastic gradient descent with AdaGrad learning rates."""
    for window in order:
        start = ends[window - 1] if window else 0
        stop = ends[window]
        total = bias[0]
        for place in range(start, stop):
            total += weights[features[place]]
        side = 0 if window < japanese else 1
        gradient = (sigmoid(total) - (1.0 - side)) * balance[side]
        for place in range(start, stop):
            at = features[place]
            squares[at] += gradient * gradient
            step = TRIPLE_RATE if (place - start) % 3 == 2 else RATE
            weights[at] -= step * gradient / np.sqrt(squares[at])
        bias[1] += gradient * gradient
        bias[0] -= RATE * gradient / np.sqrt(1.0 + bias[1])
