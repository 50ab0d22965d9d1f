"""Which detector a recipe asks for: the shipped model, a model of one's own, or a fastText language model.

detector = "ngrams"                              the model that the package brings along
detector = "ngrams:data/models/detector.bin"     a model of `corpus-builder train-detector`
detector = "fasttext:data/models/lid.176.ftz"    a fastText model with the label __label__ja; needs the extra `classifier`
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError, MissingExtraError, RecipeError
from corpus_builder.files import state_of
from corpus_builder.japanese.detect import LONG, Detector, japanese_score, shipped

DEFAULT = "ngrams"
JAPANESE_LABEL = "__label__ja"

JapaneseScore = Callable[[str], float]
"""`score(text)`: the share of a text that is Japanese, 0..1."""


def named_detector(name: str) -> JapaneseScore:
    """The detector of that name; a model is loaded once in each process, and again where its file is another.

    Raises RecipeError for a name that is none of the three kinds, InputError where there is no such model, MissingExtraError
    where fastText is not installed.
    """
    kind, path = _parts(name)
    return _loaded(kind, path, state_of(path)) if path else japanese_score


@lru_cache(maxsize=8)
def _loaded(kind: str, path: str, state: tuple[int, int]) -> JapaneseScore:
    if kind == "ngrams":
        return Detector.from_bytes(_read(path), path).score
    model = load_fasttext(path)
    if JAPANESE_LABEL not in model.labels:
        raise InputError(
            f"The fastText model {path} has no label {JAPANESE_LABEL!r}; a language model such as lid.176.ftz has it."
        )
    return partial(fasttext_score, model)


def detector_version(name: str) -> str:
    """What a detector's scores depend on: its kind and a digest of its model, wherever that lies."""
    named_detector(name)
    kind, path = _parts(name)
    data = _read(path) if path else shipped().to_bytes()
    return f"{kind} {hashlib.sha256(data).hexdigest()[:32]}"


def located(name: str, resolve: Callable[[str], Path]) -> str:
    """The same name with its path made absolute; unknown names come back as they are."""
    kind, colon, path = name.partition(":")
    return f"{kind}:{resolve(path)}" if colon and path and kind in ("ngrams", "fasttext") else name


def _parts(name: str) -> tuple[str, str]:
    kind, colon, path = name.partition(":")
    if (kind == "ngrams" and bool(path) == bool(colon)) or (kind == "fasttext" and path):
        return kind, path
    raise RecipeError(
        f'Unknown detector {name!r}; write "ngrams" for the shipped model, "ngrams:PATH" for a model of `corpus-builder '
        'train-detector`, or "fasttext:PATH" for a fastText language model such as lid.176.ftz.'
    )


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"The detector's model {path} cannot be read: {error.strerror}.") from error


# ---- fastText ---------------------------------------------------------------------------------------------------------


def load_fasttext(model: str) -> Any:
    """A fastText model from its file (.bin or .ftz)."""
    try:
        import fasttext
    except ImportError as error:
        raise MissingExtraError('A fastText model needs the extra: pip install "corpus-builder[classifier]".') from error
    try:
        return fasttext.load_model(model)
    except ValueError as error:
        raise InputError(f"{model} cannot be read as a fastText model: {error}") from error


def fasttext_score(model: Any, text: str) -> float:
    """The probability of Japanese under a fastText language model, averaged over a text's lines by their letters; 0.0 for none."""
    score = total = 0.0
    for piece in _pieces(text):
        letters = sum(map(str.isalpha, piece))
        labels, probabilities = model.predict(piece, k=-1)
        score += letters * float(dict(zip(labels, probabilities, strict=True)).get(JAPANESE_LABEL, 0.0))
        total += letters
    return min(score / total, 1.0) if total else 0.0


def _pieces(text: str) -> Iterator[str]:
    """Lines, joined with those that follow until they are long enough to tell."""
    waiting = ""
    for line in text.splitlines():
        waiting = f"{waiting} {line}" if waiting else line
        if len(waiting) >= LONG:
            yield waiting
            waiting = ""
    if waiting.strip():
        yield waiting
