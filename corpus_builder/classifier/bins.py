"""Measures as features: each is cut at quantiles of the training texts, and every edge that a text's value is above weighs something.

A sum of steps can follow any shape (too short is bad, too long is bad), needs no scaling, and is as safe with odd values as with usual ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus_builder.classifier.model import F64
from corpus_builder.errors import InputError

EIGHTHS = 8


@dataclass(frozen=True, eq=False)
class Bins:
    """`names` are measures, `edges` where each is cut, `weights` (edges of all, outputs) what being above an edge weighs."""

    names: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    weights: F64

    def sums(self, measures: Mapping[str, F64], texts: int) -> F64:
        """What the measures of texts weigh: (n, outputs).  Raises InputError if one is missing."""
        total = np.zeros((texts, self.weights.shape[1]))
        for step, weights in zip(above(measures, self.names, self.edges), self.weights, strict=True):
            total = total + step[:, None] * weights
        return total

    def as_json(self) -> dict[str, Any]:
        """For the head of a model file."""
        return {"names": list(self.names), "edges": [list(one) for one in self.edges], "weights": self.weights.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], outputs: int) -> Bins:
        """Read what `as_json` wrote.  Raises ValueError if the parts do not fit."""
        edges = tuple(tuple(map(float, one)) for one in value["edges"])
        weights = np.array(value["weights"], dtype=np.float64).reshape(sum(map(len, edges)), outputs)
        if len(edges) != len(value["names"]):
            raise ValueError("its measures and their bins differ in number")
        return cls(tuple(value["names"]), edges, weights)

    @classmethod
    def none(cls, outputs: int) -> Bins:
        """No measures."""
        return cls((), (), np.zeros((0, outputs)))


def edges_of(values: F64) -> tuple[float, ...]:
    """The distinct values at each eighth of the texts.

    >>> edges_of(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]))
    (0.0, 1.0, 2.0, 3.0)
    """
    ordered = np.sort(values)
    return tuple(sorted({float(ordered[len(ordered) * part // EIGHTHS]) for part in range(1, EIGHTHS)}))


def above(measures: Mapping[str, F64], names: Sequence[str], edges: Sequence[Sequence[float]]) -> list[F64]:
    """For every edge of every measure, 1.0 for the texts above it and 0.0 for others, in order."""
    found = []
    for name, own in zip(names, edges, strict=True):
        if name not in measures:
            raise InputError(
                f"The classifier reads the measure {name!r}, which was not given to it; `score_texts` measures texts, too."
            )
        column = np.asarray(measures[name], dtype=np.float64)
        found += [(column > edge).astype(np.float64) for edge in own]
    return found
