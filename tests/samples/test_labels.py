"""The shipped labels: their form, their licences, and the policy that they follow."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from support.paths import ROOT

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
