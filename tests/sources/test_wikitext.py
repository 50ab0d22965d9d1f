"""Wikitext becomes prose: cases, and no bit of markup whatever comes in."""

import re
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.paths import TESTS

from corpus_builder.sources.wikitext import wikitext_to_text

CASES = tomllib.loads((TESTS / "cases" / "sources" / "wikitext.toml").read_text())["case"]
PIECES = [
    *(
        "[[",
        "]]",
        "{{",
        "}}",
        "{|",
        "|}",
        "|",
        "'''",
        "''",
        "<ref>",
        "</ref>",
        "<small>",
        "<br>",
        "== ",
        " ==",
        "\n",
        "\n* ",
        "\n: ",
    ),
    *(
        "港",
        "東京",
        "（",
        "）",
        "、",
        "lang|en|x",
        "File:a.jpg|thumb|",
        "&amp;",
        "<!--",
        "-->",
        "http://a.example/ ",
        "[",
        "]",
        "\ud800",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_cases(case):
    assert wikitext_to_text(case["wikitext"]) == case["wanted"]


def test_the_title_is_not_repeated():
    assert wikitext_to_text("港町\n\n港町は町である。", "港町") == "港町は町である。"


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@example("{{{{{{a}}}}}}")
@example("['''[")
def test_any_input_gives_lines_without_markup(wikitext):
    text = wikitext_to_text(wikitext)
    assert not re.search(r"\[\[|\]\]|\{\{|\}\}|'''|<ref|\x01|\x02", text)
    assert "" not in text.split("\n") or text == ""
    text.encode()


@pytest.mark.parametrize(
    "piece", ["{{", "[[", "{|", "'''", "<ref>", "<small>", "<foo>", "[http://a ", "{{a|", "== a ==\n", "<!--", "-{"]
)
def test_markup_that_never_ends_is_read_in_bounded_time(piece):
    """The parser alone takes minutes on some of these; the bound is what is tested, by the suite coming to an end."""
    assert len(wikitext_to_text(piece * 20_000)) <= 40_000
