"""Shingles: the set of character n-grams that represents a text."""

from __future__ import annotations


def shingles(text: str, ngram: int) -> set[str]:
    """The set of n-grams of code points.

    A text shorter than `ngram` is itself the only shingle, so that equal short texts match each other and nothing else.  The
    empty text has no shingles and matches nothing.

    >>> sorted(shingles("いろはにほへ", 5)), shingles("いろは", 5), shingles("", 5)
    (['いろはにほ', 'ろはにほへ'], {'いろは'}, set())
    """
    if not text:
        return set()
    return {text[place : place + ngram] for place in range(max(len(text) - ngram, 0) + 1)}


def jaccard(left: str, right: str, ngram: int) -> float:
    """Jaccard similarity of two texts' shingles, 0..1; 0 if both are empty.

    >>> jaccard("いろはにほへ", "いろはにほへと", 5)
    0.6666666666666666
    """
    ours, theirs = shingles(left, ngram), shingles(right, ngram)
    return len(ours & theirs) / len(ours | theirs) if ours or theirs else 0.0
