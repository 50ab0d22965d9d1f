"""Texts as arrays of code points, and the kinds of Japanese letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

HIRAGANA, KATAKANA, KANJI, TOTEN, KUTEN, PROLONGED, RARE_KANJI, SPACE, OTHER = range(9)
"""Kinds of code points.  Swallow v1 counts the first five as Japanese letters; PROLONGED (ー and the half-width
katakana) and RARE_KANJI (beyond the BMP) are Japanese too, but v1 counts neither."""


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
def kind_of(point: Any) -> int:
    """The kind of a code point.

    Source of the first five: Swallow corpus v1 (hiragana U+3041-3096, katakana U+30A1-30FA, kanji 々〇〻 U+3400-9FFF U+F900-FAFF,
    toten 、，, kuten 。．！？).
    """
    if point < 0x2E80:  # Latin and similar scripts first, as they are the most frequent
        return SPACE if is_space(point) else OTHER
    if 0x3041 <= point <= 0x3096:
        return HIRAGANA
    if 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or point == 0x3005 or point == 0x3007 or point == 0x303B:
        return KANJI
    if 0x30A1 <= point <= 0x30FA:
        return KATAKANA
    if point == 0x3001 or point == 0xFF0C:
        return TOTEN
    if point == 0x3002 or point == 0xFF0E or point == 0xFF01 or point == 0xFF1F:
        return KUTEN
    if point == 0x30FC or 0xFF66 <= point <= 0xFF9F:
        return PROLONGED
    if 0x20000 <= point <= 0x3FFFF:
        return RARE_KANJI
    return SPACE if point == 0x3000 else OTHER


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
