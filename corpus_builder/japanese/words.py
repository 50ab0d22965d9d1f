"""Words of Japanese text, segmented by Sudachi; needs the extra `words`.

Not part of a default build: Sudachi takes about fifty times as long as all character-based measures together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from corpus_builder.document import Document
from corpus_builder.errors import MissingExtraError
from corpus_builder.messages.surrogates import surrogates_replaced

MAX_CHUNK_BYTES = 48_000
"""Sudachi refuses input of more than 49,149 bytes."""

_CONTENT = ("名詞", "動詞", "形容詞", "形状詞", "副詞")
_PIECE = re.compile(r"[^。！？\n]*(?:[。！？\n]+|$)")


class Word(NamedTuple):
    """A word as it occurs in the text, its dictionary form, and the top level of its part of speech in UniDic terms."""

    surface: str
    dictionary_form: str
    part_of_speech: str
    unknown: bool = False  # whether Sudachi's dictionary does not have it


def words(text: str, mode: str = "C") -> Iterator[Word]:
    """The words of a text, in Sudachi's longest units (mode C), or its shortest (A); their surfaces joined are the text.

    Raises MissingExtraError if SudachiPy is not installed.

    >>> [word.surface for word in words("国会議事堂へ行った。")]
    ['国会議事堂', 'へ', '行っ', 'た', '。']
    """
    tokenizer = _tokenizer(mode)
    for chunk in _chunks(surrogates_replaced(text)):
        for morpheme in tokenizer.tokenize(chunk):
            yield Word(morpheme.surface(), morpheme.dictionary_form(), morpheme.part_of_speech()[0], morpheme.is_oov())


def content_word_fraction(document: Document) -> float:
    """Share of words that are nouns, verbs, adjectives or adverbs, 0..1; 0.0 for a text without words.

    A measure for recipes: `[quality.measures]` content_words = "corpus_builder.japanese.words:content_word_fraction".
    The pages of the sample corpus score 0.42 to 0.66; a list of keywords comes close to 1.

    >>> content_word_fraction(Document("犬が走る。"))
    0.5
    """
    found = [word.part_of_speech for word in words(document.text) if word.part_of_speech != "空白"]
    return sum(part in _CONTENT for part in found) / len(found) if found else 0.0


def _chunks(text: str) -> Iterator[str]:
    """Pieces of at most MAX_CHUNK_BYTES, cut at sentence ends if possible."""
    chunk: list[str] = []
    size = 0
    for piece in _PIECE.findall(text):
        for part in (piece[i : i + MAX_CHUNK_BYTES // 4] for i in range(0, len(piece), MAX_CHUNK_BYTES // 4)):
            length = len(part.encode("utf-8", "replace"))
            if chunk and size + length > MAX_CHUNK_BYTES:
                yield "".join(chunk)
                chunk, size = [], 0
            chunk.append(part)
            size += length
    if chunk:
        yield "".join(chunk)


@cache
def _tokenizer(mode: str) -> Any:
    try:
        from sudachipy import Dictionary, SplitMode
    except ImportError as error:
        raise MissingExtraError('Words need SudachiPy; install the extra: pip install "corpus-builder[words]".') from error
    return Dictionary(dict="core").tokenizer(mode=SplitMode.A if mode == "A" else SplitMode.C)
