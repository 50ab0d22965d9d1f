"""The columns of the table of hosts, which a rule names as `host.NAME`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]

PREFIX = "host."
COUNTS = {
    "documents": "documents of the host",
    "kept": "share of them that the rules before the first one on hosts keep, 0 to 1; all rules if there is none",
    "characters": "characters of their texts",
    "duplicates": "documents that duplicate another one",
    "duplicate_fraction": "duplicates / documents",
    "repeated_lines": "repeated lines of all documents; 0 if the recipe has no table [lines]",
}
"""What is counted of every host, beside the means and quantiles of measures."""
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
KEPT_BITS = 7
"""Significant bits to which values are truncated before a quantile is taken, so that a quantile is at most 1/64 (1.6 %) nearer to zero
than the exact one; whole numbers up to 127 stay as they are.  Ours: counts then take little space and can be added."""
_DROPPED = np.uint64(53 - KEPT_BITS)
_SIGN = np.uint64(1 << 63)


def host_columns(measures: Iterable[str]) -> tuple[str, ...]:
    """The names by which rules know the columns of the table, given the measures that are summed up in it.

    >>> host_columns(["edu"])[-4:]
    ('host.edu', 'host.edu.p10', 'host.edu.p50', 'host.edu.p90')
    """
    of_measures = (name for one in measures if one not in COUNTS for name in (one, *(f"{one}.{part}" for part in QUANTILES)))
    return tuple(f"{PREFIX}{name}" for name in (*COUNTS, *of_measures))


def measure_in(column: str) -> str | None:
    """The measure that a column `host.NAME` sums up; None for counts, and for names of other columns.

    >>> [measure_in(name) for name in ("host.ng_fraction.p90", "host.documents", "ng_fraction")]
    ['ng_fraction', None, None]
    """
    name = column.removeprefix(PREFIX)
    if name == column or name in COUNTS:
        return None
    measure, _, last = name.rpartition(".")
    return measure if last in QUANTILES else name


def truncated(values: F64) -> U64:
    """Values truncated to `KEPT_BITS` significant bits, as numbers in their order.  (n,) float64, finite -> (n,) uint64

    >>> from_order(truncated(np.array([-300.0, 0.0, 0.2, 1.0, 127.0, 1001.0]))).tolist()
    [-300.0, 0.0, 0.19921875, 1.0, 127.0, 1000.0]
    """
    bits = (values + 0.0).view(np.uint64) >> _DROPPED << _DROPPED
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def from_order(numbers: U64) -> F64:
    """The values of numbers that `truncated` made."""
    return np.where(numbers & _SIGN, numbers & ~_SIGN, ~numbers).view(np.float64)
