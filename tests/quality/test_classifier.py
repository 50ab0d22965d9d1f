"""A fastText model, trained here on two kinds of text, tells them apart."""

import sys
from pathlib import Path

import pytest
from support.corpora import prose

from corpus_builder import InputError, MissingExtraError
from corpus_builder.quality.classifier import _load, fasttext_probability


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import fasttext

    folder = tmp_path_factory.mktemp("model")
    good = [f"__label__good {' '.join(prose(seed).split())}" for seed in range(40)]
    bad = [f"__label__bad {'激安 通販 送料無料 ポイント ' * (3 + seed % 5)}" for seed in range(40)]
    (folder / "train.txt").write_text("\n".join(good + bad), encoding="utf-8")
    trained = fasttext.train_supervised(str(folder / "train.txt"), minn=2, maxn=3, dim=8, epoch=20, lr=0.5, thread=1, verbose=0)
    trained.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


def test_the_probability_of_a_label(model: Path) -> None:
    good, bad = prose(77), "激安 通販\n送料無料 ポイント"
    assert fasttext_probability(good, model, "__label__good") > 0.9
    assert fasttext_probability(bad, model, "__label__good") < 0.1
    both = sum(fasttext_probability(bad, model, label) for label in ("__label__good", "__label__bad"))
    assert both == pytest.approx(1.0, abs=1e-3)
    assert 0.0 <= fasttext_probability("", model, "__label__good") <= 1.0


def test_errors_are_sentences(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="has no label '__label__great'; it has __label__"):
        fasttext_probability("猫", model, "__label__great")
    with pytest.raises(InputError, match=r"none\.bin cannot be read as a fastText model"):
        fasttext_probability("猫", tmp_path / "none.bin", "__label__good")
    monkeypatch.setitem(sys.modules, "fasttext", None)
    _load.cache_clear()
    with pytest.raises(MissingExtraError, match=r"corpus-builder\[classifier\]"):
        fasttext_probability("猫", model, "__label__good")
    _load.cache_clear()
