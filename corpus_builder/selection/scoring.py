"""Scores texts outside a build: what a classifier would say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.load import load_classifier
from corpus_builder.classifier.model import Classifier
from corpus_builder.quality.measures import measure_texts
from corpus_builder.sources.jsonl import answered_lines


def score_texts(model: str | Path | Classifier, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The scores of some texts by a model or its file, by property: (n,) float64, or (n,) object of names for a category.

    The measures that the model reads are measured first.  Raises InputError for a file that is no model.
    """
    one = load_classifier(model) if isinstance(model, str | Path) else model
    measured = measure_texts(texts, list(one.measures)) if one.measures else {}
    return one.score(texts, {name: column.astype(np.float64) for name, column in measured.items()})


def scored_lines(model: str | Path, path: Path) -> Iterator[dict[str, Any]]:
    """A JSONL file's texts, scored: `id` (the line's own, else its number) and `scores`, or `id` and `reason`."""
    classifier = load_classifier(model)
    return answered_lines(path, "scores", lambda texts: score_texts(classifier, texts))
