"""Texts as sparse rows of a matrix, in the two views that the linear model adds up.

SHARE   an n-gram that occurs counts its inverse document frequency, and each row has length 1: what a text is like, however long
COUNT   an n-gram counts how often it occurs, and rows are as long as they are: how much of it there is.  Texts longer than nine in
        ten of the training texts count as if they had that length, or all long documents would be certain, and ordered by length

N-grams that occur in one text only are left out: what they would teach is that text, and they are three quarters of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.classifier.arithmetic import log
from corpus_builder.classifier.features import NGrams, count_ngrams

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
View = Literal["share", "count"]

FEWEST_TEXTS = 2
COUNT_SCALE, STEP_SCALE = 1 / 8, 1 / 4  # bring all rows to about the same length, so that one range of penalties serves all


@dataclass(frozen=True, slots=True)
class Rows:
    """Counts of n-grams: text i has `counts[starts[i]:starts[i + 1]]` in columns `columns[...]`; column j is place `places[j]` of the table."""

    starts: I64
    columns: I32
    counts: I32
    places: I64
    limit: float  # n-grams that a text may count for in the view COUNT

    def __len__(self) -> int:
        return len(self.starts) - 1


def rows_of(texts: Sequence[str], ngrams: NGrams) -> Rows:
    """The n-grams of texts, without those that occur in fewer than FEWEST_TEXTS of them."""
    found = count_ngrams(texts, ngrams)
    frequencies = np.bincount(found.places, minlength=1 << ngrams.bits)
    places = np.flatnonzero(frequencies >= min(FEWEST_TEXTS, len(texts)))
    column = np.full(1 << ngrams.bits, -1, dtype=np.int32)
    column[places] = np.arange(len(places), dtype=np.int32)
    columns = column[found.places]
    kept = columns >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[found.starts].astype(np.int64)
    counts = found.counts[kept]
    lengths = np.sort(np.diff(np.concatenate([[0], np.cumsum(counts)])[starts]))
    return Rows(starts, columns[kept], counts, places, float(max(lengths[len(lengths) * 9 // 10], 1)))


def idf_of(rows: Rows, chosen: I64) -> F64:
    """1 + log((1 + texts) / (1 + texts that have the n-gram)) of each column, over some rows; 0 for one that none of them has."""
    frequencies = np.zeros(len(rows.places), dtype=np.int64)
    _frequencies(rows.starts, rows.columns, chosen, frequencies)
    values = [0.0, *(1.0 + log((1.0 + len(chosen)) / (1.0 + known)) for known in range(1, int(frequencies.max(initial=0)) + 1))]
    return np.array(values)[frequencies]


class Features(Protocol):
    """Sparse rows: text i has `values(...)[starts[i]:starts[i + 1]]` in columns `columns[...]`, which are below `size`."""

    starts: I64
    columns: I32
    size: int

    def values(self, chosen: I64) -> F32:
        """The values of all rows, as the rows `chosen` teach them."""


class NGramFeatures:
    """The n-grams of texts in one view."""

    def __init__(self, rows: Rows, view: View) -> None:
        self.starts, self.columns, self.size = rows.starts, rows.columns, len(rows.places)
        self._rows, self._view = rows, view

    def values(self, chosen: I64) -> F32:
        """What each n-gram of each text weighs, where idf is that of the rows `chosen`."""
        out = np.empty(len(self.columns), dtype=np.float32)
        if self._view == "share":
            _shares(self.starts, self.columns, self.idf(chosen), out)
        else:
            _counts(self.starts, self.columns, self._rows.counts, self.idf(chosen), self._rows.limit, out)
        return out

    def idf(self, chosen: I64) -> F64:
        """The inverse document frequency of each n-gram among some rows."""
        return idf_of(self._rows, chosen)


class StepFeatures:
    """The measures of texts, as steps; see `bins`."""

    def __init__(self, steps: Sequence[F64]) -> None:
        texts, self.size = len(steps[0]), len(steps)
        self.starts = np.arange(texts + 1, dtype=np.int64) * self.size
        self.columns = np.tile(np.arange(self.size, dtype=np.int32), texts)
        self._values = (np.stack(steps, axis=1).ravel() * STEP_SCALE).astype(np.float32)

    def values(self, chosen: I64) -> F32:
        """The steps, the same whatever rows are chosen."""
        return self._values


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _frequencies(starts: Any, columns: Any, chosen: Any, frequencies: Any) -> None:
    for row in chosen:
        for at in range(starts[row], starts[row + 1]):
            frequencies[columns[at]] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shares(starts: Any, columns: Any, idf: Any, out: Any) -> None:
    for row in range(len(starts) - 1):
        squares = 0.0
        for at in range(starts[row], starts[row + 1]):
            squares += idf[columns[at]] * idf[columns[at]]
        scale = 1.0 / np.sqrt(squares) if squares > 0.0 else 0.0
        for at in range(starts[row], starts[row + 1]):
            out[at] = idf[columns[at]] * scale


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _counts(starts: Any, columns: Any, counts: Any, idf: Any, limit: float, out: Any) -> None:
    for row in range(len(starts) - 1):
        total = 0
        for at in range(starts[row], starts[row + 1]):
            total += counts[at] if idf[columns[at]] > 0.0 else 0
        scale = COUNT_SCALE * min(1.0, limit / max(total, 1))
        for at in range(starts[row], starts[row + 1]):
            out[at] = counts[at] * scale if idf[columns[at]] > 0.0 else 0.0
