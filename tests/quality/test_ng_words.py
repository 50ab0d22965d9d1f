"""NG words are counted as Swallow v1 counts them, in linear time."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.errors import InputError
from corpus_builder.quality.ng_words import NgWords, ng_fraction


def scan(text: str, words: tuple[str, ...]) -> tuple[int, str]:
    """The definition: the longest word at each place, skipped over; else one letter on."""
    place = letters = 0
    first = ""
    while place < len(text):
        here = max((word for word in words if text.startswith(word, place)), key=len, default="")
        first = first or here
        letters += len(here)
        place += len(here) or 1
    return letters, first


@given(
    st.text("あいう𠮷a\ud800", max_size=40),
    st.lists(st.text("あいう𠮷a", min_size=1, max_size=4), min_size=1, max_size=6, unique=True).map(tuple),
)
def test_counting_is_that_of_the_definition(text, words):
    assert NgWords(words).matched(text) == scan(text, words)


def test_letters_are_code_points():
    assert NgWords(("𠮷野",)).matched("今日は𠮷野へ") == (2, "𠮷野")


def test_a_fraction_of_nothing_is_zero():
    assert ng_fraction(0, 0) == 0.0
    assert ng_fraction(3, 0) == 0.0
    assert ng_fraction(3, 60) == 0.05


def test_lists_are_read_as_they_come(tmp_path):
    (tmp_path / "a.txt").write_text("# ours\nあ\n\n  い  \n#タグ\n", encoding="utf-8-sig")
    (tmp_path / "b.txt").write_bytes("い\r\nう\r\n".encode())
    words = NgWords.read([tmp_path / "a.txt", tmp_path / "b.txt"])
    assert words.words == ("あ", "い", "#タグ", "う")
    assert words.digest == NgWords(("う", "#タグ", "い", "あ")).digest
    assert pickle.loads(pickle.dumps(words)) == words


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), (b"\x82\xa0\xff", "is not UTF-8"), (b"# nothing\n", "contains no words")]
)
def test_lists_that_cannot_be_used_are_sentences(tmp_path, content, says):
    if content is not None:
        (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(InputError, match=says):
        NgWords.read([tmp_path / "words.txt"])
