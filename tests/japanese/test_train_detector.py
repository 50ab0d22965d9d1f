"""The trainer learns what its examples show, and gives the same bytes every time."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.corpora import SENTENCES
from support.paths import ROOT

from corpus_builder import InputError
from corpus_builder.commands.main import main
from corpus_builder.japanese.detect import Detector, shipped
from corpus_builder.japanese.train_detector import train, train_files

CHINESE = [
    "我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。",
    "这家饭店的菜又便宜又好吃，所以每天都有很多客人。",
    "请问，去火车站怎么走？往前走，到了路口再往右拐。",
    "他从小就喜欢画画，长大以后当了一名美术老师。",
    "春天来了，公园里的花都开了，孩子们在草地上跑来跑去。",
]


def test_two_languages_are_told_apart_and_the_bytes_are_the_same() -> None:
    model = train(SENTENCES * 20, CHINESE * 100, bits=12)
    assert train(SENTENCES * 20, CHINESE * 100, bits=12).to_bytes() == model.to_bytes()
    assert model.score("町の港には古い船がならんでいる。") > 0.9
    assert model.score("孩子们都很喜欢吃这家的菜。") < 0.1
    assert train(SENTENCES, CHINESE, bits=12, seed=1).to_bytes() != train(SENTENCES, CHINESE, bits=12).to_bytes()


def test_the_side_with_more_examples_does_not_win_by_its_number() -> None:
    model = train(SENTENCES, CHINESE * 400, bits=12)
    assert all(model.score(sentence) > 0.9 for sentence in SENTENCES)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(InputError, match="None of the Japanese examples holds kana or Chinese characters"):
        train(["only English", ""], CHINESE)


def test_the_command_writes_a_model_that_a_recipe_can_name(tmp_path: Path) -> None:
    (tmp_path / "ja.txt").write_text("\n".join(SENTENCES * 5), encoding="utf-8")
    (tmp_path / "zh.txt").write_text("\n".join(CHINESE * 20), encoding="utf-8")
    arguments = ["train-detector", "--japanese", "ja.txt", "--other", "zh.txt", "--out", "model.bin"]
    arguments = [str(tmp_path / word) if "." in word else word for word in arguments]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert 'detector = "ngrams:' in result.output
    data = (tmp_path / "model.bin").read_bytes()
    assert data == train_files([tmp_path / "ja.txt"], [tmp_path / "zh.txt"]).to_bytes()
    assert json.loads(data.split(b"\n")[1])["size"] == len(Detector.from_bytes(data).weights)


def test_examples_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "sjis.txt").write_bytes("日本語の例".encode("cp932"))
    with pytest.raises(InputError, match=r"sjis\.txt are not UTF-8"):
        train_files([tmp_path / "sjis.txt"], [tmp_path / "sjis.txt"])
    with pytest.raises(InputError, match=r"none\.txt cannot be read: No such file"):
        train_files([tmp_path / "none.txt"], [])


def test_the_model_card_is_that_of_the_shipped_model() -> None:
    card = (ROOT / "docs/detector.md").read_text(encoding="utf-8")
    data = shipped().to_bytes()
    assert f"| detector.bin | `{hashlib.sha256(data).hexdigest()}` |" in card
    assert f"{len(data):,} bytes" in card
