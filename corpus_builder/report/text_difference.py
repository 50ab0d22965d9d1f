"""The differences between two texts, in a few short lines."""

from __future__ import annotations

import difflib
from itertools import zip_longest

LINES = 1_000  # of each text; the rest is not compared
SHOWN = 8
WIDTH = 60
BEFORE = 10  # characters shown before the difference


def differences(ours: str, theirs: str) -> tuple[str, ...]:
    """Lines that only one of the texts has, "- " ours and "+ " theirs, cut around the place where they differ.

    >>> differences("朝の市場。\\n魚がならぶ。", "朝の市場。\\n貝がならぶ。\\nおわり。")
    ('- 魚がならぶ。', '+ 貝がならぶ。', '+ おわり。')
    """
    left, right = ours.split("\n")[:LINES], theirs.split("\n")[:LINES]
    found: list[str] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right).get_opcodes():
        if kind == "equal":
            continue
        for one, other in zip_longest(left[a:b], right[c:d]):
            start = max(_shared(one or "", other or "") - BEFORE, 0)
            found += [f"{sign} {_cut(line, start)}" for sign, line in (("-", one), ("+", other)) if line is not None]
    if len(found) > SHOWN:
        return (*found[:SHOWN], f"and {len(found) - SHOWN:,} more lines")
    return tuple(found)


def _shared(one: str, other: str) -> int:
    """Length of the common prefix of two lines."""
    parted = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(parted, min(len(one), len(other)))


def _cut(line: str, start: int) -> str:
    end = start + WIDTH
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
