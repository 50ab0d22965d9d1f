"""Opens the model file that a recipe names, whatever its format."""

from __future__ import annotations

from pathlib import Path

from corpus_builder.classifier.linear import MAGIC, LinearClassifier
from corpus_builder.classifier.model import Classifier
from corpus_builder.errors import InputError


def load_classifier(path: str | Path) -> Classifier:
    """The classifier in a model file; the format is told by the file's content.

    Raises InputError if the file cannot be read, or is no classifier.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"There is no classifier {path}. Train one with `corpus-builder train-classifier LABELS --out {path}`; for a shipped "
            "recipe, the recipe's comments say on what, or where the model is to be had."
        ) from error
    except OSError as error:
        raise InputError(f"The classifier {path} cannot be read: {error.strerror}.") from error
    if not data.startswith(MAGIC):
        raise InputError(f"{path} is no classifier: it is not a model from `corpus-builder train-classifier`.")
    return LinearClassifier.from_bytes(data, str(path))
