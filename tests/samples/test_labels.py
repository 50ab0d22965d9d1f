"""The shipped labels: their form, their licences, the policy that they follow, and the model that they train."""

import contextlib
import hashlib
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.paths import ROOT

from corpus_builder import score_texts
from corpus_builder.commands.main import main

LABELS = ROOT / "data" / "labels"


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


SPLITS = {name: read(LABELS / f"{name}.jsonl") for name in ("train", "test")}
ROWS = [row for rows in SPLITS.values() for row in rows]
GOLD = {row["name"]: row for row in read(ROOT / "data" / "gold" / "gold.jsonl")}


def test_no_host_and_no_text_is_on_both_sides() -> None:
    train, test = ({row["host"] for row in rows} for rows in SPLITS.values())
    assert train & test == set()
    assert len({row["text"] for row in ROWS}) == len({row["id"] for row in ROWS}) == len(ROWS)


def test_good_is_what_the_policy_says_of_the_grade_and_every_kind_stands_in_it() -> None:
    policy = (LABELS / "policy.md").read_text(encoding="utf-8")
    kinds = set(re.findall(r"`(\w+)`", policy.split("## kind")[1]))
    assert {row["labels"]["kind"] for row in ROWS} == kinds
    assert {row["labels"]["quality"] for row in ROWS} == {0, 1, 2, 3, 4, 5}
    assert [row["id"] for row in ROWS if row["labels"]["good"] != int(row["labels"]["quality"] >= 3)] == []


def test_every_passage_has_a_length_and_letters_that_a_page_has() -> None:
    assert [row["id"] for row in ROWS if not 80 <= len(row["text"]) <= 600] == []
    odd = {"Cc", "Cn", "Co", "Cs"}
    assert [
        row["id"] for row in ROWS if any(unicodedata.category(letter) in odd for letter in row["text"].replace("\n", ""))
    ] == []


def test_a_passage_of_the_gold_set_has_the_licence_of_its_page() -> None:
    for row in ROWS:
        if row["origin"].startswith("data/gold/"):
            page = GOLD[row["origin"].removeprefix("data/gold/")]
            assert (row["licence"], row["host"], row["source"]) == (
                page["licence"],
                page["host"],
                "written" if page["written"] else "real",
            )


def test_every_other_passage_is_wikipedias_or_written_for_the_project() -> None:
    others = {(row["licence"], row["source"]) for row in ROWS if not row["origin"].startswith("data/gold/")}
    assert others == {("CC0-1.0", "written"), ("CC-BY-SA-3.0", "real")}
    assert all(
        row["origin"].startswith("https://ja.wikipedia.org/wiki/")
        if row["licence"] == "CC-BY-SA-3.0"
        else row["host"].endswith(".example")
        for row in ROWS
        if not row["origin"].startswith("data/gold/")
    )


@pytest.fixture(scope="module")
def scores() -> NDArray[np.float64]:
    """What the shipped model says of the passages to report on."""
    return score_texts(ROOT / "data" / "models" / "reading.model", [row["text"] for row in SPLITS["test"]])["good"]


def test_the_shipped_model_tells_good_from_bad(scores: NDArray[np.float64]) -> None:
    good = np.array([row["labels"]["good"] == 1 for row in SPLITS["test"]])
    pairs = scores[good][:, None] - scores[~good]
    assert round(float((pairs > 0).mean() + (pairs == 0).mean() / 2), 3) == 0.991


def test_the_shipped_model_says_what_it_was_trained_on() -> None:
    head = (ROOT / "data" / "models" / "reading.model").read_bytes().split(b"\n")[1]
    digest = hashlib.sha256((LABELS / "train.jsonl").read_bytes()).hexdigest()
    assert digest.encode() in head, (
        "the labels changed: run `make reading-model`, then look at tests/samples and docs/choosing.md"
    )


@pytest.mark.slow
def test_training_again_gives_the_shipped_bytes(tmp_path: Path) -> None:
    command = re.search(r"train-classifier (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert command is not None
    words = command[0].replace("--out data/models/reading.model", f"--out {tmp_path / 'again.model'}").split()
    with contextlib.chdir(ROOT):
        done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again.model").read_bytes() == (ROOT / "data" / "models" / "reading.model").read_bytes()
