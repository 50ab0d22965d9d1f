"""The gold set is what its labels say, and its two halves share no host."""

import importlib.util
import json
import tarfile

from support.paths import ROOT

GOLD = ROOT / "data" / "gold"
spec = importlib.util.spec_from_file_location("label", GOLD / "label.py")
label = importlib.util.module_from_spec(spec)
spec.loader.exec_module(label)
rows = [json.loads(line) for line in (GOLD / "gold.jsonl").read_text(encoding="utf-8").splitlines()]


def test_gold_is_what_the_labels_keep():
    pages = label.packed()
    assert [label.gold(row, pages[row["name"]]) for row in label.labels()] == rows


def test_every_page_is_packed_once():
    with tarfile.open(GOLD / "pages.tar.xz") as tar:
        assert tar.getnames() == sorted(row["name"] for row in rows)


def test_no_host_is_in_both_halves():
    hosts = {split: {row["host"] for row in rows if row["split"] == split} for split in ("train", "test")}
    assert hosts["train"] & hosts["test"] == set()
    assert hosts["train"] | hosts["test"] == {row["host"] for row in rows}


def test_test_half_is_large_and_mostly_real():
    test = [row for row in rows if row["split"] == "test"]
    assert len(test) >= 60
    assert sum(not row["written"] for row in test) >= 50
    assert len({row["kind"] for row in test}) >= 15


def test_texts_hold_no_empty_lines():
    assert [row["name"] for row in rows if any(not line.strip() for line in row["text"].split("\n")) and row["text"]] == []


def test_lines_can_be_taken_out_of_a_block():
    found = label.blocks("<p>一<br>二<br>三</p><table><tr><td>四</td><td>五</td></tr></table>")
    assert found == [("body>p", "一\n二\n三"), ("tr", "四 五")]
    assert label.kept(found, "0.2-3,1") == "二\n三\n四 五"
    assert label.kept(found, "-") == ""
