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
from corpus_builder.sources.columns import Row
from corpus_builder.sources.jsonl import read_jsonl

BATCH_LINES = 256


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
    waiting: list[Row] = []
    for line in read_jsonl(path):
        waiting.append(line)
        if len(waiting) == BATCH_LINES:
            yield from _scored(classifier, waiting)
            waiting = []
    yield from _scored(classifier, waiting)


def _scored(classifier: Classifier, lines: Sequence[Row]) -> Iterator[dict[str, Any]]:
    columns = {name: values.tolist() for name, values in score_texts(classifier, [line.text for line in lines]).items()}
    for row, line in enumerate(lines):
        head = {"id": line.id or str(line.number)}
        if line.drop is not None:
            yield head | {"reason": line.drop.reason, "detail": line.drop.detail}
        else:
            yield head | {"scores": {name: values[row] for name, values in columns.items()}}
