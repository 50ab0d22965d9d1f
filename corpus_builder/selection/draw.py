"""Drawing documents: which of a stream are in a sample, by keyed digests, so that neither their order nor their division matters."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus_builder.release.mixture import keyed_number

ALL = 1 << 64


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A document that may be drawn: its number, its id, and where it is."""

    number: int
    id: str
    host: str = ""
    place: Any = None


class Lot:
    """The documents of a stratum with the smallest numbers, `most` of them, and at most `per_host` of a host.

    Adding more documents never brings back one that was left out, so memory is bounded by `most`.
    """

    def __init__(self, most: int, per_host: int | None = None) -> None:
        self._most = most + 1  # the first that is left out says how likely the others were to be drawn
        self._per_host = per_host
        self._taken: dict[str, list[Candidate]] = {}
        self._heap: list[
            tuple[int, str, Candidate]
        ] = []  # the largest number first; some were displaced by another of their host
        self._over: dict[str, int] = {}  # the smallest number that was left out because of its host
        self._size = 0
        self.bound = ALL
        """Numbers from here on cannot be drawn any more."""

    def offer(self, one: Candidate) -> None:
        """Take a document, or leave it out."""
        if one.number >= self.bound:
            return
        key = one.host if self._per_host is not None else one.id
        mine = self._taken.setdefault(key, [])
        heapq.heappush(self._heap, (-one.number, one.id, one))
        mine.append(one)
        self._size += 1
        if self._per_host is not None and len(mine) > self._per_host:
            worst = max(mine)
            self._remove(worst, key)
            self._over[key] = min(self._over.get(key, ALL), worst.number)
        while self._size > self._most:
            worst = heapq.heappop(self._heap)[2]
            key = worst.host if self._per_host is not None else worst.id
            if worst in self._taken.get(key, ()):
                self._remove(worst, key)
        if self._size == self._most:
            while (worst := self._heap[0][2]) not in self._taken.get(worst.host if self._per_host is not None else worst.id, ()):
                heapq.heappop(self._heap)
            self.bound = worst.number

    def _remove(self, one: Candidate, key: str) -> None:
        self._taken[key].remove(one)
        self._size -= 1
        if not self._taken[key]:
            del self._taken[key]

    def drawn(self, documents: int) -> list[tuple[Candidate, float]]:
        """The documents in the order of their numbers, each with how many of the stratum's `documents` it stands for.

        A document's chance to be drawn, given the numbers of all others, is the largest number with which it would have been; weights are
        its inverse (Cohen & Kaplan 2008, bottom-k sketches), scaled so that they add up to the documents of the stratum: equal without a
        limit per host; with one, shares are estimated with the small bias of a ratio, of the order of 1 / `per_host`.
        """
        taken = sorted(one for mine in self._taken.values() for one in mine)
        bound = taken.pop().number if len(taken) == self._most else ALL
        full = Counter(one.host for one in taken)
        inverse = [
            ALL / max(1, min(bound, self._over.get(one.host, ALL) if full[one.host] == self._per_host else ALL)) for one in taken
        ]
        scale = documents / sum(inverse) if inverse else 0.0
        return [(one, weight * scale) for one, weight in zip(taken, inverse, strict=True)]


def allot(available: Mapping[str, int], count: int) -> dict[str, int]:
    """How many to draw from each stratum: equally many, as far as there are so many; what small ones lack comes from the larger.

    >>> allot({"kept": 1_000, "short": 3, "spam": 500}, 100)
    {'short': 3, 'spam': 48, 'kept': 49}
    """
    found: dict[str, int] = {}
    for place, (name, most) in enumerate(sorted(available.items(), key=lambda one: (one[1], one[0]))):
        found[name] = min(most, count // (len(available) - place))
        count -= found[name]
    return found


class Tally:
    """How many documents each stratum has; of more strata than `most`, those with the smallest keyed numbers."""

    def __init__(self, most: int, seed: int) -> None:
        self._most, self._seed = most, seed
        self._counts: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        self._bound = ALL
        self.documents = 0

    def add(self, counts: Iterable[tuple[str, int]]) -> None:
        """Count documents of some strata."""
        for name, count in counts:
            self.documents += count
            if name not in self._numbers:
                number = keyed_number(self._seed, "stratum", name)
                if number >= self._bound:
                    continue
                self._numbers[name] = number
            self._counts[name] += count
        if len(self._numbers) > 2 * self._most:
            self._shrink()

    def _shrink(self) -> None:
        order = sorted(self._numbers, key=lambda name: (self._numbers[name], name))
        if len(order) > self._most:
            self._bound = self._numbers[order[self._most]]
            for name in order[self._most :]:
                del self._numbers[name], self._counts[name]

    def strata(self) -> dict[str, int]:
        """The strata to draw from, with their documents."""
        self._shrink()
        return dict(sorted(self._counts.items()))
