"""Everybody to the first document of what hangs together, by passes over edges that no machine holds all of.

An edge joins two documents; a document comes before another by (rank, place).  `large_star` and `small_star` look at one document's
neighbours at a time, so the edges can be dealt out by document; in turn they make every component a star around its first
document, in a number of passes that grows with the square of the logarithm of its size at worst, and is two to five for
duplicates of web pages.  Source: Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii, "Connected components in MapReduce and
beyond", SOCC 2014.

Edges are columns u_rank, u, v_rank, v.  The documents that a task looks at are in u.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Columns = dict[str, npt.NDArray[Any]]
NAMES = ("u_rank", "u", "v_rank", "v")


def both_ways(edges: Columns) -> Columns:
    """Every edge from either side."""
    there = ("v_rank", "v", "u_rank", "u")
    return {name: np.concatenate([edges[name], edges[back]]) for name, back in zip(NAMES, there, strict=True)}


def _by_node(edges: Columns) -> tuple[Columns, Any, Any]:
    """Distinct edges ordered by u, then v's order; the row at which u's edges begin; which v come before their u."""
    order = np.lexsort((edges["v"], edges["v_rank"], edges["u"]))
    edges = {name: edges[name][order] for name in NAMES}
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (edges["u"][1:] != edges["u"][:-1]) | (edges["v"][1:] != edges["v"][:-1])
    edges = {name: column[new] for name, column in edges.items()}
    u = edges["u"]
    starts = np.flatnonzero(np.concatenate([[True], u[1:] != u[:-1]])) if len(u) else np.zeros(0, dtype=np.int64)
    begins = np.repeat(starts, np.diff(np.append(starts, len(u))))
    before = (edges["v_rank"] < edges["u_rank"]) | ((edges["v_rank"] == edges["u_rank"]) & (edges["v"] < u))
    return edges, begins, before


def large_star(edges: Columns) -> tuple[Columns, int]:
    """Join all later neighbours of u to the first of u and its neighbours.  Edges (later, first), and how many u are not settled.

    `edges` holds every edge of its u.  When no u anywhere is unsettled, each component is a star: u has one neighbour that comes
    before it, the first of all, or it has none.
    """
    edges, begins, before = _by_node(edges)
    has_first = before[begins]  # u's neighbours are in order: if any comes before u, the first of them does
    least_rank = np.where(has_first, edges["v_rank"][begins], edges["u_rank"])
    least = np.where(has_first, edges["v"][begins], edges["u"])
    second = np.arange(len(begins)) == begins + 1
    unsettled = int((second & has_first).sum())
    later = ~before
    found = {"u_rank": edges["v_rank"], "u": edges["v"], "v_rank": least_rank, "v": least}
    return {name: column[later] for name, column in found.items()}, unsettled


def small_star(edges: Columns) -> Columns:
    """Join u and its earlier neighbours to the first of these; `edges` are those of u to the ones before it."""
    edges, begins, _ = _by_node(edges)
    first_rank, first = edges["v_rank"][begins], edges["v"][begins]
    starts = begins == np.arange(len(begins))
    others = edges["v"] != first
    return {
        "u_rank": np.concatenate([edges["u_rank"][starts], edges["v_rank"][others]]),
        "u": np.concatenate([edges["u"][starts], edges["v"][others]]),
        "v_rank": np.concatenate([first_rank[starts], first_rank[others]]),
        "v": np.concatenate([first[starts], first[others]]),
    }
