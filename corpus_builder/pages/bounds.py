"""Upper bounds on a page's content, found before it is parsed: elements, nesting, visible kana."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]|&#(?:x30[4-9a-f]|12[345]\\d\\d)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements without an end tag, and those whose end tag may be left out.
_ENDLESS = frozenset(
    re.findall(
        r"\w+",
        "area base br col embed hr img input link meta param source track wbr basefont bgsound frame keygen "
        "html head body p li dt dd tr td th thead tbody tfoot colgroup option optgroup rb rt rtc rp",
    )
)


def elements(text: str) -> int:
    """Number of start tags, comments and declarations; no parser makes more elements of them.

    >>> elements("<ul><li>一<li>二</ul>")
    3
    """
    return text.count("<") - text.count("</")


def nests_deeper(text: str, limit: int) -> bool:
    """Whether elements nest deeper than `limit`, judged by their tags; elements whose end tag is optional are not counted.

    A first pass in numpy over two letters per tag clears all but unusual pages; those are walked with a stack.

    >>> nests_deeper("<div>" * 5 + "</div>" * 5, 4), nests_deeper("<div></div>" * 5, 4)
    (True, False)
    """
    octets = np.frombuffer(text.encode("latin-1", "replace") + b"  ", dtype=np.uint8)
    at = np.flatnonzero(octets[:-2] == ord("<"))
    closing = octets[at + 1] == ord("/")
    first = at + 1 + closing
    at_letter = (octets[first] | 0x20).astype(np.int32) << 8 | (octets[np.minimum(first + 1, len(octets) - 1)] | 0x20)
    steps = np.where(closing, -1, 1)[_nesting_pairs()[at_letter]]
    if not len(steps) or int(np.cumsum(steps).max()) - min(int(np.cumsum(steps).min()), 0) <= limit:
        return False
    return _walk(text, limit)


@cache
def _nesting_pairs() -> npt.NDArray[np.bool_]:
    """Which pairs of letters can begin the name of an element that has an end tag.  (65536,) bool"""
    table = np.zeros(1 << 16, dtype=np.bool_)
    for letter in range(ord("a"), ord("z") + 1):
        table[letter << 8 : (letter + 1) << 8] = True
    for name in _ENDLESS:
        if name not in ("html", "head", "base", "body"):  # too few to matter
            table[ord(name[0]) << 8 | (ord(name[1]) if len(name) > 1 else 0x20)] = False
    table[ord("p") << 8 | (ord(">") | 0x20)] = False
    return table


def _walk(text: str, limit: int) -> bool:
    """The same with a stack: an end tag also closes the elements left open inside its own."""
    open_now: list[str] = []
    counts: dict[str, int] = {}
    for slash, name in _TAG.findall(text):
        name = name.lower()
        if name in _ENDLESS:
            continue
        if not slash:
            open_now.append(name)
            counts[name] = counts.get(name, 0) + 1
            if len(open_now) > limit:
                return True
        elif counts.get(name):
            while (last := open_now.pop()) != name:
                counts[last] -= 1
            counts[name] -= 1
    return False


def spans(text: str, opening: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Start and end offsets of the elements and comments whose start tags match `opening`; linear in the text.

    The first unclosed one ends the search: its content cannot be distinguished from the rest of the page.

    >>> list(spans("a<PRE>b</pre>c<pre>d", re.compile("<pre", re.IGNORECASE)))
    [(1, 13)]
    """
    position = 0
    while found := opening.search(text, position):
        end = _end_of(found[0].lower()).search(text, found.end())
        if not end:
            return
        yield found.start(), end.end()
        position = end.end()


@cache
def _end_of(tag: str) -> re.Pattern[str]:
    return re.compile("-->" if tag == "<!--" else rf"</{tag[1:]}\s*>", re.IGNORECASE)


_HIDDEN = re.compile(r"<(?:script|style|template|svg)\b|<!--", re.IGNORECASE)


def visible_kana(text: str, enough: int) -> int:
    """Number of kana outside scripts, styles and comments, counted up to `enough`; kana in attributes count too.

    >>> visible_kana("<script>'これは隠れている'</script><p>あいう", enough=8)
    3
    """
    count = position = 0
    for start, end in chain(spans(text, _HIDDEN), ((len(text), len(text)),)):
        for _ in _KANA.finditer(text, position, start):
            count += 1
            if count >= enough:
                return count
        position = end
    return count
