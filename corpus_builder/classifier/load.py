"""Opens the model that a recipe names, whatever its format."""

from __future__ import annotations

from pathlib import Path

from corpus_builder.classifier import fasttext, linear, onnx
from corpus_builder.classifier.model import Classifier
from corpus_builder.errors import InputError


def load_classifier(path: str | Path, label: str = "") -> Classifier:
    """The classifier in a model file, or in a directory with an ONNX model and its tokenizer; the format is told by the content.

    `label` is, for a fastText or ONNX model, the label whose probability is the score; without it the score is the expected grade if the
    labels are numbers, else the name of the most likely one.  Raises InputError if the file cannot be read, or is no classifier, and
    MissingExtraError if the package that reads it is not installed.
    """
    path = Path(path)
    if path.is_dir():
        return onnx.load(onnx.model_in(path), label)
    try:
        with path.open("rb") as file:
            start = file.read(len(linear.MAGIC))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no classifier {path}. Train one with `corpus-builder train-classifier LABELS --out {path}`; for a shipped "
            "recipe, the recipe's comments say on what, or where the model is to be had."
        ) from error
    except OSError as error:
        raise InputError(f"The classifier {path} cannot be read: {error.strerror}.") from error
    if start == linear.MAGIC:
        if label:
            raise InputError(
                f"{path} is a model from `corpus-builder train-classifier`, which takes no label; leave {label!r} out."
            )
        return linear.LinearClassifier.from_bytes(path.read_bytes(), str(path))
    if start.startswith(fasttext.MAGIC):
        return fasttext.load(path, label)
    if start.startswith(onnx.START) and path.suffix == ".onnx":  # ONNX files have no magic number
        return onnx.load(path, label)
    raise InputError(
        f"{path} is no classifier: a model from `corpus-builder train-classifier`, a fastText model (.bin, .ftz), or an ONNX model (.onnx, "
        "or the directory with it) is wanted."
    )


def files_of(path: Path) -> list[Path]:
    """The files that the classifier at a path is read from."""
    if path.is_dir():
        return onnx.files_of(onnx.model_in(path))
    return onnx.files_of(path) if path.suffix == ".onnx" else [path]
