"""Splits labelled texts so that no host is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.labels import Labelled

I64 = npt.NDArray[np.int64]


def group_of(row: Labelled) -> str:
    """What a text is never separated from: its host; if it has none, its id, or itself.

    The source is no group: all of an encyclopedia or of a crawl would be on one side.
    """
    return f"host {row.host}" if row.host else f"id {row.id}" if row.id else f"text {_digest(row.text)}"


def folds_of(rows: Sequence[Labelled], classes: Sequence[str], folds: int, seed: int = 0) -> I64:
    """The fold of each text, (n,) int64 from 0: texts of one host share a fold, equal texts too, and folds have similar classes.

    Groups are dealt out from the largest to the smallest, each to the fold that has the fewest texts of its classes; equal ones in the
    order of a digest, so that neither the order of the rows nor the names of hosts matter.
    """
    group: dict[str, str] = {}
    first: dict[str, str] = {}
    for row in rows:  # equal texts of several hosts join these hosts
        here = _root(group, group_of(row))
        there = _root(group, first.setdefault(_digest(row.text), here))
        group[max(here, there)] = min(here, there)
    members: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        members.setdefault(_root(group, group_of(row)), []).append(at)
    ordered = sorted(members, key=lambda name: (-len(members[name]), _digest(f"{seed} {name}")))
    kinds = {name: at for at, name in enumerate(sorted(set(classes)))}
    totals = np.maximum(np.bincount([kinds[name] for name in classes], minlength=len(kinds)), 1)
    filled = np.zeros((folds, len(kinds)))
    found = np.zeros(len(rows), dtype=np.int64)
    for name in ordered:
        own = np.bincount([kinds[classes[at]] for at in members[name]], minlength=len(kinds)) / totals
        cost = [sum((filled[fold] * own).tolist()) for fold in range(folds)]
        best = min(range(folds), key=lambda fold: (cost[fold], fold))
        filled[best] += own
        found[members[name]] = best
    return found


def _root(group: dict[str, str], name: str) -> str:
    root = name
    while group.setdefault(root, root) != root:
        root = group[root]
    while group[name] != root:  # shortens the way for the next time
        group[name], name = root, group[name]
    return root


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
