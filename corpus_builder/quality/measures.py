"""The built-in measures: their definitions, and their batch kernel.

`quality.reference` has a plain implementation of each; the kernel agrees with it bit for bit.  The names and definitions
of Swallow corpus v1 are kept unchanged, including what they leave out; additional measures of our own make up for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.japanese import classes as of
from corpus_builder.japanese import lines as line
from corpus_builder.japanese.classes import classify, tables
from corpus_builder.japanese.compression import compression_ratio
from corpus_builder.japanese.letters import code_points
from corpus_builder.japanese.lines import count_lines
from corpus_builder.japanese.ngrams import LONGEST, POINTS, count_ngrams
from corpus_builder.japanese.sentences import cut, distinct, ends_with_ellipsis
from corpus_builder.quality.catalogue import TEXT, VOCABULARY, MeasureInfo
from corpus_builder.quality.vocabulary import densities_of

MEASURES: Mapping[str, MeasureInfo] = MappingProxyType({info.name: info for group in TEXT for info in group.measures})
"""The measures that every build has, in the order of their columns."""
_NAMES = tuple(MEASURES)
_AT = MappingProxyType({name: place for place, name in enumerate(_NAMES)})
_VOCABULARY = tuple(info.name for info in VOCABULARY)
_TOP = _AT["top_2gram_character_fraction"]
_DUPLICATE = _AT["duplicate_5gram_character_fraction"]
_LETTERS = _AT["japanese_letter_fraction"]
_LINES = _AT["num_lines"]
_SENTENCES = _AT["num_sentences"]
_REPETITION = _AT["duplicate_10gram_coverage"]


def measure_texts(texts: Sequence[str], names: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Measures of many texts: one (n,) column per name, float64 or int32 as in `MEASURES`; all measures if no names are given.

    Accepts any text, even with lone surrogates; where a definition divides by zero, the value is 0.

    >>> measure_texts(["吾輩は猫である。"], ["num_letters", "hiragana_fraction"])
    {'num_letters': array([8], dtype=int32), 'hiragana_fraction': array([0.5])}
    """
    points, starts = code_points(texts)
    longest = int(np.diff(starts).max(initial=0))
    size = 16
    while size < 2 * (longest + 2):
        size *= 2
    values = np.zeros((len(texts), len(_NAMES)), dtype=np.float64)
    _measure(points, starts, *tables(), longest, size, values)
    if names is None or any(name in _VOCABULARY for name in names):
        values[:, [_AT[name] for name in _VOCABULARY]] = densities_of(points, starts)
    return {name: values[:, _AT[name]].astype(MEASURES[name].dtype) for name in (_NAMES if names is None else names)}


def measure_text(text: str, names: Sequence[str] | None = None) -> dict[str, float | int]:
    """Measures of one text.

    >>> measure_text("ああああ", ["top_2gram_character_fraction"])
    {'top_2gram_character_fraction': 1.0}
    """
    return {name: column[0].item() for name, column in measure_texts([text], names).items()}


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _share(part: int, whole: int) -> float:
    return part / whole if whole > 0 else 0.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _measure(points: Any, starts: Any, table: Any, flags: Any, longest: int, size: int, values: Any) -> None:
    """All measures of every text; values: (n, len(MEASURES)) float64."""
    kept = np.empty(longest + 2, dtype=np.uint32)
    classes = np.empty(longest + 2, dtype=np.uint8)
    sentences = np.empty(longest + 2, dtype=np.int64)
    paragraphs = np.empty(longest + 2, dtype=np.int64)
    earlier = np.empty(longest + 2, dtype=np.uint32)
    ids = np.zeros(POINTS, dtype=np.uint32)
    scratch = np.empty((6, longest + LONGEST + 2), dtype=np.uint32)
    slots = np.empty(size, dtype=np.int32)
    ngrams = np.empty((LONGEST + 1, 3), dtype=np.int64)
    of_lines = np.empty(11, dtype=np.int64)
    of_classes = np.empty(len(flags), dtype=np.int64)
    for text in range(len(starts) - 1):
        row = values[text]
        here = points[starts[text] : starts[text + 1]]
        length = len(here)
        prolonged = classify(here, table, classes, of_classes)
        _letters(length, of_classes, prolonged, row)
        _, n_sentences, n_paragraphs = cut(here, kept, sentences, paragraphs)
        _sentences(kept, sentences[:n_sentences], row)
        for place, ends in ((17, paragraphs[:n_paragraphs]), (18, sentences[:n_sentences])):
            items, characters = _repeated(kept, ends, slots)
            row[place] = _share(items, len(ends))
            row[place + 2] = _share(characters, ends[-1] if len(ends) > 0 else 0)
        n_lines = count_lines(here, classes, flags, kept, paragraphs, of_lines)
        _lines(of_lines, length, of_classes[of.NEWLINE], _repeated(kept, paragraphs[:n_lines], slots), row)
        covered = count_ngrams(here, ids, scratch, ngrams, earlier)
        for n in range(2, 5):
            row[_TOP + n - 2] = _share(ngrams[n, 2], length - n + 1)
        for n in range(5, LONGEST + 1):
            row[_DUPLICATE + n - 5] = _share(ngrams[n, 1], ngrams[n, 0])
        row[_REPETITION] = _share(covered, length)
        row[_REPETITION + 1] = compression_ratio(here, earlier, ngrams[1, 0])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _letters(length: int, count: Any, prolonged: int, row: Any) -> None:
    """What the counts of the classes say; `prolonged`: the ー that follow hiragana."""
    row[0] = length
    row[1] = count[of.HIRAGANA] + count[of.HIRAGANA_STOP]
    row[2] = count[of.KATAKANA]
    row[3] = count[of.KANJI] + count[of.KANJI_STOP] + count[of.HEXAGRAM]
    row[4] = count[of.TOTEN]
    row[5] = count[of.KUTEN] + count[of.WIDE_DOT]
    japanese = row[1] + row[2] + row[3] + row[4] + row[5]
    row[6] = japanese
    for kind in range(5):
        row[7 + kind] = _share(row[1 + kind], japanese)
    row[12] = _share(japanese, length)
    solid = length - count[of.SPACE] - count[of.NEWLINE]
    more = count[of.PROLONGED] + count[of.HALF_KATAKANA]
    kana = row[1] + row[2] + more
    row[_LETTERS] = _share(japanese + more + count[of.RARE_KANJI], solid)
    row[_LETTERS + 1] = _share(kana, kana + row[3] + count[of.RARE_KANJI])
    hiragana = row[1] + count[of.MORE_HIRAGANA] + prolonged
    katakana = row[2] + count[of.MORE_KATAKANA] + count[of.HALF_KATAKANA] + count[of.PROLONGED] - prolonged
    kanji = row[3] - count[of.HEXAGRAM] + count[of.MORE_KANJI] + count[of.RARE_KANJI]
    letters = hiragana + katakana + kanji + count[of.LATIN] + count[of.LETTER]
    row[_LETTERS + 2] = hiragana
    row[_LETTERS + 3] = katakana
    row[_LETTERS + 4] = kanji
    for kind in range(3):
        row[_LETTERS + 5 + kind] = _share(row[_LETTERS + 2 + kind], hiragana + katakana + kanji)
    row[_LETTERS + 8] = _share(hiragana + katakana + kanji, letters)
    row[_LETTERS + 9] = _share(count[of.LATIN], letters)
    row[_LETTERS + 10] = _share(count[of.DIGIT], solid)
    row[_LETTERS + 11] = _share(solid - letters - count[of.DIGIT] - count[of.COMBINING], solid)
    row[_REPETITION + 2] = count[of.HIRAGANA_STOP] + count[of.KANJI_STOP] + count[of.MIDDLE_DOT]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sentences(kept: Any, ends: Any, row: Any) -> None:
    longest = ellipses = start = 0
    for stop in ends:
        longest = max(longest, stop - start)
        ellipses += ends_with_ellipsis(kept, start, stop)
        start = stop
    row[13] = _share(start, len(ends))
    row[14] = longest
    row[15] = ellipses
    row[16] = _share(ellipses, len(ends))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _repeated(kept: Any, ends: Any, slots: Any) -> tuple[int, int]:
    """How many items repeat an earlier one, and their code points."""
    if len(ends) == 0:
        return 0, 0
    size = 16
    while size < 2 * len(ends):
        size *= 2
    found, length = distinct(kept, ends, slots[:size])
    return len(ends) - found, ends[-1] - length


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _lines(count: Any, length: int, newlines: int, repeated: Any, row: Any) -> None:
    """What the counts of `count_lines` say; `repeated`: lines that repeat an earlier one, and their code points."""
    lines = count[line.LINES]
    row[_LINES] = lines
    row[_LINES + 1] = _share(count[line.V1_ENDED], lines)
    row[_LINES + 2] = _share(count[line.PUNCTUATED], lines)
    row[_LINES + 3] = _share(newlines, length)
    row[_LINES + 4] = _share(repeated[0], lines)
    row[_LINES + 5] = _share(repeated[1], length - newlines)
    row[_LINES + 6] = _share(count[line.SHORT], lines)
    row[_LINES + 7] = _share(count[line.BULLETS], lines)
    row[_LINES + 8] = _share(count[line.ELLIPSES], lines)
    row[_LINES + 9] = _share(count[line.LINE_POINTS], lines)
    sentences = count[line.SENTENCES]
    row[_SENTENCES] = sentences
    row[_SENTENCES + 1] = _share(count[line.UNITS], 2 * sentences)
    row[_SENTENCES + 2] = count[line.LONGEST] / 2
    row[_SENTENCES + 3] = _share(count[line.FINISHED], sentences)
