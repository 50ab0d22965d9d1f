"""The measures of words: of FineWeb-2's filters, and of the kinds of words; by Sudachi, which costs a hundred times as much as all others.

The definitions of FineWeb-2's are those of datatrove's GopherRepetition, FineWebQuality and GopherQuality filters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import MissingExtraError
from corpus_builder.japanese.classes import IS_LETTER, classify, tables
from corpus_builder.japanese.letters import code_points
from corpus_builder.japanese.words import words
from corpus_builder.quality.catalogue import OF_WORDS, STOP_WORDS, Group

FUNCTION_WORDS = ("助詞", "助動詞")
MARKS = ("補助記号", "記号", "空白")


class WordMeasures:
    """The measures of words, as a group of columns."""

    group: Group = OF_WORDS

    @property
    def digest(self) -> str:
        """The versions of Sudachi and its dictionary; raises MissingExtraError if they are not installed."""
        try:
            return " ".join(f"{name} {version(name)}" for name in ("sudachipy", "sudachidict_core"))
        except PackageNotFoundError as error:
            raise MissingExtraError(
                'quality.word_measures needs SudachiPy; install the extra: pip install "corpus-builder[words]".'
            ) from error

    def measure(self, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """One (n,) column per measure."""
        rows = [word_measures(text) for text in texts]
        return {info.name: np.array([row[info.name] for row in rows], dtype=info.dtype) for info in self.group.measures}


def word_measures(text: str) -> dict[str, float | int]:
    """The measures of words of one text.

    >>> found = word_measures("犬が走る。犬が走る。")
    >>> found["num_words"], found["num_stop_words"], found["function_word_fraction"], found["duplicate_5gram_word_fraction"]
    (8, 2, 0.3333333333333333, 0.0)
    """
    every = [word for word in words(text, "A") if word.surface.strip()]
    spoken = [word for word in every if word.part_of_speech not in MARKS]
    surfaces = [word.surface for word in every]
    return {
        "num_words": len(every),
        "word_mean_chars": _share(sum(len(word.surface) for word in spoken), len(spoken)),
        "alphabetic_word_fraction": _share(_with_letters(surfaces), len(every)),
        "num_stop_words": sum(surface in STOP_WORDS for surface in surfaces),
        "newlines_per_word": _share(text.count("\n"), len(every)),
        "function_word_fraction": _share(sum(word.part_of_speech in FUNCTION_WORDS for word in spoken), len(spoken)),
        "unknown_word_fraction": _share(sum(word.unknown for word in spoken), len(spoken)),
        **{f"top_{n}gram_word_fraction": _share(_most(surfaces, n), len(text)) for n in (2, 3, 4)},
        **{f"duplicate_{n}gram_word_fraction": _share(_repeated(surfaces, n), len(text)) for n in range(5, 11)},
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _with_letters(surfaces: Sequence[str]) -> int:
    """How many of some words have a letter."""
    if not surfaces:
        return 0
    table, flags = tables()
    points, starts = code_points(surfaces)
    classes = np.empty(len(points), dtype=np.uint8)
    classify(points, table, classes, np.empty(len(flags), dtype=np.int64))
    return int(np.add.reduceat(flags[classes] & IS_LETTER != 0, starts[:-1], dtype=np.int64).astype(bool).sum())


def _most(surfaces: Sequence[str], n: int) -> int:
    """Length of the most frequent n-gram times its count, at most the length of the text; the first of several."""
    counts = Counter(" ".join(surfaces[place : place + n]) for place in range(len(surfaces) - n + 1))
    ngram, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return min(len(ngram) * count, sum(map(len, surfaces)))


def _repeated(surfaces: Sequence[str], n: int) -> int:
    """Code points of n-grams that occurred before; the next one is looked for behind such a one."""
    seen: set[str] = set()
    repeated = place = 0
    while place < len(surfaces) - n + 1:
        ngram = "".join(surfaces[place : place + n])
        if ngram in seen:
            repeated += len(ngram)
            place += n
        else:
            seen.add(ngram)
            place += 1
    return repeated
