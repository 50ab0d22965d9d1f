"""Scores outside a build are those of a build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.paths import ROOT

from corpus_builder import InputError, load_classifier, measure_texts, score_texts, train_classifier
from corpus_builder.commands.main import main
from corpus_builder.sources.jsonl import answered_lines

MODEL = ROOT / "data" / "models" / "reading.model"
TEXTS = [
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "今なら登録無料！ランキング1位！クリックして今すぐゲット！",
    "",
]


def test_the_measures_that_a_model_reads_are_measured() -> None:
    model = load_classifier(MODEL)
    measures = {name: column.astype(float) for name, column in measure_texts(TEXTS, list(model.measures)).items()}
    assert score_texts(MODEL, TEXTS)["good"].tolist() == model.score(TEXTS, measures)["good"].tolist()
    good, bad, _ = score_texts(model, TEXTS)["good"]
    assert good > bad


def test_the_command_prints_a_line_for_every_line(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    lines = [{"id": "a", "text": TEXTS[0]}, {"text": TEXTS[1]}, {"id": "c"}]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    done = CliRunner().invoke(main, ["score", str(MODEL), str(file)])
    first, second = score_texts(MODEL, TEXTS[:2])["good"].tolist()
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found[:2] == [{"id": "a", "scores": {"good": first}}, {"id": "2", "scores": {"good": second}}]
    assert found[2]["id"] == "c"
    assert "reason" in found[2]
    assert done.exit_code == 0


def test_nothing_to_score_is_said(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("", encoding="utf-8")
    assert CliRunner().invoke(main, ["score", str(MODEL), str(file)]).exit_code == 7


def test_an_unknown_set_of_measures_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"'some' is unknown; it is rates, all, none, or a list"):
        train_classifier(ROOT / "data" / "labels" / "test.jsonl", measures="some")


@pytest.mark.parametrize("batch", [1, 2, 5, 6])
def test_lines_are_answered_in_order_whatever_the_batch(batch: int, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(f'{{"text": "{"猫" * n}"}}\n' for n in range(1, 6)), encoding="utf-8")
    found = answered_lines(file, "length", lambda texts: {"n": np.array([len(text) for text in texts])}, batch)
    assert list(found) == [{"id": str(n), "length": {"n": n}} for n in range(1, 6)]
