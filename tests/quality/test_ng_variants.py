"""NG words in other forms are found where people write them so, and not inside other words."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.quality.ng_variants import Hit, covered, hits
from corpus_builder.quality.ng_words import NgWords

WORDS = ("セックス", "セフレ", "エロ", "エロい", "無修正", "オンラインカジノ", "AV女優", "デリヘル", "ガールズバー", "マンコ")


@pytest.mark.parametrize(
    ("text", "written", "word"),
    [
        ("昨日のセックスの話", "セックス", "セックス"),
        ("昨日のせっくすの話", "せっくす", "セックス"),
        ("昨日のｾｯｸｽの話", "ｾｯｸｽ", "セックス"),
        ("昨日のｶﾞｰﾙｽﾞﾊﾞｰの話", "ｶﾞｰﾙｽﾞﾊﾞｰ", "ガールズバー"),
        ("昨日のセ○クスの話", "セ○クス", "セックス"),
        ("昨日のセ〇クスの話", "セ〇クス", "セックス"),
        ("昨日のセ×クスの話", "セ×クス", "セックス"),
        ("昨日のセ*クスの話", "セ*クス", "セックス"),
        ("昨日のセ●●スの話", "セ●●ス", "セックス"),
        ("昨日のせ○くすの話", "せ○くす", "セックス"),
        ("昨日のセッ○スの話", "セッ○ス", "セックス"),
        ("昨日のセック○の話", "セック○", "セックス"),
        ("昨日のセ・ッ・ク・スの話", "セ・ッ・ク・ス", "セックス"),
        ("昨日のセ ッ ク スの話", "セ ッ ク ス", "セックス"),
        ("昨日のセ　ッ　ク　スの話", "セ　ッ　ク　ス", "セックス"),
        ("昨日のセ☆ッ☆ク☆スの話", "セ☆ッ☆ク☆ス", "セックス"),
        ("昨日のセッ\u200bクスの話", "セッ\u200bクス", "セックス"),
        ("完全無○正の話", "無○正", "無修正"),
        ("完全無-修-正の話", "無-修-正", "無修正"),
        ("元ＡＶ女優の話", "ＡＶ女優", "AV女優"),
        ("元av女優の話", "av女優", "AV女優"),
        ("オンライン○ジノの話", "オンライン○ジノ", "オンラインカジノ"),
        ("ｾﾌﾚの話", "ｾﾌﾚ", "セフレ"),
    ],
)
def test_a_word_in_another_form_is_found_and_told_as_it_is_written(text: str, written: str, word: str) -> None:
    at = text.index(written)
    assert hits(WORDS, text) == [Hit(at, at + len(written), word)]
    detail = word if written == word else f"{written} ({word})"
    assert NgWords(WORDS, variants=True).matched(text) == (len(written), detail)


@pytest.mark.parametrize(
    "text",
    [
        "もう家にかえろうと思い、灯りをけして、きえろと念じた。",  # エロ in hiragana
        "ロマン・コースとマン・コミックの券",  # not between all letters
        "二〇二〇年に一○○点を取り、三×五=十五、A*B",
        "無 料で修 理と正 月",
        "セ\nッ\nク\nス",
        "エ○ の一字が欠けた碑文",
        "セッション、クスノキ、セクシー",
        "",
    ],
)
def test_other_words_are_left(text: str) -> None:
    assert hits(WORDS, text) == []
    assert NgWords(WORDS, variants=True).matched(text) == (0, "")


def test_listed_forms_are_the_default() -> None:
    plain, more = NgWords(WORDS), NgWords(WORDS, variants=True)
    assert plain.matched("せ○くす、セックス") == (4, "セックス")
    assert more.matched("せ○くす、セックス") == (8, "せ○くす (セックス)")
    assert plain.digest != more.digest


def test_letters_inside_two_words_count_once() -> None:
    assert covered([Hit(0, 4, "a"), Hit(2, 6, "b"), Hit(3, 5, "c"), Hit(8, 9, "d")]) == 7


@settings(deadline=None)
@given(st.text("セッくスｾｸ○・ ﾞ無修正\u200b", max_size=30))
def test_stretches_lie_in_the_text_and_stand_for_listed_words(text: str) -> None:
    found = hits(WORDS, text)
    assert found == sorted(found)
    for start, stop, word in found:
        assert 0 <= start < stop <= len(text)
        assert word in WORDS
        assert text[start] not in "・ \u200b"
    assert NgWords(WORDS, variants=True).matched(text)[0] <= len(text)


@settings(deadline=None)
@given(st.text("セックスエロいせふれ無修正の話", max_size=30))
def test_what_is_listed_is_found_as_without_variants(text: str) -> None:
    """In texts without marks, at least the letters that the listed forms cover."""
    assert NgWords(WORDS, variants=True).matched(text)[0] >= NgWords(WORDS).matched(text)[0]


@pytest.mark.slow
def test_time_grows_with_the_text() -> None:
    def spent(text: str) -> float:
        return min(_once(text) for _ in range(3))

    for piece in ("セ・", "セ ッ ", "○セ", "ｶﾞ", "セ・ッ・ク・ス"):
        hits(WORDS, piece)
        assert spent(piece * 40_000) < 16 * spent(piece * 10_000)


def _once(text: str) -> float:
    started = time.process_time()
    hits(WORDS, text)
    return time.process_time() - started
