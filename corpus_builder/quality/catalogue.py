"""What every measure is called, and what it means: definitions, units, ranges, sources and costs, by group.

The groups TEXT are always measured; the others only where a recipe asks for them or has what they need.  A group's cost is that of a
document of 2,000 characters, as `python -m benchmarks measures` prints it.  The values come from `quality.measures` and the rooms that
each group names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

V1 = "Swallow corpus v1"
OURS = "ours"
FINEWEB2 = "FineWeb-2, configs/jpn_Jpan.yml, with the filters of datatrove"
LONGEST_NGRAM = 10

STOP_WORDS = ("の", "に", "を", "は", "た", "て", "が", "と", "で", "年", "し", "・", "月", "れ", "さ")
"""The 15 Japanese stop words of FineWeb-2 (configs/jpn_Jpan.yml), which wants at least two of them in a document."""


@dataclass(frozen=True, slots=True)
class MeasureInfo:
    """A measure: its name, type ("float64" or "int32"), unit, definition, source and range."""

    name: str
    dtype: str
    unit: str
    definition: str
    source: str
    low: float
    high: float

    @property
    def range(self) -> str:
        """The least and the greatest value, in words.

        >>> INFOS["hiragana_fraction"].range, INFOS["duplicates"].range
        ('0 to 1', '1 or more')
        """
        return f"{self.low:g} or more" if math.isinf(self.high) else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that are computed together: when they are there, what they cost, and which they are."""

    name: str
    when: str  # a sentence
    microseconds: str  # for a document of 2,000 characters, on one core
    measures: tuple[MeasureInfo, ...]


def _count(name: str, unit: str, definition: str, source: str = OURS) -> MeasureInfo:
    return MeasureInfo(name, "int32", unit, definition, source, 0, math.inf)


def _fraction(name: str, definition: str, source: str = OURS) -> MeasureInfo:
    return MeasureInfo(name, "float64", "fraction", definition, source, 0, 1)


def _number(name: str, unit: str, definition: str, source: str = OURS) -> MeasureInfo:
    return MeasureInfo(name, "float64", unit, definition, source, 0, math.inf)


_V1_LETTERS = ("hiragana_letters", "katakana_letters", "kanji_letters", "toten", "kuten")

SWALLOW_V1 = (
    _count("num_letters", "code points", "length of the text, newlines included", V1),
    _count("num_hiragana_letters", "code points", "U+3041-3096", V1),
    _count("num_katakana_letters", "code points", "U+30A1-30FA, without the prolonged sound mark ー", V1),
    _count("num_kanji_letters", "code points", "々〇〻, U+3400-9FFF, U+F900-FAFF", V1),
    _count("num_toten", "code points", "、，", V1),
    _count("num_kuten", "code points", "。．！？ in full width", V1),
    _count("num_japanese_letters", "code points", "hiragana + katakana + kanji + toten + kuten, as counted above", V1),
    *(_fraction(f"{kind.partition('_')[0]}_fraction", f"num_{kind} / num_japanese_letters", V1) for kind in _V1_LETTERS),
    _fraction("japanese_fraction", "num_japanese_letters / num_letters", V1),
    _number("avg_sentence_length", "code points", "mean length of the sentences, end mark included", V1),
    _count("max_sentence_length", "code points", "length of the longest sentence", V1),
    _count("num_sentences_ending_with_ellipsis", "sentences", "sentences that, stripped of white space, end with ・ or …", V1),
    _fraction("ellipsis_fraction", "num_sentences_ending_with_ellipsis / number of sentences", V1),
    _fraction("duplicate_paragraph_fraction", "paragraphs (lines) that repeat an earlier one / paragraphs", V1),
    _fraction("duplicate_sentence_fraction", "sentences that repeat an earlier one / sentences", V1),
    _fraction(
        "duplicate_paragraph_fraction_in_character", "code points of repeated paragraphs / code points of all paragraphs", V1
    ),
    _fraction("duplicate_sentence_fraction_in_character", "code points of repeated sentences / code points of all sentences", V1),
    *(
        _fraction(f"top_{n}gram_character_fraction", f"count of the most frequent character {n}-gram / {n}-gram occurrences", V1)
        for n in (2, 3, 4)
    ),
    *(
        _fraction(
            f"duplicate_{n}gram_character_fraction",
            f"distinct character {n}-grams that occur more than once / distinct {n}-grams",
            V1,
        )
        for n in range(5, LONGEST_NGRAM + 1)
    ),
)

LETTERS = (
    _fraction(
        "japanese_letter_fraction",
        "hiragana, katakana with ー and half-width forms, kanji beyond the BMP too, 、，。．！？ / code points other than white space",
    ),
    _fraction("kana_fraction", "hiragana and katakana, with ー and half-width forms / kana and kanji"),
    _count("num_corrected_hiragana", "code points", "U+3041-3096, ゝゞゟ, and ー after one of these"),
    _count("num_corrected_katakana", "code points", "U+30A1-30FA, ヽヾヿ, ㇰ-ㇿ, half-width U+FF66-FF9F, and ー elsewhere"),
    _count("num_corrected_kanji", "code points", "々〆〇〻, U+3400-4DBF, U+4E00-9FFF, U+F900-FAFF, U+20000-3FFFF"),
    _fraction(
        "corrected_hiragana_fraction",
        "num_corrected_hiragana / hiragana, katakana and kanji by the corrected counts, without marks",
    ),
    _fraction("corrected_katakana_fraction", "num_corrected_katakana / the same"),
    _fraction("corrected_kanji_fraction", "num_corrected_kanji / the same"),
    _fraction(
        "japanese_among_letters_fraction",
        "hiragana, katakana and kanji by the corrected counts / letters of any script (no digits, no marks)",
    ),
    _fraction("latin_among_letters_fraction", "Latin letters, full-width ones too / letters of any script"),
    _fraction("digit_fraction", "0-9, full-width ones too / code points other than white space"),
    _fraction(
        "mark_fraction",
        "code points that are neither letters with their combining marks, 0-9, nor white space / those other than white space",
    ),
)

LINES = (
    _count("num_lines", "lines", "lines with more than white space"),
    _fraction("sentence_end_line_fraction", "share of these lines that end with one of 。．！？!?」』）…"),
    _fraction(
        "line_punctuation_fraction",
        "share of these lines that end with a mark that ends sentences in any script, or with a quotation mark or bracket after one "
        "[FineWeb-2 drops at 0.096 or less]",
        f"{FINEWEB2}; which marks, ours",
    ),
    _fraction(
        "newline_fraction",
        "newlines / code points [FineWeb-2: see newlines_per_word]",
        "ours, after FineWeb-2, which divides by the words",
    ),
    _fraction(
        "duplicate_line_fraction",
        "lines that repeat an earlier one / lines, where newlines in a row count as one [FineWeb-2 drops above 0.328]",
        f"{FINEWEB2}; Rae et al. 2021, table A1",
    ),
    _fraction(
        "duplicate_line_character_fraction",
        "code points of lines that repeat an earlier one / code points that are no newlines [FineWeb-2 drops at 0.1 or more]",
        FINEWEB2,
    ),
    _fraction("short_line_fraction", "lines of at most 30 code points / num_lines [not used by FineWeb-2]", "FineWeb"),
    _fraction(
        "bullet_line_fraction",
        "lines that begin with a bullet (• ・ - * + ● ○ ■ □ ◆ ◇ ▪ ▶ ► ※ ★ ☆ and the like) / num_lines [Gopher drops above 0.9]",
        "Rae et al. 2021, A1.1; which bullets, ours",
    ),
    _fraction(
        "ellipsis_line_fraction",
        "lines that end with … or ... or ・・・ / num_lines [Gopher drops above 0.3]",
        "Rae et al. 2021, A1.1",
    ),
    _number("line_mean_chars", "code points", "mean length of these lines, white space at their ends not counted"),
)

SENTENCES = (
    _count(
        "num_sentences",
        "sentences",
        "sentences with at least one letter or digit: a line ends one, and so do 。｡！？!?‼⁇⁈⁉।۔؟ and the like; . ．and … where the context says so",
    ),
    _number(
        "sentence_mean_ems",
        "em",
        "mean length of these sentences, where code points below U+1100 and half-width forms count one half",
    ),
    _number("sentence_max_ems", "em", "length of the longest of these sentences, in the same unit"),
    _fraction("finished_sentence_fraction", "share of these sentences that end with a mark, not only with the line"),
)

REPETITION = (
    _fraction(
        "duplicate_10gram_coverage",
        "code points inside a character 10-gram that occurs more than once / code points",
        "ours, after Rae et al. 2021, table A1, who count the characters of words",
    ),
    _fraction(
        "compression_ratio",
        "compressed size / size in UTF-8, at most 1, by a fixed estimate that follows zlib's (.99 on the sample corpus) but is the same everywhere; "
        "low: repetitive, high: without sentences [LLM-jp v2 keeps 0.3 to 0.7 of deflate]",
        "ours, after LLM-jp corpus v2 and uzushio",
    ),
    _count(
        "num_stop_characters",
        "code points",
        f"how often one of the 15 stop words of FineWeb-2 occurs as a character: {''.join(STOP_WORDS)}",
        "ours, after FineWeb-2, which counts words: see num_stop_words",
    ),
)

VOCABULARY_CATEGORIES = {
    "adult": "sexual services and pornography",
    "gambling": "casinos, tipsters, slots and lotteries",
    "loan": "consumer loans, loan sharks and factoring",
    "commerce": "shops and offers",
    "spam": "affiliate, trend and spun pages and promises of easy money",
}
"""The categories of the lists in `corpus_builder/quality/words`."""

VOCABULARY = tuple(
    _number(
        f"{name}_density",
        "weight per 1,000 code points",
        f"sum of the weights, 1 to 3, of the words and phrases of {about} in the text; lists and figures are in data/words",
    )
    for name, about in VOCABULARY_CATEGORIES.items()
)

TEXT = (
    Group("Swallow corpus v1", "Always.", "78", SWALLOW_V1),
    Group("letters", "Always.", "5", LETTERS),
    Group("lines", "Always.", "22, sentences included", LINES),
    Group("sentences", "Always.", "with the lines", SENTENCES),
    Group("repetition", "Always.", "5, beside the n-grams of v1", REPETITION),
    Group("vocabulary", "Always.", "26", VOCABULARY),
)
"""The groups that are measured in every build, by `quality.measures`; the vocabulary by `quality.vocabulary`."""

OF_PAGES = Group(
    "pages",
    "Always; 0 for texts that are not from the blocks of a page: other extractors than `japanese`, Wikipedia, rows of your own.",
    "0",
    (
        _fraction(
            "link_fraction", "characters of links / characters of the text, both without white space", "ours, after uzushio"
        ),
        _fraction("main_text_fraction", "characters of the text / characters of the whole page, both without white space"),
    ),
)
"""What the extractor knows, in the table `documents`."""

COPIES = "duplicates"
OF_COPIES = Group(
    "copies",
    "After the rule `duplicates = true`.",
    "0",
    (
        MeasureInfo(
            COPIES,
            "int32",
            "documents",
            "how many copies of the document there were, itself included: it and all that it is kept in place of, those of an index too; "
            "1 if it has none or is not compared",
            "FineWeb-2, which repeats documents by it",
            1,
            math.inf,
        ),
    ),
)
"""What the search for duplicates knows, in the table `matches`."""

_OF_WORDS = f"{FINEWEB2}; words by Sudachi's shortest units, as spaCy's Japanese tokenizer gives them"

OF_WORDS = Group(
    "words",
    "With `word_measures = true` under [quality]; needs the extra `words`.",
    "12,600",
    (
        _count("num_words", "words", "words by Sudachi (shortest units), white space not counted"),
        _number(
            "word_mean_chars", "code points", "mean length of words that are not only marks [FineWeb-2 keeps 1 to 6]", _OF_WORDS
        ),
        _fraction(
            "alphabetic_word_fraction", "words with at least one letter / num_words [FineWeb-2 drops below 0.759]", _OF_WORDS
        ),
        _count("num_stop_words", "words", f"words that are one of {''.join(STOP_WORDS)} [FineWeb-2 wants at least 2]", _OF_WORDS),
        _number("newlines_per_word", "newlines", "newlines / num_words [FineWeb-2 drops above 0.13]", _OF_WORDS),
        _fraction("function_word_fraction", "particles and auxiliary verbs / words that are not only marks"),
        _fraction("unknown_word_fraction", "words that Sudachi's dictionary does not have / words that are not only marks"),
        *(
            _fraction(
                f"top_{n}gram_word_fraction",
                f"length of the most frequent {n}-gram of words, with blanks between them, times its count / num_letters "
                f"[FineWeb-2 drops above {limit}]",
                _OF_WORDS,
            )
            for n, limit in ((2, 0.239), (3, 0.196), (4, 0.172))
        ),
        *(
            _fraction(
                f"duplicate_{n}gram_word_fraction",
                f"code points of {n}-grams of words that occurred before, read from left to right without overlap / num_letters "
                f"[FineWeb-2 drops above {limit}]",
                _OF_WORDS,
            )
            for n, limit in ((5, 0.243), (6, 0.225), (7, 0.207), (8, 0.190), (9, 0.175), (10, 0.159))
        ),
    ),
)
"""By `quality.word_measures`."""

OF_LANGUAGE_MODEL = Group(
    "language model",
    'With `language_model = "FILE"` under [quality], made by `corpus-builder train-language-model`.',
    "280",
    (
        MeasureInfo(
            "perplexity",
            "float64",
            "characters",
            "perplexity by character of the text, the ends of its lines included; 0 for a text without letters; low: like the texts that the model learned from, "
            "very low: repetitive",
            "after CCNet and uzushio, which use words; Kneser-Ney over characters here",
            0,
            math.inf,
        ),
    ),
)
"""By `japanese.language_model`."""

GROUPS: tuple[Group, ...] = (*TEXT, OF_PAGES, OF_WORDS, OF_LANGUAGE_MODEL, OF_COPIES)

INFOS: Mapping[str, MeasureInfo] = MappingProxyType({info.name: info for group in GROUPS for info in group.measures})
"""Every measure that the tool knows, by name, whether or not a build has it."""
