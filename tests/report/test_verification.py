"""`verify` finds every byte that is not as the manifests say."""

import shutil
from pathlib import Path

import pytest

from corpus_builder.build import Built
from corpus_builder.report.verification import as_text, verify_build


def test_a_sound_build(built: Built) -> None:
    found = verify_build(built.manifests, built.recipe)
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
    (problem,) = verify_build(changed.manifests, changed.recipe).problems
    assert path.name in problem


def test_a_missing_file_and_a_missing_stage_are_found(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    next((tmp_path / "out" / "extract" / "documents").iterdir()).unlink()
    shutil.rmtree(tmp_path / "out" / "release")
    changed = Built.open(tmp_path / "out")
    problems = verify_build(changed.manifests, changed.recipe).problems
    assert len(problems) == 2
    assert "The stage 'release' is not sealed" in problems[0]
