"""Labelled documents: the one form in which labels by hand and by a model enter training and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what was said of it, by property: a number for yes or no (1, 0) and for grades, a name for a category."""

    text: str
    labels: Mapping[str, float | str]
    id: str = ""
    host: str = ""
    source: str = ""
    by: str = ""  # who labelled it: a name, or a policy and a model
    weight: float = 1.0
    measures: Mapping[str, float] = field(default_factory=dict)
