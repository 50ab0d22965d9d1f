"""Metrics agree with values worked out by hand, and splits never part a host."""

import random
from collections import Counter

import numpy as np
import pytest

from corpus_builder import Labelled
from corpus_builder.classifier.metrics import auc, metrics_of, of_binary, of_graded
from corpus_builder.classifier.model import Property
from corpus_builder.classifier.split import folds_of, group_of


def test_area_confusion_and_precision_at_cuts() -> None:
    truth, scores = np.array([True, True, False, True, False, False, False, False, False, False]), np.linspace(0.95, 0.05, 10)
    found = of_binary(truth, scores)
    assert found["auc"] == pytest.approx(20 / 21)
    assert found["confusion"] == {"true_positives": 3, "false_positives": 2, "false_negatives": 0, "true_negatives": 5}
    assert (found["precision"], found["recall"], found["accuracy"]) == (3 / 5, 1.0, 0.8)
    assert [(top["share"], top["precision"], top["recall"]) for top in found["top"]] == [
        (0.1, 1.0, 1 / 3),
        (0.15, 1.0, 2 / 3),
        (0.3, 2 / 3, 2 / 3),
        (0.5, 3 / 5, 1.0),
    ]
    assert auc(truth, np.zeros(10)) == 0.5
    assert auc(np.ones(3, dtype=bool), np.zeros(3)) is None


def test_grades_and_where_the_errors_are() -> None:
    one = Property("grade", "graded", ("0", "1", "3"))
    found = of_graded(one, np.array([0.0, 1.0, 3.0, 3.0]), np.array([0.5, 1.0, 3.0, 1.0]))
    assert (found["mae"], found["accuracy"]) == (0.625, 0.75)
    assert found["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert found["auc_at_least"] == {"1": 1.0, "3": 0.875}
    rows = [Labelled("字" * size, {"grade": 1.0}, host=host, source="web") for size, host in ((50, "a"), (150, "a"), (150, "b"))]
    by = metrics_of(one, rows, np.array([1.0, 2.0, 3.0]))
    assert by["error_by_host"] == {"b": {"texts": 1, "error": 2.0}, "a": {"texts": 2, "error": 0.5}}
    assert by["error_by_length"] == {"below 100": {"texts": 1, "error": 0.0}, "below 200": {"texts": 2, "error": 1.5}}
    assert by["error_by_source"] == {"web": {"texts": 3, "error": 1.0}}


def test_no_host_and_no_text_is_on_both_sides_and_the_order_does_not_matter() -> None:
    rng = random.Random(0)
    rows = [Labelled(f"文{rng.randrange(150)}", {}, id=str(at), host=rng.choice(["", *"abcdefgh"])) for at in range(200)]
    classes = [rng.choice("xxxy") for _ in rows]
    folds = folds_of(rows, classes, 5)
    for key in (lambda row: row.host or row.id, lambda row: row.text):
        seen: dict[str, set[int]] = {}
        for row, fold in zip(rows, folds.tolist(), strict=True):
            seen.setdefault(key(row), set()).add(fold)
        assert all(len(own) == 1 for own in seen.values())
    order = list(range(len(rows)))
    rng.shuffle(order)
    assert folds_of([rows[at] for at in order], [classes[at] for at in order], 5).tolist() == folds[order].tolist()
    alone = [Labelled(str(at), {}, host=str(at)) for at in range(100)]
    counts = Counter(zip(folds_of(alone, ["x"] * 80 + ["y"] * 20, 5).tolist(), ["x"] * 80 + ["y"] * 20, strict=True))
    assert counts == {(fold, name): size for fold in range(5) for name, size in (("x", 16), ("y", 4))}


def test_what_a_text_is_never_parted_from() -> None:
    assert group_of(Labelled("猫", {}, id="1", host="a.example")) == "host a.example"
    assert group_of(Labelled("猫", {}, id="1")) == "id 1"
    assert group_of(Labelled("猫", {})) == group_of(Labelled("猫", {"x": 1.0}))
