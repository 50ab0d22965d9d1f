"""Pages are decoded by what their bytes show, and what does not decode is counted."""

import tomllib
from pathlib import Path

import pytest
from conftest import prose
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import html_bytes

from corpus_builder.html.charset import codec_of, decode

CASES = tomllib.loads((Path(__file__).parents[1] / "cases/html/charset.toml").read_text(encoding="utf-8"))["case"]


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


def test_codecs_that_are_no_charset_are_refused() -> None:
    assert [codec_of(name) for name in ("rot13", "zip", "base64", "hex", "idna", "unicode_escape", "", "utf-7")] == [None] * 8


@settings(deadline=None, max_examples=300)
@given(html_bytes(), st.sampled_from([None, "text/html", "text/html; charset=sjis", "charset=utf-7", "rot13"]))
def test_any_bytes_decode(body: bytes, declared: str | None) -> None:
    found = decode(body, declared)
    assert 0.0 <= found.undecodable <= 1.0
    assert len(found.text) <= len(body) + 1
