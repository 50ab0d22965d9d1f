"""MinHash in plain Python, directly from docs/minhash.md; the batch kernel must agree with it exactly."""

from __future__ import annotations

from corpus_builder.hashing.shingles import shingles

_LOW = (1 << 64) - 1


def mix(value: int) -> int:
    """A bijection of 64-bit numbers in which every output bit depends on every input bit (Stafford's variant 13)."""
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & _LOW
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & _LOW
    return value ^ value >> 31


def shingle_hash(shingle: str) -> int:
    """64-bit hash of a shingle's code points and their number."""
    value = len(shingle) * 0x9E3779B97F4A7C15 & _LOW
    for letter in shingle:
        value = (value ^ ord(letter)) * 0xD6E8FEB86659FD93 & _LOW
        value ^= value >> 32
    return mix(value)


def round_key(seed: int, number: int) -> int:
    """The number that a round mixes into every shingle's hash."""
    return mix(mix(seed) + (number + 1) * 0x9E3779B97F4A7C15 & _LOW)


def signature(text: str, ngram: int, hashes: int, seed: int) -> list[int] | None:
    """One 32-bit number per hash, or None for the empty text.

    Fast similarity sketching (Dahlgaard, Knudsen, Thorup 2017): in each of the first `hashes` rounds every shingle falls into one
    bin, in each of the next `hashes` rounds all fall into the same one; a bin keeps the smallest value of the first round
    that reached it.
    """
    found = [shingle_hash(shingle) for shingle in shingles(text, ngram)]
    if not found:
        return None
    bins: list[int | None] = [None] * hashes
    for number in range(2 * hashes):
        if None not in bins:
            break
        smallest: dict[int, int] = {}
        for shingle in found:
            value = mix(shingle ^ round_key(seed, number))
            place = (value >> 32) * hashes >> 32 if number < hashes else number - hashes
            smallest[place] = min(value & 0xFFFFFFFF, smallest.get(place, 1 << 32))
        for place, value in smallest.items():
            if bins[place] is None:
                bins[place] = (value + number * 0x9E3779B1) & 0xFFFFFFFF
    return [value for value in bins if value is not None]


def band_keys(minima: list[int], bands: int, rows: int) -> list[int]:
    """One 64-bit key per band of `rows` minima; the band's number is included, so that only equal bands match."""
    keys = []
    for band in range(bands):
        value = mix(band + 1)
        for minimum in minima[band * rows : (band + 1) * rows]:
            value = mix(value ^ minimum)
        keys.append(value)
    return keys
