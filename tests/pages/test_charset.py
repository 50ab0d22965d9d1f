"""Pages are decoded by what their bytes show, and what does not decode is counted."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpora import prose
from support.paths import TESTS
from support.strategies import html_bytes

from corpus_builder.pages.charset import codec_of, decode

CASES = tomllib.loads((TESTS / "cases" / "html/charset.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_cases(case: dict[str, str]) -> None:
    body = bytes.fromhex(case["bytes"]) if "bytes" in case else case["text"].encode(case["codec"])
    found = decode(body, case.get("declared"))
    assert found.charset == case["charset"]
    if "contains" in case:
        assert case["contains"] in found.text
    else:
        assert found.text == case.get("equals", case["text"])
        assert found.undecodable == 0.0


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp"])
@pytest.mark.parametrize("declared", [None, "text/html", "text/html; charset=ISO-8859-1", "text/html; charset=EUC-JP"])
def test_prose_comes_back_whatever_is_declared(codec: str, declared: str | None) -> None:
    text = "\n".join(prose(seed) for seed in range(3))
    assert decode(text.encode(codec), declared).text == text


@given(st.integers(0, 200), st.sampled_from(["utf-8", "cp932", "euc_jp"]))
def test_a_page_cut_off_anywhere_keeps_its_charset(cut: int, codec: str) -> None:
    body = ("<html><body><p>" + "これは日本語の文章です。" * 900).encode(codec)
    found = decode(body[: len(body) - cut])
    assert found.charset == codec
    assert found.text[:-1] == ("<html><body><p>" + "これは日本語の文章です。" * 900)[: len(found.text) - 1]
    assert found.undecodable < 0.001


def test_broken_bytes_are_counted_and_the_rest_is_read() -> None:
    body = bytearray("あいうえおかきくけこ".encode() * 10)
    body[30:33] = b"\xff\xff\xff"
    found = decode(bytes(body))
    assert found.charset == "utf-8"
    assert found.text.count("\ufffd") == 3
    assert found.undecodable == pytest.approx(3 / 102)


def test_a_declaration_behind_many_scripts_is_found() -> None:
    scripts = "<script>var a = 1;</script>" * 1000
    body = f"<html><head>{scripts}<meta http-equiv=Content-Type content='text/html; charset=koi8-r'></head>".encode()
    body += "<p>Мы читали книги в библиотеке".encode("koi8-r")
    found = decode(body, "text/html")
    assert (found.charset, found.text[-30:]) == ("koi8-r", "<p>Мы читали книги в библиотеке"[-30:])


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp_ext", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [512, 1024, 8192])
def test_a_piece_from_anywhere_of_a_page_is_read_right(codec: str, size: int) -> None:
    """A floor: measured on pages nobody here wrote, all of 8 kB and 99.9 of 100 of 1 kB come out right; docs/charset.md."""
    whole = "\n".join(f"<p class='a{seed}'><a href='/{seed}'>{prose(seed)}</a></p>" for seed in range(30)).encode(codec)
    for start in range(0, len(whole) - size, 977 - 977 % 2):
        piece = whole[start : start + size]
        assert decode(piece).text == piece.decode(codec, "replace") or decode(piece).charset == codec


def test_codecs_that_are_no_charset_are_refused() -> None:
    assert [codec_of(name) for name in ("rot13", "zip", "base64", "hex", "idna", "unicode_escape", "", "utf-7")] == [None] * 8


@settings(deadline=None, max_examples=300)
@given(html_bytes(), st.sampled_from([None, "text/html", "text/html; charset=sjis", "charset=utf-7", "rot13"]))
def test_any_bytes_decode(body: bytes, declared: str | None) -> None:
    found = decode(body, declared)
    assert 0.0 <= found.undecodable <= 1.0
    assert len(found.text) <= len(body) + 1
