"""Which of several duplicates is kept: a rank for each document, smaller is better, as the int64 that is stored with its keys.

It is written as one word everywhere: `newest`, `oldest`, `longest` (the longest text), `largest:NAME` (the largest value of a
column or measure) or `first:A,B,C` (the first source of a list; sources not named come last).  Ties are broken
by place: the file's name, then the number in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import RecipeError

I64 = npt.NDArray[np.int64]
LAST = np.iinfo(np.int64).max
"""Rank of an unknown value, which loses against every known one."""


@dataclass(frozen=True)
class Preference:
    """A parsed preference: `kind` is newest, oldest, longest, largest or first; `names` are the column of `largest` or the sources of `first`."""

    kind: str
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, word: str) -> Preference:
        """Parse a preference; raises RecipeError if the word is not one.

        >>> Preference.parse("first:wikipedia,web")
        Preference(kind='first', names=('wikipedia', 'web'))
        """
        kind, colon, rest = word.partition(":")
        names = tuple(name.strip() for name in rest.split(",") if name.strip())
        plain = kind in ("newest", "oldest", "longest") and not colon
        if plain or (kind == "largest" and len(names) == 1) or (kind == "first" and names):
            return cls(kind, names)
        raise RecipeError(
            f"keep = {word!r} is not a preference; write newest, oldest, longest, largest:NAME (a column or measure) or "
            "first:A,B (sources, best first)."
        )

    def ranks(self, values: Sequence[Any]) -> I64:
        """Ranks of documents by their dates, numbers or sources, whichever the preference uses.

        >>> Preference.parse("largest:score").ranks([0.5, None, 2, -1]).argsort().tolist()
        [2, 0, 3, 1]
        >>> Preference.parse("first:wiki*,web").ranks(["web", "wiki-ja", "blog"]).tolist()
        [1, 0, 2]
        """
        if self.kind in ("newest", "oldest"):
            return date_ranks(values, newest=self.kind == "newest")
        if self.kind == "first":
            return np.array([self._place(value) for value in values], dtype=np.int64)
        return number_ranks(values)

    def _place(self, source: Any) -> int:
        hits = (place for place, pattern in enumerate(self.names) if fnmatchcase(str(source), pattern))
        return next(hits, len(self.names))


def date_ranks(dates: Sequence[Any], newest: bool) -> I64:
    """Ranks of ISO 8601 strings, datetimes or seconds since 1970, in microseconds; anything else comes last.

    >>> date_ranks(["2024-12-01T00:00:00Z", "2024-12-02T00:00:00Z", ""], newest=True).argsort().tolist()
    [1, 0, 2]
    """
    ranks = np.full(len(dates), LAST, dtype=np.int64)
    for place, value in enumerate(dates):
        moment = _moment(value)
        if moment is None:
            continue
        days = moment.toordinal() * 86_400_000_000
        within = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
        offset = moment.utcoffset()
        microseconds = days + within - (int(offset.total_seconds()) * 1_000_000 if offset else 0)
        ranks[place] = -microseconds if newest else microseconds
    return ranks


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def number_ranks(values: Sequence[Any]) -> I64:
    """Ranks of numbers, largest first; NaN and anything that is not a number come last."""
    found = np.array([_number(value) for value in values], dtype=np.float64) + 0.0  # -0.0 becomes 0.0
    bits = found.view(np.int64)
    rising = np.where(bits < 0, bits ^ np.int64(LAST), bits)  # the bit patterns of negative floats are in descending order
    ranks: I64 = np.where(np.isnan(found), np.int64(LAST), ~rising)
    return ranks


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:  # a signalling NaN
        return math.nan
