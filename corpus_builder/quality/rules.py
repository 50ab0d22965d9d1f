"""Thresholds and filters: they turn a measured value, or a document, into a decision to drop it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_builder.document import Document, Drop, Filter, Measure
from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.quality.catalogue import INFOS
from corpus_builder.quality.measures import MEASURES, measure_texts

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A filter that compares a measure with limits.

    Drops if value < min, value > max, value <= above or value >= below.  The reason is the measure's name with `_low` or
    `_high`.  `measure` is the name of a built-in measure or a function `Document -> float`.

    >>> Threshold("hiragana_fraction", min=0.2)(Document(text="東京都千代田区"))
    Drop(reason='hiragana_fraction_low', value=0.0, threshold=0.2, detail='')
    """

    measure: str | Measure
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if all(limit is None for limit in (self.min, self.max, self.above, self.below)):
            raise RecipeError(f"The rule on {self.name!r} has no limit; give min, max, above or below.")
        limits = [limit for limit in (self.min, self.max, self.above, self.below) if limit is not None]
        if not all(map(math.isfinite, limits)):
            raise RecipeError(f"The rule {self} has a limit that is not a finite number; give a finite one.")
        info = INFOS.get(self.measure) if isinstance(self.measure, str) else None
        if info is not None and info.unit == "fraction" and not all(0.0 <= limit <= 1.0 for limit in limits):
            raise RecipeError(f"The rule {self} compares a fraction, 0 to 1, with a limit outside that range.")
        lows, highs = (
            [limit for limit in pair if limit is not None] for pair in ((self.min, self.above), (self.max, self.below))
        )
        if lows and highs and max(lows) > min(highs):
            raise RecipeError(f"The rule {self} drops everything; the lower limit is above the upper one.")

    @property
    def name(self) -> str:
        """Name of the measure."""
        return self.measure if isinstance(self.measure, str) else getattr(self.measure, "__name__", "measure")

    def __str__(self) -> str:
        signs = [(">=", self.min), ("<=", self.max), (">", self.above), ("<", self.below)]
        return f"{self.name} " + " and ".join(f"{sign} {limit:g}" for sign, limit in signs if limit is not None)

    def limits_hit(self, values: F64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], F64]:
        """For each value, whether it is too low, whether it is too high, and the limit that it violates (nan if none)."""
        low = np.zeros(len(values), dtype=np.bool_)
        high = np.zeros(len(values), dtype=np.bool_)
        limit = np.full(len(values), np.nan)
        tests: list[tuple[float | None, Callable[[F64, float], npt.NDArray[np.bool_]], npt.NDArray[np.bool_]]] = [
            (self.min, np.less, low),
            (self.above, np.less_equal, low),
            (self.max, np.greater, high),
            (self.below, np.greater_equal, high),
        ]
        for bound, fails, side in tests:
            if bound is not None:
                hit = fails(values, bound) & ~low & ~high
                side |= hit
                limit[hit] = bound
        return low, high, limit

    def __call__(self, document: Document) -> Drop | None:
        """Measure the document and compare the value with the limits."""
        value = measure(self.measure, document)
        low, high, limit = self.limits_hit(np.array([value], dtype=np.float64))
        if low[0] or high[0]:
            return Drop(f"{self.name}_{'low' if low[0] else 'high'}", value=value, threshold=float(limit[0]))
        return None


def measure(how: str | Measure, document: Document) -> float:
    """One measure of one document: a built-in one by name, or the user's own function."""
    if isinstance(how, str):
        if how not in MEASURES:
            raise RecipeError(f"Unknown measure {how!r}{did_you_mean(how, MEASURES)} (`corpus-builder measures` lists them).")
        return float(measure_texts([document.text], [how])[how][0])
    value = how(document)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        name = getattr(how, "__name__", repr(how))
        raise TypeError(f"The measure {name!r} returned {value!r}; a measure returns a number.")
    return float(value)


def apply_filter(rule: Filter, document: Document) -> Drop | None:
    """Run a user's filter; anything but a Drop or None is a TypeError that says what to return."""
    verdict = rule(document)
    if verdict is None or isinstance(verdict, Drop):
        return verdict
    name = getattr(rule, "__name__", repr(rule))
    raise TypeError(
        f"The filter {name!r} returned {verdict!r}; a filter returns None to keep the document, "
        'or Drop("reason", value=...) to drop it.'
    )
