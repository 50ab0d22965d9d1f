"""Texts as arrays of code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]


def code_points(texts: Sequence[str]) -> tuple[U32, I64]:
    """The concatenated code points of some texts, and the offset where each begins: (total,) uint32 and (n + 1,) int64.

    >>> points, starts = code_points(["猫", "いぬ"])
    >>> points.tolist(), starts.tolist()
    ([29483, 12356, 12396], [0, 1, 3])
    """
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    return points, starts


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_space(point: Any) -> Any:
    """Whether a code point is white space, as in `str.isspace`."""
    return (
        0x09 <= point <= 0x0D
        or 0x1C <= point <= 0x20
        or point == 0x85
        or point == 0xA0
        or point == 0x1680
        or 0x2000 <= point <= 0x200A
        or point == 0x2028
        or point == 0x2029
        or point == 0x202F
        or point == 0x205F
        or point == 0x3000
    )
