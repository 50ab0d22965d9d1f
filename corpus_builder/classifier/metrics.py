"""How well scores agree with labels: areas, confusions, precision and recall at a cut, and where the errors are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.labels import Labelled
from corpus_builder.classifier.model import F64, Property

CUT = 0.5
SHARES = (
    0.1,
    0.15,
    0.3,
    0.5,
)  # top shares at which precision and recall are reported: the cuts of Swallow v2 and v3.2, and wider ones
LENGTHS = (100, 200, 400, 800, 1600, 3200)  # code points
WORST_HOSTS = 10

Bools = npt.NDArray[np.bool_]


def auc(truth: Bools, scores: F64) -> float | None:
    """Probability that a random positive scores above a random negative, ties counting half; None without one of the two.

    >>> auc(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]))
    0.75
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    above = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def auc_error(area: float, positives: int, negatives: int) -> float:
    """Standard error of an area.  Source: Hanley and McNeil 1982, which needs no sampling.

    >>> round(auc_error(0.9, 50, 50), 3)
    0.032
    """
    one, two = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (one - area * area) + (negatives - 1) * (two - area * area)
    return float(np.sqrt(max(spread, 0.0) / (positives * negatives)))


def of_binary(truth: Bools, scores: F64) -> dict[str, Any]:
    """Metrics of a yes-or-no property: the area, the confusion at 0.5, and precision and recall of the best shares."""
    area = auc(truth, scores)
    said = scores >= CUT
    order = np.argsort(-scores, kind="stable")
    tops = []
    for share in SHARES:
        top = order[: max(1, round(share * len(scores)))]
        tops.append({"share": share, "cut": float(scores[top[-1]]), **_precision(truth, np.isin(np.arange(len(scores)), top))})
    confusion = {
        "true_positives": int((truth & said).sum()),
        "false_positives": int((~truth & said).sum()),
        "false_negatives": int((truth & ~said).sum()),
        "true_negatives": int((~truth & ~said).sum()),
    }
    wide = {} if area is None else {"auc_error": auc_error(area, int(truth.sum()), int((~truth).sum()))}
    return {
        "auc": area,
        **wide,
        "accuracy": float((truth == said).mean()),
        "cut": CUT,
        "confusion": confusion,
        **_precision(truth, said),
        "top": tops,
        "calibration": _calibration(truth, scores),
    }


def _precision(truth: Bools, said: Bools) -> dict[str, float]:
    hits = int((truth & said).sum())
    return {"precision": hits / max(int(said.sum()), 1), "recall": hits / max(int(truth.sum()), 1)}


def _calibration(truth: Bools, scores: F64) -> list[dict[str, float]]:
    """For each fifth of the scale 0..1: how many texts, their mean score, and the share of them that are positive."""
    fifths = np.minimum((scores * 5).astype(int), 4)
    groups = [(truth[fifths == fifth], scores[fifths == fifth]) for fifth in range(5)]
    return [{"texts": len(yes), "score": float(part.mean()), "positive": float(yes.mean())} for yes, part in groups if len(yes)]


def of_graded(one: Property, truth: F64, scores: F64) -> dict[str, Any]:
    """Metrics of grades: errors of the expected grade, accuracy of the nearest one, and the area of each "at least this grade"."""
    grades = np.array([float(value) for value in one.values])
    nearest = grades[np.abs(scores[:, None] - grades).argmin(axis=1)]
    confusion = [[int(((truth == wanted) & (nearest == found)).sum()) for found in grades] for wanted in grades]
    return {
        "mae": float(np.abs(scores - truth).mean()),
        "rmse": float(np.sqrt(((scores - truth) ** 2).mean())),
        "accuracy": float((nearest == truth).mean()),
        "auc_at_least": {value: auc(truth >= float(value), scores) for value in one.values[1:]},
        "confusion": confusion,
    }


def of_category(one: Property, truth: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Metrics of a category: accuracy, the mean F1 of its names, and the confusion, a row for each true name."""
    wanted, found = np.array(truth, dtype=object), np.array(names, dtype=object)
    confusion = [[int(((wanted == a) & (found == b)).sum()) for b in one.values] for a in one.values]
    table = np.array(confusion)
    hits, either = table.diagonal(), table.sum(axis=0) + table.sum(axis=1)
    return {
        "accuracy": float((wanted == found).mean()),
        "macro_f1": float((2 * hits / np.maximum(either, 1)).mean()),
        "confusion": confusion,
    }


def metrics_of(one: Property, rows: Sequence[Labelled], scores: npt.NDArray[Any]) -> dict[str, Any]:
    """All metrics of a property on rows that have a label for it, with errors by host, by length and by source."""
    labels = [row.labels[one.name] for row in rows]
    if one.kind == "category":
        found = of_category(one, [str(label) for label in labels], scores.tolist())
        errors = np.array([float(label != name) for label, name in zip(labels, scores, strict=True)])
    else:
        truth = np.array(labels, dtype=np.float64)
        if one.kind == "binary":
            found = of_binary(truth == 1.0, scores)
            errors = ((scores >= CUT) != (truth == 1.0)).astype(float)
        else:
            found = of_graded(one, truth, scores)
            errors = np.abs(scores - truth)
    return {
        "texts": len(rows),
        **found,
        "error_by_length": _by(rows, errors, _length),
        "error_by_source": _by(rows, errors, lambda row: row.source or "(none)"),
        "error_by_host": _worst(_by(rows, errors, lambda row: row.host or "(none)")),
    }


def _length(row: Labelled) -> str:
    shorter = [edge for edge in LENGTHS if edge <= len(row.text)]
    return f"{shorter[-1]} and more" if len(shorter) == len(LENGTHS) else f"below {LENGTHS[len(shorter)]}"


def _by(rows: Sequence[Labelled], errors: F64, key: Callable[[Labelled], str]) -> dict[str, dict[str, float]]:
    """Texts and mean error of each group: the share that is wrong, or for grades the distance."""
    groups: dict[str, list[float]] = {}
    for row, error in zip(rows, errors.tolist(), strict=True):
        groups.setdefault(key(row), []).append(error)
    return {name: {"texts": len(found), "error": sum(found) / len(found)} for name, found in sorted(groups.items())}


def _worst(groups: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The groups with the most error in total."""
    ordered = sorted(groups.items(), key=lambda item: (-item[1]["error"] * item[1]["texts"], item[0]))
    return dict(ordered[:WORST_HOSTS])
