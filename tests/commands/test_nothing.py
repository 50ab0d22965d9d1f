"""A command that did its work and has nothing to show for it says so, on standard error and by exit code 7."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.corpora import ENGLISH, make_inputs, page, write_warc, write_wikipedia

from corpus_builder.commands.main import main
from corpus_builder.errors import NOTHING

RECIPE = """
name = "little"
sources = [
    { name = "web", kind = "warc", paths = ["web.warc.gz"] },
    { name = "wiki", kind = "wikipedia", paths = ["wiki.xml.bz2"] },
]
dedup = {}
quality.rules = [{ duplicates = true }, { measure = "num_letters", min = MIN, sources = ["web"] }]
"""


def said(*words: object, code: int = NOTHING, stdin: str | None = None) -> tuple[str, str]:
    found = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
    assert found.exit_code == code, found.output
    return found.stdout, found.stderr.rpartition("corpus-builder: ")[2]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_warc(tmp_path / "web.warc.gz", [page(1), page(2), page(2)])
    write_wikipedia(tmp_path / "wiki.xml.bz2", [(9, "転送", "#転送 [[港町]]")])
    return tmp_path / "little.toml"


def test_a_source_of_which_nothing_is_kept(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("MIN", "1"))
    words = ["build", recipe, "--out", recipe.parent / "out", "--engine", "serial"]
    sentence = (
        "nothing of the source 'wiki' is in the corpus: of 1 pages that were read, none was kept; most went as redirect (1).\n"
    )
    for more in ([], ["--json"]):  # the second time there is nothing to do; it is as true
        out, err = said(*words, *more)
        assert err == sentence
    assert json.loads(out)["funnels"][0]["steps"][-1]["pages"] == 2


def test_an_empty_corpus(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("MIN", "100_000"))
    out, err = said("build", recipe, "--out", recipe.parent / "out", "--engine", "serial")
    assert err == "the corpus is empty: of 4 pages that were read, none was kept; most went as num_letters_low (2).\n"
    assert "The report:" in out


def test_a_source_that_gives_something_is_well(tmp_path: Path) -> None:
    make_inputs(tmp_path / "inputs")
    text = RECIPE.replace("web.warc.gz", "inputs/web-a.warc.gz").replace("wiki.xml.bz2", "inputs/jawiki.xml.bz2")
    (tmp_path / "little.toml").write_text(text.replace("MIN", "1"))
    out, err = said("build", tmp_path / "little.toml", "--out", tmp_path / "out", "--engine", "serial", code=0)
    assert err == ""
    assert "The report:" in out


def test_dedup_that_keeps_nothing(tmp_path: Path) -> None:
    row = json.dumps({"id": "a", "text": page(1).body.decode()})
    (tmp_path / "rows.jsonl").write_text(row + "\n")
    words = [tmp_path / "rows.jsonl", "--engine", "serial", "--index", tmp_path / "index", "--out"]
    said("dedup", *words[:3], "--out", tmp_path / "first", code=0)
    said("index", "add", tmp_path / "index", tmp_path / "first", code=0)
    assert said("dedup", *words, tmp_path / "second")[1] == "no row is kept: 1 were read.\n"
    err = said("index", "add", tmp_path / "index", tmp_path / "second")[1]
    assert err == f"no document of {tmp_path}/second survived, so the part 'second' of the index is empty.\n"
    assert said("index", "remove", tmp_path / "index", "--id", "b")[1] == "no document was removed.\n"
    assert json.loads(said("index", "remove", tmp_path / "index", "--id", "b", "--json")[0])["unknown"] == ["b"]


def test_extract_measure_and_judge_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "en.html").write_text(ENGLISH)
    said("extract", tmp_path / "en.html", code=0)
    assert said("extract", tmp_path / "en.html", "--text-only") == (
        "",
        "no page of the files is Japanese text, so nothing is printed.\n",
    )
    write_warc(tmp_path / "empty.warc.gz", [])
    assert said("extract", tmp_path / "empty.warc.gz")[1] == "no page of the files was found, so nothing is printed.\n"
    (tmp_path / "a.jsonl").write_text('{"text": ""}\n')
    out, err = said("measure", tmp_path / "a.jsonl")
    assert (json.loads(out)["reason"], err) == ("no_text", "there is no text in the file, so nothing was measured.\n")
    (tmp_path / "little.toml").write_text(RECIPE.replace("MIN", "1"))
    out, err = said("judge", "--recipe", tmp_path / "little.toml", "--source", "wiki", "--text", "猫")
    assert (out, err) == ("", "the recipe has no rule that can be tried on this text, so nothing was judged.\n")
