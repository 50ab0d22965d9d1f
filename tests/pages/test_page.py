"""Every page ends as text or as a reason; the verdict depends on the bytes alone."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.corpora import ENGLISH, html, prose
from support.strategies import html_bytes

from corpus_builder import Document, Extracted
from corpus_builder.document import Drop
from corpus_builder.engine.own_functions import OwnFunctionFailed, function_of
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.pages.page import PageSettings, PageText, is_html, read_page, storable
from corpus_builder.reasons import REASONS
from corpus_builder.sources.warc import Page
from corpus_builder.stages.extract import page_of

SETTINGS = PageSettings()
PARSED = PageSettings(extractor="trafilatura")
HTML = "<title>猫</title><p>吾輩は猫である。名前はまだ無い。</p>".encode()


def read(body: bytes, content_type: str = "text/html", status: int = 200, settings: PageSettings = SETTINGS) -> PageText | Drop:
    return read_page(body, content_type=content_type, status=status, settings=settings)


def reason(body: bytes, **how: object) -> str:
    found = read(body, **how)  # type: ignore[arg-type]
    assert isinstance(found, Drop)
    return found.reason


def test_a_japanese_page_is_text() -> None:
    found = read(html(prose(3), "三番目").encode("euc_jp"), "text/html; charset=EUC-JP")
    assert isinstance(found, PageText)
    assert (found.title, found.text, found.charset) == ("三番目", f"三番目\n{prose(3)}", "euc_jp")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty_body"),
        (b" \r\n\t ", "empty_body"),
        (b"%PDF-1.7 \x82\xa0\x82\xa2", "not_html"),
        (b"\x89PNG\r\n\x1a\n", "not_html"),
        ('{"text": "日本語のデータです。これはページではありません。"}'.encode(), "not_html"),
        ("<?xml version='1.0'?><rss><item><title>これはフィードです。ページではありません。".encode(), "not_html"),
        ("ただの文章です。目印がどこにもありません。".encode(), "not_html"),
        (ENGLISH.encode(), "gate_not_japanese"),
        (b"<html>" + "日本語のページ。".encode() * 3 + b"\xff\xfe\xfa" * 40, "undecodable"),
        (f"<html><script>{prose(1)}</script><p>OK".encode(), "no_japanese_text"),
        (f"<html><body>{ENGLISH * 5}<p>これは日本語で書いた一文です。".encode(), "not_japanese"),
        (("<html><body>" + "<p>あ</p>" * 60_000).encode(), "too_many_elements"),
        (("<html><body><ul>" + "<li><a href=/>お知らせの一覧</a>" * 60).encode(), "extraction_empty"),
    ],
)
def test_reasons(body: bytes, expected: str) -> None:
    assert reason(body) == expected
    assert expected in REASONS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<html><body>" + "<i>あ</i>" * 20_000, "too_many_elements"),
        ("<html><body>" + "<div>" * 300 + "これは深いところにある文です。", "too_deep"),
    ],
)
def test_what_a_tree_parser_is_spared(body: str, expected: str) -> None:
    assert reason(body.encode(), settings=PARSED) == expected
    assert isinstance(read(body.encode()), PageText)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("我們在圖書館裡看書，今天的天氣非常好，大家都很高興。", "big5"),
        ("我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。", "gb18030"),
        ("우리는 도서관에서 책을 읽었습니다. 오늘은 날씨가 매우 좋습니다.", "cp949"),
        ("日本語では「これはペンです」と書く、と本に書いてある。我們在圖書館裡看書，今天的天氣非常好，大家都很高興。", "big5"),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_what_the_gate_lets_through_by_chance_is_found_later(text: str, codec: str, declared: bool) -> None:
    meta = f"<meta charset={codec}>" if declared else ""
    body = f"<html><head>{meta}</head><body>{f'<p>{text}</p>' * 40}</body></html>".encode(codec, "ignore")
    assert isinstance(read(body, f"text/html; charset={codec}" if declared else "text/html"), Drop)


def test_the_status_comes_first_and_the_value_is_told() -> None:
    assert read(html(prose(1)).encode(), status=404) == Drop("http_status", 404, 200)


@pytest.mark.parametrize(
    "body",
    [
        ("<html><body>" + "<p>" + prose(1) + "</p>").encode() * 60_000,
        b"<html>" + "あ".encode() * (17 << 20),
    ],
    ids=["many pages in one", "one word"],
)
def test_fifty_megabytes_are_one_row_of_the_ledger(body: bytes) -> None:
    body = body[: 50 << 20]
    assert len(body) == 50 << 20
    assert reason(body) == "too_large"
    wide = PageSettings(max_bytes=1 << 30, extractor="trafilatura")
    assert reason(body, settings=wide) in ("too_many_elements", "extraction_empty", "extraction_failed")
    assert isinstance(read(body, settings=PageSettings(max_bytes=1 << 30)), (Drop, PageText))


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "font", "blockquote", "x", "svg", "p"])
def test_half_a_million_nested_elements_are_one_row_of_the_ledger(tag: str) -> None:
    text = "とても深いところにある日本語の文章です。"
    body = ("<html><body>" + f"<{tag}>" * 500_000 + text).encode()
    assert reason(body, settings=PARSED) == "too_many_elements"
    found = read(body)
    assert (found.reason if isinstance(found, Drop) else found.text) == {"svg": "no_japanese_text", "p": "too_many_elements"}.get(
        tag, text
    )
    if tag != "p":  # whose end tag is optional: these lie side by side
        wide = PageSettings(max_elements=10**9, extractor="trafilatura")
        deep = (f"<html><body><p>{text}</p>" + f"<{tag}>" * 20_000 + text).encode()
        assert read(deep, settings=wide) == Drop("too_deep", threshold=wide.max_depth)
        assert reason(deep, settings=replace(wide, max_depth=10**9)) == "too_deep"  # the parser's own limit


def test_what_an_extractor_of_ones_own_gives_or_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"odd_extractors_{random.randrange(10**9)}"
    (tmp_path / f"{name}.py").write_text(
        "from corpus_builder.pages.extract import Extracted\n"
        "def fails(html_text, url):\n    raise KeyError('no such element')\n"
        "def nothing(html_text, url):\n    return None\n"
        "def wrong(html_text, url):\n    return 'text'\n"
        "def wrong_fields(html_text, url):\n    return Extracted(1, '題')\n"
        "def fixed(html_text, url):\n    return Extracted('題', 'いつも同じ文章です。\\x00\\ud800\\r\\n')\n"
    )
    monkeypatch.chdir(tmp_path)
    body = html(prose(1)).encode()
    with pytest.raises(OwnFunctionFailed, match="KeyError: 'no such element'"):
        read(body, settings=PageSettings(f"{name}:fails"))
    assert read(body, settings=PageSettings(f"{name}:nothing")) == Drop("extraction_empty")
    found = read(body, settings=PageSettings(f"{name}:fixed"))
    assert isinstance(found, PageText)
    assert found.text == "いつも同じ文章です。\ufffd"
    for wrong, what in (("wrong", "'text'"), ("wrong_fields", r"Extracted\(title=1, text='題'\)")):
        with pytest.raises(OwnFunctionFailed, match=f"it returned {what}, not Extracted"):
            read(body, settings=PageSettings(f"{name}:{wrong}"))


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("start", ["<!DOCTYPE html>", "\n\n<HTML>", "<!-- 注 --><center>", "文字が先に<br>ある"])
def test_html_is_told_by_its_bytes(start: str, codec: str) -> None:
    assert is_html((start + "<p>本文").encode(codec))


@settings(deadline=None, max_examples=300)
@given(html_bytes())
def test_any_bytes_end_as_text_or_as_a_known_reason(body: bytes) -> None:
    found = read(body)
    if isinstance(found, Drop):
        assert found.reason in REASONS
    else:
        assert found.text == storable(found.text) != ""
        assert SETTINGS.min_japanese_score <= japanese_score(found.text) <= 1.0
    assert read(body) == found


@pytest.mark.parametrize(("url", "passed"), [("https://a.example/1", "https://a.example/1"), ("", None)])
def test_an_extractor_of_the_users_own_gets_the_url(url: str, passed: str | None) -> None:
    own = function_of(lambda html_text, url: Extracted(title=repr(url), text="これは猫の本文です。"), Path())
    found = page_of(Page(0, url, "", "", 200, "", HTML), "a.warc.gz/0", "web", PageSettings(extractor=own.name, own=own))
    assert isinstance(found, Document)
    assert found.title == repr(passed)
