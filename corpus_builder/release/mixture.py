"""How often each document is released, and in which order: everything random here comes from a keyed digest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b

from corpus_builder.errors import RecipeError


def keyed_number(seed: int, *parts: str | int) -> int:
    """A number in [0, 2**64) that depends on the seed and the parts alone, the same on every machine.

    >>> keyed_number(0, "jawiki/5") == keyed_number(0, "jawiki/5")
    True
    """
    packed = "\0".join(map(str, (seed, *parts))).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big")


def drawn(seed: int, id_: str, copy: int, epochs: float) -> bool:
    """Does a document appear in its `copy`-th epoch (from 0) if its source is released `epochs` times?

    Whole epochs hold every document; the last, broken one holds a document with that probability.
    """
    if copy < math.floor(epochs):
        return True
    return keyed_number(seed, "draw", id_, copy) < (epochs - copy) * 2.0**64


def resolve_epochs(
    characters: Mapping[str, int],
    epochs: Mapping[str, float],
    shares: Mapping[str, float],
    max_epochs: Mapping[str, float],
) -> dict[str, float]:
    """Epochs of every source, given the kept characters of each.

    A source with a share makes that share of the released characters; every other one is released `epochs` times (1 if not
    said).  RecipeError if a share would take more than its source's `max_epochs`.

    >>> resolve_epochs({"web": 900, "wiki": 100}, {}, {"wiki": 0.25}, {"wiki": 4})
    {'web': 1.0, 'wiki': 3.0}
    """
    resolved = {source: epochs.get(source, 1.0) for source in characters if source not in shares}
    base = sum(characters[source] * times for source, times in resolved.items())
    total = base / (1.0 - sum(shares.values()))
    for source, share in shares.items():
        needed = share * total / characters[source] if characters.get(source) else 0.0
        if needed > max_epochs[source]:
            most = max_epochs[source] * characters[source]
            limit = most * (1.0 - sum(shares.values()) + share) / (base + most)
            raise RecipeError(
                f"release.mixture.{source}: share = {share:g} takes {needed:.2f} epochs of the {characters[source]:,} characters "
                f"of {source!r}, more than max_epochs = {max_epochs[source]:g}; lower the share to at most {limit:.4f}, "
                "add text to the source, or raise max_epochs if you mean it."
            )
        resolved[source] = needed
    return {source: resolved[source] for source in characters}
