"""Which documents share a key, and which of these pairs count: the pure part of the search for duplicates (see `hashing.matching`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
BYTES_PER_KEY = 80
"""Peak memory of a task in bytes for each key that it holds: 24 bytes of columns, plus what distributing and sorting them needs.

Measured with 14 bands: 65 for Spread; 42 for Link, or 79 if every document has duplicates that are verified; less for the others.
Keys fill their buckets evenly unless more documents share one key than a bucket holds, as these are all in one bucket.
"""
FEW = 32
"""Up to this many rows are sorted by insertion."""
Columns = dict[str, npt.NDArray[Any]]


def sharers(key: U64, rank: I64, document: I64) -> tuple[I64, I64]:
    """Rows that share their key with another, ordered by (key, rank, document), and the offsets where groups of equal keys start and end.

    >>> rows, starts = sharers(np.array([7, 5, 7], np.uint64), np.array([2, 0, 1]), np.array([0, 1, 2]))
    >>> rows.tolist(), starts.tolist()
    ([2, 0], [0, 2])
    """
    rows = _by_key(key, rank, document)
    ordered = key[rows]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(key), dtype=np.bool_)
    shared[1:] |= same
    shared[:-1] |= same
    rows, ordered = rows[shared], ordered[shared]
    starts = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, [len(rows)]]) if len(rows) else np.zeros(1)
    return rows, starts.astype(np.int64)


def _by_key(key: U64, rank: I64, document: I64) -> I64:
    """Rows in the order of (key, rank, document), several times faster than a sort: keys are hashes, so their upper bits partition them evenly."""
    bits = max(1, len(key).bit_length() - 1)
    order = np.empty(len(key), dtype=np.int64)
    starts = _deal_and_sort(key, rank, document, np.uint64(64 - bits), np.zeros((1 << bits) + 1, dtype=np.int64), order)
    for place in np.flatnonzero(np.diff(starts) > FEW).tolist():
        rows = order[starts[place] : starts[place + 1]]
        order[starts[place] : starts[place + 1]] = rows[np.lexsort((document[rows], rank[rows], key[rows]))]
    return order


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _deal_and_sort(key: Any, rank: Any, document: Any, shift: Any, starts: Any, order: Any) -> Any:
    for row in range(len(key)):
        starts[(key[row] >> shift) + np.uint64(1)] += 1
    for part in range(1, len(starts)):
        starts[part] += starts[part - 1]
    after = starts[:-1].copy()
    for row in range(len(key)):
        part = key[row] >> shift
        order[after[part]] = row
        after[part] += 1
    for part in range(len(starts) - 1):
        first, last = starts[part], starts[part + 1]
        if last - first > FEW:
            continue
        for place in range(first + 1, last):
            row, at = order[place], place
            while at > first:
                other = order[at - 1]
                if key[other] < key[row] or (
                    key[other] == key[row]
                    and (rank[other] < rank[row] or (rank[other] == rank[row] and document[other] <= document[row]))
                ):
                    break
                order[at] = other
                at -= 1
            order[at] = row
    return starts


def first_links(document: I64, starts: I64) -> tuple[I64, I64]:
    """Each document of a group and the group's first one, as rows (loser, matched); `document` and `starts` are those of `sharers`."""
    first = np.repeat(starts[:-1], np.diff(starts))
    rows = np.arange(len(document), dtype=np.int64)
    lost = document != document[first]
    return rows[lost], first[lost]


def checked_links(
    starts: I64, content: I64, contents: Any, content_starts: I64, value_of: Any, threshold: float, spanning: bool, stays: Any
) -> tuple[I64, I64, F64]:
    """Pairs of groups whose similarity reaches a threshold: rows (loser, matched) and the similarity.

    Row r has content[r]; content c is contents[content_starts[c]:content_starts[c + 1]]: a sketch, whose number of equal bytes
    `value_of` maps to a similarity, or (if `value_of` is empty) the sorted hashes of a text's shingles.  A row is linked to the
    first earlier one that is similar enough.  With `spanning`, pairs are compared until the links connect everything that is
    connected by matches.  Rows in `stays` never lose.
    """
    settled, parents, seen = stays.copy(), np.arange(len(content)), np.zeros(len(content), dtype=np.bool_)
    links = _no_links(len(content))
    count = _check(starts, content, contents, content_starts, value_of, threshold, spanning, settled, parents, seen, *links)
    return links[0][:count], links[1][:count], links[2][:count]


def block_links(
    own: tuple[int, int],
    earlier: tuple[int, int],
    content: tuple[I64, I64],
    contents: Any,
    content_starts: I64,
    value_of: Any,
    threshold: float,
    spanning: bool,
    settled: Any,
    parents: I64,
) -> tuple[I64, I64, F64]:
    """`checked_links` for a group whose contents do not fit into memory: the links between two stretches of its rows.

    `own` and `earlier` are (first row, row after the last) of the group, the same stretch or two different ones; `content` has the content of
    each of their rows.  `settled` (rows that never lose, or have lost) and `parents` (initially `np.arange`) are for the whole group, and are
    updated, so a stretch must be compared with the earlier ones in order and then with itself.
    """
    links = _no_links(own[1] - own[0] + earlier[1] - earlier[0])
    seen = np.zeros(len(settled), dtype=np.bool_)
    count = _hold(
        *own, *earlier, *content, contents, content_starts, value_of, threshold, spanning, settled, parents, seen, *links, 0
    )  # fmt: skip
    return links[0][:count], links[1][:count], links[2][:count]


def _no_links(most: int) -> tuple[I64, I64, F64]:
    return np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most, dtype=np.float64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _similarity(contents: Any, starts: Any, left: Any, right: Any, value_of: Any, threshold: Any) -> float:
    one, other = contents[starts[left] : starts[left + 1]], contents[starts[right] : starts[right + 1]]
    if len(one) == 0 or len(other) == 0:
        return 0.0
    same = 0
    if len(value_of):
        for place in range(len(one)):
            same += one[place] == other[place]
        return float(value_of[same])
    if min(len(one), len(other)) / max(len(one), len(other)) < threshold:
        return 0.0  # the sizes alone exclude a higher similarity
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            same += 1
            i += 1
            j += 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return same / (len(one) + len(other) - same)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _root(parents: Any, place: Any) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return int(place)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _hold(
    first: Any,
    last: Any,
    earlier_first: Any,
    earlier_last: Any,
    own_content: Any,
    earlier_content: Any,
    contents: Any,
    content_starts: Any,
    value_of: Any,
    threshold: Any,
    spanning: Any,
    settled: Any,
    parents: Any,
    seen: Any,
    losers: Any,
    matched: Any,
    similarity: Any,
    count: Any,
) -> int:
    trees = 0  # among the earlier rows; `seen` marks their roots
    for row in range(earlier_first, earlier_last if spanning and earlier_first < first else earlier_first):
        root = _root(parents, row)
        trees += not seen[root]
        seen[root] = True
    for row in range(first, last):
        if not settled[row]:
            one = own_content[row - first]
            for earlier in range(earlier_first, min(row, earlier_last)):
                root = _root(parents, row) if spanning else row
                if spanning and trees == 1 and seen[root]:
                    break  # it is already connected to all of them
                other = earlier_content[earlier - earlier_first]
                if one == other or (spanning and root == _root(parents, earlier)):
                    continue
                alike = _similarity(contents, content_starts, one, other, value_of, threshold)
                if alike >= threshold:
                    losers[count], matched[count], similarity[count] = row, earlier, alike
                    count += 1
                    if not spanning:
                        settled[row] = True
                        break
                    trees -= seen[root]
                    parents[root] = _root(parents, earlier)
        if spanning and earlier_first == first:
            root = _root(parents, row)
            trees += not seen[root]
            seen[root] = True
    return int(count)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _check(
    starts: Any,
    content: Any,
    contents: Any,
    content_starts: Any,
    value_of: Any,
    threshold: Any,
    spanning: Any,
    settled: Any,
    parents: Any,
    seen: Any,
    losers: Any,
    matched: Any,
    similarity: Any,
) -> int:
    count = 0
    for group in range(len(starts) - 1):
        first, last = starts[group], starts[group + 1]
        own = content[first:last]
        count = _hold(
            first, last, first, last, own, own, contents, content_starts, value_of, threshold, spanning, settled, parents, seen,
            losers, matched, similarity, count,
        )  # fmt: skip
    return count


def best_links(links: Columns) -> Columns:
    """One link per loser, to the first of those that it matched, sorted by loser; links can be reduced in parts, one after the other."""
    return _firsts(links, ("loser",), ("matched", "matched_rank"))


def distinct_links(links: Columns) -> Columns:
    """Every pair once, sorted by (loser, matched)."""
    return _firsts(links, ("loser", "matched"), ("similarity",))


def _firsts(links: Columns, same: tuple[str, ...], then: tuple[str, ...]) -> Columns:
    """The first row of each set of equal columns."""
    order = np.lexsort((*(links[name] for name in then), *(links[name] for name in reversed(same))))
    first = np.zeros(len(order), dtype=np.bool_)
    first[:1] = True
    for name in same:
        ordered = links[name][order]
        first[1:] |= ordered[1:] != ordered[:-1]
    return {name: column[order[first]] for name, column in links.items()}
