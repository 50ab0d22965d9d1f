"""Trains a linear model for all properties of labelled texts, and measures it on texts whose hosts it had not seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.bins import Bins, above, edges_of
from corpus_builder.classifier.card import rounded
from corpus_builder.classifier.curve import PARTS, Point, advice
from corpus_builder.classifier.features import NGrams
from corpus_builder.classifier.fitting import PENALTIES, USUAL, Task, best_penalty, likelihoods, solve, stack, unseen
from corpus_builder.classifier.labels import LabelFiles, Labelled
from corpus_builder.classifier.linear import LinearClassifier, scores_of
from corpus_builder.classifier.metrics import auc, auc_error, metrics_of
from corpus_builder.classifier.model import F64, Property
from corpus_builder.classifier.rows import COUNT_SCALE, STEP_SCALE, Features, NGramFeatures, StepFeatures, rows_of
from corpus_builder.classifier.split import folds_of, group_of
from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.store.files import json_bytes

FOLDS = 5
MOST_GRADES = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train: the properties (all if none are named), the n-grams, the seed of the folds, and what the card says of the labels."""

    properties: Sequence[str] = ()
    ngrams: NGrams = field(default_factory=NGrams)
    seed: int = 0
    licence: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class _Output:
    """One output: per kind of features the weights and then the bias, multiplied by their part; the bias of all; scores of unseen texts."""

    weights: Sequence[F64]
    bias: float
    likelihoods: F64


def train(files: LabelFiles, settings: Settings, measures: Mapping[str, F64]) -> LinearClassifier:
    """A linear model; `measures` are columns over the labelled texts that it shall read as further features.

    The same labels, measures and settings give the same bytes.  Raises InputError if the labels cannot be used, for example because
    all texts have the same label.
    """
    rows = files.rows
    properties = [property_of(name, rows) for name in chosen(rows, settings.properties)]
    counts = rows_of([row.text for row in rows], settings.ngrams)
    share = NGramFeatures(counts, "share")
    features: list[Features] = [share, NGramFeatures(counts, "count")]
    edges = {name: edges_of(column) for name, column in measures.items()}
    if steps := above(measures, list(edges), list(edges.values())):
        features.append(StepFeatures(steps))
    outputs: list[_Output] = []
    about: dict[str, Any] = {}
    for one in properties:
        at = np.array([place for place, row in enumerate(rows) if one.name in row.labels], dtype=np.int64)
        fitted, about[one.name] = _property(one, [rows[place] for place in at.tolist()], at, features, settings.seed)
        outputs += fitted
    idf = share.idf(np.arange(len(rows)))
    table = np.empty((len(counts.places), 1 + 2 * len(outputs)), dtype=np.float32)
    table[:, 0] = idf
    for place, output in enumerate(outputs):
        table[:, 1 + place] = output.weights[0][:-1] * idf
        table[:, 1 + len(outputs) + place] = output.weights[1][:-1] * COUNT_SCALE
    weights = (
        np.stack([output.weights[2][:-1] * STEP_SCALE for output in outputs], axis=1) if steps else np.zeros((0, len(outputs)))
    )
    return LinearClassifier(
        settings.ngrams,
        tuple(properties),
        counts.places.astype(np.int32),
        counts.limit,
        table,
        np.array([output.bias for output in outputs]),
        Bins(tuple(edges), tuple(edges.values()), weights),
        {"data": data_of(files, settings), "seed": settings.seed, "properties": rounded(about)},
    )


def chosen(rows: Sequence[Labelled], names: Sequence[str]) -> list[str]:
    """The properties to learn.  Raises InputError for one that no row has a label for."""
    known = sorted({name for row in rows for name in row.labels})
    for name in names:
        if name not in known:
            raise InputError(f"No row has a label for {name!r}{did_you_mean(name, known)}; the labels have {', '.join(known)}.")
    return list(dict.fromkeys(names)) or known


def property_of(name: str, rows: Sequence[Labelled]) -> Property:
    """What the labels of a property say that it is.  Raises InputError if they cannot be learned from."""
    values = {row.labels[name] for row in rows if name in row.labels}
    numbers = {value for value in values if not isinstance(value, str)}
    if numbers and len(numbers) < len(values):
        word = next(value for value in sorted(map(str, values - numbers)))
        raise InputError(
            f"The property {name!r} has numbers and names as labels, for example {word!r}; it needs one or the other."
        )
    if len(values) < 2:
        only = "".join(f"{value:g}" if not isinstance(value, str) else repr(value) for value in values)
        raise InputError(
            f"All labels of the property {name!r} are {only}; there is nothing to tell apart. Add examples of another kind."
        )
    if not numbers:
        return Property(name, "category", tuple(sorted(map(str, values))))
    if len(numbers) > MOST_GRADES:
        raise InputError(f"The property {name!r} has {len(numbers)} different grades; round them to {MOST_GRADES} at most.")
    grades = tuple(map(grade_name, sorted(numbers)))
    return Property(name, "binary" if grades == ("0", "1") else "graded", grades)


def grade_name(number: float | str) -> str:
    """A grade as the shortest text that gives the same number again.

    >>> grade_name(3.0), grade_name(2 / 3)
    ('3', '0.6666666666666666')
    """
    return f"{number:g}" if float(f"{float(number):g}") == number else repr(float(number))


def _targets(one: Property, labels: Sequence[float | str]) -> list[F64]:
    if one.kind == "category":
        return [np.array([float(label == name) for label in labels]) for name in one.values]
    return [np.array([float(float(label) >= float(grade)) for label in labels]) for grade in one.values[1:]]


def _property(
    one: Property, rows: Sequence[Labelled], at: npt.NDArray[np.int64], features: Sequence[Features], seed: int
) -> tuple[list[_Output], dict[str, Any]]:
    """The outputs of a property, and what the card says of it.  Penalties are chosen on the output whose two sides are most equal."""
    labels = [row.labels[one.name] for row in rows]
    folds = folds_of(rows, [str(label) for label in labels], FOLDS, seed)
    costs = np.array([row.weight for row in rows])
    tasks = [Task(at, targets, costs, folds) for targets in _targets(one, labels)]
    main = min(range(len(tasks)), key=lambda place: (abs(float(tasks[place].targets.sum()) - len(at) / 2), place))
    penalties = [USUAL] * len(features)
    if parts := tasks[main].parts():
        penalties = [best_penalty(tasks[main], unseen(tasks[main], own, PENALTIES, parts), PENALTIES) for own in features]
    outputs, shares = [], []
    for task in tasks:
        output, share = _output(task, features, penalties)
        outputs.append(output)
        shares.append(share)
    found = np.stack([output.likelihoods for output in outputs], axis=1)
    known = np.flatnonzero(~np.isnan(found).all(axis=1))
    found = np.nan_to_num(found)  # a name that only the held-out hosts have is not expected of a model
    about = {**labels_of(one, rows), "penalties": penalties}
    if not len(known):
        return outputs, {**about, "more_labels": "There are too few labels, or too few hosts, to measure anything; label more."}
    scores = scores_of([one], found[known])[one.name]
    about["metrics"] = metrics_of(one, [rows[place] for place in known.tolist()], scores)
    return outputs, {**about, **_learning(tasks[main], features, penalties, shares[main], outputs[main].likelihoods)}


def labels_of(one: Property, rows: Sequence[Labelled]) -> dict[str, Any]:
    """What the card says of a property's labels."""
    labels = [row.labels[one.name] for row in rows]
    return {
        "kind": one.kind,
        "labels": dict(sorted(Counter(label if isinstance(label, str) else grade_name(label) for label in labels).items())),
        "hosts": len({group_of(row) for row in rows}),
    }


def _output(task: Task, features: Sequence[Features], penalties: Sequence[float]) -> tuple[_Output, list[float]]:
    parts = task.parts()
    scores = [unseen(task, own, [penalty], parts)[0] for own, penalty in zip(features, penalties, strict=True)]
    shares, offset = stack(task, scores)
    weights, bias = [], offset
    for own, penalty, share in zip(features, penalties, shares, strict=True):
        weights.append(share * solve(task, own, np.arange(len(task.at)), [penalty])[1][0])
        bias += float(weights[-1][-1])
    return _Output(weights, bias, likelihoods(scores, shares, offset)), shares


def _learning(
    task: Task, features: Sequence[Features], penalties: Sequence[float], shares: Sequence[float], whole: F64
) -> dict[str, Any]:
    """The area on unseen hosts by models of an eighth, a quarter, half and all of the labels, and what it says."""
    order = np.array([int(hashlib.sha256(b"%d" % at).hexdigest()[:8], 16) for at in task.at.tolist()])
    points: list[Point] = []
    for part in PARTS:
        found = whole
        if part < 1:
            pieces = []
            for train, test in task.parts():
                some = np.sort(train[np.argsort(order[train], kind="stable")][: round(part * len(train))])
                positive = int(task.targets[some].sum())
                if 0 < positive < len(some):
                    pieces.append((some, test))
            if len(pieces) < len(task.parts()):
                continue
            scores = [unseen(task, own, [penalty], pieces)[0] for own, penalty in zip(features, penalties, strict=True)]
            found = likelihoods(scores, shares, 0.0)
        known = ~np.isnan(found)
        area = auc(task.targets[known] == 1.0, found[known])
        if area is not None:
            points.append(Point(round(part * len(task.at) * (1 - 1 / FOLDS)), area))
    if not points:
        return {}
    positive = int(task.targets.sum())
    error = auc_error(points[-1].value, positive, len(task.targets) - positive)
    curve = [{"labels": point.labels, "auc": point.value} for point in points]
    return {"learning_curve": curve, "more_labels": advice(points, error)}


def data_of(files: LabelFiles, settings: Settings) -> dict[str, Any]:
    """What the card says of the labels."""
    rows = files.rows
    content = [[row.id, row.host, row.source, row.text, dict(sorted(row.labels.items())), row.weight] for row in rows]
    return {
        "digest": hashlib.sha256(json_bytes(content)).hexdigest(),
        "files": dict(files.digests),
        "texts": len(rows),
        "characters": sum(len(row.text) for row in rows),
        "hosts": len({row.host for row in rows if row.host}),
        "sources": dict(sorted(Counter(row.source or "(none)" for row in rows).items())),
        "labelled_by": dict(sorted(Counter(row.by or "(not said)" for row in rows).items())),
        "licences": dict(sorted(Counter(row.licence or settings.licence or "(not said)" for row in rows).items())),
        "policy": settings.policy or "(not said)",
        "bad_rows": files.bad_rows,
        "without_label": files.unlabelled,
    }
