"""Lines that many documents share: template text, legal notices, share buttons.

A line of a text is a paragraph, since extraction writes one block per line.  With `where = "edges"`, what is counted are the *blocks*
of the first one, two, ... `edge` lines of a text, and of the last ones: a block is repeated if enough documents begin (end) with
exactly the same lines.  So the middle of a text, such as a poem, a list or code, never counts.  A block ends before a line that is
indented by spaces or tabs, which extraction leaves only in code and verse.  With `where = "anywhere"` each line counts by itself,
once per document.  docs/lines.md is the specification.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.hashing.minhash import mix
from corpus_builder.japanese.letters import code_points

SPECIFICATION = "lines/1"
"""Name of the hash specification, which changes with any key."""

START, END, ANYWHERE = 0, 1, 2
PLACES = ("start", "end", "anywhere")
TELLING_LETTERS = 12
"""Minimum letters of a line without Japanese, to distinguish it from code.  Ours, chosen on the documentation of LilyPond, Groonga and
LibreOffice: `End Sub`, `return 0;` and similar lines end many listings, and stay; "All rights reserved" is longer."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SEEDS = np.array([0x6C696E6573746172, 0x6C696E6573656E64, 0x6C696E6573616E79], dtype=np.uint64)
_HOST = np.uint64(0x6C696E6573686F73)
_CORPUS = np.uint64(0x6C696E6573616C6C)
_JAPANESE = re.compile("[\u3041-\u3096\u30a1-\u30fa々\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Repeats:
    """The conditions under which lines count as repeated.

    Scope "host": in at least `documents` documents of a host and at least `share` (0..1) of its documents; scope "corpus": on at
    least `hosts` hosts; "both": either.  `edge` is the maximum number of lines of a block at an edge, not counting blank ones.
    """

    scope: Literal["host", "corpus", "both"] = "host"
    documents: int = 7
    share: float = 0.2
    hosts: int = 20
    where: Literal["edges", "anywhere"] = "edges"
    edge: int = 10

    @property
    def by_host(self) -> bool:
        """Whether lines are counted within each host."""
        return self.scope != "corpus"

    @property
    def by_corpus(self) -> bool:
        """Whether lines are counted across hosts."""
        return self.scope != "host"


@dataclass(frozen=True)
class Candidates:
    """The lines of some texts that may count: columns of equal length, sorted by text and place, and at an edge from the edge inwards.

    `block` is the hash of the lines from the edge to this one, or of the line alone if `place` is ANYWHERE.
    """

    document: I64  # which of the texts
    line: I64  # which of the text's lines
    place: I64
    block: U64
    telling: Bools

    def keys(self, hosts: U64) -> U64:
        """A key for each candidate within its host, given the hash of each document's host."""
        return mixed(self.block ^ mixed(hosts)[self.document])

    def corpus_keys(self) -> U64:
        """A key for each candidate, the same for all hosts."""
        return mixed(self.block ^ _CORPUS)


def is_telling(line: str) -> bool:
    """Whether a line can be template text by itself; marks, brackets and short words of code cannot.

    >>> [is_telling(line) for line in ("トップへ戻る", "}", "End Sub", "All rights reserved.")]
    [True, False, False, True]
    """
    return _JAPANESE.search(line) is not None or sum(map(str.isalnum, line)) >= TELLING_LETTERS


def candidates(texts: Sequence[str], how: Repeats) -> Candidates:
    """The lines of texts that may count as repeated; white space around lines and blank lines are ignored.

    >>> found = candidates(["目次\\n\\n本文。"], Repeats(edge=1))
    >>> found.line.tolist(), found.place.tolist()
    ([0, 2], [0, 1])
    """
    places: list[int] = []  # of the candidate lines, in their text
    lines: list[str] = []
    indented: list[bool] = []
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    for number, text in enumerate(texts):
        solid = [(place, line) for place, line in enumerate(text.split("\n")) if not line.isspace() and line]
        if how.where == "edges" and len(solid) > 2 * how.edge:
            solid = solid[: how.edge] + solid[-how.edge :]
        places += [place for place, _ in solid]
        lines += [line.strip() for _, line in solid]
        indented += [line[0] in " \t" for _, line in solid]
        starts[number + 1] = len(lines)
    hashes = text_hashes(lines)
    document = np.repeat(np.arange(len(texts)), np.diff(starts))
    line = np.array(places, dtype=np.int64)
    telling = np.array([is_telling(one) for one in lines], dtype=np.bool_)
    stops = np.array(indented, dtype=np.bool_)
    if how.where == "anywhere":
        return Candidates(document, line, np.full(len(lines), ANYWHERE), mixed(hashes ^ _SEEDS[ANYWHERE]), telling & ~stops)
    rows = np.empty(2 * len(lines), dtype=np.int64)
    place = np.empty(2 * len(lines), dtype=np.int64)
    block = np.empty(2 * len(lines), dtype=np.uint64)
    count = _chain(hashes, stops, starts, how.edge, _SEEDS, rows, place, block)
    rows, place, block = rows[:count], place[:count], block[:count]
    return Candidates(document[rows], line[rows], place, block, telling[rows])


def repeated_rows(found: Candidates, repeated: Bools) -> I64:
    """Indices of the candidates that are template text, given which blocks are repeated.

    At an edge, that is everything up to the last telling line of the longest repeated block; marks beyond it stay with the text.
    """
    hit = repeated & found.telling
    if not len(hit) or found.place[0] == ANYWHERE:
        return np.flatnonzero(hit)
    row = np.arange(len(hit))
    group = found.document * len(PLACES) + found.place
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.maximum.reduceat(np.where(hit, row, -1), first)
    return np.flatnonzero(row <= np.repeat(last, np.diff(first, append=len(hit))))


def without_lines(text: str, lines: Sequence[int]) -> str:
    """The text without the lines with these numbers, and without blank lines that this leaves at its edges.

    >>> without_lines("ホーム > 日記\\n今日は晴れ。\\n\\nシェアする", [0, 3])
    '今日は晴れ。'
    """
    if not len(lines):
        return text
    gone = set(lines)
    rest = [line for number, line in enumerate(text.split("\n")) if number not in gone]
    while rest and not rest[-1].strip():
        rest.pop()
    first = next((number for number, line in enumerate(rest) if line.strip()), 0)
    return "\n".join(rest[first:])


def text_hashes(texts: Sequence[str]) -> U64:
    """64-bit hashes of texts, over their code points; the same on every machine.

    >>> text_hashes(["猫", "猫 "]).tolist() == text_hashes(["猫", "猫"]).tolist()
    False
    """
    points, starts = code_points(texts)
    found = np.empty(len(texts), dtype=np.uint64)
    _hash(points, starts, found)
    return found


def host_keys(hosts: U64) -> U64:
    """The keys under which the documents of hosts are counted, given the hosts' hashes."""
    return mixed(_HOST ^ mixed(hosts))


def mixed(values: U64) -> U64:
    """`minhash.mix` of each number: (n,) uint64 -> (n,) uint64."""
    found = np.empty(len(values), dtype=np.uint64)
    _mix_all(values, found)
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix_all(values: Any, found: Any) -> None:
    for row in range(len(values)):
        found[row] = mix(values[row])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _hash(points: Any, starts: Any, found: Any) -> None:
    for text in range(len(found)):
        value = np.uint64(starts[text + 1] - starts[text]) * np.uint64(0x9E3779B97F4A7C15)
        for place in range(starts[text], starts[text + 1]):
            value = (value ^ np.uint64(points[place])) * np.uint64(0xD6E8FEB86659FD93)
            value ^= value >> np.uint64(32)
        found[text] = mix(value)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _chain(hashes: Any, stops: Any, starts: Any, edge: int, seeds: Any, rows: Any, places: Any, blocks: Any) -> int:
    """Hash the first 1, 2, ... `edge` lines of each text together, then the last ones; returns the number of hashes."""
    count = 0
    for text in range(len(starts) - 1):
        first, last = starts[text], starts[text + 1]
        for place in range(2):
            value = seeds[place]
            for step in range(min(edge, last - first)):
                row = first + step if place == 0 else last - 1 - step
                if stops[row]:
                    break
                value = mix(value ^ hashes[row])
                rows[count], places[count], blocks[count] = row, place, value
                count += 1
    return count
