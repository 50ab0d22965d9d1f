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

MOST_BITS = 24
"""The largest table: 2 ** 24 places."""


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


@dataclass(frozen=True, slots=True)
class Places:
    """Which places of the table are counted, and as what: `known` (2 ** bits / 8,) uint8 has a bit for each, `index` (2 ** bits,) its number.

    The bits fit into a core's cache where the numbers do not, and most n-grams of a text are unknown to a model.
    """

    known: npt.NDArray[np.uint8]
    index: I32

    @classmethod
    def of(cls, places: npt.NDArray[Any], bits: int) -> Places:
        """Number these places in their order, and leave out all others."""
        flags = np.zeros(1 << bits, dtype=np.uint8)
        flags[places] = 1
        index = np.zeros(1 << bits, dtype=np.int32)
        index[places] = np.arange(len(places), dtype=np.int32)
        return cls(np.packbits(flags, bitorder="little"), index)


def count_ngrams(texts: Sequence[str], ngrams: NGrams) -> Counts:
    """The n-grams of some texts.

    >>> counts = count_ngrams(["ねこ ねこ"], NGrams(1, 1))
    >>> counts.starts.tolist(), counts.counts.tolist()
    ([0, 3], [2, 2, 1])
    """
    points, starts = code_points(texts)
    longest = int(np.diff(starts).max(initial=0))
    all_of_them = Places.of(np.arange(1 << ngrams.bits), ngrams.bits)
    state = np.zeros(1 << ngrams.bits, dtype=np.int32), np.empty(most_ngrams(longest, ngrams), dtype=np.int32)
    size = min(most_ngrams(len(points), ngrams), 1 << 16)
    ends = np.zeros(len(texts) + 1, dtype=np.int64)
    settings = (folded(), ngrams.shortest, ngrams.longest, ngrams.bits, all_of_them.known, all_of_them.index)
    while True:
        places, counts = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
        if (used := _count_all(points, starts, *settings, *state, places, counts, ends)) >= 0:
            return Counts(ends, places[:used].copy(), counts[:used].copy())
        size *= 2


def most_ngrams(letters: int, ngrams: NGrams) -> int:
    """An upper bound of the number of n-grams in a text of so many code points; white space may add a symbol before each."""
    return max(1, 2 * (ngrams.longest - ngrams.shortest + 1) * letters)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count_all(
    points: Any, starts: Any, fold: Any, low: int, high: int, bits: int, known: Any, index: Any, table: Any, found: Any,
    places: Any, counts: Any, ends: Any,
) -> int:  # fmt: skip
    """Counts of all texts; returns how many, or -1 if `places` is too short."""
    used = 0
    for text in range(len(starts) - 1):
        new = count_one(points[starts[text] : starts[text + 1]], fold, low, high, bits, known, index, table, found)
        fits = used + new <= len(places)
        for at in range(new):
            if fits:
                places[used + at] = found[at]
                counts[used + at] = table[found[at]]
            table[found[at]] = 0
        if not fits:
            return -1
        used += new
        ends[text + 1] = used
    return used


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_one(points: Any, fold: Any, low: int, high: int, bits: int, known: Any, index: Any, table: Any, found: Any) -> int:
    """Count a text's n-grams in `table` by number, and write the numbers that became non-zero to `found`; returns how many."""
    shift = np.uint64(64 - bits)
    last = np.zeros(LONGEST, dtype=np.uint64)  # the symbols up to here, the newest first
    length = 0
    count = 0
    space, line, nothing = np.uint64(0x20), np.uint64(0x0A), np.uint64(0)
    waiting = nothing  # white space that counts once a letter follows
    for point in points:
        if is_space(point):
            if length:
                waiting = line if point == 0x0A or waiting == line else space
            continue
        here = np.uint64(fold[point]) if point < 0x10000 else np.uint64(point)
        for step in range(2):
            symbol = here
            if step == 0:
                if waiting == nothing:
                    continue
                symbol, waiting = waiting, nothing
            for at in range(high - 1, 0, -1):
                last[at] = last[at - 1]
            last[0] = symbol
            length = min(length + 1, high)
            key = np.uint64(0)
            for n in range(1, length + 1):
                key = (key ^ last[n - 1]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
                if n < low:
                    continue
                place = ((key ^ (key >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)) >> shift
                if known[place >> np.uint64(3)] >> (place & np.uint64(7)) & np.uint64(1) == 0:
                    continue
                number = index[place]
                if table[number] == 0:
                    found[count] = number
                    count += 1
                table[number] += 1
    return count
