"""ONNX models, built here, score texts as classifiers: the mean of one embedding a token, with a mask as real models have it."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tokenizers
from onnx import TensorProto, helper, numpy_helper

from corpus_builder import InputError, MissingExtraError, load_classifier
from corpus_builder.classifier.model import Property
from corpus_builder.recipe.running import NamedClassifier

WORDS = {"[UNK]": 0, "猫": 1, "犬": 2, "買": 3}


def write_model(folder: Path, outputs: int, labels: dict[str, str] | None = None) -> Path:
    """Logit k of a text is the mean over its tokens of (token number if k is 0, else k)."""
    table = np.array(
        [[float(token) if at == 0 else float(at) for at in range(outputs)] for token in range(len(WORDS))], np.float32
    )
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["kept"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["kept", "last"], ["mask"]),
        helper.make_node("Mul", ["vectors", "mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "tokens"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "tokens"], ["count"], keepdims=0),
        helper.make_node("Max", ["count", "one"], ["divisor"]),
        helper.make_node("Div", ["sum", "divisor"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in ("input_ids", "attention_mask")]
    constants = {"table": table, "last": np.array([2]), "tokens": np.array([1]), "one": np.array([[1.0]], np.float32)}
    graph = helper.make_graph(
        nodes,
        "classifier",
        inputs,
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, "[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 40, **({"id2label": labels} if labels else {})}))
    return folder


def test_a_regression_head_gives_its_value(tmp_path: Path) -> None:
    model = load_classifier(write_model(tmp_path, 1))
    assert model.properties == (Property("score", "graded", ("0", "1")),)
    texts = ["猫", "猫犬買" * 5, "", "買" * 30 + "猫" * 30, *["犬猫" * size for size in range(1, 20)]]
    wanted = [1.0, 2.0, 0.0, (30 * 3 + 10 * 1) / 40, *[1.5] * 19]
    assert model.score(texts, {})["score"].tolist() == pytest.approx(wanted)
    assert load_classifier(tmp_path / "model.onnx").score(texts, {})["score"].tolist() == model.score(texts, {})["score"].tolist()


def test_several_outputs_are_grades_names_or_one_probability(tmp_path: Path) -> None:
    powers = [math.exp(3), math.exp(1), math.exp(2)]  # of the text 買
    grades = load_classifier(write_model(tmp_path, 3))
    assert grades.properties == (Property("score", "graded", ("0", "1", "2")),)
    assert grades.score(["買"], {})["score"].tolist() == pytest.approx([(powers[1] + 2 * powers[2]) / sum(powers)])
    names = load_classifier(write_model(tmp_path, 3, {"0": "trade", "1": "news", "2": "essay"}))
    assert names.properties == (Property("score", "category", ("trade", "news", "essay")),)
    said = names.score(["買", "猫"], {})
    assert said["score"].tolist() == ["trade", "essay"]
    news = load_classifier(tmp_path, "news")
    assert news.score(["買"], {})["score"].tolist() == pytest.approx([powers[1] / sum(powers)])
    assert len({grades.digest, names.digest, news.digest}) == 3


def test_another_model_in_the_same_directory_is_seen(tmp_path: Path) -> None:
    """Replacing a file's content changes nothing about its directory."""
    folder = write_model(tmp_path, 3, {"0": "trade", "1": "news", "2": "essay"})
    before = NamedClassifier.of("c", folder)
    assert NamedClassifier.of("c", folder) == before
    config = folder / "config.json"
    config.write_text(config.read_text().replace("essay", "letter"))
    after = NamedClassifier.of("c", folder)
    assert after.properties == (Property("score", "category", ("trade", "news", "letter")),)
    assert after.digest != before.digest


def test_errors_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"has no model\.onnx, nor onnx/model\.onnx"):
        load_classifier(tmp_path)
    write_model(tmp_path, 3, {"0": "trade", "1": "news", "2": "essay"})
    with pytest.raises(InputError, match=r"has no label 'new'; did you mean 'news'\? It has trade, news, essay"):
        load_classifier(tmp_path, "new")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingExtraError, match=r"corpus-builder\[onnx\]"):
            load_classifier(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"has no tokenizer\.json beside it"):
        load_classifier(tmp_path)
    write_model(tmp_path, 3)
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07 no model")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_classifier(tmp_path)
