"""The language detectors that a recipe can name: the shipped model, your own model, or a fastText language model.

detector = "ngrams"                              the model that comes with the package
detector = "ngrams:data/models/detector.bin"     a model from `corpus-builder train-detector`
detector = "fasttext:data/models/lid.176.ftz"    a fastText model with the label __label__ja; needs the extra `classifier`
detector = "my_detectors:score"                  a function of one's own: the text -> the probability that it is in the wanted language

A source may be in another language: the first two know only Japanese, a fastText model the languages that it has labels for, a function
those that it was written for.
"""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from numbers import Real
from pathlib import Path
from typing import Any

from corpus_builder.engine.own_functions import OwnFunctionFailed, UserFunction
from corpus_builder.errors import InputError, MissingExtraError, RecipeError, did_you_mean, words_of
from corpus_builder.japanese.detect import LONG, Detector, japanese_score, shipped
from corpus_builder.store.files import state_of

DEFAULT = "ngrams"
KINDS = ("ngrams", "fasttext")
JAPANESE, ANY = "ja", "none"
"""Languages of a source: Japanese, or no test at all.  Any other is a label of a fastText model without its `__label__`."""

LanguageScore = Callable[[str], float]
"""`score(text)` returns the share of a text that is in the wanted language, or the probability that it is, 0..1."""


def named_detector(name: str | UserFunction, language: str = JAPANESE) -> LanguageScore:
    """The detector with this name for a language; a model is loaded once per process, and again if its file changes.

    For `ANY`, every text scores 1.  Raises RecipeError for a name of no known kind or a language that the detector does not
    know, InputError if there is no such model, MissingExtraError if fastText is not installed.
    """
    if language == ANY:
        return _all
    if isinstance(name, UserFunction):
        return partial(_own_score, name)
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


def _own_score(detector: UserFunction, text: str) -> float:
    """The score of a user's own detector; any error that it raises, or wrong value that it returns, is raised, and drops no page."""
    try:
        score = detector.call(text)
    except BaseException as error:  # `sys.exit`, too
        raise OwnFunctionFailed("detector", detector.name, words_of(error), "") from error
    if isinstance(score, Real) and not isinstance(score, bool) and 0.0 <= float(score) <= 1.0:
        return float(score)
    raise OwnFunctionFailed(
        "detector", detector.name, f"it returned {reprlib.repr(score)}, no probability", "Let it return a number from 0 to 1."
    )


def _all(text: str) -> float:
    return 1.0


def knows_languages(detector: str | LanguageScore) -> bool:
    """Whether a detector may know another language than Japanese."""
    return callable(detector) or detector.startswith("fasttext:") or is_own(detector)


def knows_japanese_alone(name: str, language: str) -> str:
    """The error message about a language that a detector does not know."""
    return (
        f"language = {language!r} needs a detector that knows it, and {name!r} knows only Japanese. Name a fastText language model "
        f'with the label __label__{language}, for example detector = "fasttext:lid.176.ftz"; or write language = "none" to '
        "accept every text."
    )


def detector_version(name: str | UserFunction, language: str = JAPANESE) -> str:
    """What a detector's scores depend on: its kind and a digest of its model, regardless of its path."""
    if language == ANY:
        return ANY
    if isinstance(name, UserFunction):
        return f"own {name.digest}"
    named_detector(name, language)
    kind, path = _parts(name)
    data = _read(path) if path else shipped().to_bytes()
    return f"{kind} {hashlib.sha256(data).hexdigest()[:32]}"


def located(name: str, resolve: Callable[[str], Path]) -> str:
    """A detector's name with its path made absolute; unknown names are returned unchanged."""
    kind, colon, path = name.partition(":")
    return f"{kind}:{resolve(path)}" if colon and path and kind in ("ngrams", "fasttext") else name


def is_own(name: str) -> bool:
    """Whether a detector is `module:function` rather than a kind with the path of a model."""
    module, _, function = name.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), function)) and not did_you_mean(module, KINDS)


def _parts(name: str) -> tuple[str, str]:
    kind, colon, path = name.partition(":")
    if (kind == "ngrams" and bool(path) == bool(colon)) or (kind == "fasttext" and path):
        return kind, path
    raise RecipeError(
        f'Unknown detector {name!r}; write "ngrams" for the shipped model, "ngrams:PATH" for a model of `corpus-builder '
        'train-detector`, or "fasttext:PATH" for a fastText language model such as lid.176.ftz, or "module:function" for a function of your own.'
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
