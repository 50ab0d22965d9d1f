"""Numbers that look drawn, but depend only on a seed and on what they are drawn for."""

from __future__ import annotations

from hashlib import blake2b


def keyed_number(seed: int, *parts: str | int) -> int:
    """A number in [0, 2**64) that depends only on the seed and the parts, the same on every machine.

    >>> keyed_number(0, "jawiki/5") == keyed_number(0, "jawiki/5")
    True
    """
    packed = "\0".join(map(str, (seed, *parts))).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big")
