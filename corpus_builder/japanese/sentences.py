"""Sentences and paragraphs, as defined by Swallow corpus v1.

A text is split at U+000A.  A sentence is one or more characters other than end marks (。．！？!?), followed by at most one end
mark; further end marks belong to no sentence.  A paragraph consists of the sentences of one line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.japanese.letters import is_space


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_end_mark(point: Any) -> Any:
    """Whether a code point is one of 。．！？!? ."""
    return point == 0x3002 or point == 0xFF0E or point == 0xFF01 or point == 0xFF1F or point == 0x21 or point == 0x3F


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def cut(points: Any, kept: Any, sentences: Any, paragraphs: Any) -> tuple[int, int, int]:
    """Cut one text into sentences and paragraphs.

    points: (n,) uint32.  Written: kept (n,), the code points that belong to a sentence; sentences and paragraphs (n + 2,), the
    offsets in `kept` where each one ends.  Returns the number of entries written to each of the three.
    """
    length = n_sentences = n_paragraphs = 0
    within = False
    for point in points:
        if point == 10:
            if within:
                sentences[n_sentences] = length
                n_sentences += 1
                within = False
            paragraphs[n_paragraphs] = length
            n_paragraphs += 1
        elif is_end_mark(point):
            if within:
                kept[length] = point
                length += 1
                sentences[n_sentences] = length
                n_sentences += 1
                within = False
        else:
            kept[length] = point
            length += 1
            within = True
    if within:
        sentences[n_sentences] = length
        n_sentences += 1
    paragraphs[n_paragraphs] = length
    return length, n_sentences, n_paragraphs + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def ends_with_ellipsis(points: Any, start: int, stop: int) -> Any:
    """Whether the sentence points[start:stop], stripped of white space, ends with ・ or … ."""
    for back in range(stop - 1, start - 1, -1):
        if not is_space(points[back]):
            return points[back] == 0x30FB or points[back] == 0x2026
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def distinct(points: Any, ends: Any, table: Any) -> tuple[int, int]:
    """Number of distinct items, and the sum of their lengths.

    Item i is points[ends[i - 1]:ends[i]] (the first one starts at 0).  table: int32, a power of two and at least twice as long as
    `ends`; it is cleared here.  Items with equal hashes are compared code point by code point.
    """
    mask = len(table) - 1
    table[:] = -1
    found = letters = 0
    start = 0
    for item in range(len(ends)):
        stop = ends[item]
        code = np.uint64(0xCBF29CE484222325)
        for place in range(start, stop):
            code = (code ^ np.uint64(points[place])) * np.uint64(0x9E3779B97F4A7C15)
            code ^= code >> np.uint64(29)
        slot = np.int64(code & np.uint64(mask))
        while True:
            other = table[slot]
            if other < 0:
                table[slot] = item
                found += 1
                letters += stop - start
                break
            first = ends[other - 1] if other > 0 else 0
            if ends[other] - first == stop - start:
                same = True
                for step in range(stop - start):
                    if points[first + step] != points[start + step]:
                        same = False
                        break
                if same:
                    break
            slot = (slot + 1) & mask
        start = stop
    return found, letters
