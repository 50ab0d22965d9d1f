"""The gate passes every Japanese page that the decoder can read, and few others."""

import pytest
from hypothesis import given, settings
from support.corpora import ENGLISH, html, prose
from support.strategies import html_bytes

from corpus_builder.pages.charset import decode
from corpus_builder.pages.gate import MIN_KANA, REASON, gate


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


# Runs of letters whose bytes are kana of EUC-JP or Shift_JIS where they are read from the middle, or altogether.
KANA_LIKE = [
    ("<p>我們在圖書館裡看書，今天的天氣不太好，大家都不高興。少年不知中文之水火，公方日月之心。" * 40, "big5hkscs"),
    ("<p>" + "정말 재미있다 ㅋㅋㅋㅋ 다음에 또 보자 ㅠㅠ " * 40, "cp949"),
    ("<p>我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。" * 40, "gb2312"),
    ("<p>ความคิดของคนไทยในคืนนี้ค่อนข้างเย็น เราอ่านหนังสือในห้องสมุด วันนี้อากาศดีมาก" * 40, "tis-620"),
    ("<p>Мы читали книги в библиотеке, и погода была очень хорошей." * 40, "koi8-r"),
    ("<p>Мы читали книги в библиотеке, и погода была очень хорошей." * 40, "iso8859-5"),
    ("<p>Διαβάσαμε βιβλία στη βιβλιοθήκη και ο καιρός ήταν καλός." * 40, "iso8859-7"),
    ("<p>קראנו ספרים בספרייה ומזג האוויר היה נפלא." * 40, "cp1255"),
    ("<p>قرأنا الكتب في المكتبة وكان الطقس جميلا." * 40, "cp1256"),
    ("<p>İstanbul’da kütüphanede kitap okuduk, hava çok güzeldi; şöyle böyle ğüşiöç." * 40, "cp1254"),
    ("<p>¤¢ ¥¥¥ £££ ¤¤ ¦¦ §§ ¢¢ ¥¤¥¤ prices ¥100 ¥200 ¥300" * 40, "cp1252"),
]


@pytest.mark.parametrize(("text", "codec"), KANA_LIKE, ids=[f"{codec}-{number}" for number, (_, codec) in enumerate(KANA_LIKE)])
def test_letters_whose_bytes_look_like_kana_do_not(text: str, codec: str) -> None:
    assert gate(text.encode(codec)) == REASON


def test_the_limit_is_on_kana_anywhere_in_the_page() -> None:
    filler = "<!-- English -->" * 4000
    for codec in ("utf-8", "cp932", "euc_jp"):
        assert gate((filler + "いろはにほへとチリヌルヲ"[:MIN_KANA]).encode(codec)) is None
        assert gate((filler + "いろはにほへとチリヌルヲ"[: MIN_KANA - 1]).encode(codec)) == REASON


def test_kana_that_are_lost_among_chinese_are_not_enough() -> None:
    chinese = "我们在北京的图书馆里看书，今天的天气非常好，大家都很高兴。"
    assert gate((chinese * 30 + "の" * 20).encode()) == REASON
    assert gate((chinese * 30 + prose(3)).encode()) is None


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp"])
def test_pages_of_kanji_with_few_kana_pass(codec: str) -> None:
    row = "東京都千代田区霞が関三丁目一番一号 株式会社見本製作所 代表取締役社長 山田太郎 電話番号 地図を見る "
    assert gate(("<tr><td>" + row * 20).encode(codec)) is None


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp"])
def test_a_damaged_page_passes(codec: str) -> None:
    body = bytearray(html(prose(4)).encode(codec))
    body[300:302] = b"\xff\xff"
    del body[600:601]
    assert gate(bytes(body[1:-1])) is None


@pytest.mark.parametrize("body", [b"", b"&", b"\xe3", b"\xe3\x81", b"&#", b"&#x", b"\x82" * 40, b"\xa4" * 41, b"\x1b"])
def test_scraps_of_bytes_have_a_verdict(body: bytes) -> None:
    assert gate(body) in (None, REASON)


@settings(deadline=None, max_examples=300)
@given(html_bytes())
def test_what_decodes_to_many_kana_passes(body: bytes) -> None:
    assert gate(body) in (None, REASON)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return
    kana = sum("\u3041" <= letter <= "\u30fa" for letter in text)
    if decode(body).charset == "utf-8" and kana >= MIN_KANA and kana > len(text) * 0.1:
        assert gate(body) is None
