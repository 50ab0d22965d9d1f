"""What was removed from an index for good: ids and URLs as 64-bit hashes, so that no later addition brings them back.

Removed rows of a part are known by their numbers, which mean nothing once the part is compacted or made again.  So the ids and URLs that
were given are kept as well, for the whole index; and for a part that is compacted, which documents (id and text) were removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corpus_builder.duplicates.index.contents import Index, Part
from corpus_builder.duplicates.signed_files import SignedShard, hash_of, id_bytes, opened
from corpus_builder.hashing.reference import mix
from corpus_builder.messages.surrogates import surrogates_escaped

ROWS_AT_A_TIME = 50_000
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
NONE: U64 = np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True)
class Named:
    """Live rows with one of some ids or URLs, by (part, shard), and which of these ids and URLs occur in any row, removed ones included."""

    rows: dict[tuple[str, str], I64]
    ids: frozenset[int]
    urls: frozenset[int]
    urls_known: bool  # whether any row has a URL

    @property
    def documents(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.rows.values()))


def id_hash(id_: str) -> int:
    """64 bits of an id, as an index holds it."""
    return hash_of(surrogates_escaped(id_))


def sorted_hashes(values: Iterable[int]) -> U64:
    """Hashes in order, each once."""
    return np.array(sorted(set(values)), dtype=np.uint64)


def rows_named(index: Index, parts: Iterable[Part], ids: U64 = NONE, urls: U64 = NONE, documents: U64 = NONE) -> Named:
    """The rows of some parts whose id, URL or document is in a sorted list of hashes."""
    rows: dict[tuple[str, str], I64] = {}
    met_ids: set[int] = set()
    met_urls: set[int] = set()
    urls_known = False
    for part in parts:
        for signed in index.shards_of(part):
            found = [np.zeros(0, dtype=np.int64)]
            for first in range(0, signed.rows, ROWS_AT_A_TIME):
                here = np.arange(first, min(first + ROWS_AT_A_TIME, signed.rows))
                address = opened(signed.keys)["url"][here]
                urls_known |= bool(address.any())
                at = np.isin(address, urls)
                met_urls.update(address[at].tolist())
                if len(ids):
                    names = _ids(signed, here)
                    named = np.isin(names, ids)
                    met_ids.update(names[named].tolist())
                    at |= named
                if len(documents):
                    at |= np.isin(_documents(signed, here), documents)
                found.append(here[at])
            rows[part.name, signed.name] = np.setdiff1d(np.concatenate(found), _removed(signed))
    return Named(rows, frozenset(met_ids), frozenset(met_urls), urls_known)


def removed_documents(index: Index, part: Part) -> dict[str, U64]:
    """Which documents of a part are removed, by the origin of the part that superseded them, or "" if they were removed for good."""
    found = {"": [hashes_in(index, part.kept_out)]}
    for signed in index.shards_of(replace(part, removed={})):
        for file, by in part.removed.get(signed.name, ()):
            rows = np.asarray(opened(index.root / "removed" / file))
            for first in range(0, len(rows), ROWS_AT_A_TIME):
                found.setdefault(by, []).append(_documents(signed, rows[first : first + ROWS_AT_A_TIME]))
    return {by: np.unique(np.concatenate(parts)) for by, parts in found.items()}


def hashes_in(index: Index, name: str) -> U64:
    """The hashes in a file of `removed`; none if the name is ""."""
    return np.asarray(opened(index.root / "removed" / name)).astype(np.uint64) if name else NONE


def _ids(signed: SignedShard, rows: I64) -> U64:
    return np.array([hash_of(id_.decode("utf-8", "replace")) for id_ in id_bytes(signed, rows)], dtype=np.uint64)


def _documents(signed: SignedShard, rows: I64) -> U64:
    """Hashes of id and text, which identify a document wherever it is."""
    return np.array(
        [
            mix(id_ ^ mix(text))
            for id_, text in zip(_ids(signed, rows).tolist(), opened(signed.keys)["digest"][rows].tolist(), strict=True)
        ],
        dtype=np.uint64,
    )


def _removed(signed: SignedShard) -> I64:
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(opened(path) for path in signed.removed)]))
