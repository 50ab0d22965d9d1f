"""Trains a fastText model on character n-grams, as Swallow corpus v2 does; needs the extra `classifier`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corpus_builder.classifier.card import rounded
from corpus_builder.classifier.fasttext import PREFIX, FastTextClassifier, line_of
from corpus_builder.classifier.labels import LabelFiles, Labelled
from corpus_builder.classifier.metrics import metrics_of
from corpus_builder.classifier.model import Property
from corpus_builder.classifier.split import folds_of
from corpus_builder.classifier.train import FOLDS, Settings, chosen, data_of, labels_of, property_of
from corpus_builder.errors import InputError, MissingExtraError

# Character n-grams of 2 and 3 are Swallow corpus v2's; the rest is not published, and ours: what a few thousand labels can fill.
#
# With one thread fastText 0.10 sets only the first tenth of its matrix, and leaves in the rest what the memory held: weights of the model before
# (of another fold, which has seen the texts that are held back), or NaN.  A matrix of more than 32 MiB, as `dim` and `bucket` make it, is memory that
# glibc always has fresh from the system, which is all zeros.
SETTINGS: Mapping[str, Any] = {"minn": 2, "maxn": 3, "dim": 32, "bucket": 1 << 18, "epoch": 25, "lr": 0.5, "minCount": 1}


def train_fasttext(files: LabelFiles, settings: Settings) -> tuple[Any, dict[str, Any]]:
    """A fastText model of one property, and its card, with metrics on texts whose hosts the models had not seen.

    The same labels and settings give the same weights, where the memory of a large matrix is fresh (see SETTINGS).
    Raises InputError for labels that cannot be used, or several properties, MissingExtraError without fastText.
    """
    names = chosen(files.rows, settings.properties)
    if len(names) > 1:
        raise InputError(f"A fastText model judges one property; choose one of {', '.join(names)} with --property.")
    one = property_of(names[0], files.rows)
    rows = [row for row in files.rows if one.name in row.labels]
    folds = folds_of(rows, [str(row.labels[one.name]) for row in rows], FOLDS, settings.seed)
    scores = np.full(len(rows), "" if one.kind == "category" else np.nan, dtype=object)
    for fold in range(FOLDS):
        learned = [row for row, own in zip(rows, folds.tolist(), strict=True) if own != fold]
        held = np.flatnonzero(folds == fold)
        if len(held) and len({row.labels[one.name] for row in learned}) > 1:
            model = FastTextClassifier(fit(learned, one, settings.seed), "", (one,), "")
            scores[held] = model.score([rows[at].text for at in held.tolist()], {})[one.name]
    known = [at for at, score in enumerate(scores.tolist()) if score == score and score != ""]
    about = labels_of(one, rows)
    if known:
        seen = scores[known] if one.kind == "category" else scores[known].astype(np.float64)
        about["metrics"] = rounded(metrics_of(one, [rows[at] for at in known], seen))
    card = {"data": data_of(files, settings), "seed": settings.seed, "fasttext": dict(SETTINGS), "properties": {one.name: about}}
    return fit(rows, one, settings.seed), card


def fit(rows: Sequence[Labelled], one: Property, seed: int) -> Any:
    """A fastText model of one property."""
    try:
        import fasttext
    except ImportError as error:
        raise MissingExtraError('A fastText model needs the extra: pip install "corpus-builder[classifier]".') from error
    values = {float(value): value for value in one.values} if one.kind != "category" else {}
    if spaced := [value for value in one.values if len(value.split()) > 1]:
        raise InputError(f"fastText cannot learn the label {spaced[0]!r}, which has white space in it; rename it.")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        for row in rows:
            label = row.labels[one.name]
            file.write(f"{PREFIX}{label if isinstance(label, str) else values[label]} {line_of(row.text)}\n")
        file.flush()
        try:
            return fasttext.train_supervised(file.name, **SETTINGS, seed=seed, thread=1, verbose=0)
        except RuntimeError as error:
            raise InputError(f"fastText cannot learn the property {one.name!r} from these labels: {error}") from error
