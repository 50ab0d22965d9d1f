"""The stack of open block elements, which start and end tags change as leniently as in browsers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.extractor.blocks import (
    AT_ELEMENTS,
    AT_HEIGHT,
    AT_MUTED,
    AT_PRE,
    AT_READING,
    BY_TAG,
    close_block,
    leave_reading,
)  # fmt: skip
from corpus_builder.extractor.markup import (
    ADDRESS,
    DD,
    DIV,
    DT,
    H1,
    H6,
    LI,
    OL,
    PRE,
    ROWS,
    SKIPPED,
    TABLE,
    TD,
    TH,
    TR,
    UL,
    P,
)  # fmt: skip

# Columns of an element.
PARENT, TAG, HINTS, ABOVE, HINTS_ABOVE, DEPTH = range(6)
ELEMENT_COLUMNS = 6

MAX_DEPTH = 500  # deeper elements are not tracked, but their text is read


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pop(text: Any, blocks: Any, state: Any, stack: Any, height: int) -> None:
    """Close all elements from `height` on."""
    if height >= state[AT_HEIGHT]:
        return
    if not state[AT_MUTED] or state[AT_MUTED] > height:
        if not state[AT_MUTED]:
            leave_reading(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1])
            close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_TAG)
        state[AT_MUTED] = 0
    for level in range(height, state[AT_HEIGHT]):
        if stack[level, 0] == PRE:
            state[AT_PRE] -= 1
    state[AT_HEIGHT] = height
    state[AT_READING] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def push(elements: Any, state: Any, stack: Any, tag: int, code: int, hints: int) -> None:
    """Push an element onto the stack, unless the stack is full."""
    height = state[AT_HEIGHT]
    if height >= MAX_DEPTH:
        return
    parent = stack[height - 1, 1]
    row = state[AT_ELEMENTS]
    stack[height, 0], stack[height, 1], stack[height, 2] = tag, row, code
    state[AT_HEIGHT] = height + 1
    state[AT_ELEMENTS] = row + 1
    elements[row, PARENT] = parent
    elements[row, TAG] = tag
    elements[row, HINTS] = hints
    elements[row, ABOVE] = elements[parent, ABOVE] | (np.int64(1) << np.int64(tag))
    elements[row, HINTS_ABOVE] = elements[parent, HINTS_ABOVE] | hints
    elements[row, DEPTH] = height
    if tag == PRE:
        state[AT_PRE] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def open_(text: Any, blocks: Any, elements: Any, state: Any, stack: Any, tag: int, code: int, hints: int) -> None:
    """Start a block element, closing those that cannot contain it."""
    if not state[AT_MUTED]:
        leave_reading(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1])
        close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_TAG)
    height = state[AT_HEIGHT]
    table_part = tag in (TR, TD, TH, ROWS)
    if stack[height - 1, 0] == P and not table_part:
        pop(text, blocks, state, stack, height - 1)
        height -= 1
    if tag in (LI, DT, DD):
        level = height - 1
        while level > 0:
            other = stack[level, 0]
            if (tag == LI and other == LI) or (tag != LI and (other in (DT, DD))):
                pop(text, blocks, state, stack, level)
                break
            if other != DIV and other != P and other != ADDRESS:
                break
            level -= 1
    elif H1 <= tag <= H6:
        if H1 <= stack[height - 1, 0] <= H6:
            pop(text, blocks, state, stack, height - 1)
    elif table_part:
        level = height - 1
        while level > 0 and stack[level, 0] != TABLE:
            level -= 1
        if level == 0:
            return  # a table part outside any table
        level += 1
        # Rows close rows and cells, cells close cells: what stays open is the table, and the parts of it that contain this one.
        while level < height:
            other = stack[level, 0]
            if (other == ROWS and tag != ROWS) or (other == TR and (tag in (TD, TH))):
                level += 1
            else:
                break
        pop(text, blocks, state, stack, level)
        if (tag in (TD, TH)) and stack[state[AT_HEIGHT] - 1, 0] != TR:
            push(elements, state, stack, np.int64(TR), np.int64(0), np.int64(0))
    push(elements, state, stack, tag, code, hints)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def close(text: Any, blocks: Any, state: Any, stack: Any, tag: int, code: int) -> None:
    """End a block element and all that is open inside it; an end tag without an open element only ends the block."""
    height = state[AT_HEIGHT]
    table_part = tag in (TR, TD, TH, ROWS)
    level = height - 1
    while level > 0:
        other = stack[level, 0]
        if stack[level, 2] == code or (H1 <= tag <= H6 and H1 <= other <= H6):
            pop(text, blocks, state, stack, level)
            return
        if other == TABLE and (table_part or tag != TABLE):
            break
        if (other in (TD, TH)) and not table_part and tag != TABLE:
            break
        if tag == LI and (other in (UL, OL)):
            break
        level -= 1
    if not state[AT_MUTED]:
        close_block(text, blocks, state, stack[height - 1, 1], BY_TAG)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mute(elements: Any, state: Any, stack: Any, code: int) -> None:
    """Start an element whose content is not text of the page."""
    if state[AT_MUTED]:
        level = state[AT_MUTED] - 1
        if stack[level, 2] == code:  # buttons do not nest; the others end together
            if state[AT_HEIGHT] < MAX_DEPTH:
                push(elements, state, stack, np.int64(SKIPPED), code, np.int64(0))
            return
    before = state[AT_HEIGHT]
    push(elements, state, stack, np.int64(SKIPPED), code, np.int64(0))
    if state[AT_HEIGHT] > before and not state[AT_MUTED]:
        state[AT_MUTED] = state[AT_HEIGHT]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def unmute(state: Any, stack: Any, code: int) -> None:
    """End such an element."""
    level = state[AT_HEIGHT] - 1
    while level > 0 and level >= state[AT_MUTED] - 1:
        if stack[level, 2] == code:
            for inner in range(level, state[AT_HEIGHT]):
                if stack[inner, 0] == PRE:
                    state[AT_PRE] -= 1
            state[AT_HEIGHT] = level
            if state[AT_MUTED] > level:
                state[AT_MUTED] = 0
            return
        level -= 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _nearest(elements: Any, tags: Any, ends: Any) -> npt.NDArray[np.int64]:
    """For every element the nearest enclosing one (or itself) with one of two tags; -1 if there is none, or one of `ends` lies between."""
    out: npt.NDArray[np.int64] = np.empty(len(elements), dtype=np.int64)
    for row in range(len(elements)):
        kind = elements[row, TAG]
        if kind == tags[0] or kind == tags[1]:
            out[row] = row
        elif row == 0 or kind == ends[0] or kind == ends[1] or kind == ends[2]:
            out[row] = -1
        else:
            out[row] = out[elements[row, PARENT]]
    return out


def rows_of(elements: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The table row that contains each element; -1 if there is none, or a list item lies between."""
    found: npt.NDArray[np.int64] = _nearest(elements, (TR, TR), (LI, DT, DD))
    return found


def cells_of(elements: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The table cell that each element is or is contained in; -1 for none."""
    found: npt.NDArray[np.int64] = _nearest(elements, (TD, TH), (TABLE, TABLE, TABLE))
    return found


def items_of(elements: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The list item that each element is or is contained in; -1 if there is none, or a table cell lies between."""
    found: npt.NDArray[np.int64] = _nearest(elements, (LI, LI), (TD, TH, TH))
    return found


def list_depths(elements: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The number of lists that contain each element."""
    out = np.zeros(len(elements), dtype=np.int64)
    _count_lists(elements, out)
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count_lists(elements: Any, out: Any) -> None:
    for row in range(1, len(elements)):
        kind = elements[row, TAG]
        out[row] = out[elements[row, PARENT]] + (kind in (UL, OL))
