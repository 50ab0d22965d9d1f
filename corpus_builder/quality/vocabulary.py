"""How much of a text is vocabulary of advertising and spam: lists of our own by category, found in one pass.

The lists are the files of `corpus_builder/quality/words` (data/words/README.md says what they contain and how well they tell passages
apart).  An entry has a weight: 3 for what hardly any other text says, 2 for what is usual in its category, 1 for what news and books say,
too.  The text is scanned from left to right, taking the longest entry of any list at each place, without overlaps; harmless
words that contain an entry, such as 性感染症, are entries without a category.  Letters and digits of full width count as those of half
width, capitals as small letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.japanese.letters import code_points
from corpus_builder.quality.catalogue import VOCABULARY_CATEGORIES

CATEGORIES = tuple(VOCABULARY_CATEGORIES)
HARMLESS = "neutral"
_PAIRS = 1 << 16
_CODE_BITS = np.uint64(21)


@dataclass(frozen=True)
class Vocabulary:
    """Entries in a trie over code points: `keys` and `nodes` are a hash table from (node, code point) to node, `entry` is by node."""

    words: tuple[str, ...]
    category: npt.NDArray[np.int64]  # of each entry: a place in CATEGORIES, or their number
    weight: npt.NDArray[np.int64]  # of each entry
    keys: npt.NDArray[np.uint64]
    nodes: npt.NDArray[np.int64]
    entry: npt.NDArray[np.int64]  # of each node: an entry that ends there, or -1
    begins: npt.NDArray[np.bool_]  # by hash of two code points: whether an entry may begin with them

    @classmethod
    def of(cls, entries: Mapping[str, tuple[int, int]]) -> Vocabulary:
        """A trie of entries of at least two code points: their category and weight."""
        steps: dict[tuple[int, int], int] = {}
        ends: dict[int, int] = {}
        begins = np.zeros(_PAIRS, dtype=np.bool_)
        for number, word in enumerate(entries):
            points = [_folded.py_func(ord(letter)) for letter in word]
            begins[_pair.py_func(points[0], points[1])] = True
            node = 0
            for point in points:
                node = steps.setdefault((node, point), len(steps) + 1)
            ends.setdefault(node, number)
        size = 16
        while size < 4 * len(steps):
            size *= 2
        keys, nodes = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int64)
        for (node, point), after in steps.items():
            key = (node << int(_CODE_BITS)) | point
            slot = _slot.py_func(key, size)
            while keys[slot]:
                slot = (slot + 1) & (size - 1)
            keys[slot], nodes[slot] = key, after
        entry = np.full(len(steps) + 1, -1, dtype=np.int64)
        entry[list(ends)] = list(ends.values())
        category, weight = (np.array([pair[side] for pair in entries.values()], dtype=np.int64) for side in (0, 1))
        return cls(tuple(entries), category, weight, keys, nodes, entry, begins)

    def weigh(self, points: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The sum of the weights of the entries in each text, by category.  (n,) texts -> (n, len(CATEGORIES)) int64"""
        sums = np.zeros((len(starts) - 1, len(CATEGORIES) + 1), dtype=np.int64)
        _weigh(points, starts, self.keys, self.nodes, self.entry, self.begins, self.category, self.weight, sums)
        return sums[:, :-1]

    def found(self, text: str) -> list[tuple[str, str]]:
        """The entries in a text, in order, each with its category; harmless ones are left out.

        >>> shipped().found("性感染症の記事ではなく、オンラインカジノおすすめの広告だ。")
        [('gambling', 'オンラインカジノおすすめ')]
        """
        points, _ = code_points([text])
        numbers = np.empty(len(points) // 2 + 1, dtype=np.int64)
        count = _scan(points, 0, len(points), self.keys, self.nodes, self.entry, self.begins, numbers)
        names = (*CATEGORIES, HARMLESS)
        hits = ((names[self.category[number]], self.words[number]) for number in numbers[:count].tolist())
        return [(category, word) for category, word in hits if category != HARMLESS]


def densities(texts: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """`adult_density` and so on: weights of the entries in each text per 1,000 code points; 0 for an empty text.  (n,) float64 each

    >>> densities(["送料無料、税込価格です。"])["commerce_density"]
    array([500.])
    """
    found = densities_of(*code_points(texts))
    return {f"{name}_density": found[:, place] for place, name in enumerate(CATEGORIES)}


def densities_of(points: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The same for texts as `code_points` gives them.  (n,) texts -> (n, len(CATEGORIES)) float64"""
    per_point: npt.NDArray[np.float64] = shipped().weigh(points, starts) / np.maximum(np.diff(starts), 1)[:, None]
    return 1000.0 * per_point


@lru_cache(maxsize=1)
def entries() -> Mapping[str, tuple[int, int]]:
    """The entries of the package's lists: a place in CATEGORIES (their number for harmless ones), and the weight."""
    found: dict[str, tuple[int, int]] = {}
    for place, name in enumerate((*CATEGORIES, HARMLESS)):
        for line in (files("corpus_builder.quality") / "words" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("# "):
                word, _, weight = line.partition("\t")
                found[word] = (place, int(weight or 0))
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def shipped() -> Vocabulary:
    """The lists of the package."""
    return Vocabulary.of(entries())


@lru_cache(maxsize=1)
def digest() -> str:
    """Digest of the lists."""
    listed = sorted(f"{word}\t{place}\t{weight}" for word, (place, weight) in entries().items())
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:32]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _folded(point: Any) -> Any:
    """A code point in half width, and small."""
    if 0xFF01 <= point <= 0xFF5E:
        point = point - 0xFEE0
    if 0x41 <= point <= 0x5A:
        point = point + 0x20
    return point


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _pair(first: Any, second: Any) -> Any:
    return (first * 40503 ^ second) & 0xFFFF


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slot(key: Any, size: Any) -> Any:
    return ((((key ^ (key >> 21)) & 0x7FFFFFFF) * 0x9E3779B1) >> 12) & (size - 1)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _entry_at(points: Any, place: int, keys: Any, nodes: Any, entry: Any) -> tuple[int, int]:
    """The longest entry at a place, and its length; (-1, 1) if there is none."""
    found, length, node, size = -1, 1, 0, len(keys)
    for offset in range(len(points) - place):
        key = (node << 21) | _folded(np.int64(points[place + offset]))
        slot = _slot(key, size)
        while keys[slot] != 0 and np.int64(keys[slot]) != key:
            slot = (slot + 1) & (size - 1)
        if keys[slot] == 0:
            break
        node = nodes[slot]
        if entry[node] >= 0:
            found, length = entry[node], offset + 1
    return found, length


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _scan(points: Any, start: int, stop: int, keys: Any, nodes: Any, entry: Any, begins: Any, found: Any) -> int:
    """Write the numbers of the entries in a stretch, in order; returns how many there are.  Places that begin no entry cost little."""
    count, place = 0, start
    if stop - start < 2:
        return count
    after = _folded(np.int64(points[start]))
    known = start
    while place + 1 < stop:
        first = after if known == place else _folded(np.int64(points[place]))
        after, known = _folded(np.int64(points[place + 1])), place + 1
        length = 1
        if begins[_pair(first, after)]:
            number, length = _entry_at(points[:stop], place, keys, nodes, entry)
            if number >= 0:
                found[count] = number
                count += 1
        place += length
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weigh(
    points: Any, starts: Any, keys: Any, nodes: Any, entry: Any, begins: Any, category: Any, weight: Any, sums: Any
) -> None:
    longest = 0
    for text in range(len(starts) - 1):
        longest = max(longest, starts[text + 1] - starts[text])
    found = np.empty(longest // 2 + 1, dtype=np.int64)
    for text in range(len(starts) - 1):
        for place in range(_scan(points, starts[text], starts[text + 1], keys, nodes, entry, begins, found)):
            sums[text, category[found[place]]] += weight[found[place]]
