"""Statistics of character n-grams, exact and in linear time.

The positions of a text are sorted by the four letters that begin there (by radix, from the fourth to the first), and the few whose
4-gram occurs more than once by the six letters after that.  What neighbours then have in common says for every n how many
n-grams are distinct, how many of them occur more than once, and how often the most frequent one does.  An earlier version numbered the
n-grams of each n in a hash table, which took half as long again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.japanese.compression import NOWHERE

LONGEST = 10
SORTED = 4
"""How many letters the first sort looks at."""
POINTS = 0x110000


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_ngrams(points: Any, ids: Any, scratch: Any, out: Any, earlier: Any) -> int:
    """Count the n-grams of one text for n = 2 .. 10.

    points: (n,) uint32.  Scratch: ids (POINTS,) uint32, all 0 before and after; scratch (6, n + 12) uint32.  Written: out
    (11, 3) int64, for each n the number of distinct n-grams, of those that occur more than once, and (for n <= 4) the count of the
    most frequent one, and for n = 1 the number of different code points; earlier (n,) uint32, see `compression`.  Returns the number of code points covered by repeated 10-grams.
    """
    length = len(points)
    out[:] = 0
    out[1, 0] = length
    earlier[:length] = NOWHERE
    if length < 2:
        return 0
    letters, order, other = scratch[0], scratch[1], scratch[2]
    seen = _number_letters(points, ids, letters, scratch[3])
    out[1, 0] = seen
    for ahead in range(SORTED - 1, -1, -1):
        _starts(letters, scratch[3], seen, ahead, scratch[4])
        if ahead == SORTED - 1:
            for place in range(length):
                order[place] = place
        _scatter(letters, order, other, length, ahead, scratch[4])
        order, other = other, order
    pairs = np.zeros(LONGEST + 2, dtype=np.int64)
    joined = np.zeros(LONGEST + 2, dtype=np.int64)
    left, groups = _common_prefixes(letters, order, length, pairs, joined, out, other, scratch[5])
    covered = 0
    if groups > 0:
        for entry in range(1, left):
            if scratch[5][entry] == scratch[5][entry - 1]:
                earlier[other[entry]] = other[entry - 1]
        repeated = _sort_longer(letters, other, scratch[5], left, seen, scratch)
        covered = _longer(letters, repeated, scratch[5], left, length, pairs, joined, scratch[3])
    for n in range(LONGEST, 1, -1):
        pairs[n] += pairs[n + 1]
        joined[n] += joined[n + 1]
        total = length - n + 1
        if total > 0:
            out[n, 0] = total - pairs[n]
            out[n, 1] = pairs[n] - joined[n]
        else:
            out[n, 2] = 0
    return covered


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _number_letters(points: Any, ids: Any, letters: Any, firsts: Any) -> int:
    """Number the letters from 1 on, in the order in which they occur; 0 is beyond the end.  Returns the highest number.

    Written: firsts, for each number how many letters have a lower one.
    """
    seen = 0
    for place in range(len(points)):
        name = ids[points[place]]
        if name == 0:
            seen += 1
            name = np.uint32(seen)
            ids[points[place]] = name
            firsts[name] = 0
        firsts[name] += np.uint32(1)
        letters[place] = name
    firsts[0] = 0
    _sum_before(firsts, seen + 1)
    for place in range(len(points)):
        ids[points[place]] = 0
    for place in range(len(points), len(points) + LONGEST):
        letters[place] = 0
    return seen


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _starts(letters: Any, firsts: Any, seen: int, ahead: int, starts: Any) -> None:
    """Where the positions begin whose letter `ahead` has some number: those whose letter is beyond the end come first."""
    starts[0] = 0
    for name in range(1, seen + 1):
        starts[name] = firsts[name] + np.uint32(ahead)
    for early in range(ahead):
        for name in range(np.int64(letters[early]) + 1, seen + 1):
            starts[name] -= np.uint32(1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _scatter(letters: Any, order: Any, other: Any, length: int, ahead: int, starts: Any) -> None:
    """Sort by the letter `ahead`, keeping the order of those with the same one."""
    for entry in range(length):
        place = order[entry]
        name = letters[place + np.uint32(ahead)]
        other[starts[name]] = place
        starts[name] += np.uint32(1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _common_prefixes(
    letters: Any, order: Any, length: int, pairs: Any, joined: Any, out: Any, repeated: Any, groups: Any
) -> tuple[int, int]:
    """Count what neighbours have in common, up to 4 letters, and collect the positions whose 4-gram occurs more than once.

    Written: pairs, how many neighbours have exactly so many letters in common; joined, the same of three in a row; repeated and
    groups, these positions and the number of their 4-gram.  Returns how many there are of both.
    """
    runs2 = runs3 = runs4 = most2 = most3 = most4 = 1
    before = left = found = 0
    one, two = np.uint32(1), np.uint32(2)
    here = order[0]
    for entry in range(1, length + 1):
        common = 0
        following = here
        if entry < length:
            following = order[entry]
            same1 = letters[here] == letters[following]
            same2 = same1 & (letters[here + one] == letters[following + one])
            same3 = same2 & (letters[here + two] == letters[following + two])
            same4 = same3 & (letters[here + two + one] == letters[following + two + one])
            common = int(same1) + int(same2) + int(same3) + int(same4)
            pairs[common] += 1
            joined[min(common, before)] += 1
        runs2 = runs2 + 1 if common >= 2 else 1
        runs3 = runs3 + 1 if common >= 3 else 1
        runs4 = runs4 + 1 if common >= 4 else 1
        most2, most3, most4 = max(most2, runs2), max(most3, runs3), max(most4, runs4)
        if before == SORTED or common == SORTED:
            found += before < SORTED
            repeated[left] = here
            groups[left] = found
            left += 1
        before = common
        here = following
    out[2, 2], out[3, 2], out[4, 2] = most2, most3, most4
    return left, found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sort_longer(letters: Any, repeated: Any, groups: Any, left: int, seen: int, scratch: Any) -> Any:
    """Sort the collected positions by the fifth to tenth letter within their 4-gram; returns them, which `groups` still fits."""
    order, other, starts, of = repeated, scratch[1], scratch[4], scratch[3]
    for entry in range(left):
        of[repeated[entry]] = groups[entry]
    for ahead in range(LONGEST - 1, SORTED - 1, -1):
        starts[: seen + 1] = 0
        for entry in range(left):
            starts[letters[order[entry] + np.uint32(ahead)]] += np.uint32(1)
        _sum_before(starts, seen + 1)
        _scatter(letters, order, other, left, ahead, starts)
        order, other = other, order
    starts[: left + 1] = 0
    for entry in range(left):
        starts[groups[entry]] += np.uint32(1)
    _sum_before(starts, np.int64(groups[left - 1]) + 1)
    _scatter(of, order, other, left, 0, starts)
    return other


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sum_before(counts: Any, names: int) -> None:
    """Replace each count by the sum of those before it."""
    total = np.uint32(0)
    for name in range(names):
        many = counts[name]
        counts[name] = total
        total += many


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _longer(letters: Any, repeated: Any, groups: Any, left: int, length: int, pairs: Any, joined: Any, marks: Any) -> int:
    """Count what neighbours have in common beyond 4 letters; returns the code points within repeated 10-grams."""
    marks[:length] = 0
    some = False
    before = 0
    for entry in range(1, left):
        if groups[entry] != groups[entry - 1]:
            before = 0
            continue
        here, following = repeated[entry - 1], repeated[entry]
        common = SORTED
        while common < LONGEST and letters[here + np.uint32(common)] == letters[following + np.uint32(common)]:
            common += 1
        pairs[SORTED] -= 1
        pairs[common] += 1
        if before > 0:
            joined[SORTED] -= 1
            joined[min(common, before)] += 1
        before = common
        if common == LONGEST:
            some = True
            marks[here] = 1
            marks[following] = 1
    covered = until = 0
    if some:
        for place in range(length):
            if marks[place]:
                covered += place + LONGEST - max(until, place)
                until = place + LONGEST
    return covered
