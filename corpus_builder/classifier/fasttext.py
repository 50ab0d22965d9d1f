"""fastText models as classifiers, such as Swallow's published edu-classifiers, and their training; needs the extra `classifier`.

A model whose labels are numbers (`__label__0` to `__label__3`) is graded, and its score the expected grade, as Swallow corpus v2 uses its
own (NLP2025 C1-5); one with other labels is a category, or with `label` the probability of that one.  Line breaks count as spaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.model import F64, Property
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.japanese.detectors import load_fasttext
from corpus_builder.store.files import digest_file

MAGIC = (793712314).to_bytes(4, "little")
"""The first bytes of a .bin or .ftz file.  Source: fastText 0.9.2, fasttext.cc."""

PREFIX = "__label__"


@dataclass(frozen=True, eq=False)
class FastTextClassifier:
    """A supervised fastText model; `label` is the one whose probability is the score, or "" for what its labels say."""

    model: Any
    digest: str
    properties: tuple[Property, ...]
    label: str

    @property
    def measures(self) -> tuple[str, ...]:
        """It reads none."""
        return ()

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """The scores of many texts, by property."""
        [one] = self.properties
        found = [self._probabilities(text) for text in texts]
        if self.label:
            return {one.name: np.array([said.get(self.label, 0.0) for said in found], dtype=np.float64)}
        if one.kind == "category":
            names = [max(one.values, key=lambda value: said.get(PREFIX + value, 0.0)) for said in found]
            likely = [said.get(PREFIX + name, 0.0) for name, said in zip(names, found, strict=True)]
            return {one.name: np.array(names, dtype=object), f"{one.name}.probability": np.array(likely, dtype=np.float64)}
        scores = [sum(float(value) * said.get(PREFIX + value, 0.0) for value in one.values) for said in found]
        return {one.name: np.array(scores, dtype=np.float64)}

    def _probabilities(self, text: str) -> dict[str, float]:
        """The probability of each label, 0..1; they sum to 1."""
        labels, values = self.model.predict(line_of(text), k=-1)
        total = float(sum(map(float, values)))
        return {label: float(value) / total for label, value in zip(labels, values, strict=True)} if total else {}


def line_of(text: str) -> str:
    """A text as fastText reads it: one line.

    >>> line_of("猫は\\n眠る")
    '猫は 眠る'
    """
    return " ".join(text.encode("utf-8", "replace").decode().replace("\0", " ").splitlines())


def load(path: Path, label: str) -> FastTextClassifier:
    """A fastText model from its file.  Raises InputError for a label that it does not have, MissingExtraError without fastText."""
    model = load_fasttext(str(path))
    labels = [one.removeprefix(PREFIX) for one in model.labels]
    if label and PREFIX + label.removeprefix(PREFIX) not in model.labels:
        near = did_you_mean(label, [*labels, *model.labels]) or "."
        raise InputError(f"The fastText model {path} has no label {label!r}{near} It has {', '.join(sorted(model.labels)[:10])}.")
    label = PREFIX + label.removeprefix(PREFIX) if label else ""
    digest = hashlib.sha256(f"{digest_file(path)} {label}".encode()).hexdigest()
    return FastTextClassifier(model, digest, (_property(labels, label),), label)


def _property(labels: Sequence[str], label: str) -> Property:
    if label:
        return Property("score", "binary", ("0", "1"))
    try:
        grades = sorted(labels, key=float)
    except ValueError:
        return Property("score", "category", tuple(sorted(labels)))
    return Property("score", "binary" if grades == ["0", "1"] else "graded", tuple(grades))
