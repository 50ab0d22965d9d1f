"""MinHash signatures and band keys of many texts at once; docs/minhash.md is the specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.japanese.letters import code_points

SPECIFICATION = "minhash/1"
"""Name of the hash specification, which changes with any key."""

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MinHash:
    """Parameters of MinHash: two texts are candidates if all `rows` minima of any of `bands` bands are equal; shingles are character n-grams."""

    ngram: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 0

    @property
    def hashes(self) -> int:
        """Number of minima in a signature."""
        return self.bands * self.rows


def signatures(texts: Sequence[str], spec: MinHash) -> tuple[U32, Bools]:
    """Signatures (n, hashes) uint32, and which texts have any shingle (n,) bool; the row of an empty text is 0.

    P(equal minima) is the Jaccard similarity of the shingle sets, for long and for short texts.
    """
    points, starts = code_points(texts)
    longest = int(np.diff(starts).max(initial=0))
    found = np.zeros((len(texts), spec.hashes), dtype=np.uint32)
    _sign(points, starts, spec.ngram, _round_keys(spec), longest, found)
    return found, np.diff(starts) > 0


def band_keys(found: U32, spec: MinHash) -> U64:
    """One key per band: (n, hashes) uint32 -> (n, bands) uint64."""
    keys = np.empty((len(found), spec.bands), dtype=np.uint64)
    _join(np.ascontiguousarray(found), spec.rows, keys)
    return keys


def match_probability(jaccard: float, spec: MinHash) -> float:
    """Probability, 0..1, that two texts of Jaccard similarity s become candidates: 1 - (1 - s^rows)^bands.

    >>> round(match_probability(0.9, MinHash(bands=40, rows=20)), 3)
    0.994
    """
    return float(1.0 - (1.0 - jaccard**spec.rows) ** spec.bands)


def shingle_sets(texts: Sequence[str], ngram: int) -> tuple[U64, npt.NDArray[np.int64]]:
    """The sorted distinct shingle hashes of each text, concatenated, and the offset where each text's begin: (m,) uint64, (n + 1,) int64."""
    points, starts = code_points(texts)
    sets = []
    for first, last in pairwise(starts.tolist()):
        found = np.empty(last - first, dtype=np.uint64)
        count = _shingle_hashes(points[first:last], ngram, found)
        sets.append(np.unique(found[:count]))
    ends = np.cumsum([0, *(len(one) for one in sets)]).astype(np.int64)
    return np.concatenate([np.zeros(0, dtype=np.uint64), *sets]), ends


def _round_keys(spec: MinHash) -> U64:
    keys = np.empty(2 * spec.hashes, dtype=np.uint64)
    _fill_round_keys(np.uint64(spec.seed), keys)
    return keys


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def mix(value: Any) -> Any:
    """A bijection of 64-bit numbers; see `reference.mix`."""
    value ^= value >> np.uint64(30)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(27)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill_round_keys(seed: Any, keys: Any) -> None:
    start = mix(seed)
    for number in range(len(keys)):
        keys[number] = mix(start + np.uint64(number + 1) * np.uint64(0x9E3779B97F4A7C15))


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _step(value: Any, point: Any) -> Any:
    value = (value ^ np.uint64(point)) * np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> np.uint64(32))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shingle_hashes(points: Any, ngram: int, found: Any) -> int:
    """Write the hashes of a text's shingles, in order of position; returns their number."""
    width = min(ngram, len(points))
    if width == 0:
        return 0
    start = np.uint64(width) * np.uint64(0x9E3779B97F4A7C15)
    count = len(points) - width + 1
    if width == 5:  # the usual width, unrolled, so that the compiler hashes several positions at a time
        for place in range(count):
            value = _step(_step(start, points[place]), points[place + 1])
            value = _step(_step(value, points[place + 2]), points[place + 3])
            found[place] = mix(_step(value, points[place + 4]))
        return count
    for place in range(count):
        value = start
        for step in range(width):
            value = _step(value, points[place + step])
        found[place] = mix(value)
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sign(points: Any, starts: Any, ngram: int, round_keys: Any, longest: int, out: Any) -> None:
    """Fast similarity sketching of every text: see `reference.signature`.

    A bin holds the round in its upper half and the value in its lower one, so that its minimum is the smallest value of the first
    round, and nothing is cleared or copied between rounds.
    """
    hashes = out.shape[1]
    shingles = np.empty(longest, dtype=np.uint64)
    mixed = np.empty(longest, dtype=np.uint64)
    bins = np.empty(hashes, dtype=np.uint64)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    nothing = np.uint64(0xFFFFFFFFFFFFFFFF)
    for text in range(len(starts) - 1):
        count = _shingle_hashes(points[starts[text] : starts[text + 1]], ngram, shingles)
        if count == 0:
            continue
        bins[:] = nothing
        left = hashes
        number = 0
        while left > 0 and number < hashes:
            key = round_keys[number]
            high = np.uint64(number) << half
            for place in range(count):  # separate from the next loop, as this one is vectorized
                mixed[place] = mix(shingles[place] ^ key)
            if left * 4 > hashes:  # an unpredictable branch costs more than it saves
                for place in range(count):
                    value = mixed[place]
                    bin_ = ((value >> half) * np.uint64(hashes)) >> half
                    before = bins[bin_]
                    left -= before == nothing
                    bins[bin_] = min(before, high | (value & low))
            else:
                for place in range(count):
                    value = mixed[place]
                    bin_ = ((value >> half) * np.uint64(hashes)) >> half
                    before, now = bins[bin_], high | (value & low)
                    if now < before:
                        left -= before == nothing
                        bins[bin_] = now
            number += 1
        if left > 0:
            for bin_ in range(hashes):
                if bins[bin_] == nothing:
                    key = round_keys[hashes + bin_]
                    least = low
                    for place in range(count):
                        least = min(least, mix(shingles[place] ^ key) & low)
                    bins[bin_] = (np.uint64(hashes + bin_) << half) | least
        row = out[text]
        for bin_ in range(hashes):
            row[bin_] = np.uint32(((bins[bin_] & low) + (bins[bin_] >> half) * np.uint64(0x9E3779B1)) & low)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _join(found: Any, rows: int, keys: Any) -> None:
    for text in range(keys.shape[0]):
        for band in range(keys.shape[1]):
            value = mix(np.uint64(band + 1))
            for step in range(rows):
                value = mix(value ^ np.uint64(found[text, band * rows + step]))
            keys[text, band] = value
