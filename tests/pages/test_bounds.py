"""What a page can cost at most is known before it is parsed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as parser
from support.strategies import html_text

from corpus_builder.pages.bounds import elements, nests_deeper, visible_kana


def depth_of(tree: parser.HtmlElement) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in node]
    return deepest


@settings(deadline=None, max_examples=300)
@given(html_text())
def test_no_parser_makes_more_elements(text: str) -> None:
    tree = parser.document_fromstring(f"<html><body>{text}".replace("\0", ""), ensure_head_body=True)
    made = sum(1 for _ in tree.iter())
    assert made <= elements(text) + 2 * text.count("</") + 6  # html, head, body, and <p> for lonely end tags


@given(st.integers(1, 60), st.sampled_from(["div", "span", "b", "font", "section", "x-y"]))
def test_nesting_is_that_of_the_tags(depth: int, tag: str) -> None:
    text = f"<{tag}>" * depth + "あ" + f"</{tag}>" * depth
    assert not nests_deeper(text, depth)
    assert nests_deeper(text, depth - 1)


def test_flat_pages_with_open_ends_are_not_deep() -> None:
    assert not nests_deeper("<ul>" + "<li>一" * 5000 + "</ul>", 50)
    assert not nests_deeper("<p>一" * 5000, 50)
    assert not nests_deeper("<table>" + "<tr><td>一" * 5000 + "</table>", 50)
    assert not nests_deeper("<div>一</div>" * 5000, 50)


@pytest.mark.parametrize("piece", ["<div>", "</div>", "<script>", "<!--", "<pre", "<p", "<", "&#12354;", "あ", "<svg><style>"])
def test_a_page_of_one_thing_ends(piece: str) -> None:
    """Work that grew with the square of the page would take hours here."""
    short, long = piece * 400, piece * 1_000_000
    assert elements(long) == 2500 * elements(short)
    assert nests_deeper(long, 10**9) is False
    assert visible_kana(long, 10**9) == 2500 * visible_kana(short, 10**9)


def test_kana_that_nobody_sees_do_not_count() -> None:
    page = (
        "<style>/* これは */</style><script>'隠れている'</script><!-- ひみつ --><p>あ&#12356;&#x3046;<svg><text>え</text></svg>"
    )
    assert visible_kana(page, 99) == 3
