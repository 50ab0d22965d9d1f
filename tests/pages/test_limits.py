"""What is exactly at a limit stays; the least beyond it goes, for the reason that is named."""

import math

import pytest
from support.corpora import html, prose

from corpus_builder.document import Drop
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.pages.bounds import elements
from corpus_builder.pages.charset import decode
from corpus_builder.pages.page import PageSettings, PageText, read_page

PAGE = html(prose(5) + "\n" + "The quick brown fox jumps over the lazy dog, and then it rests. " * 2).encode()
BROKEN = PAGE.replace("。".encode(), b"\xff", 1)


def verdict(body: bytes, **settings: object) -> Drop | None:
    found = read_page(body, content_type="text/html; charset=utf-8", status=200, settings=PageSettings(**settings))  # type: ignore[arg-type]
    return found if isinstance(found, Drop) else None


def test_the_length_of_a_page() -> None:
    assert verdict(PAGE, max_bytes=len(PAGE)) is None
    assert verdict(PAGE, max_bytes=len(PAGE) - 1) == Drop("too_large", len(PAGE), len(PAGE) - 1)


def test_the_share_of_japanese() -> None:
    found = read_page(PAGE, content_type="", status=200, settings=PageSettings())
    assert isinstance(found, PageText)
    score = japanese_score(found.text)
    assert 0.5 < score < 1.0
    beyond = math.nextafter(score, 2.0)
    assert verdict(PAGE, min_japanese_score=score) is None
    assert verdict(PAGE, min_japanese_score=beyond) == Drop("not_japanese", score, beyond)


def test_the_share_of_what_does_not_decode() -> None:
    share = decode(BROKEN, "text/html; charset=utf-8").undecodable
    assert 0.0 < share < 0.01
    beyond = math.nextafter(share, 0.0)
    assert verdict(BROKEN, max_undecodable=share) is None
    assert verdict(BROKEN, max_undecodable=beyond) == Drop("undecodable", share, beyond, "utf-8")


def test_the_number_of_elements() -> None:
    count = elements(PAGE.decode())
    assert verdict(PAGE, extractor="trafilatura", max_elements=count) is None
    assert verdict(PAGE, extractor="trafilatura", max_elements=count - 1) == Drop("too_many_elements", count, count - 1)


@pytest.mark.parametrize("nested", [3, 30])
def test_the_depth_of_elements(nested: int) -> None:
    body = (f"<html><body>{'<div>' * nested}<p>" + prose(5) + f"</p>{'</div>' * nested}</body></html>").encode()
    passing = [depth for depth in range(1, nested + 8) if verdict(body, extractor="trafilatura", max_depth=depth) is None]
    assert passing == list(range(nested, nested + 8))
    assert verdict(body, extractor="trafilatura", max_depth=nested - 1) == Drop("too_deep", threshold=nested - 1)
