"""What a recipe and the command line share is defined once: in the recipe's table [dedup]."""

from __future__ import annotations

import inspect
from dataclasses import asdict

import click

from corpus_builder.commands.crawl import crawl
from corpus_builder.commands.dedup import dedup
from corpus_builder.commands.plan import plan
from corpus_builder.commoncrawl.index import Query
from corpus_builder.deduplication import deduplicate
from corpus_builder.recipe.dedup import Dedup

KEYS = [name for name in Dedup.model_fields if name != "sources"]  # files have a column instead


def options(command: click.Command) -> dict[str, click.Option]:
    found = command.get_params(click.Context(command))
    return {str(one.name): one for one in found if isinstance(one, click.Option)}


def test_dedup_and_deduplicate_take_every_key_of_a_recipe_with_its_default() -> None:
    arguments = inspect.signature(deduplicate).parameters
    defaults = {name: Dedup.model_fields[name].default for name in KEYS}
    assert {name: arguments[name].default for name in KEYS} == defaults
    assert {name: options(dedup)[name].default for name in KEYS} == defaults
    assert [name for name in options(plan) if name in KEYS] == KEYS[: KEYS.index("seed")]


def test_options_have_the_choices_ranges_and_words_of_the_recipe() -> None:
    found = options(dedup)
    for name in KEYS:
        assert found[name].help.split() == (Dedup.model_fields[name].description or "").split()
    kinds = {name: found[name].type for name in KEYS}
    assert (kinds["ngram"].min, kinds["ngram"].max, kinds["recall"].min_open) == (1, 64, True)
    assert kinds["groups"].choices == ("first", "components")
    assert (found["url"].is_flag, kinds["verify"].name) == (True, "float|false")


def test_crawl_takes_every_field_of_a_query_with_its_default() -> None:
    usual = asdict(Query())
    said = crawl.make_context("crawl", ["index.parquet", "--out", "out"]).params
    assert {name: said[name] for name in usual} == usual
    assert crawl.make_context("crawl", ["index.parquet", "--out", "out", "--host", "EXAMPLE.jp"]).params["hosts"] == (
        "example.jp",
    )
