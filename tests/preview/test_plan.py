"""`plan` says what `build` then does."""

import shutil
from pathlib import Path

import pytest
from support.corpora import RULES, make_recipe, page, write_warc

from corpus_builder import RecipeError, Serial, build, plan
from corpus_builder.built import Built
from corpus_builder.preview.plan import as_text


def test_before_the_first_build_everything_is_new(inputs: Path, tmp_path: Path) -> None:
    plans = plan(make_recipe(inputs), tmp_path / "out")
    assert [one.stage for one in plans] == ["extract", "measure", "sign", "match", "decide", "release"]
    assert plans[0].todo == (("jawiki.xml.bz2", "new"), ("web-a.warc.gz", "new"), ("web-b.warc.gz", "new"))
    assert "parts are planned once the decisions are made" in as_text(plans)
    assert not (tmp_path / "out" / "extract").exists()


def test_after_it_nothing_is_to_do(built: Built) -> None:
    plans = plan(built.recipe, built.out)
    assert all(one.todo == () for one in plans)
    assert repr(plans) == as_text(plans)
    assert as_text(plans).count("nothing to do") == 6


def test_a_changed_threshold_is_named(built: Built) -> None:
    recipe = make_recipe(built.out.parent / "inputs", quality={"sources": ["web"], "rules": RULES[:2]})
    todo = {one.stage: one.todo for one in plan(recipe, built.out)}
    assert {stage for stage, shards in todo.items() if shards} == {"decide"}
    assert todo["decide"] == tuple((name, "rules changed") for name in ("jawiki.xml.bz2", "web-a.warc.gz", "web-b.warc.gz"))


def test_another_warc_is_named_and_no_other_shard_of_a_map_stage(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out.parent, tmp_path / "all")
    build(make_recipe(tmp_path / "all" / "inputs"), tmp_path / "all" / "out", Serial())  # finds the inputs at their new place
    write_warc(tmp_path / "all" / "inputs" / "web-c.warc.gz", [page(60)])
    recipe = make_recipe(tmp_path / "all" / "inputs")
    before = {one.stage: [shard for shard, _ in one.todo] for one in plan(recipe, tmp_path / "all" / "out")}
    assert before["extract"] == before["measure"] == before["sign"] == ["web-c.warc.gz"]
    build(recipe, tmp_path / "all" / "out", Serial())
    assert all(not one.todo for one in plan(recipe, tmp_path / "all" / "out"))


def test_the_path_of_a_recipe_is_no_recipe(tmp_path):
    with pytest.raises(RecipeError, match=r"^'mine\.toml' is no recipe; read a recipe file with `Recipe\.load\(path\)`\.$"):
        plan("mine.toml", tmp_path / "out")
