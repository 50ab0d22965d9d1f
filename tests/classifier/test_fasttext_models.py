"""fastText models, trained here, score texts as classifiers: grades, categories, or the probability of one label."""

import sys
from pathlib import Path

import pytest
from support.corpora import prose

from corpus_builder import InputError, Labelled, MissingExtraError, load_classifier
from corpus_builder.classifier.fasttext_training import fit
from corpus_builder.classifier.model import Property

ADVERT = "激安 通販\n送料無料 ポイント"


def trained(folder: Path, good: str, bad: str) -> Path:
    kind = "graded" if good.isdecimal() else "category"
    label = (lambda value: float(value)) if kind == "graded" else str
    rows = [Labelled(prose(seed), {"x": label(good)}) for seed in range(40)]
    rows += [Labelled("激安 通販 送料無料 ポイント " * (3 + seed % 5), {"x": label(bad)}) for seed in range(40)]
    fit(rows, Property("x", kind, (bad, good)), 0).save_model(str(folder / f"{good}.bin"))
    return folder / f"{good}.bin"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("graded"), "3", "1")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("named"), "wiki", "web")


def test_labels_that_are_numbers_give_the_expected_grade(graded: Path) -> None:
    model = load_classifier(graded)
    assert model.properties == (Property("score", "graded", ("1", "3")),)
    scores = model.score([prose(77), ADVERT, ""], {})["score"]
    assert scores[0] > 2.8 > 1.2 > scores[1] >= 1.0
    assert 1.0 <= scores[2] <= 3.0
    chance = load_classifier(graded, "3").score([prose(77), ADVERT, ""], {})["score"]
    assert (1.0 + 2.0 * chance).tolist() == pytest.approx(scores.tolist(), abs=1e-6)


def test_labels_that_are_names_are_a_category_or_one_of_them_a_probability(named: Path) -> None:
    model = load_classifier(named)
    assert model.properties == (Property("score", "category", ("web", "wiki")),)
    scores = model.score([prose(77), ADVERT], {})
    assert scores["score"].tolist() == ["wiki", "web"]
    wiki, same = load_classifier(named, "__label__wiki"), load_classifier(named, "wiki")
    assert wiki.properties == (Property("score", "binary", ("0", "1")),)
    likely = wiki.score([prose(77), ADVERT], {})["score"]
    assert likely[0] == scores["score.probability"][0]
    assert likely[1] == pytest.approx(1 - scores["score.probability"][1])
    assert wiki.digest == same.digest != model.digest


def test_errors_are_sentences(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"has no label 'wikí'; did you mean 'wiki'\? It has __label__web, __label__wiki\."):
        load_classifier(named, "wikí")
    (named.parent / "old.bin").write_bytes(named.read_bytes()[:4] + bytes([99, 0, 0, 0]))
    with pytest.raises(InputError, match=r"old\.bin cannot be read as a fastText model"):
        load_classifier(named.parent / "old.bin")
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(MissingExtraError, match=r"corpus-builder\[classifier\]"):
        load_classifier(named)


def test_a_model_has_nothing_of_the_one_before() -> None:
    """Memory that an earlier model has left is not learned from: the weights are the same, however often others were trained."""
    one = Property("good", "binary", ("0", "1"))
    rows = [Labelled(prose(n, 3), {"good": float(n % 2)}) for n in range(20)]
    others = [Labelled(prose(100 + n, 3), {"good": float(n % 2)}) for n in range(20)]
    weights = []
    for labelled in (rows, others, rows, others, rows):
        model = fit(labelled, one, 0)
        weights.append(model.get_input_matrix().tobytes())
        del model
    assert weights[0] == weights[2] == weights[4] != weights[1] == weights[3]
