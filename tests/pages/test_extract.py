"""Main text by trafilatura, with what it does to Japanese mended before it."""

import pytest
from hypothesis import given, settings
from support.corpora import html, prose
from support.strategies import html_text

from corpus_builder.errors import CorpusError
from corpus_builder.pages.extract import (
    Extracted,
    TooDeep,
    joined_lines,
    named_extractor,
    title_of,
    trafilatura_extractor,
    without_ruby,
)

FILLER = "".join(f"<p>{line}</p>" for line in prose(1).split("\n"))


def extracted(inner: str) -> list[str]:
    found = trafilatura_extractor(f"<html><head><title>題</title></head><body><article>{FILLER}{inner}</article></body></html>")
    assert found is not None
    return found.text.split("\n")


def test_prose_comes_out_and_navigation_does_not() -> None:
    text = prose(7)
    assert trafilatura_extractor(html(text, "七番目の話")) == Extracted("七番目の話", f"七番目の話\n{text}")


def test_lines_wrapped_in_the_source_are_joined_without_a_space() -> None:
    assert "この文は元の場所で折り返してあります。" in extracted("<p>この文は元の\n場所で<b>折り返して</b>\n    あります。</p>")


def test_single_letters_in_inline_tags_stay() -> None:
    assert "新しい本を読む。" in extracted("<p><b>新</b>しい<i>本</i>を<span>読</span>む。</p>")


@pytest.mark.parametrize(
    "ruby",
    [
        "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>",
        "<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>",
        "<ruby>漢字<rt>かんじ</ruby>",
        "<ruby><rb>漢</rb><rb>字</rb><rtc><rt>かん</rt><rt>じ</rt></rtc></ruby>",
        "<RUBY>漢字<RP>（<RT class='yomi'><span>かん</span>じ<RP>）</RUBY>",
    ],
)
@pytest.mark.parametrize(
    "page",
    [
        "<html><body><div>この{}を読む人がいます。<br>次の話です。</div></body>",
        f"<body><article>{FILLER}<p>この{{}}を読む人がいます。",
    ],
)
def test_readings_are_dropped_and_words_stay(ruby: str, page: str) -> None:
    found = trafilatura_extractor(page.format(ruby))
    assert found is not None
    assert "この漢字を読む人がいます。" in found.text.split("\n")


@pytest.mark.parametrize("page", ["<p>漢字<rt>" + "本文" * 200 + "</p>", "<rtl>右から</rtl>", "<p>a<r", "<rt"])
def test_a_reading_that_never_ends_swallows_nothing(page: str) -> None:
    assert without_ruby(page) == page


def test_a_word_break_is_no_end() -> None:
    assert "長い単語の途中で切れます。" in extracted("<p>長い<wbr>単語の<wbr>途中で切れます。</p>")


def test_a_line_break_between_japanese_and_latin_is_kept_as_space() -> None:
    assert joined_lines("<p>日本語\nEnglish words\nhere\n日本語") == "<p>日本語\nEnglish words\nhere\n日本語"


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<TITLE lang=ja>\n 猫\n  の話 </TITLE>", "猫 の話"),
        ("<title>A &amp; B&#12354;</title><title>二つ目</title>", "A & Bあ"),
        ("<title>閉じていない", ""),
        ("<body>題がない", ""),
        ("<title>" + "長" * 900 + "</title>", "長" * 500),
    ],
)
def test_titles(page: str, title: str) -> None:
    assert title_of(page) == title


def test_a_page_beyond_the_parsers_depth_is_said_to_be() -> None:
    with pytest.raises(TooDeep):
        trafilatura_extractor("<div>" * 3000 + "あいうえお" + "</div>" * 3000)


def test_the_same_page_gives_the_same_text_after_others() -> None:
    pages = [html(prose(seed)) for seed in (1, 2, 1, 1, 1, 2)]
    found = [trafilatura_extractor(page) for page in pages]
    assert found[0] == found[2] == found[3] == found[4]
    assert found[1] == found[5]


def test_an_unknown_extractor_is_a_sentence() -> None:
    with pytest.raises(CorpusError, match="Unknown extractor 'trafilatra'; use one of japanese, trafilatura, trafilatura_tables"):
        named_extractor("trafilatra")


@settings(deadline=None, max_examples=200)
@given(html_text())
def test_joining_takes_out_nothing_but_white_space(page: str) -> None:
    joined = joined_lines(page)
    assert "".join(joined.split()) == "".join(page.split())
    assert joined_lines(joined) == joined
