"""Measures that a recipe turns on: of words, and the perplexity by a language model."""

from __future__ import annotations

import json

import pytest
from support.corpora import page, prose, write_warc
from support.files import run

from corpus_builder import Recipe, RecipeError, Serial, build
from corpus_builder.errors import InputError
from corpus_builder.japanese.language_model import LanguageModel
from corpus_builder.japanese.train_language_model import train
from corpus_builder.quality.catalogue import OF_WORDS
from corpus_builder.quality.word_measures import word_measures


def recipe(directory, **quality) -> Recipe:
    web = {"name": "web", "kind": "warc", "paths": ["*.warc.gz"]}
    return Recipe.of({"name": "groups", "sources": [web], "quality": quality}, base=directory)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("犬が走る。", "num_words", 4),
        ("犬が走る。", "num_stop_words", 1),
        ("犬が走る。", "alphabetic_word_fraction", 0.75),
        ("犬が走る。", "word_mean_chars", 4 / 3),
        ("\U0001f600\U0001f44d\U0001f680", "alphabetic_word_fraction", 0.0),  # a picture is no letter
        ("\U00020bb7", "alphabetic_word_fraction", 1.0),  # a kanji beyond the Basic Multilingual Plane is
        ("犬が走る。", "function_word_fraction", 1 / 3),
        ("犬\nが\n走る", "newlines_per_word", 2 / 3),
        ("犬はスモロンテだ。", "unknown_word_fraction", 0.25),
        ("犬が犬が犬が", "top_2gram_word_fraction", 1.0),  # with the blank 3 x 3 of 6, but no more than all
        ("犬が走る。猫は寝る。", "top_2gram_word_fraction", 0.3),
        ("犬が走る。犬が走る。犬が走る。", "duplicate_5gram_word_fraction", 0.4),  # only 5 of the words repeat 5 that came before
        ("", "word_mean_chars", 0.0),
        (" \n", "duplicate_5gram_word_fraction", 0.0),
    ],
)
def test_definitions_of_words(text, name, value):
    assert word_measures(text)[name] == value


def test_word_measures_lie_in_their_ranges():
    for text in (prose(1), prose(2) * 3, "a" * 50, "\ud800。\u3000\n\x00", "𠮷野家で\U0001f600"):
        found = word_measures(text)
        assert list(found) == [info.name for info in OF_WORDS.measures]
        assert all(info.low <= found[info.name] <= info.high for info in OF_WORDS.measures)


def test_a_build_has_the_measures_that_it_turns_on(tmp_path):
    write_warc(tmp_path / "a.warc.gz", [page(1), page(2)])
    model = train([prose(3), prose(1)])
    (tmp_path / "ja.lm").write_bytes(model.to_bytes())
    rules = [{"measure": "num_stop_words", "min": 2}, {"measure": "perplexity", "max": 900.0}]
    done = build(recipe(tmp_path, rules=rules, word_measures=True, language_model="ja.lm"), tmp_path / "out", Serial())
    rows = done.sql("select text, num_words, perplexity from documents join measures using (id)").fetchall()
    assert [(words, found) for _, words, found in rows] == [
        (word_measures(text)["num_words"], model.perplexity([text])[0]) for text, _, _ in rows
    ]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("name", "remedy"), [("perplexity", 'language_model = "FILE"'), ("num_stop_words", "word_measures = true")]
)
def test_a_rule_on_one_that_is_not_turned_on_says_how(tmp_path, name, remedy):
    with pytest.raises(
        RecipeError, match=rf"quality.rules\[0\] wants {name}, which is measured only with {remedy} under \[quality\]"
    ):
        recipe(tmp_path, rules=[{"measure": name, "min": 1}])


def test_a_model_that_is_not_there_is_said_before_the_first_page(tmp_path):
    write_warc(tmp_path / "a.warc.gz", [page(1)])
    with pytest.raises(InputError, match=r"The language model .*none\.lm cannot be read"):
        build(recipe(tmp_path, language_model="none.lm"), tmp_path / "out", Serial())
    assert not (tmp_path / "out" / "extract").exists()


def test_a_model_is_trained_on_files_and_a_source_of_a_build(tmp_path):
    (tmp_path / "a.txt").write_text(prose(1))
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": prose(2)}, ensure_ascii=False) + "\n")
    write_warc(tmp_path / "a.warc.gz", [page(3), page(4)])
    done = build(recipe(tmp_path), tmp_path / "out", Serial())
    said = run("train-language-model", tmp_path / "a.txt", tmp_path / "b.jsonl", "--build", done.out, "--out", tmp_path / "x.lm")
    texts = [prose(1), prose(2), *(text for (text,) in done.sql("select text from documents").fetchall())]
    assert (tmp_path / "x.lm").read_bytes() == train(texts).to_bytes()
    assert "from 1," in said
    assert "of 4 texts" in said
    run("train-language-model", "--build", done.out, "--source", "web", "--characters", 300, "--out", tmp_path / "y.lm")
    assert LanguageModel.read(tmp_path / "y.lm").trained_on["documents"] == 1
    said = run("train-language-model", "--build", done.out, "--source", "wev", "--out", tmp_path / "z.lm", code=3)
    assert f"The build {done.out} has no source 'wev' (it has web); did you mean 'web'?\n" in said
    assert "There is nothing to learn from: name files, or a build" in run(
        "train-language-model", "--out", tmp_path / "z.lm", code=3
    )
