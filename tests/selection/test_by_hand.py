"""Labels by hand enter by the same door, and what they cannot mean is a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.models import rows_of, write_policy, write_sample

from corpus_builder import InputError, label_by_hand
from corpus_builder.commands.main import main

TEXTS = ["吾輩は猫である。", "送料無料。", "名前はまだ無い。"]
TABLE = "id\tgood\tkind\tby\nd2\t1\tnews\t花子\nd0\t0\tshop\t\nd1\t\t\t\n"


def put(directory: Path, content: str) -> Path:
    (directory / "hand.tsv").write_text(content, encoding="utf-8-sig")
    return directory / "hand.tsv"


def test_a_table_and_json_lines_give_the_same_label_file(tmp_path: Path) -> None:
    sample, hand, lines = write_sample(tmp_path, TEXTS), put(tmp_path, TABLE), tmp_path / "hand.jsonl"
    lines.write_text(
        '{"id": "d0", "labels": {"good": 0, "kind": "shop"}}\n{"id": "d2", "labels": {"good": 1, "kind": "news"}, "by": "花子"}\n'
    )
    runs = [label_by_hand(sample, one, tmp_path / f"{one.suffix}.out", policy=write_policy(tmp_path)) for one in (hand, lines)]
    first, _, last = rows_of(sample)
    assert rows_of(runs[0].out) == [
        {**first, "labels": {"good": 0, "kind": "shop"}, "by": "hand"}, {**last, "labels": {"good": 1, "kind": "news"}, "by": "花子"},
    ]  # fmt: skip
    assert [(run.documents, run.labelled) for run in runs] == [(3, 2), (3, 2)]
    assert runs[0].digest == runs[1].digest
    result = CliRunner().invoke(main, ["label", str(sample), "--labels", str(hand), "--out", str(runs[0].out), "--json"])
    assert (result.exit_code, json.loads(result.output)["digest"]) == (0, runs[0].digest)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\tgod\nd0\t1\n", r"document 'd0': the policy has no property 'god'; did you mean 'good'\? It has good, kind"),
        ("id\tgood\nd0\t2\n", "document 'd0': good = '2' is none of 0, 1"),
        ("id\tkind\nd0\tNews\n", r"document 'd0': kind = 'News' is none of news, shop; did you mean 'news'\?"),
        ("id\tgood\nd0\t1\nd9\t1\n", "1 rows cannot be used; correct them. The first: .*no text"),
        ("id\ttext\tgood\nd0\t\t1\nx\t猫\t1\n", "labels 1 documents that .*sample.jsonl does not have, the first 'x'"),
        ("id\tgood\nd0\t1\nd0\t0\n", "labels the document 'd0' twice"),
        ("id\tgood\nd0\t1\t0\n", "holds no row that can be used"),
    ],
)
def test_labels_that_cannot_be_meant_are_sentences(tmp_path: Path, content: str, said: str) -> None:
    sample, policy = write_sample(tmp_path, TEXTS), write_policy(tmp_path)
    with pytest.raises(InputError, match=said):
        label_by_hand(sample, put(tmp_path, content), tmp_path / "out.jsonl", policy=policy)
    assert not (tmp_path / "out.jsonl").exists()


def test_what_is_for_a_model_does_not_go_with_labels_by_hand(tmp_path: Path) -> None:
    words = [
        "label",
        str(write_sample(tmp_path, TEXTS)),
        "--labels",
        str(put(tmp_path, TABLE)),
        "--out",
        str(tmp_path / "o"),
        "--model",
        "m",
    ]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, "no model is asked" in result.output) == (2, True)
