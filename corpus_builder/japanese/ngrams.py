"""Statistics of character n-grams, exact and in linear time.

The positions of a text are sorted by the four letters that begin there (by radix, from the fourth to the first), and the few whose
4-gram occurs more than once by the eight letters after that.  What neighbours then have in common says for every n how many
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
    pairs = np.zeros(LONGEST + 1, dtype=np.int64)
    joined = np.zeros(LONGEST + 1, dtype=np.int64)
    covered = 0
    left = _common_prefixes(letters, order, length, pairs, joined, out, other, scratch[3])
    if left > 0:
        for entry in range(1, left):
            if scratch[3][other[entry]] == scratch[3][other[entry - 1]]:
                earlier[other[entry]] = other[entry - 1]
        repeated = _sort_longer(other, scratch[3], left, length, order, scratch[4])
        covered = _longer(letters, repeated, scratch[3], left, length, pairs, joined, scratch[5])
    for n in range(2, LONGEST + 1):
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
def _common_prefixes(letters: Any, order: Any, length: int, pairs: Any, joined: Any, out: Any, repeated: Any, ranks: Any) -> int:
    """Count what neighbours have in common, up to 4 letters, and collect the positions whose 4-gram occurs more than once.

    Written: pairs, for n = 2 .. 4 how many neighbours have n letters in common; joined, the same of three in a row; repeated, these
    positions, and ranks, the number of the 4-gram of each position, 0 beyond the end.  Returns how many were collected.
    """
    pairs2 = pairs3 = pairs4 = joined2 = joined3 = joined4 = 0
    before2 = before3 = before4 = 0
    runs2 = runs3 = runs4 = most2 = most3 = most4 = 1
    left, rank = 0, np.uint32(1)
    one, two, three = np.uint32(1), np.uint32(2), np.uint32(3)
    here = order[0]
    for entry in range(1, length + 1):
        ranks[here] = rank
        following = order[entry] if entry < length else here
        same2 = int((letters[here] == letters[following]) & (letters[here + one] == letters[following + one]) & (entry < length))
        same3 = same2 & int(letters[here + two] == letters[following + two])
        same4 = same3 & int(letters[here + three] == letters[following + three])
        pairs2 += same2
        pairs3 += same3
        pairs4 += same4
        joined2 += same2 & before2
        joined3 += same3 & before3
        joined4 += same4 & before4
        runs2, runs3, runs4 = 1 + same2 * runs2, 1 + same3 * runs3, 1 + same4 * runs4
        most2, most3, most4 = max(most2, runs2), max(most3, runs3), max(most4, runs4)
        repeated[left] = here
        left += before4 | same4
        rank += np.uint32(1 - same4)
        before2, before3, before4 = same2, same3, same4
        here = following
    ranks[length : length + LONGEST] = 0
    pairs[2], pairs[3], pairs[4] = pairs2, pairs3, pairs4
    joined[2], joined[3], joined[4] = joined2, joined3, joined4
    out[2, 2], out[3, 2], out[4, 2] = most2, most3, most4
    return left


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sort_longer(repeated: Any, ranks: Any, left: int, length: int, spare: Any, starts: Any) -> Any:
    """Sort the collected positions by the twelve letters that begin there, four at a time by the rank of their 4-gram."""
    order, other = repeated, spare
    for ahead in range(2 * SORTED, -1, -SORTED):
        starts[: length + 1] = 0
        for entry in range(left):
            starts[ranks[order[entry] + np.uint32(ahead)]] += np.uint32(1)
        _sum_before(starts, length + 1)
        _scatter(ranks, order, other, left, ahead, starts)
        order, other = other, order
    return order


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sum_before(counts: Any, names: int) -> None:
    """Replace each count by the sum of those before it."""
    total = np.uint32(0)
    for name in range(names):
        many = counts[name]
        counts[name] = total
        total += many


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _longer(letters: Any, repeated: Any, ranks: Any, left: int, length: int, pairs: Any, joined: Any, marks: Any) -> int:
    """Count what neighbours have in common beyond 4 letters; returns the code points within repeated 10-grams."""
    marks[:length] = 0
    before = np.zeros(LONGEST + 1, dtype=np.int64)
    for entry in range(1, left):
        here, following = repeated[entry - 1], repeated[entry]
        same = int(ranks[here] == ranks[following])
        for n in range(SORTED + 1, LONGEST + 1):
            same &= int(letters[here + np.uint32(n - 1)] == letters[following + np.uint32(n - 1)])
            pairs[n] += same
            joined[n] += same & before[n]
            before[n] = same
        marks[here] |= np.uint32(same)
        marks[following] |= np.uint32(same)
    covered = until = 0
    if pairs[LONGEST] > 0:
        for place in range(length):
            if marks[place]:
                covered += place + LONGEST - max(until, place)
                until = place + LONGEST
    return covered
