"""A recipe from Python values is the recipe of a file, and its mistakes are the same sentences."""

from pathlib import Path

import pytest
from hypothesis import given
from support.paths import ROOT
from support.strategies import recipes

import corpus_builder
from corpus_builder import Dedup, Extract, Lines, Mixture, Quality, Recipe, RecipeError, Release, Rule, Source

WEB = Source(name="web", kind="warc", paths=["a.warc.gz"])


def python_recipe(**more) -> Recipe:
    return Recipe(
        name="mine",
        sources=[WEB, Source(name="wikipedia", kind="wikipedia", paths=[Path("b.xml.bz2")])],
        quality=Quality(sources=["web"], rules=[Rule(duplicates=True), Rule(measure="hiragana_fraction", min=0.2)]),
        dedup=Dedup(),
        release=Release(mixture={"wikipedia": Mixture(share=0.1)}),
        **more,
    )


TOML = """\
name = "mine"

[[sources]]
name = "web"
kind = "warc"
paths = ["a.warc.gz"]

[[sources]]
name = "wikipedia"
kind = "wikipedia"
paths = ["b.xml.bz2"]

[quality]
sources = ["web"]

[[quality.rules]]
duplicates = true

[[quality.rules]]
measure = "hiragana_fraction"
min = 0.2

[dedup]

[release.mixture.wikipedia]
share = 0.1
"""

REPR = """\
Recipe(
    name='mine',
    sources=[
        Source(name='web', kind='warc', paths=('a.warc.gz',)),
        Source(name='wikipedia', kind='wikipedia', paths=('b.xml.bz2',)),
    ],
    quality=Quality(sources=('web',), rules=(Rule(duplicates=True), Rule(measure='hiragana_fraction', min=0.2))),
    dedup=Dedup(),
    release=Release(mixture={'wikipedia': Mixture(share=0.1)}),
)"""


def test_a_recipe_of_python_values_is_that_of_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = python_recipe()
    assert recipe.to_toml() == TOML
    assert repr(recipe) == REPR
    (tmp_path / "recipe.toml").write_text(TOML)
    assert Recipe.load("recipe.toml") == recipe
    assert (
        eval(repr(recipe), vars(corpus_builder) | {name: getattr(corpus_builder, name) for name in corpus_builder.__all__})
        == recipe
    )


def test_relative_paths_start_at_the_working_directory_or_at_base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there, here = python_recipe(base="there"), python_recipe()
    monkeypatch.chdir("/")
    assert (here.resolve("a"), there.resolve("a")) == (tmp_path.resolve() / "a", tmp_path.resolve() / "there/a")
    assert f"    base='{tmp_path.resolve()}/there',\n" in repr(there)


@given(recipes())
def test_what_is_written_as_toml_is_read_as_the_same_recipe(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    recipe = Recipe.of(data, base=folder)
    (folder / "written.toml").write_text(recipe.to_toml(), encoding="utf-8", newline="")
    assert Recipe.load(folder / "written.toml") == recipe


@pytest.mark.parametrize("name", ["sample", "swallow_v1", "swallow_v2"])
def test_the_shipped_recipes_come_back(tmp_path, name):
    recipe = Recipe.load(ROOT / f"pipelines/{name}.toml")
    (tmp_path / "written.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert Recipe.load(tmp_path / "written.toml").said() == recipe.said()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Rule(measur="x"), r"^Rule: unknown key 'measur'; did you mean 'measure'\? \(keys there: measure, min, "),
        (lambda: Quality(rules=[{"mesure": "x"}]), r"^Quality: unknown key 'rules\[0\].mesure'; did you mean 'measure'\?"),
        (lambda: Rule(measure="num_letters"), r"^Rule: The rule on 'num_letters' has no limit; give min, max, above or below\.$"),
        (lambda: Source(kind="warc", paths=["a"]), r"^Source: 'name' is missing\.$"),
        (lambda: Source(name="a", kind="wrac", paths=["a"]), r"^Source: kind = 'wrac': input should be 'warc', "),
        (lambda: Source(name="a", kind="warc", paths="a"), r"^Source: paths: a list is wanted: \['a'\]\.$"),
        (lambda: Recipe(name="x", sources=WEB), r"^Recipe: sources: a list is wanted: \[Source\(name='web', .*\)\]\.$"),
        (lambda: setattr(WEB, "name", "wob"), r"^A Source cannot be changed; make another one with name = 'wob'\.$"),
        (lambda: Mixture(epochs=9), r"^Mixture: epochs = 9.0 is more than max_epochs = 4.0"),
        (lambda: Dedup(preset="japanes"), r"^Dedup: Unknown preset 'japanes'; did you mean 'japanese'\?"),
        (lambda: Extract(form="html"), r"^Extract: form = 'html': input should be 'plain' or 'markdown'\.$"),
        (lambda: Lines(scope="corpus", share=0.2), r"^Lines: documents and share go with scope"),
        (lambda: Release(mixtur={}), r"^Release: unknown key 'mixtur'; did you mean 'mixture'\?"),
        (lambda: Recipe(name="x", sources=[WEB], qualty=Quality()), r"^Recipe: unknown key 'qualty'; did you mean 'quality'\?"),
        (lambda: Recipe(name="x", sources=[WEB, WEB]), r"^Recipe: two sources have the same name; "),
        (
            lambda: Recipe.of({"name": "x", "sources": [WEB], "base": "/"}),
            r"^The recipe: unknown key 'base'; relative paths start",
        ),
    ],
)
def test_parts_that_are_wrong_are_the_sentences_of_a_file(make, says):
    with pytest.raises(RecipeError, match=says):
        make()


def test_a_login_in_a_path_is_not_shown():
    found = Source(name="web", kind="warc", paths=["https://me:secret@data.example/a.warc.gz"])
    assert repr(found) == "Source(name='web', kind='warc', paths=('https://data.example/a.warc.gz',))"
