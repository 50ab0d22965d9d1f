"""Readable reference implementations of the measures in plain Python; the batch kernel must agree with them bit for bit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

HIRAGANA = re.compile("[\u3041-\u3096]")
KATAKANA = re.compile("[\u30a1-\u30fa]")
KANJI = re.compile(
    "[\N{IDEOGRAPHIC ITERATION MARK}\N{IDEOGRAPHIC NUMBER ZERO}\N{VERTICAL IDEOGRAPHIC ITERATION MARK}\u3400-\u9fff\uf900-\ufaff]"
)
TOTEN = re.compile("[、，]")
KUTEN = re.compile("[。．！？]")
SENTENCE = re.compile("[^。．！？!?]+[。．！？!?]?")
MORE_KATAKANA = re.compile("[\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}\uff66-\uff9f]")
RARE_KANJI = re.compile("[\U00020000-\U0003ffff]")
LINE_ENDS = tuple("。．！？!?」』）…")


def measure_text(text: str) -> dict[str, float | int]:
    """Every measure of one text, by name, in the order of `MEASURES`.

    >>> measure_text("猫である。")["hiragana_fraction"]
    0.6
    """
    return {**_letters(text), **_sentences(text), **_ngrams(text), **_ours(text)}


def share(part: float, whole: float) -> float:
    """part / whole; 0 if whole is 0."""
    return part / whole if whole else 0.0


def _letters(text: str) -> dict[str, float | int]:
    counts = {
        "num_hiragana_letters": len(HIRAGANA.findall(text)),
        "num_katakana_letters": len(KATAKANA.findall(text)),
        "num_kanji_letters": len(KANJI.findall(text)),
        "num_toten": len(TOTEN.findall(text)),
        "num_kuten": len(KUTEN.findall(text)),
    }
    japanese = sum(counts.values())
    fractions = {
        f"{name.removeprefix('num_').removesuffix('_letters')}_fraction": share(count, japanese) for name, count in counts.items()
    }
    return {
        "num_letters": len(text),
        **counts,
        "num_japanese_letters": japanese,
        **fractions,
        "japanese_fraction": share(japanese, len(text)),
    }


def _sentences(text: str) -> dict[str, float | int]:
    lines = [SENTENCE.findall(line) for line in text.split("\n")]
    sentences = [sentence for line in lines for sentence in line]
    paragraphs = ["".join(line) for line in lines]
    lengths = [len(sentence) for sentence in sentences]
    ellipses = sum(sentence.strip().endswith(("・", "…")) for sentence in sentences)
    return {
        "avg_sentence_length": share(sum(lengths), len(lengths)),
        "max_sentence_length": max(lengths, default=0),
        "num_sentences_ending_with_ellipsis": ellipses,
        "ellipsis_fraction": share(ellipses, len(sentences)),
        "duplicate_paragraph_fraction": _repeated(paragraphs),
        "duplicate_sentence_fraction": _repeated(sentences),
        "duplicate_paragraph_fraction_in_character": _repeated_letters(paragraphs),
        "duplicate_sentence_fraction_in_character": _repeated_letters(sentences),
    }


def _repeated(items: Sequence[str]) -> float:
    return share(sum(count - 1 for count in Counter(items).values()), len(items))


def _repeated_letters(items: Sequence[str]) -> float:
    return share(sum(len(item) * (count - 1) for item, count in Counter(items).items()), sum(map(len, items)))


def ngrams(text: str, n: int) -> Counter[str]:
    """The character n-grams of a text and how often each occurs.

    >>> ngrams("ああい", 2)
    Counter({'ああ': 1, 'あい': 1})
    """
    return Counter(text[place : place + n] for place in range(len(text) - n + 1))


def _ngrams(text: str) -> dict[str, float | int]:
    measures: dict[str, float | int] = {}
    for n in (2, 3, 4):
        counts = ngrams(text, n)
        measures[f"top_{n}gram_character_fraction"] = share(max(counts.values(), default=0), sum(counts.values()))
    for n in range(5, 11):
        counts = ngrams(text, n)
        measures[f"duplicate_{n}gram_character_fraction"] = share(sum(count > 1 for count in counts.values()), len(counts))
    return measures


def _ours(text: str) -> dict[str, float | int]:
    letters = _letters(text)
    more_katakana = len(MORE_KATAKANA.findall(text))
    rare = len(RARE_KANJI.findall(text))
    kana = letters["num_hiragana_letters"] + letters["num_katakana_letters"] + more_katakana
    lines = [stripped for line in text.split("\n") if (stripped := line.strip())]
    return {
        "japanese_letter_fraction": share(
            letters["num_japanese_letters"] + more_katakana + rare, sum(not letter.isspace() for letter in text)
        ),
        "kana_fraction": share(kana, kana + letters["num_kanji_letters"] + rare),
        "duplicate_10gram_coverage": share(_covered(text, 10), len(text)),
        "num_lines": len(lines),
        "sentence_end_line_fraction": share(sum(line.endswith(LINE_ENDS) for line in lines), len(lines)),
    }


def _covered(text: str, n: int) -> int:
    """Code points inside an n-gram that occurs more than once."""
    counts = ngrams(text, n)
    repeated = [place for place in range(len(text) - n + 1) if counts[text[place : place + n]] > 1]
    return len({place + step for place in repeated for step in range(n)})
