"""Labels without labelling: documents of a source of a build against as many of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.files import run

from corpus_builder import RecipeError, likeness, load_classifier, train_classifier
from corpus_builder.commands.main import main


def test_as_many_of_the_source_as_of_all_others(built) -> None:
    web = likeness(built, "web", 3)
    assert [(one.source, one.labels) for one in web] in (
        [("web", {"web": 1.0}), ("wikipedia", {"web": 0.0})],
        [("wikipedia", {"web": 0.0}), ("web", {"web": 1.0})],
    )
    texts = {row["id"]: (row["text"], row["host"]) for row in built.documents().to_table(["id", "text", "host"]).to_pylist()}
    for one in likeness(built, "wikipedia", 3):
        assert (one.text, one.host) == (texts[one.id][0], "" if one.source == "wikipedia" else texts[one.id][1])
    assert web == likeness(built, "web", 3) != likeness(built, "web", 3, seed=1)


def test_a_source_that_is_not_there_is_named(built) -> None:
    with pytest.raises(
        RecipeError,
        match=r"'wikipdia' cannot be learned .*: its sources are web, wikipedia, .* needed; did you mean 'wikipedia'\?$",
    ):
        likeness(built, "wikipdia", 3)


def test_one_command_makes_a_model_even_of_two_documents(built, tmp_path: Path) -> None:
    model = tmp_path / "wiki.model"
    said = run("train-classifier", "--like", "wikipedia", "--build", built.out, "--count", 10, "--out", model)
    assert "2 labelled texts" in said
    assert "There are too few labels, or too few hosts, to measure anything; label more." in said
    assert load_classifier(model).digest == train_classifier(likeness(built, "wikipedia", 10)).digest


def test_labels_and_a_source_are_not_mixed(built, tmp_path: Path) -> None:
    for words in (["--like", "wikipedia"], [], ["labels.tsv", "--like", "wikipedia", "--build", str(built.out)]):
        done = CliRunner().invoke(main, ["train-classifier", *words, "--out", str(tmp_path / "x")])
        assert (done.exit_code, "Name files of labels, or a source with --like" in done.output) == (3, True)


def test_a_fasttext_model_has_its_card_beside_it(tmp_path: Path) -> None:
    lines = [{"text": f"港の町の暮らし{at}", "labels": {"good": 1}, "host": f"a{at}", "licence": "CC0-1.0"} for at in range(20)]
    lines += [{"text": f"激安通販セール{at}", "labels": {"good": 0}, "host": f"b{at}", "licence": "CC0-1.0"} for at in range(20)]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = run("train-classifier", tmp_path / "labels.jsonl", "--features", "fasttext", "--out", tmp_path / "one.bin")
    assert "AUC 1.000" in said
    card = json.loads((tmp_path / "one.bin.json").read_bytes())
    assert (card["data"]["licences"], card["properties"]["good"]["labels"]) == ({"CC0-1.0": 40}, {"0": 20, "1": 20})
    scores = load_classifier(tmp_path / "one.bin").score(["港の町", "激安通販"], {})["score"]
    assert scores[0] > 0.6 > 0.4 > scores[1]
