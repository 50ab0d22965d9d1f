"""The gate passes every Japanese page that the decoder can read, and few others."""

import pytest
from conftest import ENGLISH, html, prose
from hypothesis import given, settings
from strategies import html_bytes

from corpus_builder.html.charset import decode
from corpus_builder.html.gate import MIN_KANA, REASON, gate


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("seed", range(5))
def test_japanese_passes_in_every_encoding(codec: str, seed: int) -> None:
    assert gate(html(prose(seed)).encode(codec)) is None


def test_kana_as_numeric_entities_pass() -> None:
    assert gate("".join(f"&#{ord(letter)};" for letter in "ひらがなで書いた文章です").encode()) is None
    assert gate("".join(f"&#x{ord(letter):X};" for letter in "ひらがなで書いた文章です").encode()) is None


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (ENGLISH, "utf-8"),
        ("<p>Grüße aus München, schöne Straße, größer und älter als früher. " * 40, "cp1252"),
        ("<p>我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。" * 40, "utf-8"),
        ("<p>我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。" * 40, "gb18030"),
        ("<p>우리는 도서관에서 책을 읽었습니다. 오늘은 날씨가 매우 좋습니다." * 40, "utf-8"),
        ("<p>우리는 도서관에서 책을 읽었습니다. 오늘은 날씨가 매우 좋습니다." * 40, "cp949"),
        ("<p>Мы читали книги в библиотеке, и погода была очень хорошей." * 40, "cp1251"),
        ("<p>เราอ่านหนังสือในห้องสมุด วันนี้อากาศดีมาก" * 40, "utf-8"),
        ("<p>Chúng tôi đọc sách trong thư viện, hôm nay trời rất đẹp." * 40, "utf-8"),
    ],
)
def test_other_languages_do_not(text: str, codec: str) -> None:
    assert gate(text.encode(codec)) == REASON


def test_the_limit_is_on_kana_anywhere_in_the_page() -> None:
    filler = "漢字" * 4000
    assert gate((filler + "あ" * MIN_KANA).encode()) is None
    assert gate((filler + "あ" * (MIN_KANA - 1)).encode()) == REASON


@settings(deadline=None, max_examples=300)
@given(html_bytes())
def test_what_decodes_to_many_kana_passes(body: bytes) -> None:
    assert gate(body) in (None, REASON)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return
    if decode(body).charset == "utf-8" and sum("\u3041" <= letter <= "\u30fa" for letter in text) >= MIN_KANA:
        assert gate(body) is None
