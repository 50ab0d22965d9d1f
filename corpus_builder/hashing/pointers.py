"""Links every document to the first of its connected component, by passes over pointers that need not fit into memory.

Documents are ordered by (rank, place).  Each loser *points* to an earlier document, so pointers form trees, and a document
without a pointer is a root.  *Jumping* replaces a pointer by its target's pointer, until all point to roots.  A match between two trees
*hooks* the later root onto the other.  When no match does so any more, each tree is a component, and its root is its first document.
Source: Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982; for the number of rounds, at worst the square of
the logarithm: Liu and Tarjan, "Simple concurrent labeling algorithms for connected components", SOSA 2019.

Pointers are (3, n) int64: documents, sorted; the rank and the place of their targets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.hashing.pairs import best_links

Columns = dict[str, npt.NDArray[Any]]
Pointers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def pointers(links: Columns) -> Pointers:
    """Pointers of each loser to the best document that it matched."""
    best = best_links(links)
    return np.stack([best["loser"], best["matched_rank"], best["matched"]])


def before(rank: Any, place: Any, other_rank: Any, other_place: Any) -> Bools:
    """Which documents come before others."""
    found: Bools = (rank < other_rank) | ((rank == other_rank) & (place < other_place))
    return found


def targets_of(table: Pointers, documents: Any) -> tuple[Bools, Any, Any]:
    """Which documents have a pointer, and the rank and place of its target.

    >>> found, rank, place = targets_of(np.array([[2, 5], [-1, 0], [1, 3]]), np.array([4, 5]))
    >>> found.tolist(), rank[1].item(), place[1].item()
    ([False, True], 0, 3)
    """
    if not table.shape[1]:
        nothing = np.zeros(len(documents), dtype=np.int64)
        return nothing != 0, nothing, nothing
    at = np.minimum(np.searchsorted(table[0], documents), table.shape[1] - 1)
    return table[0][at] == documents, table[1][at], table[2][at]


def hooks(roots: Columns) -> Columns:
    """For pairs of roots joined by a match, each later root and the best of those before it, sorted by place.

    Columns u_rank, u, v_rank, v, in either order; pairs of the same root are ignored.
    """
    later = before(roots["v_rank"], roots["v"], roots["u_rank"], roots["u"])
    unlike = roots["u"] != roots["v"]
    sides = {"loser": ("u", "v"), "loser_rank": ("u_rank", "v_rank"), "matched": ("v", "u"), "matched_rank": ("v_rank", "u_rank")}
    return best_links({name: np.where(later, roots[one], roots[other])[unlike] for name, (one, other) in sides.items()})


def hooked(table: Pointers, found: Columns) -> Pointers:
    """The pointers with those of hooked roots added."""
    new = pointers(found)
    at = np.searchsorted(table[0], new[0])
    return np.insert(table, at, new, axis=1)
