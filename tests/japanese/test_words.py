"""Sudachi's words, whatever the length of the text."""

import sys

import pytest
from hypothesis import given, settings
from support.strategies import japanese_text

from corpus_builder import Document, MissingExtraError
from corpus_builder.japanese.words import _tokenizer, content_word_fraction, words


@given(japanese_text())
@settings(max_examples=50, deadline=None)
def test_the_surfaces_joined_are_the_text(text: str) -> None:
    assert "".join(word.surface for word in words(text)) == text


@pytest.mark.parametrize("text", ["駅で待つ。" * 20_000, "あ" * 120_000, "𠮷野家" * 20_000])
def test_texts_longer_than_sudachi_takes(text: str) -> None:
    assert sum(len(word.surface) for word in words(text)) == len(text)


def test_words_carry_their_dictionary_form_and_part_of_speech() -> None:
    assert [(word.dictionary_form, word.part_of_speech) for word in words("山へ行った")] == [
        ("山", "名詞"),
        ("へ", "助詞"),
        ("行く", "動詞"),
        ("た", "助動詞"),
    ]


@pytest.mark.parametrize(("text", "fraction"), [("", 0.0), ("  \n", 0.0), ("犬が走る。", 0.5), ("激安 通販 格安", 1.0)])
def test_content_word_fraction(text: str, fraction: float) -> None:
    assert content_word_fraction(Document(text)) == fraction


def test_without_sudachi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sudachipy", None)
    _tokenizer.cache_clear()
    with pytest.raises(MissingExtraError, match=r"corpus-builder\[words\]"):
        next(words("犬"))
    _tokenizer.cache_clear()
