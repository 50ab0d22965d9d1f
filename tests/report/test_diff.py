"""`diff` names the stage, the cause and the documents where two builds part."""

from pathlib import Path

from support.corpora import RULES, make_recipe

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.report.diff import as_text, diff


def test_a_build_is_the_same_as_itself(built: Built) -> None:
    found = diff(built.manifests, built.manifests)
    assert found.parted_at is None
    assert found.moved == ()
    assert as_text(found) == "The builds are the same, byte for byte."


def test_a_threshold_parts_them_at_the_decisions(built: Built, tmp_path: Path) -> None:
    recipe = make_recipe(built.out.parent / "inputs", quality={"sources": ["web"], "rules": [*RULES[:1], RULES[2]]})
    other = build(recipe, tmp_path / "other", Serial())
    found = diff(built.manifests, other.manifests)
    assert found.parted_at == "decide"
    assert {stage.stage for stage in found.stages if stage.different} == {"decide", "release"}
    (moved,) = found.moved
    assert (moved.left, moved.right, moved.documents) == ("num_japanese_letters_low", "kept", 1)
    assert "num_japanese_letters_low -> kept" in as_text(found)


def test_a_source_less_is_documents_less(built: Built, tmp_path: Path) -> None:
    sources = [{"name": "web", "kind": "warc", "paths": ["web-b.warc.gz"]}]
    release = {"edits": {"web": ["normalize_punctuation_v1"]}, "part_characters": 4_000}
    other = build(make_recipe(built.out.parent / "inputs", sources=sources, release=release), tmp_path / "o", Serial())
    found = diff(built.manifests, other.manifests)
    assert found.parted_at == "extract"
    assert sum(moved.documents for moved in found.moved if moved.right == "not there") == 12
