"""A classifier learns from labelled texts, and the same labels give the same bytes."""

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.corpora import prose

from corpus_builder import InputError, Labelled, load_classifier, measure_texts, score_texts, train_classifier
from corpus_builder.classifier.arithmetic import exp, log
from corpus_builder.classifier.linear import LinearClassifier
from corpus_builder.classifier.model import Property, columns_of


def advert(seed: int) -> str:
    return "激安 通販 送料無料 ポイント 最大" * (2 + seed % 4) + f"今なら{seed}円"


def labelled(count: int = 30) -> list[Labelled]:
    good = [Labelled(prose(seed), {"quality": 1.0, "grade": 2.0 + seed % 2, "kind": "prose"}) for seed in range(count)]
    bad = [Labelled(advert(seed), {"quality": 0.0, "grade": 0.0, "kind": "advert"}) for seed in range(count)]
    return good + bad


def test_every_kind_of_property_is_learned(tmp_path: Path) -> None:
    train_classifier(labelled(), tmp_path / "a.model")
    model = load_classifier(tmp_path / "a.model")
    assert model.properties == (
        Property("grade", "graded", ("0", "2", "3")),
        Property("kind", "category", ("advert", "prose")),
        Property("quality", "binary", ("0", "1")),
    )
    assert list(columns_of("web", model)) == ["web.grade", "web.kind", "web.quality"]
    scores = score_texts(model, [prose(77), advert(77), ""])
    assert scores["kind"][:2].tolist() == ["prose", "advert"]
    assert scores["quality"][0] > 0.8 > 0.2 > scores["quality"][1]
    assert scores["grade"][0] > 1.8 > 0.4 > scores["grade"][1]
    assert (scores["kind.probability"][:2] > 0.8).all()
    assert all(np.isfinite(column.astype(float)).all() for name, column in scores.items() if name != "kind")


def test_the_same_labels_give_the_same_bytes_and_the_file_the_same_scores(tmp_path: Path) -> None:
    one, two = tmp_path / "one.model", tmp_path / "two.model"
    trained = train_classifier(labelled(), one)
    train_classifier(labelled(), two)
    assert one.read_bytes() == two.read_bytes()
    loaded = load_classifier(one)
    assert loaded.digest == trained.digest
    texts = [prose(5), advert(9), "猫"]
    for name, column in score_texts(trained, texts).items():
        assert column.tolist() == score_texts(loaded, texts)[name].tolist()
        assert column.tolist() == [score_texts(loaded, [text])[name][0] for text in texts]


def test_a_model_of_few_bits_is_small_and_tells_the_same_apart(tmp_path: Path) -> None:
    small = tmp_path / "small.model"
    train_classifier(labelled(), small, properties=["quality"], bits=12)
    assert small.stat().st_size < 2**12 * 4 * 4 + 5000
    scores = score_texts(load_classifier(small), [prose(77), advert(77)])["quality"]
    assert scores[0] > 0.8 > 0.2 > scores[1]


def test_labels_that_teach_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"All labels of the property 'quality' are 1; there is nothing to tell apart"):
        train_classifier(labelled()[:30], properties=["quality"])
    with pytest.raises(InputError, match="No row has a label for 'qualty'; did you mean 'quality'"):
        train_classifier(labelled(), properties=["qualty"])
    with pytest.raises(InputError, match="has numbers and names as labels, for example 'good'"):
        train_classifier([Labelled("猫", {"quality": 1.0}), Labelled("犬", {"quality": "good"})])
    for rows in ([], [Labelled("猫", {})]):
        with pytest.raises(InputError, match="no labelled text to learn from"):
            train_classifier(rows)
    for odd in (Labelled("猫", {"quality": math.nan}), Labelled("猫", {"quality": 1.0}, weight=0.0)):
        with pytest.raises(InputError, match="The labelled text 1 cannot be used"):
            train_classifier([Labelled("犬", {"quality": 0.0}), odd])


def test_grades_that_are_means_keep_their_place() -> None:
    """2 / 3 is less than "0.666667", so that no text would have had at least the grade of this name."""
    rows = [replace(row, labels={"grade": 2 / 3 if row.labels["quality"] else 1 / 3}) for row in labelled(12)]
    model = train_classifier(rows, measures="none")
    good, bad = model.score([prose(77), advert(77)], {})["grade"].tolist()
    assert model.properties == (Property("grade", "graded", (repr(1 / 3), repr(2 / 3))),)
    assert 2 / 3 >= good > 0.55 > 0.45 > bad >= 1 / 3


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("ngrams", [1, 99], "cannot be counted"),
        ("ngrams", [3, 1], "cannot be counted"),
        ("bits", 60, "cannot be counted"),
        ("properties", [{"name": "quality", "kind": "odd", "values": ["0", "1"]}], "is no property"),
        ("properties", [{"name": "quality", "kind": "graded", "values": ["0", "x"]}], "could not convert"),
    ],
)
def test_the_head_of_a_model_file_is_checked(tmp_path: Path, key: str, value: object, said: str) -> None:
    data = train_classifier(labelled(3), properties=["quality"]).to_bytes()
    magic, head, body = data.split(b"\n", 2)
    path = tmp_path / "a.model"
    path.write_bytes(b"\n".join([magic, json.dumps(json.loads(head) | {key: value}).encode(), body]))
    with pytest.raises(InputError, match=f"is not a model from .*{said}"):
        load_classifier(path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    with pytest.raises(InputError, match=r"There is no classifier .*a\.model\. Train one with"):
        load_classifier(path)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="is no classifier"):
        load_classifier(path)
    train_classifier(labelled(3), path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"it holds .* bytes of weights instead of"):
        load_classifier(path)


def test_plain_arithmetic_agrees_with_the_library() -> None:
    for value in np.linspace(-50, 50, 201):
        assert exp(value) == pytest.approx(math.exp(value), rel=1e-13)
        assert log(math.exp(value)) == pytest.approx(value, rel=1e-13, abs=1e-14)


def test_long_texts_are_judged_by_what_is_in_them_and_not_by_their_length() -> None:
    """A text repeated fifty times scores as one repeated ten times, where both are longer than the training texts."""
    model = train_classifier(labelled(), properties=["quality"])
    mixed = f"{prose(77)}\n{advert(77)}\n"
    short, long, bad = score_texts(model, [mixed * 10, mixed * 50, advert(3) * 50])["quality"].tolist()
    assert 1 - short == pytest.approx(1 - long, rel=0.05)
    assert bad < 0.2


@pytest.mark.parametrize(("good", "bad"), [(1, 1), (2, 9), (3, 120), (120, 3)])
def test_few_or_unequal_labels_still_order_texts(good: int, bad: int) -> None:
    rows = [*labelled(good)[:good], *labelled(bad)[bad:]]
    scores = score_texts(train_classifier(rows, properties=["quality"]), [prose(500), advert(501)])["quality"]
    assert scores[0] > scores[1]


def test_labels_of_one_host_give_a_model_without_metrics() -> None:
    rows = [replace(row, host="one.example") for row in labelled(20)]
    model = train_classifier(rows, properties=["quality"])
    about = model.card["properties"]["quality"]
    assert (about["hosts"], about.get("metrics")) == (1, None)
    assert about["more_labels"] == "There are too few labels, or too few hosts, to measure anything; label more."
    scores = score_texts(model, [prose(500), advert(501)])["quality"]
    assert scores[0] > scores[1]


def test_measures_count_where_letters_say_nothing() -> None:
    """Texts of the same n-grams, in whole sentences or without an end: only the length of sentences tells them apart."""
    rng = random.Random(0)
    words = ["これは", "長い", "話です", "港の", "町から", "来た", "人が", "いる"]
    rows = []
    for at in range(80):
        said = [rng.choice(words) for _ in range(60)]
        ends = 4 if at % 2 else 20
        rows.append(
            Labelled(
                "".join(f"{word}。" if not place % ends else word for place, word in enumerate(said)), {"short": float(at % 2)}
            )
        )
    model = train_classifier(rows, measures=["avg_sentence_length"])
    assert model.measures == ("avg_sentence_length",)
    texts = [row.text for row in rows]
    lengths = measure_texts(texts, ["avg_sentence_length"])
    right = (model.score(texts, lengths)["short"] > 0.5) == [row.labels["short"] == 1.0 for row in rows]
    assert right.all()
    with pytest.raises(InputError, match="reads the measure 'avg_sentence_length', which was not given to it"):
        model.score(texts, {})
    again = LinearClassifier.from_bytes(model.to_bytes())
    assert again.score(texts, lengths)["short"].tolist() == model.score(texts, lengths)["short"].tolist()


def test_a_model_of_ours_takes_no_label(tmp_path: Path) -> None:
    train_classifier(labelled(3), tmp_path / "a.model")
    with pytest.raises(
        InputError, match=r"is a model from `corpus-builder train-classifier`, which takes no label; leave 'x' out"
    ):
        load_classifier(tmp_path / "a.model", "x")
