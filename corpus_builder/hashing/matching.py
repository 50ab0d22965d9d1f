"""What counts as a duplicate: the settings of a search, and its phases.

Documents are ordered by (rank, place), smallest first.  The search has up to three *phases*, each over the documents
that no earlier phase dropped: `url` (the same URL), `exact` (the same text, by its digest), `near` (an equal band of the
signature).  In each phase a document loses to the first of those that share a key with it, if the match counts, whether or not that
one is itself dropped.  So no two survivors of all phases share a key that counts: deduplicating the survivors drops nothing.
Source of the rule: doubri, the tool behind the Swallow corpora.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corpus_builder.hashing.minhash import MinHash

PHASES = ("url", "exact", "near")


@dataclass(frozen=True)
class Matching:
    """What counts as a duplicate, and which of them are dropped.

    `verify`: the minimum Jaccard similarity, 0..1, of a match in the phase `near`, estimated from the signature or computed from the text.
    `groups`: drop what matches a better document, or all but the best of each connected component of matches.
    `indexed`: documents of an index always stay, or compete with the new ones by rank.
    """

    minhash: MinHash
    url: bool = False
    verify: float | None = None
    verify_by: Literal["signature", "text"] = "signature"
    groups: Literal["first", "components"] = "first"
    indexed: Literal["stay", "compete"] = "stay"

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of the search, in order."""
        return PHASES if self.url else PHASES[1:]
