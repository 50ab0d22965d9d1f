"""A recipe names its detector: the shipped model, one's own, or a fastText model."""

import shutil
import sys
from pathlib import Path

import pytest
from support.corpora import ENGLISH, SENTENCES, html, make_inputs, prose

from corpus_builder import InputError, MissingExtraError, Recipe, RecipeError, Serial, build
from corpus_builder.document import Drop
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.japanese.detectors import detector_version, named_detector
from corpus_builder.japanese.train_detector import train
from corpus_builder.pages.page import PageSettings, read_page
from corpus_builder.sources.extract_stats import ExtractStats

CHINESE = "我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """own.bin calls Chinese Japanese and the other way round, so that it can be told from the shipped one; lid.bin is fastText's."""
    import fasttext

    folder = tmp_path_factory.mktemp("models")
    (folder / "own.bin").write_bytes(train([CHINESE] * 400, SENTENCES * 15, bits=12).to_bytes())
    lines = [f"__label__ja {prose(seed)}".replace("\n", " ") for seed in range(60)]
    lines += [f"__label__zh {CHINESE}"] * 60 + ["__label__en The quick brown fox jumps over the lazy dog"] * 60
    (folder / "train.txt").write_text("\n".join(lines), encoding="utf-8")
    trained = fasttext.train_supervised(str(folder / "train.txt"), minn=1, maxn=3, dim=8, epoch=20, lr=0.5, thread=1, verbose=0)
    trained.save_model(str(folder / "lid.bin"))
    return folder


def test_the_shipped_model_is_the_default() -> None:
    assert named_detector(PageSettings().detector) is japanese_score


def test_a_model_of_ones_own(models: Path) -> None:
    score = named_detector(f"ngrams:{models}/own.bin")
    assert score(CHINESE) > 0.9
    assert score(SENTENCES[0]) < 0.1


def test_a_fasttext_model_gives_the_share_of_japanese(models: Path) -> None:
    score = named_detector(f"fasttext:{models}/lid.bin")
    text = prose(5)
    assert score(text) > 0.95
    assert score(CHINESE) < 0.05
    line = text.replace("\n", "")[: len(CHINESE)]
    assert score(f"{line}\n{CHINESE}\n" * 8) == pytest.approx(0.5, abs=0.1)
    assert [score(nothing) for nothing in ("", "\n\n", "123", "\n 。\n")] == [0.0] * 4


def test_the_pages_are_judged_by_the_detector_that_is_named(models: Path) -> None:
    body = html(prose(6)).encode()
    kept = read_page(body, content_type="", status=200, settings=PageSettings(detector=f"fasttext:{models}/lid.bin"))
    dropped = read_page(body, content_type="", status=200, settings=PageSettings(detector=f"ngrams:{models}/own.bin"))
    assert not isinstance(kept, Drop)
    assert isinstance(dropped, Drop)
    assert dropped.reason == "not_japanese"


def test_a_build_depends_on_the_model_and_not_on_where_it_lies(models: Path, tmp_path: Path) -> None:
    assert detector_version("ngrams").startswith("ngrams ")
    shutil.copy(models / "own.bin", tmp_path / "copy.bin")
    assert detector_version(f"ngrams:{models}/own.bin") == detector_version(f"ngrams:{tmp_path}/copy.bin")
    assert detector_version(f"ngrams:{models}/own.bin") != detector_version("ngrams")
    inputs = make_inputs(tmp_path / "inputs")
    shutil.copy(models / "lid.bin", inputs / "lid.bin")
    value = {
        "name": "t",
        "sources": [{"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]}],
        "extract": {"detector": "fasttext:lid.bin"},
    }
    built = build(Recipe.of(value, base=inputs), tmp_path / "out", Serial())
    assert sum(stats.documents for stats in built.manifests["extract"].stats(ExtractStats).values()) > 10
    moved = shutil.copytree(inputs, tmp_path / "moved")
    again = build(Recipe.of(value, base=moved), tmp_path / "again", Serial())
    assert [r.made_from for r in built.manifests["extract"].receipts] == [
        r.made_from for r in again.manifests["extract"].receipts
    ]


@pytest.mark.parametrize("name", ["lingua", "ngrams:", "fasttext", "fasttext:", "", ":x", "ngram:model.bin"])
def test_unknown_detectors_are_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=f"^Unknown detector '{name}'; write \"ngrams\" for the shipped model"):
        named_detector(name)
    inputs = make_inputs(tmp_path / "inputs")
    value = {"name": "t", "sources": [{"name": "w", "kind": "warc", "paths": ["*.warc.gz"]}], "extract": {"detector": name}}
    with pytest.raises(RecipeError, match="Unknown detector"):
        build(Recipe.of(value, base=inputs), tmp_path / "out", Serial())


def test_errors_are_sentences(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^The detector's model none\.bin cannot be read: No such file"):
        named_detector("ngrams:none.bin")
    (tmp_path / "page.bin").write_text(ENGLISH)
    with pytest.raises(InputError, match=r"page\.bin is not a model from `corpus-builder train-detector`"):
        named_detector(f"ngrams:{tmp_path}/page.bin")
    with pytest.raises(InputError, match=r"page\.bin cannot be read as a fastText model"):
        named_detector(f"fasttext:{tmp_path}/page.bin")
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(MissingExtraError, match=r"corpus-builder\[classifier\]"):
        named_detector(f"fasttext:{tmp_path}/other.bin")
