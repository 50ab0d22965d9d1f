"""Exponential, logarithm and sums by plain arithmetic in a fixed order: the same bits on every machine.

What a C library's `exp` returns in the last bit, and in which order BLAS or NumPy adds, differs between machines; a trained model
must not.  The functions here use only IEEE additions, multiplications and divisions, which do not.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

_LN2_HIGH = 6.93147180369123816490e-01  # 32 bits of ln 2, so that a small integer times it is exact
_LN2_LOW = 1.90821492927058770002e-10
_SQRT_HALF = 0.7071067811865476


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def exp(value: float) -> float:
    """e to the power of a number, to about 15 digits; arguments beyond 700 either way count as 700.

    >>> exp(0.0), round(exp(1.0), 12)
    (1.0, 2.718281828459)
    """
    value = min(max(value, -700.0), 700.0)
    halves = math.floor(value * 1.4426950408889634 + 0.5)
    rest = (value - halves * _LN2_HIGH) - halves * _LN2_LOW
    total = 1.0
    for place in range(14, 0, -1):
        total = 1.0 + total * rest / place
    return math.ldexp(total, int(halves))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log(value: float) -> float:
    """Natural logarithm of a positive number, to about 15 digits.

    >>> log(1.0), round(log(10.0), 12)
    (0.0, 2.302585092994)
    """
    part, power = math.frexp(value)
    if part < _SQRT_HALF:
        part *= 2.0
        power -= 1
    ratio = (part - 1.0) / (part + 1.0)
    square = ratio * ratio
    total = 0.0
    for place in range(25, 0, -2):
        total = total * square + 1.0 / place
    return power * _LN2_HIGH + (power * _LN2_LOW + 2.0 * ratio * total)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sigmoid(value: float) -> Any:
    """1 / (1 + e^-x).

    >>> sigmoid(0.0), sigmoid(-1000.0) < 1e-300
    (0.5, True)
    """
    power = exp(-abs(value))
    return power / (1.0 + power) if value < 0 else 1.0 / (1.0 + power)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def softplus(value: float) -> Any:
    """log(1 + e^x).

    >>> round(softplus(0.0), 12), softplus(800.0)
    (0.69314718056, 800.0)
    """
    return max(value, 0.0) + log(1.0 + exp(-abs(value)))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def dot(left: Any, right: Any) -> float:
    """Sum of products, added from first to last.

    >>> import numpy as np
    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    total = 0.0
    for place in range(len(left)):
        total += left[place] * right[place]
    return total
