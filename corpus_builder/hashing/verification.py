"""Whether candidates are verified by default, and the minimum similarity."""

from __future__ import annotations

import math

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.minhash import MinHash, match_probability

VERIFY = 0.75
"""Ours, chosen on template families and on changed copies of Japanese pages (docs/duplicates.md): estimated from the signature, it drops
none of 20,000 pages with a mutual similarity of 0.5, and keeps 0.99 of the pairs at 0.8 or more, which fineweb and japanese are meant to find."""
BELOW_WANTED = 0.05
"""If a similarity is requested, verification starts this far below it: about the error of the estimate."""
UNLIKE, FALSE_MATCH = 0.4, 1e-6
"""Hashes that make a pair of similarity 0.4 a candidate less often than this need no verification: of 10,000 pages of such a template,
one in a hundred is dropped."""
SURE = 0.95


def verify_of(said: float | bool | None, spec: MinHash, similarity: float | None = None) -> float | None:
    """The minimum Jaccard similarity of a candidate, 0..1; None if every candidate counts.

    `said` is a similarity, False (never verify) or None (verify if hashes are few).  `similarity` is the one that the hashes were chosen
    for, if any.  Without it, the minimum is at most the similarity that the hashes find with probability `SURE`.

    >>> verify_of(None, MinHash(bands=14, rows=8)), verify_of(None, MinHash(bands=40, rows=20)), verify_of(False, MinHash())
    (0.75, None, None)
    >>> verify_of(None, MinHash(bands=13, rows=3)), verify_of(None, MinHash(bands=13, rows=3), 0.6), verify_of(0.9, MinHash())
    (0.59, 0.55, 0.9)
    """
    if said is False:
        return None
    if said is not None:
        if said is True or not 0.0 <= said <= 1.0:
            raise RecipeError(
                f"verify = {str(said).lower()} is not a Jaccard similarity; give a number from 0 to 1, for example {VERIFY}, or false to count every "
                "candidate."
            )
        return float(said)
    if match_probability(UNLIKE, spec) <= FALSE_MATCH:
        return None
    found = similarity_found(SURE, spec) if similarity is None else similarity - BELOW_WANTED
    return max(0.0, min(VERIFY, math.floor(found * 100 + 1e-6) / 100))


def similarity_found(probability: float, spec: MinHash) -> float:
    """The Jaccard similarity at which pairs become candidates with this probability; for 0.5, the middle of the curve.

    >>> round(similarity_found(0.5, MinHash(bands=14, rows=8)), 3)
    0.685
    """
    return float((1.0 - (1.0 - probability) ** (1.0 / spec.bands)) ** (1.0 / spec.rows))
