"""The batch kernel agrees with the plain definitions, bit for bit, on any text."""

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.corpora import prose
from support.strategies import japanese_text

from corpus_builder.quality import reference
from corpus_builder.quality.measures import MEASURES, measure_text, measure_texts


def bits(values: dict[str, float | int]) -> dict[str, bytes]:
    return {name: struct.pack("<d", value) for name, value in values.items()}


@settings(deadline=None, max_examples=300)
@given(st.lists(japanese_text(), max_size=5))
@example([])
@example([""])
@example(["あ"])
@example(["。"])
@example(["\n\n\n"])
@example(["…\u3000。", "・ \n"])
@example(["！！！はい！！"])
@example(["abc\r\nabc\r\n"])
@example(["\x00\n\x00"])
@example(["\ud842\udfb7𠮷\ud800"])
@example(["あ" * 500])
def test_the_kernel_is_the_definition(texts):
    columns = measure_texts(texts)
    assert tuple(columns) == tuple(MEASURES)
    for row, text in enumerate(texts):
        assert bits({name: column[row].item() for name, column in columns.items()}) == bits(reference.measure_text(text))


def test_the_kernel_is_the_definition_on_prose():
    texts = [prose(seed) * (1 + seed % 3) for seed in range(20)]
    columns = measure_texts(texts)
    for row, text in enumerate(texts):
        assert bits({name: column[row].item() for name, column in columns.items()}) == bits(reference.measure_text(text))


PROSE = st.text(st.sampled_from("あゝー・アｱーー漢々〆年ａAb12９..．。！!?…‥」』）)「(“”• -*+\n\n \u3000ا؟।한"), max_size=60)


@settings(deadline=None, max_examples=300)
@given(st.lists(PROSE, max_size=5))
@example(["A. B. Cd. 1. e"])
@example(["・・・\n...\n- a\n-b"])
def test_the_kernel_is_the_definition_where_marks_meet(texts):
    columns = measure_texts(texts)
    for row, text in enumerate(texts):
        assert bits({name: column[row].item() for name, column in columns.items()}) == bits(reference.measure_text(text))


@settings(deadline=None)
@given(japanese_text())
def test_every_value_lies_in_its_range(text):
    for name, value in measure_text(text).items():
        assert MEASURES[name].low <= value <= MEASURES[name].high
        assert math.isfinite(value)


@settings(deadline=None, max_examples=30)
@given(st.lists(japanese_text(60), min_size=1, max_size=8), st.randoms())
def test_a_text_is_measured_alike_in_any_company(texts, random):
    alone = [measure_text(text) for text in texts]
    order = list(range(len(texts)))
    random.shuffle(order)
    together = measure_texts([texts[place] for place in order])
    for row, place in enumerate(order):
        assert {name: column[row].item() for name, column in together.items()} == alone[place]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("コーヒーサーバー", "num_katakana_letters", 4),  # ー is not counted by the v1 script
        ("コーヒーサーバー", "japanese_letter_fraction", 1.0),
        ("𠮷野家", "num_kanji_letters", 2),  # nor is a kanji beyond the BMP
        ("𠮷野家", "japanese_letter_fraction", 1.0),
        ("はい！！いいえ。", "avg_sentence_length", 3.5),  # the second mark belongs to no sentence
        ("。。\n。。", "duplicate_paragraph_fraction", 0.5),  # two empty paragraphs
        ("あああ", "top_2gram_character_fraction", 1.0),
        ("ああああああ", "duplicate_5gram_character_fraction", 1.0),  # one distinct 5-gram, and it occurs twice
        ("あいうえおかあいうえお", "duplicate_5gram_character_fraction", 1 / 6),
        ("それは…。", "ellipsis_fraction", 0.0),
        ("それは… ", "ellipsis_fraction", 1.0),
    ],
)
def test_definitions_of_swallow_v1(text, name, value):
    assert measure_text(text, [name]) == {name: value}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("コーヒーサーバー", "num_corrected_katakana", 8),
        ("らーめん", "num_corrected_hiragana", 4),  # ー belongs to the script before it
        ("ｺｰﾋｰ", "num_corrected_katakana", 4),
        ("𠮷野家", "num_corrected_kanji", 3),
        ("時々、〆切", "num_corrected_kanji", 4),
        ("いすゞ", "num_corrected_hiragana", 3),
        ("日本のJapan", "japanese_among_letters_fraction", 3 / 8),
        ("日本の Ｊａｐａｎ", "latin_among_letters_fraction", 5 / 8),
        ("東京 100%", "digit_fraction", 0.5),
        ("（株）", "mark_fraction", 2 / 3),
        ("「はい。」と言った。", "num_sentences", 1),
        ("「はい。」「いいえ。」", "num_sentences", 2),
        ("はい！！いいえ。", "sentence_mean_ems", 4.0),  # both marks belong to the first
        ("See J. Smith, v1.2. It works. 終わり", "num_sentences", 3),
        ("1. はじめに", "num_sentences", 1),
        ("本書では．次に３．１４を", "num_sentences", 2),
        ("それは…ちょっと… でも", "num_sentences", 2),
        ("क्या है? यह है।", "num_sentences", 2),
        ("--\n***\n。", "num_sentences", 0),
        ("This is it.", "sentence_mean_ems", 5.5),  # half-width
        ("はい。\n見出し\n“Yes.”", "finished_sentence_fraction", 2 / 3),
        ("はい。\n見出し\n\n「うん。」", "line_punctuation_fraction", 2 / 3),
        ("あ\nい\nあ\nあ", "duplicate_line_fraction", 0.5),
        ("ああ\nい\nああ", "duplicate_line_character_fraction", 0.4),
        ("・一\n- 二\n-三\n● 四", "bullet_line_fraction", 0.75),
        ("それは…\nそれは。", "ellipsis_line_fraction", 0.5),
        ("日本の・です", "num_stop_characters", 3),
    ],
)
def test_definitions_beyond_swallow_v1(text, name, value):
    assert measure_text(text, [name]) == {name: value}


def test_names_choose_the_columns_and_their_types():
    columns = measure_texts(["日本"], ["kanji_fraction", "num_letters"])
    assert list(columns) == ["kanji_fraction", "num_letters"]
    assert [column.dtype for column in columns.values()] == [np.float64, np.int32]


def test_a_text_of_a_million_letters_is_measured_in_linear_memory():
    text = prose(0) * 2400
    values = measure_text(text)
    assert values["num_letters"] == len(text) > 1_000_000
    assert values["duplicate_10gram_coverage"] == 1.0


def test_every_measure_says_what_it_is():
    for name, info in MEASURES.items():
        assert info.name == name
        assert info.dtype in ("float64", "int32")
        assert all((info.unit, info.definition, info.source))
