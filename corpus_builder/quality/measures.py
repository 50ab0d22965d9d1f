"""The built-in measures: their definitions, and their batch kernel.

`quality.reference` has a plain implementation of each; the kernel agrees with it bit for bit.  The names and definitions
of Swallow corpus v1 are kept unchanged, including what they leave out; additional measures of our own make up for that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.japanese import letters
from corpus_builder.japanese.letters import code_points, is_space, kind_of
from corpus_builder.japanese.ngrams import LONGEST, count_ngrams
from corpus_builder.japanese.sentences import cut, distinct, ends_with_ellipsis, is_end_mark

V1 = "Swallow corpus v1"
OURS = "ours"


@dataclass(frozen=True, slots=True)
class MeasureInfo:
    """A built-in measure: its name, type ("float64" or "int32"), unit, definition, source and range."""

    name: str
    dtype: str
    unit: str
    definition: str
    source: str
    low: float
    high: float


def _count(name: str, unit: str, definition: str, source: str = V1) -> MeasureInfo:
    return MeasureInfo(name, "int32", unit, definition, source, 0, math.inf)


def _fraction(name: str, definition: str, source: str = V1) -> MeasureInfo:
    return MeasureInfo(name, "float64", "fraction", definition, source, 0, 1)


def _fractions_of_japanese() -> list[MeasureInfo]:
    kinds = ("hiragana", "katakana", "kanji", "toten", "kuten")
    return [
        _fraction(
            f"{kind}_fraction", f"num_{kind}{'_letters' if kind[0] in 'hk' and kind != 'kuten' else ''} / num_japanese_letters"
        )
        for kind in kinds
    ]


_ALL = (
    _count("num_letters", "code points", "length of the text, newlines included"),
    _count("num_hiragana_letters", "code points", "U+3041-3096"),
    _count("num_katakana_letters", "code points", "U+30A1-30FA, without the prolonged sound mark ー"),
    _count("num_kanji_letters", "code points", "々〇〻, U+3400-9FFF, U+F900-FAFF"),
    _count("num_toten", "code points", "、，"),
    _count("num_kuten", "code points", "。．！？ in full width"),
    _count("num_japanese_letters", "code points", "hiragana + katakana + kanji + toten + kuten, as counted above"),
    *_fractions_of_japanese(),
    _fraction("japanese_fraction", "num_japanese_letters / num_letters"),
    MeasureInfo(
        "avg_sentence_length", "float64", "code points", "mean length of the sentences, end mark included", V1, 0, math.inf
    ),
    _count("max_sentence_length", "code points", "length of the longest sentence"),
    _count("num_sentences_ending_with_ellipsis", "sentences", "sentences that, stripped of white space, end with ・ or …"),
    _fraction("ellipsis_fraction", "num_sentences_ending_with_ellipsis / number of sentences"),
    _fraction("duplicate_paragraph_fraction", "paragraphs (lines) that repeat an earlier one / paragraphs"),
    _fraction("duplicate_sentence_fraction", "sentences that repeat an earlier one / sentences"),
    _fraction("duplicate_paragraph_fraction_in_character", "code points of repeated paragraphs / code points of all paragraphs"),
    _fraction("duplicate_sentence_fraction_in_character", "code points of repeated sentences / code points of all sentences"),
    *(
        _fraction(f"top_{n}gram_character_fraction", f"count of the most frequent character {n}-gram / {n}-gram occurrences")
        for n in (2, 3, 4)
    ),
    *(
        _fraction(
            f"duplicate_{n}gram_character_fraction",
            f"distinct character {n}-grams that occur more than once / distinct {n}-grams",
        )
        for n in range(5, LONGEST + 1)
    ),
    _fraction(
        "japanese_letter_fraction",
        "hiragana, katakana with ー and half-width forms, kanji beyond the BMP too, 、，。．！？ / code points other than white space",
        OURS,
    ),
    _fraction("kana_fraction", "hiragana and katakana, with ー and half-width forms / kana and kanji", OURS),
    _fraction(
        "duplicate_10gram_coverage",
        "code points inside a character 10-gram that occurs more than once / code points",
        "ours, after Rae et al. 2021, table A1, who count the characters of words",
    ),
    _count("num_lines", "lines", "lines with more than white space", OURS),
    _fraction("sentence_end_line_fraction", "share of these lines that end with one of 。．！？!?」』）…", OURS),
)

MEASURES: Mapping[str, MeasureInfo] = MappingProxyType({info.name: info for info in _ALL})
_NAMES = tuple(MEASURES)
_AT = MappingProxyType({name: place for place, name in enumerate(_NAMES)})
_TOP = _AT["top_2gram_character_fraction"]
_DUPLICATE = _AT["duplicate_5gram_character_fraction"]
_OURS = _AT["japanese_letter_fraction"]


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
    _measure(points, starts, longest, size, values)
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
def _measure(points: Any, starts: Any, longest: int, size: int, values: Any) -> None:
    """All measures of every text; values: (n, len(MEASURES)) float64."""
    kept = np.empty(longest + 2, dtype=np.uint32)
    sentences = np.empty(longest + 2, dtype=np.int64)
    paragraphs = np.empty(longest + 2, dtype=np.int64)
    names = np.empty(longest + 2, dtype=np.int32)
    alive = np.empty(longest + 2, dtype=np.int32)
    counts = np.empty(longest + 2, dtype=np.int32)
    keys = np.empty(size, dtype=np.uint64)
    slots = np.empty(size, dtype=np.int32)
    ngrams = np.empty((LONGEST + 1, 3), dtype=np.int64)
    for text in range(len(starts) - 1):
        row = values[text]
        here = points[starts[text] : starts[text + 1]]
        length = len(here)
        _letters(here, row)
        _, n_sentences, n_paragraphs = cut(here, kept, sentences, paragraphs)
        _sentences(kept, sentences[:n_sentences], row)
        row[17] = _repeats(kept, paragraphs[:n_paragraphs], slots, row, 17)
        row[18] = _repeats(kept, sentences[:n_sentences], slots, row, 18)
        covered = count_ngrams(here, names, alive, keys, slots, counts, ngrams)
        for n in range(2, 5):
            row[_TOP + n - 2] = _share(ngrams[n, 2], length - n + 1)
        for n in range(5, LONGEST + 1):
            row[_DUPLICATE + n - 5] = _share(ngrams[n, 1], ngrams[n, 0])
        row[_OURS + 2] = _share(covered, length)
        _lines(here, row)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _letters(here: Any, row: Any) -> None:
    kinds = np.zeros(9, dtype=np.int64)
    for point in here:
        kinds[kind_of(point)] += 1
    japanese = 0
    for kind in range(5):
        row[1 + kind] = kinds[kind]
        japanese += kinds[kind]
    row[0] = len(here)
    row[6] = japanese
    for kind in range(5):
        row[7 + kind] = _share(kinds[kind], japanese)
    row[12] = _share(japanese, len(here))
    more = kinds[letters.PROLONGED] + kinds[letters.RARE_KANJI]
    kana = kinds[letters.HIRAGANA] + kinds[letters.KATAKANA] + kinds[letters.PROLONGED]
    row[_OURS] = _share(japanese + more, len(here) - kinds[letters.SPACE])
    row[_OURS + 1] = _share(kana, kana + kinds[letters.KANJI] + kinds[letters.RARE_KANJI])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sentences(kept: Any, ends: Any, row: Any) -> None:
    longest = ellipses = start = 0
    for stop in ends:
        longest = max(longest, stop - start)
        ellipses += ends_with_ellipsis(kept[start:stop])
        start = stop
    row[13] = _share(start, len(ends))
    row[14] = longest
    row[15] = ellipses
    row[16] = _share(ellipses, len(ends))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _repeats(kept: Any, ends: Any, slots: Any, row: Any, place: int) -> Any:
    """Write the fraction of repeated items, and two columns further that of their characters."""
    if len(ends) == 0:
        row[place + 2] = 0.0
        return 0.0
    size = 16
    while size < 2 * len(ends):
        size *= 2
    found, length = distinct(kept, ends, slots[:size])
    row[place + 2] = _share(ends[-1] - length, ends[-1])
    return _share(len(ends) - found, len(ends))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _lines(here: Any, row: Any) -> None:
    lines = ended = 0
    last = np.int64(-1)
    for place in range(len(here) + 1):
        if place == len(here) or here[place] == 10:
            if last >= 0:
                lines += 1
                ended += is_end_mark(last) or last == 0x300D or last == 0x300F or last == 0xFF09 or last == 0x2026
            last = np.int64(-1)
        elif not is_space(here[place]):
            last = np.int64(here[place])
    row[_OURS + 3] = lines
    row[_OURS + 4] = _share(ended, lines)
