"""Statistics of character n-grams, exact and in linear time.

An n-gram can occur twice only if both (n - 1)-grams in it do.  So each pass numbers every n-gram that occurs more than
once, and the next pass looks only where two such numbers are adjacent: their pair is a 64-bit key that identifies the
longer n-gram exactly.  In ordinary text hardly any position is left after the 4-grams.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LONGEST = 10


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_ngrams(points: Any, names: Any, alive: Any, keys: Any, slots: Any, counts: Any, out: Any) -> int:
    """Count the n-grams of one text for n = 2 .. 10.

    points: (n,) uint32.  Scratch: names, alive and counts (n + 1,) int32; keys uint64 and slots int32 of the same length, a power
    of two of at least 2 n.  Written: out (11, 3) int64, for each n the number of distinct n-grams, of those that occur more than
    once, and the count of the most frequent one.  Returns the number of code points covered by repeated 10-grams.
    """
    length = len(points)
    out[:] = 0
    for place in range(length):
        names[place] = np.int32(points[place])
        alive[place] = place
    left_over = length
    for n in range(2, LONGEST + 1):
        total = length - n + 1
        if total < 1:
            left_over = 0
            break
        size = 16
        while size < 2 * left_over:
            size *= 2
        mask = np.uint64(size - 1)
        slots[:size] = -1
        candidates = seen = 0
        for entry in range(left_over):
            place = alive[entry]
            if place >= total or names[place + 1] < 0:
                names[place] = -1
                continue
            key = (np.uint64(names[place]) << np.uint64(32)) | np.uint64(names[place + 1])
            code = key * np.uint64(0x9E3779B97F4A7C15)
            slot = (code ^ (code >> np.uint64(32))) & mask
            while slots[slot] >= 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
            name = slots[slot]
            if name < 0:
                name = seen
                slots[slot] = name
                keys[slot] = key
                counts[name] = 0
                seen += 1
            counts[name] += 1
            names[place] = name
            alive[candidates] = place
            candidates += 1
        repeated = 0
        most = 1
        for name in range(seen):
            repeated += counts[name] > 1
            most = max(most, counts[name])
        left_over = 0
        for entry in range(candidates):
            place = alive[entry]
            if counts[names[place]] > 1:
                alive[left_over] = place
                left_over += 1
            else:
                names[place] = -1
        out[n, 0] = total - candidates + seen
        out[n, 1] = repeated
        out[n, 2] = most
    covered = until = 0
    for entry in range(left_over):
        place = alive[entry]
        covered += place + LONGEST - max(until, place)
        until = place + LONGEST
    return covered
