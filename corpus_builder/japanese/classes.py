"""The class of every code point: its script, and what it does for sentences and lines.

Each code point has exactly one class, so that the counts of the classes of a text say how many letters of each kind it has.  What is a
letter of another script is fixed by Unicode 3.2, which every version of Python carries, so that no version counts otherwise.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

# fmt: off
(OTHER, NEWLINE, SPACE, COMBINING, LATIN, LETTER, DIGIT, HIRAGANA, HIRAGANA_STOP, MORE_HIRAGANA, KATAKANA, MORE_KATAKANA,
 HALF_KATAKANA, PROLONGED, KANJI, KANJI_STOP, MORE_KANJI, RARE_KANJI, HEXAGRAM, TOTEN, KUTEN, WIDE_DOT, END, DOT, ELLIPSIS, OPENING,
 CLOSING, BULLET, MIDDLE_DOT, ASCII_BULLET) = range(30)
# fmt: on
"""Classes.  KUTEN, WIDE_DOT: 。！？ and ．; END: such marks of other scripts; MIDDLE_DOT: ・; the stop classes: FineWeb-2's stop words;
HEXAGRAM: U+4DC0-4DFF, which Swallow v1 takes for kanji."""

END_MARKS = "!?｡‼⁇⁈⁉।॥۔؟።។"
CLOSING_MARKS = ")]}\"'」』）］】〉》〕〙〗”’｣"
OPENING_MARKS = "([{「『（［【〈《〔〘〖“‘｢"
BULLETS = "•◦‣∙·●○◎■□◆◇▪▫▶▷►▼▽★☆※➤✓✔"

IS_LETTER, IS_DIGIT, IS_HIRAGANA, ENDS, MAY_END, IS_SPACE, IS_CLOSING, IS_BULLET = (1 << bit for bit in range(8))


def _flags() -> npt.NDArray[np.uint8]:
    """What a class means.  (30,) uint8"""
    of = {IS_LETTER: (*range(LATIN, DIGIT), *range(HIRAGANA, HEXAGRAM)), IS_DIGIT: (DIGIT,), IS_SPACE: (SPACE, NEWLINE)}
    of |= {IS_HIRAGANA: (HIRAGANA, HIRAGANA_STOP, MORE_HIRAGANA), ENDS: (KUTEN, END), MAY_END: (WIDE_DOT, DOT, ELLIPSIS)}
    of |= {IS_CLOSING: (CLOSING,), IS_BULLET: (BULLET, MIDDLE_DOT)}
    flags = np.zeros(30, dtype=np.uint8)
    for flag, classes in of.items():
        flags[list(classes)] |= flag
    return flags


@cache
def tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The class of each code point of the Basic Multilingual Plane, (65536,) uint8, and the flags of each class, (30,) uint8."""
    classes = np.full(1 << 16, OTHER, dtype=np.uint8)
    for point in range(1 << 16):
        category = unicodedata.ucd_3_2_0.category(chr(point))
        if category[0] == "L":
            name = unicodedata.ucd_3_2_0.name(chr(point), "")
            classes[point] = LATIN if name.startswith(("LATIN ", "FULLWIDTH LATIN ")) else LETTER
        elif category[0] == "M":
            classes[point] = COMBINING
        elif chr(point).isspace():
            classes[point] = SPACE
    for first, last, class_ in (
        (0x30, 0x39, DIGIT),
        (0xFF10, 0xFF19, DIGIT),
        (0x3041, 0x3096, HIRAGANA),
        (0x309D, 0x309F, MORE_HIRAGANA),
        (0x30A1, 0x30FA, KATAKANA),
        (0x30FD, 0x30FF, MORE_KATAKANA),
        (0x31F0, 0x31FF, MORE_KATAKANA),
        (0xFF66, 0xFF9F, HALF_KATAKANA),
        (0x30FC, 0x30FC, PROLONGED),
        (0x3400, 0x9FFF, KANJI),
        (0x4DC0, 0x4DFF, HEXAGRAM),
        (0xF900, 0xFAFF, KANJI),
        (0x3006, 0x3006, MORE_KANJI),
        (0x0A, 0x0A, NEWLINE),
    ):
        classes[first : last + 1] = class_
    for marks, class_ in (
        ("々〇〻", KANJI),
        ("のにをはたてがとでしれさ", HIRAGANA_STOP),
        ("年月", KANJI_STOP),
        ("、，", TOTEN),
        ("。！？", KUTEN),
        ("．", WIDE_DOT),
        (".", DOT),
        ("…‥", ELLIPSIS),
        ("・", MIDDLE_DOT),
        ("-*+", ASCII_BULLET),
        (END_MARKS, END),
        (CLOSING_MARKS, CLOSING),
        (OPENING_MARKS, OPENING),
        (BULLETS, BULLET),
    ):
        classes[[ord(mark) for mark in marks]] = class_
    return classes, _flags()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def classify(points: Any, table: Any, classes: Any, counts: Any) -> int:
    """Write the class of each code point, and count the classes; returns how many ー follow hiragana.

    points: (n,) uint32; table: see `tables`; classes: (n,) uint8; counts: (30,) int64.
    """
    counts[:] = 0
    prolonged = 0
    after_hiragana = False
    for place in range(len(points)):
        point = points[place]
        if point < 0x10000:
            found = table[point]
        elif 0x20000 <= point <= 0x3FFFF:
            found = np.uint8(RARE_KANJI)
        elif point < 0x1D000 or 0x1D400 <= point <= 0x1D7FF:  # the scripts beyond the BMP, and the letters of mathematics
            found = np.uint8(LETTER)
        else:
            found = np.uint8(OTHER)
        classes[place] = found
        counts[found] += 1
        if found == PROLONGED:
            prolonged += after_hiragana
        else:
            after_hiragana = found in (HIRAGANA, HIRAGANA_STOP, MORE_HIRAGANA)
    return prolonged
