"""Lines, and sentences of any script, in one text.

A line ends at U+000A; lines of white space alone do not count.  A sentence ends with its line, and before that

- after a run of end marks (。！？ ｡!?‼ and those of other scripts) and the closing brackets that follow it; with such brackets only where
  white space, the end of the line or an opening bracket comes next, so that 「はい。」と言った。 is one sentence;
- after `.` or `…` with closing brackets where white space or the end of the line comes next, but not after a single Latin letter
  ("J. Smith") or a number that begins the sentence ("1. はじめに");
- after `．` unless a digit or a Latin letter comes next.

What has no letter or digit is no sentence.  Swallow's own definition, which knows fewer marks and no context, is in `sentences`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.japanese.classes import (
    ASCII_BULLET,
    DIGIT,
    DOT,
    ELLIPSIS,
    ENDS,
    IS_BULLET,
    IS_CLOSING,
    IS_DIGIT,
    IS_LETTER,
    IS_SPACE,
    LATIN,
    MAY_END,
    OPENING,
    WIDE_DOT,
)

SHORT_LINE = 30
(LINES, PUNCTUATED, SHORT, BULLETS, ELLIPSES, LINE_POINTS, SENTENCES, FINISHED, UNITS, LONGEST, V1_ENDED) = range(11)
"""What `count_lines` counts: lines; those that end with a mark, are short, begin with a bullet, end with an ellipsis; their code points;
sentences; those that end with a mark; half-width units of all and of the longest one; lines that end with one of 。．！？!?」』）…"""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_lines(points: Any, classes: Any, flags: Any, kept: Any, ends: Any, out: Any) -> int:
    """Count the lines and sentences of one text.

    points: (n,) uint32; classes and flags: see `classes`.  Written, as `distinct` wants them: kept (n,), the lines without newlines, and
    ends (n + 2,), where each ends; out (11,) int64.  Returns the number of lines, without those of white space.
    """
    out[:] = 0
    start = length = 0
    for place in range(len(points) + 1):
        if place == len(points) or points[place] == 10:
            first, last = start, place
            while first < last and flags[classes[first]] & IS_SPACE:
                first += 1
            while last > first and flags[classes[last - 1]] & IS_SPACE:
                last -= 1
            if last > first:
                kept[length : length + place - start] = points[start:place]
                length += place - start
                ends[out[LINES]] = length
                _line(points, classes, flags, first, last, out)
                _sentences(points, classes, flags, first, last, out)
            start = place + 1
    return int(out[LINES])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _line(points: Any, classes: Any, flags: Any, begin: int, end: int, out: Any) -> None:
    """The line from `begin` to `end`, which has no white space at its ends."""
    length = end - begin
    out[LINES] += 1
    out[LINE_POINTS] += length
    out[SHORT] += length <= SHORT_LINE
    first = classes[begin]
    spaced = length > 1 and flags[classes[begin + 1]] & IS_SPACE != 0
    out[BULLETS] += flags[first] & IS_BULLET != 0 or (first == ASCII_BULLET and spaced)
    last = points[end - 1]
    dots = length > 2 and (last == 0x2E or last == 0x30FB) and points[end - 2] == last and points[end - 3] == last
    out[ELLIPSES] += classes[end - 1] == ELLIPSIS or dots
    # fmt: off
    out[V1_ENDED] += (
        last == 0x3002 or last == 0xFF0E or last == 0xFF01 or last == 0xFF1F or last == 0x21 or last == 0x3F
        or last == 0x300D or last == 0x300F or last == 0xFF09 or last == 0x2026
    )
    # fmt: on
    place = end - 1
    while place > begin and flags[classes[place]] & IS_CLOSING:
        place -= 1
    out[PUNCTUATED] += flags[classes[place]] & (ENDS | MAY_END) != 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sentences(points: Any, classes: Any, flags: Any, begin: int, length: int, out: Any) -> None:
    """The sentences of the line from `begin` to `length`, which has no white space at its ends."""
    start = place = begin
    units = 0
    seen = np.uint8(0)
    while place < length:
        first = length
        for at in range(place, length):
            flag = flags[classes[at]]
            if flag & (ENDS | MAY_END):
                first = at
                break
            units += _units(points[at])
            seen |= flag
        place = first
        strong = False
        while place < length and flags[classes[place]] & (ENDS | MAY_END):
            strong = strong or flags[classes[place]] & ENDS != 0
            units += _units(points[place])
            place += 1
        marks = place - first
        while place < length and flags[classes[place]] & IS_CLOSING:
            units += _units(points[place])
            place += 1
        if marks > 0 and _ends(classes, flags, start, first, marks, place, length, strong):
            if seen & (IS_LETTER | IS_DIGIT):
                out[SENTENCES] += 1
                out[FINISHED] += 1
                out[UNITS] += units
                out[LONGEST] = max(out[LONGEST], units)
            while place < length and flags[classes[place]] & IS_SPACE:
                place += 1
            start, units, seen = place, 0, np.uint8(0)
    if seen & (IS_LETTER | IS_DIGIT):
        out[SENTENCES] += 1
        out[UNITS] += units
        out[LONGEST] = max(out[LONGEST], units)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _ends(classes: Any, flags: Any, start: int, first: int, marks: int, after: int, length: int, strong: bool) -> Any:
    """Whether the marks from `first` on, and the closing brackets up to `after`, end the sentence that begins at `start`; the line ends
    at `length`."""
    at_end = after == length or flags[classes[after]] & IS_SPACE != 0
    bracketed = after > first + marks
    if strong:
        return not bracketed or at_end or classes[after] == OPENING
    if classes[first] == WIDE_DOT and marks == 1 and not bracketed:
        return at_end or not (classes[after] == DIGIT or classes[after] == LATIN)
    if not at_end or classes[first] != DOT or marks > 1 or bracketed or after == length:
        return at_end
    initial = first > start and classes[first - 1] == LATIN
    if initial and (first == start + 1 or not flags[classes[first - 2]] & (IS_LETTER | IS_DIGIT)):
        return False
    for place in range(start, first):
        if classes[place] != DIGIT:
            return True
    return first == start


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _units(point: Any) -> int:
    """Width of a code point in units of half an em."""
    return 1 if point < 0x1100 or 0xFF61 <= point <= 0xFFDC else 2
