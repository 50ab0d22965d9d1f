"""How often each document is released, and in which order; all randomness comes from a keyed digest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.keyed import keyed_number as keyed_number


def drawn(seed: int, id_: str, copy: int, epochs: float) -> bool:
    """Whether a document appears in the epoch number `copy` (from 0) if its source is released `epochs` times.

    Whole epochs contain every document; the last, fractional one contains a document with that probability.
    """
    if copy < math.floor(epochs):
        return True
    return keyed_number(seed, "draw", id_, copy) < (epochs - copy) * 2.0**64


@dataclass(frozen=True)
class Wanted:
    """The requested mixture: for each source, `epochs` (default 1) or a share of the released characters, of at most `max_epochs`.

    A share that needs more epochs is capped, or refused if its source is `strict`.
    """

    epochs: Mapping[str, float]
    shares: Mapping[str, float]
    max_epochs: Mapping[str, float]
    strict: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Capped:
    """A share that needs more epochs than its source may be repeated.

    `needed` epochs of its `characters` would give the share; `reached` is the share that `max_epochs` give, and `most` the share
    that would need exactly `max_epochs` if no other share were capped.
    """

    source: str
    share: float
    needed: float
    max_epochs: float
    characters: int
    reached: float
    most: float

    def __str__(self) -> str:
        if not self.characters:
            return f"share = {self.share:g} of {self.source}: it has no text"
        return f"share = {self.share:g} takes {self.needed:.2f} epochs, capped at {self.max_epochs:g}: {self.reached:.4f}"

    def refused(self) -> RecipeError:
        """The error for a source that is strict."""
        where = f"release.mixture.{self.source}: share = {self.share:g}"
        if not self.characters:
            return RecipeError(
                f"{where}, but no text of this source is kept; leave the share out, or correct the source or its rules."
            )
        return RecipeError(
            f"{where} needs {self.needed:.2f} epochs of the {self.characters:,} characters of {self.source!r}, more than "
            f"max_epochs = {self.max_epochs:g}; lower the share to at most {self.most:.4f}, add text to the source, raise max_epochs "
            "if you really want that, or leave out strict to have the share capped."
        )


@dataclass(frozen=True)
class Settled:
    """How many epochs of each source are released, and which shares are capped, in the recipe's order."""

    epochs: Mapping[str, float]
    capped: tuple[Capped, ...] = ()


def settle(characters: Mapping[str, int], wanted: Wanted) -> Settled:
    """The epochs of every source, given the kept characters of each.

    A source with a share makes up that share of the released characters; if one is capped, the others still make up theirs
    of what is then released.

    >>> wanted = Wanted({}, {"wiki": 0.25}, {"wiki": 4.0})
    >>> settle({"web": 900, "wiki": 100}, wanted)
    Settled(epochs={'web': 1.0, 'wiki': 3.0}, capped=())
    >>> str(settle({"web": 1_900, "wiki": 100}, wanted).capped[0])
    'share = 0.25 takes 6.33 epochs, capped at 4: 0.1739'
    """
    resolved = {source: wanted.epochs.get(source, 1.0) for source in characters if source not in wanted.shares}
    open_ = {source: share for source, share in wanted.shares.items() if source in characters}
    capped: dict[str, tuple[float, float]] = {}  # epochs that it would need, and the share that would need exactly max_epochs
    while True:
        fixed = sum(characters[source] * times for source, times in resolved.items())
        rest = 1.0 - sum(open_.values())
        needed = {s: share * fixed / rest / characters[s] if characters[s] else math.inf for s, share in open_.items()}
        over = [s for s in open_ if needed[s] > wanted.max_epochs[s]]
        if not over:
            break
        worst = max(over, key=lambda s: needed[s] / wanted.max_epochs[s])
        most = wanted.max_epochs[worst] * characters[worst]
        share = open_.pop(worst)
        capped[worst] = needed[worst], most * (rest + share) / (fixed + most) if most else 0.0
        resolved[worst] = wanted.max_epochs[worst] if characters[worst] else 0.0
    resolved |= needed
    released = sum(characters[source] * times for source, times in resolved.items()) or 1.0
    shown = [
        Capped(s, share, capped[s][0], wanted.max_epochs[s], characters[s], characters[s] * resolved[s] / released, capped[s][1])
        for s, share in wanted.shares.items()
        if s in capped
    ]
    return Settled({source: resolved[source] for source in characters}, tuple(shown))
