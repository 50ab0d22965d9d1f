"""Texts as counts of hashed character n-grams.

Letters are folded first: full-width Latin letters, digits and marks count as their ASCII forms, half-width kana as kana, capitals
as small letters, every digit as 0; runs of white space as one space, or as one line break if they hold one.  An n-gram's place
in the table is the upper bits of a multiplicative hash of its symbols.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.japanese.letters import code_points, is_space

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

LONGEST = 8
"""The longest n-gram that can be hashed, in code points."""


@dataclass(frozen=True, slots=True)
class NGrams:
    """Which n-grams are counted: lengths `shortest` to `longest`, hashed to 2 ** `bits` places."""

    shortest: int = 1
    longest: int = 3
    bits: int = 20


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of n-grams: text i has `places[starts[i]:starts[i + 1]]`, in the order in which they first occur, and their `counts`."""

    starts: I64
    places: I32
    counts: I32


@cache
def folded() -> npt.NDArray[np.uint32]:
    """What each code point of the BMP counts as: (65536,) uint32.

    >>> "".join(chr(folded()[ord(letter)]) for letter in "Ａb７ｶ、")
    'ab0カ、'
    """
    table = np.arange(0x10000, dtype=np.uint32)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F)
    for code in (*range(0xFF61, 0xFFA0), *range(0x30, 0x3A), *range(0xFF10, 0xFF1A), *range(0x41, 0x5B), *range(0xFF21, 0xFF3B)):
        letter = unicodedata.normalize("NFKC", chr(code)).lower()
        table[code] = ord("0") if letter.isdigit() else ord(letter)
    return table


def count_ngrams(texts: Sequence[str], ngrams: NGrams) -> Counts:
    """The n-grams of some texts.

    >>> counts = count_ngrams(["ねこ ねこ"], NGrams(1, 1))
    >>> counts.starts.tolist(), counts.counts.tolist()
    ([0, 3], [2, 2, 1])
    """
    points, starts = code_points(texts)
    per_text = max(1, ngrams.longest - ngrams.shortest + 1)
    places = np.empty(per_text * len(points), dtype=np.int32)
    counts = np.empty(per_text * len(points), dtype=np.int32)
    ends = np.zeros(len(texts) + 1, dtype=np.int64)
    table = np.zeros(1 << ngrams.bits, dtype=np.int32)
    used = _count_all(points, starts, folded(), ngrams.shortest, ngrams.longest, ngrams.bits, table, places, counts, ends)
    return Counts(ends, places[:used].copy(), counts[:used].copy())


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count_all(
    points: Any, starts: Any, fold: Any, low: Any, high: Any, bits: Any, table: Any, places: Any, counts: Any, ends: Any
) -> int:
    used = 0
    for text in range(len(starts) - 1):
        found = count_one(points[starts[text] : starts[text + 1]], fold, low, high, bits, table, places[used:])
        for at in range(used, used + found):
            counts[at] = table[places[at]]
            table[places[at]] = 0
        used += found
        ends[text + 1] = used
    return used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_one(points: Any, fold: Any, low: int, high: int, bits: int, table: Any, places: Any) -> int:
    """Count a text's n-grams in `table`, and write the places that became non-zero to `places`; returns how many."""
    shift = np.uint64(64 - bits)
    last = np.zeros(LONGEST, dtype=np.uint64)  # the symbols up to here, the newest first
    known = 0
    found = 0
    space = np.uint64(0x20)
    line = np.uint64(0x0A)
    waiting = np.uint64(0)  # white space that has not been counted yet
    for place in range(len(points) + 1):
        point = points[place] if place < len(points) else np.uint32(0x0A)
        if is_space(point):
            waiting = line if point == 0x0A or waiting == line else space
            if place < len(points):
                continue
            if known == 0:
                break
            waiting = np.uint64(0)
            break
        here = np.uint64(fold[point]) if point < 0x10000 else np.uint64(point)
        for step in range(2):
            if step == 0:
                if waiting == 0 or known == 0:
                    waiting = np.uint64(0)
                    continue
                symbol = waiting
                waiting = np.uint64(0)
            else:
                symbol = here
            for at in range(high - 1, 0, -1):
                last[at] = last[at - 1]
            last[0] = symbol
            known = min(known + 1, high)
            key = np.uint64(0)
            for n in range(1, known + 1):
                key = (key ^ last[n - 1]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
                if n < low:
                    continue
                mixed = (key ^ (key >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)
                bucket = np.int64(mixed >> shift)
                if table[bucket] == 0:
                    places[found] = bucket
                    found += 1
                table[bucket] += 1
    return found
