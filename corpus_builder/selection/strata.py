"""Strata: what a sample is drawn by, such as a host, a length or the quantile of a score."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.selection.columns import Columns, Group

SHORTEST, LONGEST = 250, 16_000
"""Ours: characters below which, and from which on, lengths are not told apart; between them a stratum ends where lengths have doubled."""
LENGTH = "num_letters"
BINS = 10
MOST_VALUES = 1 << 20
"""Distinct values that are told apart while quantiles are found: a million in 16 MB, of which the nearest are taken together."""

U64 = npt.NDArray[np.uint64]
Labels = tuple[list[str], npt.NDArray[np.int64]]
"""Names of strata, and for each row which of them it is in."""


@dataclass(frozen=True)
class Strata:
    """A way to divide documents into strata; with several names each combination is one.

    A name is source, host, crawl, length, stage (what decided: kept, rules, duplicates, select, caps), reason, a category, or a measure or
    score, which is cut into quantiles at `edges`.
    """

    names: Sequence[str]
    edges: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, names: Sequence[str], bins: int = BINS) -> Strata:
        """Strata of a build by these names; the quantiles of a measure are found by going through its column once."""
        plain = (*_COLUMN, "source", *columns.categories)
        for name in names:
            if name not in (*plain, *columns.numbers):
                known = [*plain, *columns.numbers]
                raise RecipeError(
                    f"A sample cannot be drawn by {name!r}{did_you_mean(name, known) or '.'} It is random alone, or one of {', '.join(plain)}, or "
                    "a measure or score of the build (`corpus-builder measures` lists them)."
                )
        cut = [name for name in dict.fromkeys(names) if name not in plain]
        quantiles = {name: Quantiles() for name in cut}
        for group in columns.groups(cut) if cut else ():
            for name in cut:
                quantiles[name].add(group.rows.column(name).to_numpy())
        return cls(tuple(dict.fromkeys(names)), {name: quantiles[name].edges(bins) for name in cut})

    @property
    def columns(self) -> list[str]:
        """The columns that tell a document's stratum."""
        return list(dict.fromkeys(column for name in self.names if (column := _COLUMN.get(name, name)) != "source"))

    def label(self, group: Group) -> Labels:
        """The strata of a group's rows, written as "reason=kept, length=1000-1999"; "all" without names."""
        labels: list[str] = []
        codes = np.zeros(group.rows.num_rows, dtype=np.int64)
        for name in self.names:
            values, inner = self._values(name, group)
            pairs, codes = np.unique(codes * max(1, len(values)) + inner, return_inverse=True)
            before = labels or [""]
            labels = [
                f"{before[pair // len(values)]}{', ' if labels else ''}{name}={values[pair % len(values)]}"
                for pair in pairs.tolist()
            ]
        return labels or ["all"], codes

    def _values(self, name: str, group: Group) -> Labels:
        if name == "source":
            return [group.source], np.zeros(group.rows.num_rows, dtype=np.int64)
        column = group.rows.column(_COLUMN.get(name, name))
        if name == "length":
            return _lengths(column.to_numpy())
        if name in self.edges:
            return _bins(self.edges[name], column.to_numpy())
        coded = column.combine_chunks().dictionary_encode()
        values = ["kept" if not value and name in ("reason", "stage") else value or "" for value in coded.dictionary.to_pylist()]
        codes = coded.indices.to_numpy().astype(np.int64)
        if name != "stage":
            return values, codes
        stages = [stage_of(value) for value in values]
        shown = sorted(set(stages))
        return shown, np.array([shown.index(stage) for stage in stages], dtype=np.int64)[codes]


_COLUMN = {"host": "host", "crawl": "crawl", "length": LENGTH, "stage": "reason", "reason": "reason"}


def stage_of(reason: str) -> str:
    """What decided about a document with this reason: kept, duplicates, select, caps on hosts, or rules.

    >>> [stage_of(reason) for reason in ("kept", "duplicate_near", "select_below_cut", "host_documents_cap", "hiragana_fraction_low")]
    ['kept', 'duplicates', 'select', 'caps', 'rules']
    """
    if reason.startswith("host_") and reason.endswith("_cap"):
        return "caps"
    if reason == "tier_dropped" or reason.startswith("select_"):
        return "select"
    return "kept" if reason == "kept" else "duplicates" if reason.startswith("duplicate_") else "rules"


def _lengths(characters: npt.NDArray[np.generic]) -> Labels:
    starts = [0, *(SHORTEST << place for place in range((LONGEST // SHORTEST).bit_length()))]
    ends = [f"{low}-{high - 1}" for low, high in itertools.pairwise(starts)]
    return [*ends, f"{starts[-1]}-"], np.searchsorted(starts[1:], characters.astype(np.int64), side="right")


def _bins(edges: list[float], values: npt.NDArray[np.generic]) -> Labels:
    numbers = np.asarray(values, dtype=np.float64)
    shown = [f"{edge:.4g}" for edge in edges]
    names = [f"{low} to {high}" for low, high in zip(["lowest", *shown], [*shown, "highest"], strict=True)]
    codes = np.searchsorted(np.array(edges), numbers, side="right")
    return [*names, "unknown"], np.where(np.isnan(numbers), len(names), codes)


class Quantiles:
    """Quantiles of a column in bounded memory, the same whichever way its values are divided and ordered.

    Values are counted by their leading bits, of which as many are told apart as `most` counters allow.
    """

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._shift = 0
        self._keys: U64 = np.empty(0, dtype=np.uint64)
        self._counts: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def add(self, values: npt.NDArray[np.generic]) -> None:
        """Count some values; NaN is left out."""
        numbers = np.asarray(values, dtype=np.float64)
        keys = _ordered(numbers[~np.isnan(numbers)]) >> np.uint64(self._shift)
        self._merge(np.concatenate([self._keys, keys]), np.concatenate([self._counts, np.ones(len(keys), dtype=np.int64)]))
        while len(self._keys) > self._most:
            self._shift += 1
            self._merge(self._keys >> np.uint64(1), self._counts)

    def _merge(self, keys: U64, counts: npt.NDArray[np.int64]) -> None:
        self._keys, places = np.unique(keys, return_inverse=True)
        self._counts = np.bincount(places, weights=counts, minlength=len(self._keys)).astype(np.int64)

    def edges(self, bins: int) -> list[float]:
        """The values at which at most `bins` parts of about equal size begin, but for the first.

        >>> quantiles = Quantiles()
        >>> quantiles.add(np.arange(100))
        >>> quantiles.edges(4)
        [25.0, 50.0, 75.0]
        """
        if not len(self._keys):
            return []
        before = np.cumsum(self._counts) - self._counts
        wanted = np.array([int(self._counts.sum()) * part // bins for part in range(1, bins)])
        after = np.clip(np.searchsorted(before, wanted), 1, max(1, len(before) - 1))
        nearest = np.where(wanted - before[after - 1] < np.abs(before[after % len(before)] - wanted), after - 1, after)
        places = sorted(set(nearest.tolist()) - {0, len(before)})
        return list(_numbers(self._keys[places] << np.uint64(self._shift)))


def _ordered(numbers: npt.NDArray[np.float64]) -> U64:
    """Floats as integers in the same order."""
    bits = (numbers + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    return np.where(bits & sign, ~bits, bits | sign)


def _numbers(keys: U64) -> Iterator[float]:
    sign = np.uint64(1 << 63)
    yield from np.where(keys & sign, keys & ~sign, ~keys).view(np.float64).tolist()
