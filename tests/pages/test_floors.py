"""Floors of the gate and of charsets, on the pages of the sample: they are not lowered to make a change pass."""

import csv
import random
import re

import pytest
from support.paths import ROOT

from corpus_builder.pages.charset import decode
from corpus_builder.pages.gate import gate
from corpus_builder.sources.warc import Page, read_warc

SAMPLES = ROOT / "data" / "samples"
DECLARATION = re.compile(r"<\?xml[^>]*\?>|<meta\b[^>]*\bcharset\s*=[^>]*>", re.IGNORECASE)
NATIVE = {"zh": "gb18030", "zh-Hant": "big5hkscs", "ko": "cp949", "vi": "cp1258", "de": "cp1252", "fr": "cp1252", "es": "cp1252"}


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    """Sound pages by language, without their declarations."""
    with (SAMPLES / "web-sample.tsv").open(encoding="utf-8", newline="") as file:
        language = {line["url"]: line["lang"] for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    found: dict[str, list[str]] = {}
    for page in read_warc(SAMPLES / "web-sample.warc.gz"):
        if isinstance(page, Page) and page.status == 200 and 1000 < len(page.body) < 1 << 20:
            decoded = decode(page.body, page.content_type)
            if decoded.undecodable == 0 and decoded.mojibake == 0:
                found.setdefault(language[page.url], []).append(DECLARATION.sub("", decoded.text))
    return found


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp_ext", "utf-16-le"])
def test_the_gate_loses_no_japanese_page(texts: dict[str, list[str]], codec: str) -> None:
    japanese = [text for text in texts["ja"] if len(re.findall("[\u3041-\u30fa]", text)) >= 30]
    assert len(japanese) > 150
    assert sum(gate(text.encode(codec, "xmlcharrefreplace")) is not None for text in japanese) == 0


def test_the_gate_lets_no_more_than_two_of_a_hundred_others_pass(texts: dict[str, list[str]]) -> None:
    bodies = [
        text.encode(codec, "xmlcharrefreplace")
        for language, native in NATIVE.items()
        for text in texts[language]
        for codec in ("utf-8", native)
    ]
    assert len(bodies) > 100
    assert sum(gate(body) is None for body in bodies) <= 0.02 * len(bodies)


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp_ext", "utf-16-le"])
@pytest.mark.parametrize(("size", "floor"), [(None, 1.0), (8192, 0.995), (1024, 0.98)])
def test_pages_are_decoded_right_without_a_declaration(
    texts: dict[str, list[str]], codec: str, size: int | None, floor: float
) -> None:
    rng = random.Random(0)
    right = count = 0
    for text in texts["ja"]:
        body = text.encode(codec, "xmlcharrefreplace")
        if size is not None:
            if len(body) <= size:
                continue
            start = rng.randrange((len(body) - size) // 2) * 2
            body = body[start : start + size]
        found = decode(body)
        right += found.charset == codec or found.text == body.decode(codec, "replace")
        count += 1
    assert count > 50
    assert right >= floor * count
