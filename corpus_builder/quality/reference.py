"""Readable reference implementations of the measures in plain Python; the batch kernel must agree with them bit for bit."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from corpus_builder.japanese.classes import BULLETS, CLOSING_MARKS, END_MARKS, OPENING_MARKS
from corpus_builder.quality.catalogue import STOP_WORDS
from corpus_builder.quality.vocabulary import CATEGORIES, entries

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
CORRECTED_HIRAGANA = re.compile("[\u3041-\u3096ゝゞゟ]")
CORRECTED_KATAKANA = re.compile("[\u30a1-\u30faーヽヾヿ\u31f0-\u31ff\uff66-\uff9f]")
CORRECTED_KANJI = re.compile("[々〆〇〻\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
PROLONGED_HIRAGANA = re.compile("(?<=[\u3041-\u3096ゝゞゟ])ー+")
DIGIT = re.compile("[0-9０-９]")
_STRONG = re.escape(END_MARKS) + "。！？"
_BRACKETS = re.escape(CLOSING_MARKS)
STRONG = re.compile(f"[{_STRONG}]")
MARKS = re.compile(f"(?P<marks>[{_STRONG}．.…‥]+)(?P<brackets>[{_BRACKETS}]*)")
PUNCTUATED = re.compile(f"[{_STRONG}．.…‥][{_BRACKETS}]*\\Z")
BULLET = re.compile(f"[{BULLETS}・]|[-*+]\\s")


def measure_text(text: str) -> dict[str, float | int]:
    """Every measure of one text, by name, in the order of `MEASURES`.

    >>> measure_text("猫である。")["hiragana_fraction"]
    0.6
    """
    v1 = {**_letters(text), **_sentences(text), **_ngrams(text)}
    return {
        **v1,
        **_corrected_letters(text),
        **_lines(text),
        **_sentences_of_any_script(text),
        **_repetition(text),
        **_vocabulary(text),
    }


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


def _corrected_letters(text: str) -> dict[str, float | int]:
    v1 = _letters(text)
    more_katakana = len(MORE_KATAKANA.findall(text))
    rare = len(RARE_KANJI.findall(text))
    kana = v1["num_hiragana_letters"] + v1["num_katakana_letters"] + more_katakana
    solid = [letter for letter in text if not letter.isspace()]
    counts = [len(pattern.findall(text)) for pattern in (CORRECTED_HIRAGANA, CORRECTED_KATAKANA, CORRECTED_KANJI)]
    counts[1] -= len(re.findall("ー", "".join(PROLONGED_HIRAGANA.findall(text))))
    counts[0] += len(re.findall("ー", "".join(PROLONGED_HIRAGANA.findall(text))))
    letters = sum(is_letter(letter) for letter in text)
    digits = len(DIGIT.findall(text))
    combining = sum(unicodedata.ucd_3_2_0.category(letter)[0] == "M" for letter in text if letter < "\U00010000")
    marks = len(solid) - letters - digits - combining
    return {
        "japanese_letter_fraction": share(v1["num_japanese_letters"] + more_katakana + rare, len(solid)),
        "kana_fraction": share(kana, kana + v1["num_kanji_letters"] + rare),
        **dict(zip(("num_corrected_hiragana", "num_corrected_katakana", "num_corrected_kanji"), counts, strict=True)),
        "corrected_hiragana_fraction": share(counts[0], sum(counts)),
        "corrected_katakana_fraction": share(counts[1], sum(counts)),
        "corrected_kanji_fraction": share(counts[2], sum(counts)),
        "japanese_among_letters_fraction": share(sum(counts), letters),
        "latin_among_letters_fraction": share(sum(map(is_latin, text)), letters),
        "digit_fraction": share(digits, len(solid)),
        "mark_fraction": share(marks, len(solid)),
    }


def is_letter(letter: str) -> bool:
    """Whether a code point is a letter of any script: by Unicode 3.2, or a Japanese one, or of a script beyond the BMP."""
    if letter > "\uffff":
        return letter < "\U0001d000" or "\U0001d400" <= letter <= "\U0001d7ff" or "\U00020000" <= letter <= "\U0003ffff"
    if "\u4dc0" <= letter <= "\u4dff":
        return False
    japanese = any(pattern.match(letter) for pattern in (CORRECTED_HIRAGANA, CORRECTED_KATAKANA, CORRECTED_KANJI))
    return japanese or unicodedata.ucd_3_2_0.category(letter)[0] == "L"


def is_latin(letter: str) -> bool:
    """Whether a code point is a Latin letter, by its name in Unicode 3.2."""
    name = unicodedata.ucd_3_2_0.name(letter, "") if letter <= "\uffff" else ""
    return name.startswith(("LATIN ", "FULLWIDTH LATIN ")) and unicodedata.ucd_3_2_0.category(letter)[0] == "L"


def _lines(text: str) -> dict[str, float | int]:
    raw = [line for line in text.split("\n") if line.strip()]
    lines = [line.strip() for line in raw]
    repeated = [line for place, line in enumerate(raw) if line in raw[:place]]
    return {
        "num_lines": len(lines),
        "sentence_end_line_fraction": share(sum(line.endswith(LINE_ENDS) for line in lines), len(lines)),
        "line_punctuation_fraction": share(sum(PUNCTUATED.search(line) is not None for line in lines), len(lines)),
        "newline_fraction": share(text.count("\n"), len(text)),
        "duplicate_line_fraction": share(len(repeated), len(lines)),
        "duplicate_line_character_fraction": share(sum(map(len, repeated)), len(text.replace("\n", ""))),
        "short_line_fraction": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "bullet_line_fraction": share(sum(BULLET.match(line) is not None for line in lines), len(lines)),
        "ellipsis_line_fraction": share(sum(line.endswith(("…", "‥", "...", "・・・")) for line in lines), len(lines)),
        "line_mean_chars": share(sum(map(len, lines)), len(lines)),
    }


def sentences_of(line: str) -> list[tuple[str, bool]]:
    """The sentences of a line as `japanese.lines` defines them, and whether each ends with a mark.

    >>> sentences_of("「はい。」と言った。See Fig. 2. J. Smith did")
    [('「はい。」と言った。', True), ('See Fig.', True), ('2. J. Smith did', False)]
    """
    found, start = [], 0
    for match in MARKS.finditer(line):
        if _ends_sentence(line, line[start : match.start()].lstrip(), match):
            found.append((line[start : match.end()].lstrip(), True))
            start = match.end()
    found.append((line[start:].lstrip(), False))
    return [(sentence, finished) for sentence, finished in found if any(is_letter(x) or DIGIT.match(x) for x in sentence)]


def _ends_sentence(line: str, before: str, match: re.Match[str]) -> bool:
    marks, brackets = match["marks"], match["brackets"]
    after = line[match.end() : match.end() + 1]
    at_end = not after or after.isspace()
    if STRONG.search(marks):
        return not brackets or at_end or after in OPENING_MARKS
    if marks == "．" and not brackets:
        return at_end or not (DIGIT.match(after) or is_latin(after))
    if not at_end or marks != "." or brackets or not after:
        return at_end
    initial = is_latin(before[-1:] or " ") and not (len(before) > 1 and (is_letter(before[-2]) or DIGIT.match(before[-2])))
    return not initial and not (before and all(DIGIT.match(letter) for letter in before))


def width(text: str) -> int:
    """Width in units of half an em.

    >>> width("ＡBｱ")
    4
    """
    return sum(1 if letter < "\u1100" or "\uff61" <= letter <= "\uffdc" else 2 for letter in text)


def _sentences_of_any_script(text: str) -> dict[str, float | int]:
    sentences = [sentence for line in text.split("\n") for sentence in sentences_of(line.strip())]
    widths = [width(sentence) for sentence, _ in sentences]
    return {
        "num_sentences": len(sentences),
        "sentence_mean_ems": share(sum(widths), 2 * len(sentences)),
        "sentence_max_ems": max(widths, default=0) / 2,
        "finished_sentence_fraction": share(sum(finished for _, finished in sentences), len(sentences)),
    }


def _repetition(text: str) -> dict[str, float | int]:
    return {
        "duplicate_10gram_coverage": share(_covered(text, 10), len(text)),
        "compression_ratio": compression_ratio(text),
        "num_stop_characters": sum(text.count(word) for word in STOP_WORDS),
    }


def _covered(text: str, n: int) -> int:
    """Code points inside an n-gram that occurs more than once."""
    counts = ngrams(text, n)
    repeated = [place for place in range(len(text) - n + 1) if counts[text[place : place + n]] > 1]
    return len({place + step for place in repeated for step in range(n)})


def _vocabulary(text: str) -> dict[str, float | int]:
    """The longest entry at each place, skipped over; else one letter on."""
    listed = {_half_width(word): found for word, found in entries().items()}
    longest, text, sums, place = max(map(len, listed)), _half_width(text), [0] * (len(CATEGORIES) + 1), 0
    while place < len(text):
        here = next((n for n in range(min(longest, len(text) - place), 1, -1) if text[place : place + n] in listed), 1)
        category, weight = listed.get(text[place : place + here], (0, 0))
        sums[category] += weight
        place += here
    return {f"{name}_density": 1000 * share(sums[n], len(text)) for n, name in enumerate(CATEGORIES)}


def _half_width(text: str) -> str:
    half = "".join(chr(ord(letter) - 0xFEE0) if "！" <= letter <= "～" else letter for letter in text)
    return re.sub("[A-Z]", lambda capital: capital[0].lower(), half)


def compression_ratio(text: str) -> float:
    """The estimate of `japanese.compression`.

    >>> compression_ratio("ああああああああ")
    0.203125
    """
    last: dict[str, int] = {}
    bits, place, known = 10 * len(set(text)), 0, 0
    while place < len(text):
        for start in range(known, place):
            last[text[start : start + 4]] = start
        known = place
        source = last.get(text[place : place + 4]) if place + 4 <= len(text) else None
        if source is None:
            bits += 6 if text[place] < "\x80" else 9 if "\u3040" <= text[place] < "\u3100" else 11
            place += 1
        else:
            bits += 20
            length = 4
            while place + length < len(text) and text[source + length] == text[place + length]:
                length += 1
            place += length
    return min(1.0, share(bits, 8 * len(text.encode("utf-8", "surrogatepass"))))
