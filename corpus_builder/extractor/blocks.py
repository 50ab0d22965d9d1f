"""Blocks of text under construction: characters, white space and line breaks, counted as they are added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.extractor.markup import DROPPED

# Columns of a block.  Counts are of characters; those from OTHERS on are in the order of the character classes.
START, END, ELEMENT, SOURCE, CHARS, LINKED, OTHERS, LATINS, DIGITS, HIRAGANAS, KATAKANAS, KANJIS, STOPS, COMMAS, BRACKETS = range(
    15
)
BREAKS, LINKS, BOLDS, IMAGES, INPUTS, SPLIT, IN_FORM = range(15, 22)
BLOCK_COLUMNS = 22
# SPLIT: what separates a block from the previous one: only tags, two line breaks inside one element, or a rule (<hr>).
BY_TAG, BY_BREAKS, BY_RULE = np.int64(0), np.int64(1), np.int64(2)

# Constants that callers pass, as NumPy integers: for each literal argument Numba would compile a separate version, which takes
# twice as long.
OTHER = np.int64(0)  # the class of all remaining characters
OPENED, CLOSED, LESS = np.int64(0xFF08), np.int64(0xFF09), np.int64(0x3C)  # （ ） <

# The scanner's state besides the counts of the open block.
(
    AT_OUT,
    AT_PENDING,
    AT_PENDING_BREAKS,
    AT_WIDE,
    AT_BLOCKS,
    AT_ELEMENTS,
    AT_HEIGHT,
    AT_MUTED,
    AT_LINK,
    AT_BOLD,
    AT_PRE,
    AT_READING,
    AT_LINE,
) = range(22, 35)
STATE_COLUMNS = 36

BLANK, NEWLINE, IDEOGRAPHIC = 1, 2, 3


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_wide(point: int) -> bool:
    """Whether a code point belongs to a script written without spaces."""
    return (
        0x3001 <= point <= 0x30FF
        or 0x3400 <= point <= 0x9FFF
        or 0xF900 <= point <= 0xFAFF
        or 0xFF01 <= point <= 0xFF60
        or point >= 0x20000
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def write(text: Any, out: int, point: int) -> int:
    """Write a code point in UTF-8; returns the offset after it."""
    if point < 0x80:
        text[out] = point
        return out + 1
    if point < 0x800:
        text[out] = 0xC0 | point >> 6
        text[out + 1] = 0x80 | point & 0x3F
        return out + 2
    if point < 0x10000:
        text[out] = 0xE0 | point >> 12
        text[out + 1] = 0x80 | point >> 6 & 0x3F
        text[out + 2] = 0x80 | point & 0x3F
        return out + 3
    text[out] = 0xF0 | point >> 18
    text[out + 1] = 0x80 | point >> 12 & 0x3F
    text[out + 2] = 0x80 | point >> 6 & 0x3F
    text[out + 3] = 0x80 | point & 0x3F
    return out + 4


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def close_block(text: Any, blocks: Any, state: Any, element: int, split: int) -> None:
    """End the open block, if it holds any character, and begin the next."""
    if state[CHARS] == 0 and state[AT_OUT] == state[START]:
        state[SPLIT] = max(state[SPLIT], split)
        state[LINKS] = state[AT_PENDING] = state[AT_PENDING_BREAKS] = 0
        return
    if state[CHARS]:
        out = state[AT_OUT]
        while out > state[START] and text[out - 1] == 10:  # trailing line breaks of <pre>
            out -= 1
        state[AT_OUT] = out
        state[END] = out
        state[ELEMENT] = element
        for column in range(BLOCK_COLUMNS):
            blocks[state[AT_BLOCKS], column] = state[column]
        state[AT_BLOCKS] += 1
        state[IMAGES] = state[INPUTS] = 0
        state[SPLIT] = split
    else:
        state[AT_OUT] = state[START]
        state[SPLIT] = max(state[SPLIT], split)
    form, images, inputs, between = state[IN_FORM], state[IMAGES], state[INPUTS], state[SPLIT]
    for column in range(BLOCK_COLUMNS):
        state[column] = 0
    state[START] = state[AT_OUT]
    state[IN_FORM], state[IMAGES], state[INPUTS], state[SPLIT] = form, images, inputs, between
    state[AT_PENDING] = state[AT_PENDING_BREAKS] = state[AT_WIDE] = 0
    state[AT_LINE] = state[AT_OUT]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add(text: Any, blocks: Any, state: Any, element: int, place: int, point: int, kind: int) -> None:
    """Add a character to the open block, after the pending white space."""
    if state[AT_PENDING_BREAKS] and state[CHARS]:
        if state[AT_PENDING_BREAKS] > 1:
            close_block(text, blocks, state, element, BY_BREAKS)
        else:
            text[state[AT_OUT]] = 10
            state[AT_OUT] += 1
            state[BREAKS] += 1
            state[AT_PENDING_BREAKS] = state[AT_PENDING] = 0
            state[AT_LINE] = state[AT_OUT]
    wide = is_wide(point)
    if state[AT_PENDING]:
        if state[CHARS] and state[AT_OUT] > state[AT_LINE]:
            if state[AT_PENDING] == IDEOGRAPHIC:
                state[AT_OUT] = write(text, state[AT_OUT], np.int64(0x3000))
            elif state[AT_PENDING] == BLANK or not (wide and state[AT_WIDE]):
                text[state[AT_OUT]] = 32
                state[AT_OUT] += 1
        state[AT_PENDING] = 0
    if not state[CHARS]:
        state[SOURCE] = place
        state[AT_PENDING_BREAKS] = 0
    state[AT_OUT] = write(text, state[AT_OUT], point)
    state[AT_WIDE] = wide
    state[CHARS] += 1
    if state[AT_LINK]:
        state[LINKED] += 1
    if state[AT_BOLD]:
        state[BOLDS] += 1
    state[OTHERS + kind] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def leave_reading(text: Any, blocks: Any, state: Any, element: int) -> None:
    """End a reading (ruby); one that is kept gets its closing parenthesis."""
    if state[AT_READING] == 2:
        add(text, blocks, state, element, state[SOURCE], CLOSED, OTHER)
    state[AT_READING] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_run(source: Any, place: int, text: Any, state: Any, classes: Any) -> int:
    """Add the run of ordinary characters from offset `place` on; returns the offset after it."""
    size = len(source) - 3  # so that whole characters can be read
    out = state[AT_OUT]
    chars = 0
    point = np.int64(0)
    while place < size:
        octet = np.int64(source[place])
        if octet < 0x80:
            if octet <= 32 or octet == 38 or octet == 60:
                break
            kind = classes[octet]
            text[out] = octet
            point = octet
            place += 1
            out += 1
        elif 0xE0 <= octet < 0xF0:
            second, third = np.int64(source[place + 1]), np.int64(source[place + 2])
            after = (octet & 0x0F) << 12 | (second & 0x3F) << 6 | (third & 0x3F)
            kind = classes[after]
            if kind >= DROPPED:
                break
            point = after
            text[out] = octet
            text[out + 1] = second
            text[out + 2] = third
            place += 3
            out += 3
        else:
            break
        state[OTHERS + kind] += 1
        chars += 1
    if chars:
        state[AT_OUT] = out
        state[AT_WIDE] = is_wide(point)
        state[CHARS] += chars
        state[LINKED] += chars * state[AT_LINK]
        state[BOLDS] += chars * state[AT_BOLD]
    return place


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def white(text: Any, state: Any, point: int) -> None:
    """Note white space as pending; its effect depends on the next character."""
    if state[AT_PRE]:
        if state[CHARS]:
            if point != 13:
                state[AT_OUT] = write(text, state[AT_OUT], point)
        elif point == 10:
            state[AT_OUT] = state[START]  # keep the indentation of the first line, drop empty lines before it
        elif point != 13:
            state[AT_OUT] = write(text, state[AT_OUT], point)
        return
    if point == 0x3000:
        state[AT_PENDING] = IDEOGRAPHIC
    elif point == 10 or point == 13:
        if state[AT_PENDING] != IDEOGRAPHIC:
            state[AT_PENDING] = NEWLINE
    elif state[AT_PENDING] == 0:
        state[AT_PENDING] = BLANK
