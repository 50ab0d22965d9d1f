"""What every classifier is to a build: one file, some properties, and scores for texts.

A *property* is what is judged: `educational` from 0 to 5, `adult` yes or no, `topic` one of 24.  A recipe names a classifier in
[quality.classifiers.NAME]; its scores are columns like measures: NAME if it has one property, else NAME.PROPERTY.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Kind = Literal["binary", "graded", "category"]


@dataclass(frozen=True, slots=True)
class Property:
    """What a classifier judges.

    `values` are what its labels say: ("0", "1") for "binary", the grades in order for "graded", the names for "category".  The score
    of a text is the probability of "1" (0..1), the expected grade, or one of the names.
    """

    name: str
    kind: Kind
    values: tuple[str, ...]


class Classifier(Protocol):
    """A model that scores texts."""

    @property
    def digest(self) -> str:
        """Digest of everything that its scores depend on."""

    @property
    def properties(self) -> tuple[Property, ...]:
        """What it judges, in the order of its columns."""

    @property
    def measures(self) -> tuple[str, ...]:
        """The built-in measures that it reads as further features; mostly none."""

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """The scores of many texts, by property: (n,) float64, or (n,) object of names for a category.

        `measures` are (n,) columns of those that it reads.  A category also has its probability, under the name with ".probability".
        """


def columns_of(name: str, classifier: Classifier) -> dict[str, Property]:
    """The columns of a classifier that a recipe calls `name`: NAME, or NAME.PROPERTY where it has several."""
    if len(classifier.properties) == 1:
        return {name: classifier.properties[0]}
    return {f"{name}.{one.name}": one for one in classifier.properties}
