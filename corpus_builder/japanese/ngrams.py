"""Statistics of character n-grams, exact and in linear time.

An n-gram can occur twice only if both (n - 1)-grams in it do.  So each pass gives a number to every n-gram that occurs more than
once, and the next pass looks only where two such numbers stand side by side: their pair is a 64-bit key that stands for the
n-gram exactly.  In ordinary text hardly any position is left after the 4-grams.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LONGEST = 10


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_ngrams(points: Any, names: Any, keys: Any, slots: Any, counts: Any, out: Any) -> int:
    """Count the n-grams of one text for n = 2 .. 10.

    points: (n,) uint32.  Scratch: names (n,) int32; keys uint64 and slots int32 of one length, a power of two and at least 2 n;
    counts (n,) int32.  Written: out (11, 3) int64, for each n the number of distinct n-grams, of those that occur more than once,
    and the count of the most frequent one.  Returns the number of code points that a repeated 10-gram covers.
    """
    length = len(points)
    out[:] = 0
    for place in range(length):
        names[place] = np.int32(points[place])
    for n in range(2, LONGEST + 1):
        total = length - n + 1
        if total < 1:
            break
        candidates = 0
        for place in range(total):
            if names[place] >= 0 and names[place + 1] >= 0:
                candidates += 1
        size = 16
        while size < 2 * candidates:
            size *= 2
        mask = np.uint64(size - 1)
        slots[:size] = -1
        seen = 0
        for place in range(total):
            left, right = names[place], names[place + 1]
            if left < 0 or right < 0:
                names[place] = -1
                continue
            key = (np.uint64(left) << np.uint64(32)) | np.uint64(right)
            code = key * np.uint64(0x9E3779B97F4A7C15)
            slot = (code ^ (code >> np.uint64(32))) & mask
            while slots[slot] >= 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
            if slots[slot] < 0:
                slots[slot] = seen
                keys[slot] = key
                counts[seen] = 0
                seen += 1
            counts[slots[slot]] += 1
            names[place] = slots[slot]
        repeated = 0
        most = 1
        for name in range(seen):
            if counts[name] > 1:
                repeated += 1
                most = max(most, counts[name])
        for place in range(total):
            if names[place] >= 0 and counts[names[place]] < 2:
                names[place] = -1
        names[total] = -1
        out[n, 0] = total - candidates + seen
        out[n, 1] = repeated
        out[n, 2] = most
    covered = 0
    until = 0
    for place in range(length - LONGEST + 1):
        if names[place] >= 0:
            covered += place + LONGEST - max(until, place)
            until = place + LONGEST
    return covered
