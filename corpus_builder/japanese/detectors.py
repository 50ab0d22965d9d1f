"""The language detectors that a recipe can name: the shipped model, your own model, or a fastText language model.

detector = "ngrams"                              the model that comes with the package
detector = "ngrams:data/models/detector.bin"     a model from `corpus-builder train-detector`
detector = "fasttext:data/models/lid.176.ftz"    a fastText model with the label __label__ja; needs the extra `classifier`

A source may be in another language: the first two know only Japanese, a fastText model the languages that it has labels for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError, MissingExtraError, RecipeError
from corpus_builder.japanese.detect import LONG, Detector, japanese_score, shipped
from corpus_builder.store.files import state_of

DEFAULT = "ngrams"
JAPANESE, ANY = "ja", "none"
"""Languages of a source: Japanese, or no test at all.  Any other is a label of a fastText model without its `__label__`."""

LanguageScore = Callable[[str], float]
"""`score(text)` returns the share of a text that is in a language, 0..1."""


def named_detector(name: str, language: str = JAPANESE) -> LanguageScore:
    """The detector with this name for a language; a model is loaded once per process, and again if its file changes.

    For `ANY`, every text scores 1.  Raises RecipeError for a name of no known kind or a language that the detector does not
    know, InputError if there is no such model, MissingExtraError if fastText is not installed.
    """
    if language == ANY:
        return _all
    kind, path = _parts(name)
    if kind == "ngrams" and language != JAPANESE:
        raise RecipeError(knows_japanese_alone(name, language))
    return _loaded(kind, path, state_of(path), language) if path else japanese_score


@lru_cache(maxsize=8)
def _loaded(kind: str, path: str, state: tuple[int, int], language: str) -> LanguageScore:
    if kind == "ngrams":
        return Detector.from_bytes(_read(path), path).score
    model = load_fasttext(path)
    label = f"__label__{language}"
    if label not in model.labels:
        raise InputError(
            f"The fastText model {path} has no label {label!r}; a language model such as lid.176.ftz has __label__ja."
        )
    return partial(fasttext_score, model, label)


def _all(text: str) -> float:
    return 1.0


def knows_japanese_alone(name: str, language: str) -> str:
    """The error message about a language that a detector does not know."""
    return (
        f"language = {language!r} needs a detector that knows it, and {name!r} knows only Japanese. Name a fastText language model "
        f'with the label __label__{language}, for example detector = "fasttext:lid.176.ftz"; or write language = "none" to '
        "accept every text."
    )


def detector_version(name: str, language: str = JAPANESE) -> str:
    """What a detector's scores depend on: its kind and a digest of its model, regardless of its path."""
    if language == ANY:
        return ANY
    named_detector(name, language)
    kind, path = _parts(name)
    data = _read(path) if path else shipped().to_bytes()
    return f"{kind} {hashlib.sha256(data).hexdigest()[:32]}"


def located(name: str, resolve: Callable[[str], Path]) -> str:
    """A detector's name with its path made absolute; unknown names are returned unchanged."""
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


def fasttext_score(model: Any, label: str, text: str) -> float:
    """The probability of a language by a fastText model, 0..1, averaged over a text's lines weighted by their letters; 0.0 for no letters."""
    score = total = 0.0
    for piece in _pieces(text):
        letters = sum(map(str.isalpha, piece))
        labels, probabilities = model.predict(piece, k=-1)
        score += letters * float(dict(zip(labels, probabilities, strict=True)).get(label, 0.0))
        total += letters
    return min(score / total, 1.0) if total else 0.0


def _pieces(text: str) -> Iterator[str]:
    """Lines, each joined with the following ones until long enough to judge."""
    waiting = ""
    for line in text.splitlines():
        waiting = f"{waiting} {line}" if waiting else line
        if len(waiting) >= LONG:
            yield waiting
            waiting = ""
    if waiting.strip():
        yield waiting
