"""`verify` finds every byte that is not as the manifests say."""

import json
import shutil
from pathlib import Path

import pytest
from support.corpora import make_inputs, make_recipe

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.duplicates.index import add
from corpus_builder.errors import IntegrityError
from corpus_builder.report.verification import as_text


def test_a_sound_build(built: Built) -> None:
    found = built.verify()
    assert found.problems == ()
    assert (found.stages, found.documents) == (6, 11)
    assert "every page is accounted for, 11 documents are released" in as_text(found)


@pytest.mark.parametrize("stage", ["extract", "measure", "sign", "match", "decide", "release"])
def test_one_changed_byte_is_found(built: Built, tmp_path: Path, stage: str) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    path = next((tmp_path / "out" / stage).rglob("*.npy" if stage == "sign" else "*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    changed = Built.open(tmp_path / "out")
    (problem,) = changed.verify().problems
    assert path.name in problem


@pytest.mark.parametrize("stage", ["measure", "match", "decide"])
def test_a_stage_that_lacks_shards_is_found(built: Built, tmp_path: Path, stage: str) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    path = tmp_path / "out" / stage / "manifest.json"
    value = json.loads(path.read_bytes())
    shards = len(value["shards"])
    path.write_text(json.dumps(value | {"shards": value["shards"][1:]}))
    before = "sign" if stage == "match" else "extract"
    said = f"{path} names {shards - 1} shards, and not the {shards} of the stage {before!r}; build again."
    assert said in Built.open(tmp_path / "out").verify().problems


def test_the_manifest_of_another_stage_is_found(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "decide")
    shutil.copytree(tmp_path / "out" / "measure", tmp_path / "out" / "decide")
    with pytest.raises(IntegrityError) as raised:
        Built.open(tmp_path / "out")
    path = tmp_path / "out" / "decide" / "manifest.json"
    assert str(raised.value) == f"{path} is of the stage 'measure'; delete it and build again."


def test_a_missing_file_and_a_missing_stage_are_found(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    next((tmp_path / "out" / "extract" / "documents").iterdir()).unlink()
    shutil.rmtree(tmp_path / "out" / "release")
    changed = Built.open(tmp_path / "out")
    problems = changed.verify().problems
    assert len(problems) == 2
    assert "The stage 'release' is not sealed" in problems[0]


def test_the_stages_that_only_some_recipes_have_are_missed(tmp_path: Path) -> None:
    """`screen` where rules come before the duplicates, `superseded` where documents of an index compete."""
    inputs = make_inputs(tmp_path / "inputs")
    add(tmp_path / "index", build(make_recipe(inputs), tmp_path / "before", Serial()).out)
    rules = [{"measure": "hiragana_fraction", "min": 0.2}, {"duplicates": True}]
    dedup = {"bands": 14, "rows": 8, "index": str(tmp_path / "index"), "indexed": "compete"}
    recipe = make_recipe(inputs, quality={"sources": ["web"], "rules": rules}, dedup=dedup)
    done = build(recipe, tmp_path / "out", Serial())
    assert done.verify().problems == ()
    for stage in ("screen", "superseded"):
        files = {path: path.read_bytes() for path in (done.out / stage).rglob("*") if path.is_file()}
        shutil.rmtree(done.out / stage)
        found = Built.open(done.out).verify()
        assert found.problems == (f"The stage {stage!r} is not sealed; run `corpus-builder build` again.",)
        build(recipe, tmp_path / "out", Serial())
        assert Built.open(done.out).verify().problems == ()
        assert {path: path.read_bytes() for path in (done.out / stage).rglob("*") if path.is_file()} == files
    next((done.out / "superseded" / "superseded").iterdir()).write_bytes(b"PAR1")
    assert "is not the file that the manifest describes" in Built.open(done.out).verify().problems[0]
