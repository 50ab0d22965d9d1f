"""Japanese that was decoded wrongly and encoded again is restored where that is certain, marked where it is not."""

import tomllib

import pytest
from hypothesis import given
from support.corpora import html, prose
from support.paths import TESTS
from support.strategies import japanese_text

from corpus_builder.document import Drop
from corpus_builder.pages.charset import decode
from corpus_builder.pages.gate import gate
from corpus_builder.pages.mojibake import ENOUGH, STRANGE, Restored, restore
from corpus_builder.pages.page import PageSettings, read_page

CASES = tomllib.loads((TESTS / "cases" / "html/mojibake.toml").read_text(encoding="utf-8"))["case"]


def as_1252(text: str) -> str:
    """UTF-8 read as browsers read ISO-8859-1: code page 1252, with controls in its gaps."""
    return "".join(bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in text.encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_cases(case: dict[str, str]) -> None:
    times = int(case.get("times", "1"))
    found = restore(case["text"] * times)
    assert (found.text, found.through) == (case["expected"] * times, case["through"])
    assert (found.lost > 0.01) == bool(case.get("lost"))


@pytest.mark.parametrize("read", [lambda text: text.encode().decode("latin-1"), as_1252], ids=["latin-1", "cp1252"])
@pytest.mark.parametrize("seed", range(3))
def test_a_page_that_was_read_as_western_comes_back(read, seed: int) -> None:
    page = html(prose(seed) + "\nCafé – “déjà vu” © 2024 東京")
    body = read(page).encode()
    assert gate(body) is None
    found = decode(body, "text/html; charset=utf-8")
    assert (found.text, found.charset, found.mojibake) == (page, "utf-8+cp1252", 0.0)


def test_a_page_that_is_damaged_in_part_comes_back_in_whole() -> None:
    lines = prose(4).split("\n")
    damaged = "\n".join(line if place % 2 else as_1252(line) for place, line in enumerate(lines))
    assert restore(damaged) == Restored("\n".join(lines), "cp1252", 0.0)


def test_what_lost_its_bytes_is_marked_and_dropped() -> None:
    for lossy in (html(prose(5)).encode().decode("cp932", "replace"), html(prose(5)).encode().decode("cp1252", "replace")):
        body = lossy.encode()
        assert gate(body) is None
        found = read_page(body, content_type="text/html", status=200, settings=PageSettings())
        assert isinstance(found, Drop)
        assert found.reason in ("mojibake", "undecodable")
        assert found.value > 0.01


def test_a_restored_page_becomes_a_document_that_says_so() -> None:
    found = read_page(as_1252(html(prose(6))).encode(), content_type="text/html", status=200, settings=PageSettings())
    assert not isinstance(found, Drop)
    assert found.charset == "utf-8+cp1252"
    assert prose(6).split("\n")[0] in found.text


@given(japanese_text())
def test_sound_japanese_is_left_alone(text: str) -> None:
    if sum(map(text.count, "縺繧繝")) < ENOUGH:
        assert restore(text) == Restored(text, "", 0.0)


@given(japanese_text())
def test_what_went_through_a_western_code_page_comes_back(text: str) -> None:
    text = f"<p>いろはにほへとちりぬるを</p>{text}"
    found = restore(as_1252(text))
    assert found.through == "cp1252"
    if not STRANGE.search(text):
        assert found == Restored(text, "cp1252", 0.0)
