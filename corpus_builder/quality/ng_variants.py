"""NG words as people write them to pass filters: in other kana, other widths, with masked letters or with marks between all letters.

    kana     せふれ or ｾﾌﾚ for セフレ; words of kana alone with fewer than four letters only as they are listed, since えろ is in かえろう
    width    half-width kana, full-width Latin letters, capitals for small letters
    masks    セ○クス, セ××ス: one or two letters in a row, not the first, of words with at least three, and two letters stay
    marks    セ・ッ・ク・ス, 無 修 正: between all letters of words with at least three; characters without width anywhere

Which forms count is ours, from usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
import numpy.typing as npt
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

SPECIFICATION = "ng-variants/1"

MASK = "○"
_MASKS = "〇◯●×✕✖＊*■□△▲☆★♡♥"
_INVISIBLE = "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}"
_BETWEEN = rf" \u3000\t・･.．\-－_＿/／|｜、,，…‥~〜{MASK}" + re.escape(_MASKS)
_SPACED = re.compile(rf"[^\n{_BETWEEN}](?:[{_BETWEEN}]{{1,2}}[^\n{_BETWEEN}](?=[{_BETWEEN}]))+[{_BETWEEN}]{{1,2}}[^\n{_BETWEEN}]")
_ALONE = re.compile(rf"[{_BETWEEN}][^\n{_BETWEEN}][{_BETWEEN}]")
_MARK = re.compile(f"[{_BETWEEN}]")
_UNEVEN = re.compile(f"[{_INVISIBLE}\uff9e\uff9f]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30faー]+")

_WIDTH = {place: normalize("NFKC", chr(place)).lower() for place in (*range(0xFF01, 0xFF5F), *range(0xFF66, 0xFF9E))}
_SMALL = {place: chr(place + 32) for place in range(65, 91)}
_KATAKANA = {place: chr(place + 0x60) for place in range(0x3041, 0x3097)}


def _table(*parts: dict[int, str]) -> npt.NDArray[np.uint32]:
    """What stands for each code point of the BMP."""
    table = np.arange(1 << 16, dtype="<u4")
    for place, letter in (pair for part in parts for pair in part.items()):
        table[place] = ord(letter)
    return table


_SAME_KANA = _table(_WIDTH, dict.fromkeys(map(ord, _MASKS), MASK), _SMALL)
_ONE_KANA = _table(_WIDTH, dict.fromkeys(map(ord, _MASKS), MASK), _SMALL, _KATAKANA)


class Hit(NamedTuple):
    """A stretch of a text, and the word that it stands for."""

    start: int
    stop: int
    word: str


class Letters(NamedTuple):
    """A text without characters that have no width, where each letter begins and ends, and runs of letters with marks between all of them."""

    text: str
    starts: Sequence[int]
    stops: Sequence[int]
    spaced: tuple[list[int], ...]  # the places of the letters of each run

    @classmethod
    def of(cls, given: str) -> Letters:
        """The letters of a text; those of half width with a voicing mark are composed."""
        text, starts, stops = _joined(given) if _UNEVEN.search(given) else (given, range(len(given)), range(1, len(given) + 1))
        runs = _SPACED.finditer(text) if _ALONE.search(text) else ()
        spaced = ([place for place in range(*run.span()) if not _MARK.match(text[place])] for run in runs)
        return cls(text, starts, stops, tuple(spaced))


@dataclass(frozen=True)
class _Words:
    """Words of one kind: those that may be in either kana, or those that may not."""

    table: npt.NDArray[np.uint32]
    words: tuple[str, ...]  # of the folded forms: first those that are not masked
    masked: AhoCorasick  # all forms
    plain: AhoCorasick  # those that are not masked
    unmasked: AhoCorasick | None  # the forms of at least three letters, without those that are masked
    long: tuple[int, ...]  # their numbers

    @classmethod
    def of(cls, words: Iterable[str], table: npt.NDArray[np.uint32]) -> _Words | None:
        """The forms of words; None if there are no words."""
        forms: dict[str, str] = {}
        for word in words:
            forms.setdefault(_translated(word, table), word)
        plain = tuple(forms)
        for folded in plain:
            for form in _masked(folded):
                forms.setdefault(form, forms[folded])
        if not plain:
            return None
        long = tuple(number for number, form in enumerate(plain) if len(form) >= 3)
        unmasked = _automaton(plain[number] for number in long) if long else None
        return cls(table, tuple(forms.values()), _automaton(forms), _automaton(plain), unmasked, long)

    def found(self, letters: Letters) -> Iterator[Hit]:
        """The words in a text, not in order."""
        folded, (_, starts, stops, spaced) = _translated(letters.text, self.table), letters
        automaton = self.masked if MASK in folded else self.plain
        for number, start, stop in automaton.find_matches_as_indexes(folded):
            yield Hit(starts[start], stops[stop - 1], self.words[number])
        if self.unmasked is None:
            return
        for kept in spaced:
            for number, start, stop in self.unmasked.find_matches_as_indexes("".join(folded[place] for place in kept)):
                yield Hit(starts[kept[start]], stops[kept[stop - 1]], self.words[self.long[number]])


def hits(words: tuple[str, ...], text: str) -> list[Hit]:
    """Where a text has one of the words in any of these forms, from left to right; stretches may overlap.

    >>> [(hit.start, hit.stop, hit.word) for hit in hits(("セックス", "無修正"), "せっくす、セ○クスと無・修・正")]
    [(0, 4, 'セックス'), (5, 9, 'セックス'), (10, 15, '無修正')]
    """
    letters = Letters.of(text)
    return sorted({hit for part in _of(words) for hit in part.found(letters)})


def covered(found: Iterable[Hit]) -> int:
    """Number of code points inside at least one of the stretches, which are in order."""
    total = end = 0
    for start, stop, _ in found:
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


@lru_cache(maxsize=4)
def _of(words: tuple[str, ...]) -> tuple[_Words, ...]:
    short = [word for word in words if len(word) < 4 and _KANA.fullmatch(normalize("NFKC", word))]
    others = [word for word in words if word not in set(short)]
    parts = (_Words.of(others, _ONE_KANA), _Words.of(short, _SAME_KANA))
    return tuple(part for part in parts if part is not None)


def _masked(word: str) -> Iterator[str]:
    """A word with one or two letters in a row masked, where at least two are left and the last of three is not masked."""
    for count in (1, 2):
        for start in range(1, len(word) - count + 1):
            last = start + count == len(word)
            if len(word) - count >= 2 and not (last and len(word) < 4):
                yield word[:start] + MASK * count + word[start + count :]


def _joined(text: str) -> tuple[str, list[int], list[int]]:
    letters: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    for place, letter in enumerate(text):
        if letter in _INVISIBLE:
            continue
        voiced = normalize("NFKC", text[place - 1 : place + 1]) if letter in "\uff9e\uff9f" and place else ""
        if len(voiced) == 1:
            letters[-1], stops[-1] = voiced, place + 1
        else:
            letters.append(letter)
            starts.append(place)
            stops.append(place + 1)
    return "".join(letters), starts, stops


def _translated(text: str, table: npt.NDArray[np.uint32]) -> str:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return (
        np.where(points < len(table), table[points & 0xFFFF], points).astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    )


def _automaton(forms: Iterable[str]) -> AhoCorasick:
    return AhoCorasick(list(forms), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA)
