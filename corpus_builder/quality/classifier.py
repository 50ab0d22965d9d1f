"""The probability that a fastText model assigns to a text; needs the extra `classifier`.

Swallow corpus v2 and v3 select educational text by such models over character 2- and 3-grams (NLP2025 C1-5).  A measure
for a recipe takes two lines, in a file next to it:

    def educational(document):
        return fasttext_probability(document.text, "data/models/edu.bin", "__label__pos")
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError
from corpus_builder.japanese.detectors import load_fasttext
from corpus_builder.store.files import state_of


def fasttext_probability(text: str, model: str | Path, label: str) -> float:
    """Probability of `label`, 0..1, by a supervised fastText model (.bin or .ftz); line breaks count as spaces.

    The model is loaded once per process, and again if its file changes.  Raises MissingExtraError if fastText is not installed,
    and InputError if there is no such model or label.
    """
    loaded = _load(str(model), state_of(model))
    if label not in loaded.labels:
        raise InputError(f"The fastText model {model} has no label {label!r}; it has {', '.join(loaded.labels[:10])}.")
    labels, probabilities = loaded.predict(" ".join(text.splitlines()), k=-1)
    probability: float = dict(zip(labels, map(float, probabilities), strict=True)).get(label, 0.0)
    return min(1.0, probability)


@lru_cache(maxsize=8)
def _load(model: str, state: tuple[int, int]) -> Any:
    return load_fasttext(model)
