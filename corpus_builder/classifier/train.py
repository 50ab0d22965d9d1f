"""Trains the linear model from labelled texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.arithmetic import log
from corpus_builder.classifier.features import Counts, NGrams, count_ngrams
from corpus_builder.classifier.labels import LabelFiles, Labelled, read_labels
from corpus_builder.classifier.linear import LinearClassifier, damped, outputs_of
from corpus_builder.classifier.logistic import fit
from corpus_builder.classifier.model import F64, Property
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.store.files import write_atomically

PENALTY = 0.1
MOST_GRADES = 20
BITS = 20


def train_classifier(
    labels: Sequence[Path] | Sequence[Labelled],
    out: Path | None = None,
    *,
    properties: Sequence[str] = (),
    ngrams: tuple[int, int] = (1, 3),
    bits: int = BITS,
) -> LinearClassifier:
    """Train a classifier on label files, or on labelled texts, and write it to the file `out`.

    `properties` are those to learn, all that the labels have if none are named.  N-grams are hashed to 2 ** bits places (10..24): 14 make a
    model of 130 kB a property, which on few labels is as good as a large one.  The same labels and settings give the same bytes.
    Raises InputError if the labels cannot be used, for example because all texts have the same label.
    """
    given = list(labels)
    if all(isinstance(one, Labelled) for one in given):
        files = LabelFiles(tuple(given), {}, 0, 0, ())  # type: ignore[arg-type]
    else:
        files = read_labels([Path(one) for one in given])  # type: ignore[arg-type]
    wanted = [property_of(name, files.rows) for name in chosen(files.rows, properties)]
    model = fit_linear(files.rows, wanted, NGrams(*ngrams, bits), {"labels": dict(files.digests)})
    if out is not None:
        write_atomically(Path(out), model.to_bytes())
    return model


def chosen(rows: Sequence[Labelled], names: Sequence[str]) -> list[str]:
    """The properties to learn.  Raises InputError for one that no row has a label for."""
    known = sorted({name for row in rows for name in row.labels})
    for name in names:
        if name not in known:
            raise InputError(f"No row has a label for {name!r}{did_you_mean(name, known)}; the labels have {', '.join(known)}.")
    return list(names) or known


def property_of(name: str, rows: Sequence[Labelled]) -> Property:
    """What the labels of a property say that it is.  Raises InputError if they cannot be learned from."""
    values = {row.labels[name] for row in rows if name in row.labels}
    numbers = {value for value in values if not isinstance(value, str)}
    if numbers and len(numbers) < len(values):
        word = next(value for value in values if isinstance(value, str))
        raise InputError(
            f"The property {name!r} has numbers and names as labels, for example {word!r}; it needs one or the other."
        )
    if len(values) < 2:
        only = "".join(repr(value) for value in values)
        raise InputError(
            f"All labels of the property {name!r} are {only}; there is nothing to tell apart. Add examples of the other kind."
        )
    if not numbers:
        return Property(name, "category", tuple(sorted(map(str, values))))
    if len(numbers) > MOST_GRADES:
        raise InputError(f"The property {name!r} has {len(numbers)} different grades; round them to {MOST_GRADES} at most.")
    grades = tuple(f"{number:g}" for number in sorted(numbers))
    return Property(name, "binary" if grades == ("0", "1") else "graded", grades)


def fit_linear(
    rows: Sequence[Labelled], properties: Sequence[Property], ngrams: NGrams, card: dict[str, Any]
) -> LinearClassifier:
    """A linear model for all properties."""
    counts = count_ngrams([row.text for row in rows], ngrams)
    used, places = np.unique(counts.places, return_inverse=True)
    idf = _idf(places, len(used), len(rows))
    values = _unit_rows(counts, places, idf)
    table = np.zeros((1 << ngrams.bits, 1 + sum(map(outputs_of, properties))), dtype=np.float32)
    table[used, 0] = idf
    bias: list[float] = []
    for one in properties:
        chosen_rows = np.array([at for at, row in enumerate(rows) if one.name in row.labels], dtype=np.int64)
        costs = np.array([rows[at].weight for at in chosen_rows])
        for targets in _targets(one, [rows[at].labels[one.name] for at in chosen_rows]):
            weights = np.zeros(len(used) + 1)
            penalty = np.full(len(used) + 1, PENALTY)
            penalty[-1] = 1e-6
            fit(counts.starts, places, values, chosen_rows, targets, costs, penalty, weights)
            bias.append(float(weights[-1]))
            table[used, len(bias)] = weights[:-1] * idf
    return LinearClassifier(ngrams, tuple(properties), table, np.array(bias), card)


def _targets(one: Property, labels: Sequence[float | str]) -> list[F64]:
    if one.kind == "category":
        return [np.array([float(label == name) for label in labels]) for name in one.values]
    return [np.array([float(float(label) >= float(grade)) for label in labels]) for grade in one.values[1:]]


def _idf(places: npt.NDArray[Any], size: int, texts: int) -> F64:
    frequencies = np.bincount(places, minlength=size)
    by_frequency = np.array([0.0, *(1.0 + log((1.0 + texts) / (1.0 + known)) for known in range(1, texts + 1))])
    return np.asarray(by_frequency[frequencies])


def _unit_rows(counts: Counts, places: npt.NDArray[Any], idf: F64) -> F64:
    weigh = np.array([0.0, *(damped(count) for count in range(1, int(counts.counts.max(initial=1)) + 1))])
    values = weigh[counts.counts] * idf[places]
    squares = np.array(values * values)
    for start, end in zip(counts.starts[:-1], counts.starts[1:], strict=True):
        total = float(np.add.accumulate(squares[start:end])[-1]) if end > start else 0.0
        values[start:end] *= 1.0 / np.sqrt(total) if total > 0 else 0.0
    return np.asarray(values)
