"""Trains a classifier from label files: reads them, measures the texts if measures shall count, and writes the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from corpus_builder.classifier.fasttext_training import train_fasttext
from corpus_builder.classifier.features import LONGEST, MOST_BITS, NGrams
from corpus_builder.classifier.labels import LabelFiles, Labelled, read_labels
from corpus_builder.classifier.load import load_classifier
from corpus_builder.classifier.model import Classifier
from corpus_builder.classifier.train import Settings, train
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.quality.measures import MEASURES, measure_texts
from corpus_builder.store.files import write_atomically, write_json

FEWEST_BITS = 10
MEASURE_SETS: dict[str, tuple[str, ...]] = {
    "rates": tuple(name for name, info in MEASURES.items() if info.dtype == "float64"),
    "all": tuple(MEASURES),
    "none": (),
}
"""Sets of measures that a model may read; counts would tell documents that are longer than the labelled texts by their length."""


def train_classifier(
    labels: Sequence[str | Path | Labelled] | str | Path,
    out: str | Path | None = None,
    *,
    properties: Sequence[str] = (),
    features: Literal["linear", "fasttext"] = "linear",
    ngrams: tuple[int, int] = (1, 3),
    bits: int = 20,
    measures: Literal["rates", "all", "none"] | Sequence[str] | None = None,
    seed: int = 0,
    licence: str = "",
    policy: str = "",
) -> Classifier:
    """Train a classifier on label files, or on labelled texts, and write it to the file `out`.

    `properties` are those to learn, all that the labels have if none are named; `ngrams` the shortest and longest character n-grams,
    counted in a table of 2 ** `bits` places; `measures` the built-in measures that count, too: "rates", the default, are those that do not
    grow with the text, such as fractions.  `licence` and `policy` are what the model's card says of labels that do not say it
    themselves.  The same labels and settings give the same bytes.

    With `features="fasttext"` the model is a fastText model of one property over character n-grams of 2 and 3, and `out`, which it needs, gets
    its card beside it, with `.json` after its name.
    Raises InputError if the labels cannot be used, for example because all texts have the same label.
    """
    shortest, longest = ngrams
    if not 1 <= shortest <= longest <= LONGEST or not FEWEST_BITS <= bits <= MOST_BITS:
        raise InputError(
            f"Character n-grams of {shortest} to {longest} in 2 ** {bits} places cannot be counted: choose lengths from 1 to {LONGEST}, and "
            f"bits from {FEWEST_BITS} to {MOST_BITS}."
        )
    files = _files([labels] if isinstance(labels, str | Path) else list(labels))
    settings = Settings(properties, NGrams(shortest, longest, bits), seed, licence, policy)
    if features == "fasttext":
        if out is None or measures not in (None, "none"):
            raise InputError("A fastText model is a file, and reads no measures: name the file, and leave measures out.")
        trained, card = train_fasttext(files, settings)
        trained.save_model(str(out))
        write_json(card_file(Path(out)), card)
        return load_classifier(out)
    names = _measures("rates" if measures is None else measures)
    columns = measure_texts([row.text for row in files.rows], names) if names else {}
    model = train(files, settings, columns)
    if out is not None:
        write_atomically(Path(out), model.to_bytes())
    return model


def _measures(given: str | Sequence[str]) -> list[str]:
    if isinstance(given, str):
        if given not in MEASURE_SETS:
            raise InputError(f"measures = {given!r} is unknown; it is {', '.join(MEASURE_SETS)}, or a list of measures.")
        return list(MEASURE_SETS[given])
    for name in given:
        if name not in MEASURES:
            raise InputError(f"Unknown measure {name!r}{did_you_mean(name, MEASURES)}. `corpus-builder measures` lists them.")
    return list(given)


def card_file(model: Path) -> Path:
    """Where the card of a fastText model stands."""
    return model.with_name(f"{model.name}.json")


def _files(given: Sequence[str | Path | Labelled]) -> LabelFiles:
    texts = [one for one in given if isinstance(one, Labelled)]
    paths = [Path(one) for one in given if not isinstance(one, Labelled)]
    for number, one in enumerate(texts):
        numbers = [one.weight, *(label for label in one.labels.values() if not isinstance(label, str))]
        if not (all(map(math.isfinite, numbers)) and one.weight > 0):
            raise InputError(
                f"The labelled text {number} cannot be used: its weight must be a number above 0, and its labels finite."
            )
    files = (read_labels(paths) if paths else LabelFiles()).with_rows(texts)
    if not any(row.labels for row in files.rows):
        raise InputError("There is no labelled text to learn from; give label files, or texts with labels.")
    return files
