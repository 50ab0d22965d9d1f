"""Transformer models in ONNX as classifiers, such as finepdfs_edu and fineweb-edu; needs the extra `onnx`.

A directory holds `model.onnx` (also in `onnx/`), `tokenizer.json`, and mostly `config.json`, as exported from the Hugging Face hub.  A head
with one output is a regression, and its value the score, as in fineweb-edu's classifier; one with several outputs gives probabilities by softmax:
the expected grade if the labels in `config.json` are numbers, or it has none, else the most likely name; or with `label` the probability of that one.

One thread, the plain CPU provider and batches that depend only on the texts make the scores the same twice; another version of onnxruntime, or a
CPU with other vector units, may change their last digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.model import F64, Property
from corpus_builder.errors import InputError, MissingExtraError, did_you_mean
from corpus_builder.store.files import digest_file

START = b"\x08"
"""The first byte of an ONNX file: the field `ir_version`."""

BATCH = 16
MOST_TOKENS = 2048  # of longer texts the beginning is read; as finepdfs_edu, or fewer where the model's configuration says so


@dataclass(frozen=True, eq=False)
class OnnxClassifier:
    """A sequence classifier; `place` is the output whose probability is the score, None for what the labels say."""

    session: Any
    tokenizer: Any
    digest: str
    properties: tuple[Property, ...]
    place: int | None

    @property
    def measures(self) -> tuple[str, ...]:
        """It reads none."""
        return ()

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """The scores of many texts, by property."""
        [one] = self.properties
        logits = self._logits([text.encode("utf-8", "replace").decode() for text in texts])
        if logits.shape[1] == 1:
            return {one.name: logits[:, 0]}
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely = powers / powers.sum(axis=1, keepdims=True)
        if self.place is not None:
            return {one.name: likely[:, self.place]}
        if one.kind == "category":
            best = likely.argmax(axis=1)
            return {
                one.name: np.array(one.values, dtype=object)[best],
                f"{one.name}.probability": likely[np.arange(len(best)), best],
            }
        return {one.name: (likely * np.array([float(value) for value in one.values])).sum(axis=1)}

    def _logits(self, texts: Sequence[str]) -> F64:
        """(n, outputs) float64.  Texts of similar length share a batch, so that little is padded."""
        encoded = self.tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda at: (len(encoded[at].ids), at))
        width = self.session.get_outputs()[0].shape[-1]
        logits = np.zeros((len(texts), width if isinstance(width, int) else 1))
        names = {given.name for given in self.session.get_inputs()}
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            longest = max(1, max(len(encoded[at].ids) for at in batch))
            ids, mask = np.zeros((len(batch), longest), dtype=np.int64), np.zeros((len(batch), longest), dtype=np.int64)
            for row, at in enumerate(batch):
                ids[row, : len(encoded[at].ids)] = encoded[at].ids
                mask[row, : len(encoded[at].ids)] = 1
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            [found, *_] = self.session.run(None, {name: given[name] for name in names})
            logits[batch] = np.asarray(found, dtype=np.float64).reshape(len(batch), -1)
        return logits


def model_in(directory: Path) -> Path:
    """The ONNX file in a directory.  Raises InputError if there is none."""
    for name in ("model.onnx", "onnx/model.onnx"):
        if (directory / name).is_file():
            return directory / name
    raise InputError(f"The directory {directory} has no model.onnx, nor onnx/model.onnx; export the classifier to ONNX first.")


def load(path: Path, label: str) -> OnnxClassifier:
    """A classifier from an ONNX file, with tokenizer.json and perhaps config.json beside it or in the directory above."""
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise MissingExtraError('An ONNX model needs the extra: pip install "corpus-builder[onnx]".') from error
    tokenizer_file, config_file = _beside(path, "tokenizer.json"), _beside(path, "config.json")
    if tokenizer_file is None:
        raise InputError(f"The ONNX model {path} has no tokenizer.json beside it; copy the one with which it was trained there.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    try:
        config = json.loads(config_file.read_bytes()) if config_file else {}
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    except Exception as error:  # each of these packages raises errors of its own
        raise InputError(f"The ONNX model {path} cannot be loaded: {error}") from error
    if odd := [one.name for one in session.get_inputs() if one.name not in ("input_ids", "attention_mask", "token_type_ids")]:
        raise InputError(f"The ONNX model {path} wants the input {odd[0]!r}; a sequence classifier of tokens is wanted.")
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=min(MOST_TOKENS, int(config.get("max_position_embeddings") or MOST_TOKENS)))
    labels = _labels(session, config, path)
    place = None
    if label:
        if label not in labels or len(labels) < 2:
            raise InputError(
                f"The ONNX model {path} has no label {label!r}{did_you_mean(label, labels) or '.'} It has {', '.join(labels)}."
            )
        place = labels.index(label)
    digest = hashlib.sha256(" ".join([*map(digest_file, files_of(path)), label]).encode()).hexdigest()
    return OnnxClassifier(session, tokenizer, digest, (_property(labels, label),), place)


def files_of(path: Path) -> list[Path]:
    """The files that an ONNX model is read from; the weights of large ones lie in files beside them."""
    beside = [_beside(path, "tokenizer.json"), _beside(path, "config.json")]
    return [path, *(one for one in beside if one is not None), *sorted(path.parent.glob(f"{path.name}[._]data*"))]


def _beside(path: Path, name: str) -> Path | None:
    return next((folder / name for folder in (path.parent, path.parent.parent) if (folder / name).is_file()), None)


def _labels(session: Any, config: Mapping[str, Any], path: Path) -> list[str]:
    """The names of the outputs, in order."""
    width = session.get_outputs()[0].shape[-1]
    named = config.get("id2label") or {}
    if not isinstance(width, int):
        width = len(named) or 1
    if width > 1 and len(named) not in (0, width):
        raise InputError(f"The ONNX model {path} has {width} outputs, and config.json names {len(named)} labels.")
    names = [str(named.get(str(at), at)) for at in range(width)]
    return [str(at) for at in range(width)] if all(name == f"LABEL_{at}" for at, name in enumerate(names)) else names


def _property(labels: Sequence[str], label: str) -> Property:
    if label:
        return Property("score", "binary", ("0", "1"))
    if len(labels) == 1:
        return Property("score", "graded", ("0", "1"))
    try:
        [float(one) for one in labels]
    except ValueError:
        return Property("score", "category", tuple(labels))
    return Property("score", "binary" if list(labels) == ["0", "1"] else "graded", tuple(labels))
