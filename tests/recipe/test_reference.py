"""docs/recipe.md tells every key of a recipe, with examples that a recipe can hold."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from support.paths import ROOT

from corpus_builder import Recipe
from corpus_builder.recipe.part import Part

WEB = {"name": "web", "kind": "warc", "paths": ["a.warc.gz"]}
BOOKS = {"name": "books", "kind": "jsonl", "paths": ["b.jsonl"]}
WIKIPEDIA = {"name": "wikipedia", "kind": "wikipedia", "paths": ["c.xml.bz2"]}
TEXT = {"name": "novels", "kind": "text", "paths": ["d.txt"]}
TOP = "# The recipe"
LEAST = {  # what a table must have in any case
    "[quality.classifiers.NAME]": {"model": "m"},
    "[[sources]]": {"name": "pages", "kind": "warc", "paths": ["e.warc.gz"]},
}
GOES_WITH = {  # what else a key needs in its table
    **{("[[sources]]", key): BOOKS | {"name": "rows"} for key in ("text", "id", "url", "title", "date", "extra")},
    **{("[[sources]]", key): TEXT for key in ("document", "encoding")},
    **{("[[quality.rules]]", key): {"measure": "hiragana_fraction"} for key in ("min", "max", "above", "below")},
    ("[[quality.rules]]", "measure"): {"min": 0.2},
    **{("[[quality.rules]]", key): {"measure": "edu"} for key in ("any_of", "none_of")},
    ("[[quality.rules]]", "ut1_categories"): {"ut1": "lists/ut1"},
    ("[[quality.rules]]", "exact_host"): {"ut1": "lists/ut1"},
    ("[[quality.rules]]", "sources"): {"filter": "a:b"},
    **{("[select]", key): {"score": "num_letters", "top": 0.5} for key in ("by", "per", "sources", "max_epochs", "topic")},
    **{("[select]", key): {"score": "num_letters"} for key in ("top", "band", "min", "tiers")},
    ("[select]", "score"): {"top": 0.5},
    ("[[select.tiers]]", "topics"): {"name": "x"},
    ("[dedup]", "recall"): {"similarity": 0.8},
    ("[dedup]", "bytes_per_document"): {"similarity": 0.8},
    ("[dedup]", "indexed"): {"index": "documents.index"},
    ("[hosts]", "score"): {"max_documents": 100},
    ("[hosts]", "sources"): {"max_documents": 100},
    ("[lines]", "hosts"): {"scope": "both"},
    ("[release.mixture.SOURCE]", "max_epochs"): {"share": 0.1},
    ("[release.mixture.SOURCE]", "strict"): {"share": 0.1},
}


def parts() -> list[type[Part]]:
    return sorted((part for part in Part.__subclasses__() if ".recipe." in part.__module__), key=lambda part: part.__name__)


def sections() -> Iterator[tuple[str, str, list[str]]]:
    """(heading, key, examples) of every row about a key."""
    heading = TOP
    for line in (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        cells = re.split(r"(?<!\\) ?\| ?", line)
        if len(cells) == 7 and cells[1].startswith("`"):
            yield heading, cells[1].strip("`"), re.findall(r"`([^`]+)`", cells[5])


def recipe_with(heading: str, key: str, value: object) -> Recipe:
    """A recipe that says this, and beside it what it must say."""
    whole: dict[str, object] = {"name": "x", "sources": [WEB, BOOKS, WIKIPEDIA]}
    table = {**LEAST.get(heading, {}), **GOES_WITH.get((heading, key), {}), key: value}
    if heading == "[[sources]]":
        whole |= {"sources": [table], "extract": {"detector": "fasttext:lid.176.ftz"}}
    elif heading == "[[quality.rules]]":
        whole["quality"] = {"rules": [table], "classifiers": {"edu": {"model": "m"}}}
    elif heading == "[quality.classifiers.NAME]":
        whole["quality"] = {"classifiers": {"edu": table}}
    elif heading == "[[select.tiers]]":
        whole["select"] = {"score": "num_letters", "topic": "edu", "tiers": [{"name": "x"} | table]}
        whole["quality"] = {"classifiers": {name: {"model": "m"} for name in ("edu", "wiki")}}
    elif heading == "[select]":
        classifiers = {name: {"model": "m"} for name in ("edu", "rubric")}
        whole |= {"select": table, "quality": {"classifiers": classifiers, "expressions": {"worth": "edu"}}}
    elif heading == "[release.mixture.SOURCE]":
        whole["release"] = {"mixture": {"wikipedia": table}}
    else:
        whole |= table if heading == TOP else {heading.strip("[]"): table}
    if "dedup" in whole:
        whole["quality"] = {"rules": [{"duplicates": True}]}
    elif key == "duplicates":
        whole["dedup"] = {}
    return Recipe.of(whole)


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.__name__)
def test_every_key_has_a_meaning_and_an_example(part: type[Part]) -> None:
    told = {name for name, field in part.model_fields.items() if field.description and field.examples}
    assert told == {name for name, field in part.model_fields.items() if not field.exclude}


def test_every_key_has_a_row() -> None:
    keys = sorted(name for part in parts() for name, field in part.model_fields.items() if not field.exclude)
    assert sorted(key for _, key, _ in sections()) == keys


def test_a_list_of_numbers_is_not_called_one_of_strings() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]* \| (list of \w+)[^|]* \|", (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {name for name, kind in rows if kind == "list of numbers"} == {"band"}
    assert ("topics", "list of strings") in rows


def test_every_example_is_one_of_a_recipe() -> None:
    examples = [(heading, key, one) for heading, key, some in sections() for one in some]
    assert len(examples) > 70
    for heading, key, example in examples:
        ((name, value),) = tomllib.loads(example).items()
        assert name == key
        recipe_with(heading, key, value)


def test_examples_are_held_against_the_models() -> None:
    from corpus_builder import RecipeError

    with pytest.raises(RecipeError, match="verify"):
        recipe_with("[dedup]", "verify", 2)
