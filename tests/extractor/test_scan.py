"""The scanner reads a page as a browser does, and loses nothing of it."""

import html.entities
import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from support.paths import ROOT
from support.strategies import html_text

from corpus_builder.extractor import scan as scanner
from corpus_builder.extractor.blocks import CHARS, END, LINKED, START
from corpus_builder.extractor.scan import Scan, TooManyBlocks, scan
from corpus_builder.pages.charset import decode
from corpus_builder.sources.warc import Page, read_warc

SAMPLE = ROOT / "data" / "samples" / "web-sample.warc.gz"
PASSED_OVER = "script style noscript iframe noembed noframes textarea svg select template button math audio video canvas object "
PASSED_OVER += "datalist rt rp title"
PERMALINK = "¶"
UNREAD = re.compile("[\\s\u00ad\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\x00-\x1f]+")


def texts(found: Scan) -> list[str]:
    octets = found.text.tobytes()
    return [octets[start:end].decode() for start, end in found.blocks[:, [START, END]].tolist()]


def blocks(page: str, readings: bool = False) -> list[str]:
    return texts(scan(page.encode(), readings))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>一<p>二</p>三<div>四</div>", ["一", "二", "三", "四"]),
        ("<p><b>新</b>しい<i>本</i>を<span>読</span>む", ["新しい本を読む"]),
        ("一行目の\n  続き<br>二行目<br><br>別の段落", ["一行目の続き\n二行目", "別の段落"]),
        ("日本語 English\nwords 語", ["日本語 English words 語"]),
        ("<p>　字下げ　と　　空き　</p>", ["字下げ　と　空き"]),
        ("零\u200b幅\ufeffの\u00ad字👩‍👩‍👧と❤️と葛\U000e0100", ["零幅の字👩‍👩‍👧と❤️と葛\U000e0100"]),
        (
            "a&nbsp;b&amp;c&lt;d&gt;&copy;&yen&#12354;&#x3042;&#128;&#0;&notit;&nGt;&unknown;&",
            ["a b&c<d>©¥ああ€\ufffd¬it;≫⃒&unknown;&"],
        ),
        ("<ul><li>一<ul><li>二</ul><li>三</ul>", ["一", "二", "三"]),
        ("<dl><dt>語<dd>意味<dt>次<dd>訳</dl>", ["語", "意味", "次", "訳"]),
        ("<table><tr><td>一<td>二<tr><th>三</table>四", ["一", "二", "三", "四"]),
        ("<pre>\n  a\n    b\n\n</pre>", ["  a\n    b"]),
        ("<!-- 隠れ --><!-->見<!--->え<!-- > -->る<![CDATA[x]]><?php y ?></ z>字", ["見える字"]),
        ("<script>'</p>これ'</SCRIPT x><style>b</style>見える<noscript>い</noscript>", ["見える"]),
        ("<select><option>甲<option>乙</select>丙<button>丁</button><svg><title>戊</title><text>己</text></svg>", ["丙"]),
        ("<div><button>甲</div>乙<svg><p>丙", ["乙", "丙"]),
        ("<p title='a>b' data-x=\"<p>\">一</p>二<a href='x>三", ["一", "二"]),
        ("<a href=1>一<noscript>二<p>三", ["一二", "三"]),
        ("<h2>概要 <a href=#x>¶</a></h2><p>段落記号は¶です。", ["概要", "段落記号は¶です。"]),
        ("3 < 5 <7 <", ["3 < 5 <7 <"]),
        ("甲<hr>乙<h2>丙<h3>丁", ["甲", "乙", "丙", "丁"]),
        ("<textarea>甲</textarea>乙<xmp>a</xmp>", ["乙", "a"]),
        ("\x00あ\x00", ["あ"]),
        ("", []),
        ("<p> \n　</p><div><br><br></div>", []),
    ],
)
def test_blocks(page: str, expected: list[str]) -> None:
    assert blocks(page) == expected


@pytest.mark.parametrize(
    ("ruby", "kept"),
    [
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>", "漢字（かんじ）"),
        ("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>", "漢（かん）字（じ）"),
        ("<ruby>漢字<rt>かんじ</ruby>", "漢字（かんじ）"),
        ("<RUBY><RB>漢</RB><RB>字</RB><RTC><RT>かん</RT><RT>じ</RT></RTC></RUBY>", "漢字（かん）（じ）"),
    ],
)
def test_readings_go_and_can_be_kept(ruby: str, kept: str) -> None:
    assert blocks(f"<p>この{ruby}を読む") == ["この漢字を読む"]
    assert blocks(f"<p>この{ruby}を読む", readings=True) == [f"この{kept}を読む"]


def test_the_first_page_of_a_thread_may_be_empty() -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(blocks, "").result() == []


def test_a_reading_that_never_ends_swallows_no_block() -> None:
    assert blocks("<p><ruby>漢字<rt>かんじ</p><p>次の文", readings=True) == ["漢字（かんじ）", "次の文"]
    assert blocks("<p>漢字<rt>かんじ<p>本文です") == ["漢字", "本文です"]


def test_links_are_counted_and_anchors_are_not() -> None:
    found = scan("<a name=top>見出し<p>これは<a href=x>リンク</a>です".encode())
    assert found.blocks[:, [CHARS, LINKED]].tolist() == [[3, 0], [8, 3]]


def test_every_reference_fits_the_buffer() -> None:
    """The buffer has half as many bytes again as the page; no reference grows by more."""
    assert all(len(text.encode()) <= 1.5 * len(f"&{name}") for name, text in html.entities.html5.items())
    page = "".join(f"<p>&{name}" for name in html.entities.html5)
    expected = [" ".join(text.split()) for text in html.entities.html5.values()]
    assert list(blocks(page)) == [text for text in expected if UNREAD.sub("", text)]


def test_the_whole_text_is_a_tree_parsers() -> None:
    """Every page of the sample, against lexbor's text of the same elements."""
    same, other = 0, []
    for record in read_warc(SAMPLE):
        if not isinstance(record, Page) or record.status != 200 or b"<" not in record.body:
            continue
        page = decode(record.body, record.content_type).text.replace("\0", "")
        if page.count("<") > scanner.MAX_ELEMENTS:
            continue
        tree = LexborHTMLParser(page)
        for tag in PASSED_OVER.split():
            for node in tree.css(tag):
                node.decompose()
        expected = UNREAD.sub("", tree.root.text(deep=True)).replace(PERMALINK, "") if tree.root else ""
        if UNREAD.sub("", "".join(blocks(page))).replace(PERMALINK, "") == expected:
            same += 1
        else:
            other.append(record.url)
    assert same > 380
    assert len(other) <= 0.005 * same, other


@settings(max_examples=300, deadline=None)
@given(html_text(), st.booleans())
def test_any_page_is_read(page: str, readings: bool) -> None:
    found = scan(page.encode("utf-8", "replace"), readings)
    spans = found.blocks[:, [START, END]].tolist()
    assert all(start < end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert all(text == text.strip(" \n\u3000") or "<pre" in page or "<xmp" in page for text in texts(found))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(page: bytes) -> None:
    found = scan(page)
    assert found.text.tobytes().decode("utf-8", "replace") is not None
    assert (found.blocks[:, CHARS] > 0).all()


def test_text_of_no_markup_comes_out_whole() -> None:
    text = "吾輩は猫である。名前はまだ無い。" * 1000
    assert blocks(text) == [text]


def test_deep_nesting_loses_no_text() -> None:
    assert blocks("<div>" * 3000 + "深い" + "</div>" * 3000 + "浅い") == ["深い", "浅い"]


def test_a_page_of_too_many_blocks_is_refused() -> None:
    assert len(scan(b"<p>a" * scanner.MAX_BLOCKS).blocks) == scanner.MAX_BLOCKS
    with pytest.raises(TooManyBlocks):
        scan(b"<p>a" * (scanner.MAX_BLOCKS + 5))
    with pytest.raises(TooManyBlocks):
        scan(b"<p></p>" * (scanner.MAX_ELEMENTS + 5))


@pytest.mark.parametrize(
    "piece", [b"<iframe>", b"<a href='", b"<", b"&", b"</p></li>", b"<!--", b"<li><div>", b"<button>", b"<table><td>"]
)
def test_no_page_takes_more_than_its_share(piece: bytes) -> None:
    """Megabytes of what makes parsers slow: this test takes hours where something is quadratic."""
    try:
        scan(piece * (2_000_000 // len(piece)))
    except TooManyBlocks:
        assert piece in (b"<li><div>", b"<table><td>", b"<button>")
