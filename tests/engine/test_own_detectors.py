"""A detector of one's own says how much of a text is in its language, and whatever else it does is a sentence with the page."""

import json

import pytest
from support.builds import reasons
from support.corpora import make_inputs, prose
from support.notebook import Notebook

from corpus_builder import Recipe, Serial, Source, StageError, build
from corpus_builder.errors import RecipeError

CELL = """
import os, sys
def kana(text): return sum("ぁ" <= letter <= "ん" for letter in text) / len(text)
def high(text): return 1.5
def words(text): return "yes"
def fails(text): raise KeyError("ja")
def leaves(text): os._exit(3)
def exits(text): sys.exit(0)
"""


def recipe(kind: str, path: str, detector, **more) -> Recipe:
    return Recipe(name="x", sources=[Source(name="own", kind=kind, paths=[path], detector=detector, language="ja", **more)])


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """Rows of Japanese and of English, and a notebook with detectors."""
    monkeypatch.chdir(make_inputs(tmp_path / "inputs"))
    rows = [{"text": prose(1)}, {"text": "Nothing of this is Japanese."}, {"text": prose(2)}]
    (tmp_path / "inputs/rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    notebook = Notebook()
    notebook.run(CELL)
    return notebook


def test_a_detector_decides_which_texts_are_in_the_language(texts):
    done = build(recipe("jsonl", "rows.jsonl", texts["kana"], min_language_score=0.2), "out", Serial())
    assert reasons(done) == {"rows.jsonl/1": "", "rows.jsonl/2": "not_japanese", "rows.jsonl/3": ""}
    (row,) = done.ledger().to_table().to_pylist()
    assert (row["value"], row["threshold"]) == (0.0, 0.2)


@pytest.mark.parametrize(
    ("kind", "path", "page"),
    [
        ("jsonl", "rows.jsonl", "rows.jsonl/1"),
        ("wikipedia", "jawiki.xml.bz2", r"jawiki.xml.bz2/(5|-1)"),
        ("warc", "web-b.warc.gz", r"web-b.warc.gz/\d+"),
    ],
)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("high", r"failed on the page '{page}'.*: it returned 1.5, no probability\. Let it return a number from 0 to 1\."),
        ("words", r"failed on the page '{page}'.*: it returned 'yes', no probability\."),
        ("fails", r"failed on the page '{page}'.*: KeyError: 'ja'\."),
        ("exits", r"failed on the page '{page}'.*: SystemExit: 0\."),
        ("leaves", r"ended its process \(exit code 3\) on the page '{page}'"),
    ],
)
def test_whatever_a_detector_does_is_a_sentence_with_the_page(texts, kind, path, page, name, says):
    with pytest.raises(StageError, match=f"The detector __main__:{name} {says.format(page=page)}"):
        build(recipe(kind, path, texts[name]), "out", Serial())


def test_a_detector_is_named_as_other_functions_are(texts, tmp_path):
    (tmp_path / "inputs/own_detectors.py").write_text(CELL)
    done = build(recipe("jsonl", "rows.jsonl", "own_detectors:kana", min_language_score=0.2), "out", Serial())
    assert reasons(done)["rows.jsonl/2"] == "not_japanese"
    with pytest.raises(RecipeError, match=r"own_detectors.py has no function 'kanna'; did you mean 'kana'\?"):
        build(recipe("jsonl", "rows.jsonl", "own_detectors:kanna"), "out", Serial())
    with pytest.raises(RecipeError, match=r"^Unknown detector 'fastext:model'"):
        build(recipe("jsonl", "rows.jsonl", "fastext:model"), "out", Serial())
