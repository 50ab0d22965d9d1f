"""A page's bytes to blocks of text, in one pass and without a tree.

The scanner follows the tokenizer of the HTML standard (comments, raw elements, attributes, character references) and keeps
a stack of the open block elements, closed as loosely as browsers do.  Text goes into one buffer with its white space as it
is read; a block is a stretch of it that no block element interrupts, with counts of what it is made of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.main_text import markup
from corpus_builder.main_text.markup import (
    ADDRESS,
    BODY,
    BOLD,
    BR,
    COMMA,
    DD,
    DIGIT,
    DIV,
    DROPPED,
    DT,
    FORM,
    H1,
    H6,
    HIRAGANA,
    HR,
    IMG,
    INPUT,
    KANJI,
    KATAKANA,
    LAST_BLOCK,
    LATIN,
    LI,
    OL,
    PRE,
    RAW,
    RB,
    ROWS,
    RP,
    RT,
    RUBY,
    SKIPPED,
    STOP,
    TABLE,
    TD,
    TH,
    TITLE,
    TR,
    UL,
    A,
    P,
)  # fmt: skip
from corpus_builder.main_text.tokens import after_comment, attributes, end_of_raw, is_space, look_up, reference

# Columns of a block.  Counts are of characters; those from OTHERS on stand in the order of the classes of characters.
START, END, ELEMENT, SOURCE, CHARS, LINKED, OTHERS, LATINS, DIGITS, HIRAGANAS, KATAKANAS, KANJIS, STOPS, COMMAS, BRACKETS = range(15)
BREAKS, LINKS, BOLDS, IMAGES, INPUTS, SPLIT, IN_FORM = range(15, 22)
BLOCK_COLUMNS = 22
# SPLIT: what stands between a block and the one before: nothing but tags, two line breaks inside one element, or a rule.
BY_TAG, BY_BREAKS, BY_RULE = 0, 1, 2

# Columns of an element.
PARENT, TAG, HINTS, ABOVE, HINTS_ABOVE, DEPTH = range(6)
ELEMENT_COLUMNS = 6

MAX_DEPTH = 500  # deeper elements are not told apart; their text is read

# What is carried from byte to byte besides the counts of the open block.
_OUT, _PENDING, _PENDING_BREAKS, _WIDE, _BLOCKS, _ELEMENTS, _HEIGHT, _MUTED, _LINK, _BOLD, _PRE, _READING, _LINE = range(22, 35)
_STATE = 36

_SPACE, _NEWLINE, _WIDE_SPACE = 1, 2, 3


MAX_BLOCKS, MAX_ELEMENTS = 50_000, 100_000  # ours: the largest of 7,000 pages had 5,000 of either; memory is bounded by them


class TooManyBlocks(Exception):
    """The page has more blocks or elements than a page that is read has."""


class Scan(NamedTuple):
    """What a page is made of.

    `text` uint8: all blocks one after another, UTF-8; `blocks` (n, BLOCK_COLUMNS) int64, `elements` (m, ELEMENT_COLUMNS)
    int64, element 0 is the body; `title` is the content of <title> as in the source, uint8.
    """

    text: npt.NDArray[np.uint8]
    blocks: npt.NDArray[np.int64]
    elements: npt.NDArray[np.int64]
    title: npt.NDArray[np.uint8]


def scan(page: bytes, readings: bool = False) -> Scan:
    """The blocks of a page in UTF-8; `readings` keeps those of ruby in parentheses.

    Raises TooManyBlocks, and nothing else for any bytes; takes time in proportion to them.

    >>> found = scan("<p>漢<b>字</b>と<ruby>子<rt>こ</ruby>ども<p>&lt;二&gt;".encode())
    >>> [bytes(found.text[row[START]:row[END]]).decode() for row in found.blocks]
    ['漢字と子ども', '<二>']
    """
    source = np.frombuffer(page, dtype=np.uint8)
    size = len(source)
    text = np.empty(size + size // 2 + 64, dtype=np.uint8)
    blocks = np.empty((min(size // 2, MAX_BLOCKS) + 4, BLOCK_COLUMNS), dtype=np.int64)
    elements = np.empty((min(size // 2, MAX_ELEMENTS) + 4, ELEMENT_COLUMNS), dtype=np.int64)
    found = markup.tables()
    length, count, opened, title, title_end = _scan(
        source, text, blocks, elements, readings,
        found.tags, found.hints, found.entities, found.entity_points, found.windows, found.classes,
    )  # fmt: skip
    if length < 0:
        raise TooManyBlocks
    return Scan(text[:length], blocks[:count], elements[:opened], source[title:title_end])


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _is_wide(point: int) -> bool:
    """Written without spaces between it and its like?"""
    return (
        0x3001 <= point <= 0x30FF
        or 0x3400 <= point <= 0x9FFF
        or 0xF900 <= point <= 0xFAFF
        or 0xFF01 <= point <= 0xFF60
        or point >= 0x20000
    )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _write(text: Any, out: int, point: int) -> int:
    """Write a code point in UTF-8; the place behind it."""
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
def _close_block(text: Any, blocks: Any, state: Any, element: int, split: int) -> None:
    """End the open block, if it holds a character, and begin the next."""
    if state[CHARS] == 0 and state[_OUT] == state[START]:
        state[SPLIT] = max(state[SPLIT], split)
        state[LINKS] = state[_PENDING] = state[_PENDING_BREAKS] = 0
        return
    if state[CHARS]:
        out = state[_OUT]
        while out > state[START] and text[out - 1] == 10:  # the last line breaks of <pre>
            out -= 1
        state[_OUT] = out
        state[END] = out
        state[ELEMENT] = element
        row = blocks[state[_BLOCKS]]
        for column in range(BLOCK_COLUMNS):
            row[column] = state[column]
        state[_BLOCKS] += 1
        state[IMAGES] = state[INPUTS] = 0
        state[SPLIT] = split
    else:
        state[_OUT] = state[START]
        state[SPLIT] = max(state[SPLIT], split)
    form, images, inputs, between = state[IN_FORM], state[IMAGES], state[INPUTS], state[SPLIT]
    state[:BLOCK_COLUMNS] = 0
    state[START] = state[_OUT]
    state[IN_FORM], state[IMAGES], state[INPUTS], state[SPLIT] = form, images, inputs, between
    state[_PENDING] = state[_PENDING_BREAKS] = state[_WIDE] = 0
    state[_LINE] = state[_OUT]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add(text: Any, blocks: Any, state: Any, element: int, place: int, point: int, kind: int) -> None:
    """Add a character to the open block, after what white space asks for before it."""
    if state[_PENDING_BREAKS] and state[CHARS]:
        if state[_PENDING_BREAKS] > 1:
            _close_block(text, blocks, state, element, BY_BREAKS)
        else:
            text[state[_OUT]] = 10
            state[_OUT] += 1
            state[BREAKS] += 1
            state[_PENDING_BREAKS] = state[_PENDING] = 0
            state[_LINE] = state[_OUT]
    wide = _is_wide(point)
    if state[_PENDING]:
        if state[CHARS] and state[_OUT] > state[_LINE]:
            if state[_PENDING] == _WIDE_SPACE:
                state[_OUT] = _write(text, state[_OUT], 0x3000)
            elif state[_PENDING] == _SPACE or not (wide and state[_WIDE]):
                text[state[_OUT]] = 32
                state[_OUT] += 1
        state[_PENDING] = 0
    if not state[CHARS]:
        state[SOURCE] = place
        state[_PENDING_BREAKS] = 0
    state[_OUT] = _write(text, state[_OUT], point)
    state[_WIDE] = wide
    state[CHARS] += 1
    if state[_LINK]:
        state[LINKED] += 1
    if state[_BOLD]:
        state[BOLDS] += 1
    state[OTHERS + kind] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_run(source: Any, place: int, text: Any, state: Any, classes: Any) -> int:
    """Add the characters from `place` on that need no care, as long as there are any; the place behind them."""
    size = len(source) - 3  # so that whole characters can be read
    out = state[_OUT]
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
        state[_OUT] = out
        state[_WIDE] = _is_wide(point)
        state[CHARS] += chars
        state[LINKED] += chars * state[_LINK]
        state[BOLDS] += chars * state[_BOLD]
    return place


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _white(text: Any, blocks: Any, state: Any, element: int, place: int, point: int) -> None:
    """White space: what it comes to is known when the next character is."""
    if state[_PRE] and point != 0xA0:
        if state[CHARS]:
            if point != 13:
                state[_OUT] = _write(text, state[_OUT], point)
        elif point == 10:
            state[_OUT] = state[START]  # indentation of the first line stays, empty lines before it go
        elif point != 13:
            state[_OUT] = _write(text, state[_OUT], point)
        return
    if point == 0x3000:
        state[_PENDING] = _WIDE_SPACE
    elif point == 10 or point == 13:
        if state[_PENDING] != _WIDE_SPACE:
            state[_PENDING] = _NEWLINE
    elif state[_PENDING] == 0:
        state[_PENDING] = _SPACE


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _pop(text: Any, blocks: Any, state: Any, stack: Any, height: int) -> None:
    """Close all elements from `height` on."""
    if height >= state[_HEIGHT]:
        return
    if not state[_MUTED] or state[_MUTED] > height:
        if not state[_MUTED]:
            _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_TAG)
        state[_MUTED] = 0
    for level in range(height, state[_HEIGHT]):
        if stack[level, 0] == PRE:
            state[_PRE] -= 1
    state[_HEIGHT] = height
    state[_READING] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _push(elements: Any, state: Any, stack: Any, tag: int, code: int, hints: int) -> None:
    height = state[_HEIGHT]
    if height >= MAX_DEPTH:
        return
    parent = stack[height - 1, 1]
    row = state[_ELEMENTS]
    stack[height, 0], stack[height, 1], stack[height, 2] = tag, row, code
    state[_HEIGHT] = height + 1
    state[_ELEMENTS] = row + 1
    above = elements[parent]
    elements[row, PARENT] = parent
    elements[row, TAG] = tag
    elements[row, HINTS] = hints
    elements[row, ABOVE] = above[ABOVE] | (np.int64(1) << np.int64(tag))
    elements[row, HINTS_ABOVE] = above[HINTS_ABOVE] | hints
    elements[row, DEPTH] = height
    if tag == PRE:
        state[_PRE] += 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _open(text: Any, blocks: Any, elements: Any, state: Any, stack: Any, tag: int, code: int, hints: int) -> None:
    """A block element starts: it closes what cannot hold it."""
    if not state[_MUTED]:
        _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_TAG)
        state[_READING] = 0
    height = state[_HEIGHT]
    table_part = tag in (TR, TD, TH, ROWS)
    if stack[height - 1, 0] == P and not table_part:
        _pop(text, blocks, state, stack, height - 1)
        height -= 1
    if tag in (LI, DT, DD):
        level = height - 1
        while level > 0:
            other = stack[level, 0]
            if (tag == LI and other == LI) or (tag != LI and (other in (DT, DD))):
                _pop(text, blocks, state, stack, level)
                break
            if other != DIV and other != P and other != ADDRESS:
                break
            level -= 1
    elif H1 <= tag <= H6:
        if H1 <= stack[height - 1, 0] <= H6:
            _pop(text, blocks, state, stack, height - 1)
    elif table_part:
        level = height - 1
        while level > 0 and stack[level, 0] != TABLE:
            level -= 1
        if level == 0:
            return  # a part of no table
        level += 1
        # Rows close rows and cells, cells close cells: what stays open is the table, and what of it holds this part.
        while level < height:
            other = stack[level, 0]
            if (other == ROWS and tag != ROWS) or (other == TR and (tag in (TD, TH))):
                level += 1
            else:
                break
        _pop(text, blocks, state, stack, level)
        if (tag in (TD, TH)) and stack[state[_HEIGHT] - 1, 0] != TR:
            _push(elements, state, stack, TR, 0, 0)
    _push(elements, state, stack, tag, code, hints)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _close(text: Any, blocks: Any, state: Any, stack: Any, tag: int, code: int) -> None:
    """A block element ends: it takes along what is open inside it; an end tag without its element only ends the block."""
    height = state[_HEIGHT]
    table_part = tag in (TR, TD, TH, ROWS)
    level = height - 1
    while level > 0:
        other = stack[level, 0]
        if stack[level, 2] == code or (H1 <= tag <= H6 and H1 <= other <= H6):
            _pop(text, blocks, state, stack, level)
            return
        if other == TABLE and (table_part or tag != TABLE):
            break
        if (other in (TD, TH)) and not table_part and tag != TABLE:
            break
        if tag == LI and (other in (UL, OL)):
            break
        level -= 1
    if not state[_MUTED]:
        _close_block(text, blocks, state, stack[height - 1, 1], BY_TAG)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mute(text: Any, blocks: Any, elements: Any, state: Any, stack: Any, code: int) -> None:
    """An element starts whose content is no text of the page."""
    if state[_MUTED]:
        level = state[_MUTED] - 1
        if stack[level, 2] == code:  # a button does not hold buttons; the others end together
            if state[_HEIGHT] < MAX_DEPTH:
                _push(elements, state, stack, SKIPPED, code, 0)
            return
    before = state[_HEIGHT]
    _push(elements, state, stack, SKIPPED, code, 0)
    if state[_HEIGHT] > before and not state[_MUTED]:
        state[_MUTED] = state[_HEIGHT]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _unmute(state: Any, stack: Any, code: int) -> None:
    level = state[_HEIGHT] - 1
    while level > 0 and level >= state[_MUTED] - 1:
        if stack[level, 2] == code:
            for inner in range(level, state[_HEIGHT]):
                if stack[inner, 0] == PRE:
                    state[_PRE] -= 1
            state[_HEIGHT] = level
            if state[_MUTED] > level:
                state[_MUTED] = 0
            return
        level -= 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_in(code: int, codes: Any) -> bool:
    for place in range(1, codes[0] + 1):
        if codes[place] == code:
            return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _scan(
    source: Any, text: Any, blocks: Any, elements: Any, readings: bool,
    tags: Any, words: Any, names: Any, points: Any, windows: Any, classes: Any,
) -> tuple[int, int, int, int, int]:  # fmt: skip
    """The pass; see `scan`.  Returns the length of the text, the numbers of blocks and elements, start and end of the title."""
    size = len(source)
    state = np.zeros(_STATE, dtype=np.int64)
    stack = np.zeros((MAX_DEPTH + 2, 3), dtype=np.int64)
    stack[0, 0] = BODY
    elements[0] = 0
    elements[0, TAG] = BODY
    state[_HEIGHT] = state[_ELEMENTS] = 1
    endless = np.zeros(16, dtype=np.int64)  # raw elements without an end: how many, then their names
    title = title_end = 0
    place = 0
    while place < size:
        if state[_BLOCKS] > MAX_BLOCKS or state[_ELEMENTS] > MAX_ELEMENTS:
            return -1, 0, 0, 0, 0
        octet = source[place]
        if octet != 60:
            if state[_MUTED] or state[_READING] == 3 or (state[_READING] and not readings):
                while place < size and source[place] != 60:
                    place += 1
                continue
            if octet <= 32 and not state[_PRE]:
                pending = state[_PENDING]
                while place < size and source[place] <= 32:
                    octet = source[place]
                    place += 1
                    if pending < _WIDE_SPACE:
                        if octet == 10 or octet == 13:
                            pending = _NEWLINE
                        elif pending == 0 and is_space(octet):
                            pending = _SPACE
                state[_PENDING] = pending
                continue
            at = place
            element = stack[state[_HEIGHT] - 1, 1]
            second = 0
            if octet == 38:
                point, second, place = reference(source, place, names, points, windows)
            elif octet < 0x80:
                point = np.int64(octet)
                place += 1
            elif octet < 0xE0 and place + 1 < size:
                point = (np.int64(octet) & 0x1F) << 6 | (source[place + 1] & 0x3F)
                place += 2
            elif octet < 0xF0 and place + 2 < size:
                point = (np.int64(octet) & 0x0F) << 12 | (np.int64(source[place + 1]) & 0x3F) << 6 | (source[place + 2] & 0x3F)
                place += 3
            elif place + 3 < size:
                point = (
                    (np.int64(octet) & 0x07) << 18
                    | (np.int64(source[place + 1]) & 0x3F) << 12
                    | (np.int64(source[place + 2]) & 0x3F) << 6
                    | (source[place + 3] & 0x3F)
                )
                place += 4
            else:
                break
            if point <= 32 or point == 0x3000 or point == 0xA0:
                if point == 32 or 9 <= point <= 13 or point >= 0xA0:
                    _white(text, blocks, state, element, at, point)
                continue
            if point < 0x10000:
                kind = classes[point]
                if kind == DROPPED:
                    continue
            else:
                kind = np.uint8(KANJI if 0x20000 <= point < 0x32000 else 0)
            if state[_READING] == 1:  # the first character of a reading that is kept
                _add(text, blocks, state, element, at, 0xFF08, 0)
                state[_READING] = 2
            _add(text, blocks, state, element, at, point, kind)
            if second:
                _add(text, blocks, state, element, at, second, 0)
            place = _add_run(source, place, text, state, classes)
            continue
        # ---- a tag, or a < that is none
        following = source[place + 1] if place + 1 < size else np.uint8(0)
        ending = following == 47
        name = place + 2 if ending else place + 1
        first = (source[name] | 0x20) if name < size else np.uint8(0)
        if not 97 <= first <= 122:
            if following == 33 or following == 63 or (ending and name < size):
                place = after_comment(source, place)
            else:
                if not state[_MUTED] and state[_READING] != 3 and (readings or not state[_READING]):
                    _add(text, blocks, state, stack[state[_HEIGHT] - 1, 1], place, 60, 0)
                place += 1
            continue
        after = name
        hash_code = np.uint64(0xCBF29CE484222325)
        while after < size:
            octet = source[after]
            if octet == 62 or octet == 47 or is_space(octet):
                break
            if 65 <= octet <= 90:
                octet = octet | np.uint8(0x20)
            hash_code = (hash_code ^ np.uint64(octet)) * np.uint64(0x100000001B3)
            after += 1
        tag = look_up(tags, hash_code)
        code = np.int64(hash_code)
        block = 1 <= tag <= LAST_BLOCK
        start = place
        place, hints, href = attributes(source, after, words, (block or tag == A) and not ending)
        if place >= size and source[size - 1] != 62:
            break  # the page ends inside a tag
        if tag == 0:
            continue
        if ending:
            if tag == BR:
                if not state[_MUTED]:
                    state[_PENDING_BREAKS] += 1
            elif tag == FORM:
                if not state[_MUTED]:
                    _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_TAG)
                state[IN_FORM] = 0
            elif block:
                if tag == BODY:
                    continue
                _close(text, blocks, state, stack, tag, code)
            elif tag == SKIPPED:
                _unmute(state, stack, code)
            elif tag == A:
                state[_LINK] = 0
            elif tag == BOLD:
                state[_BOLD] = 0
            elif tag in (RT, RP, RUBY, RB):
                if state[_READING] == 2:
                    _add(text, blocks, state, stack[state[_HEIGHT] - 1, 1], start, 0xFF09, 0)
                state[_READING] = 0
            continue
        if tag in (RAW, TITLE):
            end = -1
            if not _is_in(code, endless):
                end = end_of_raw(source, place, name, after - name)
                if end < 0:  # no later one ends either, so it is looked for once
                    endless[endless[0] + 1] = code
                    endless[0] += 1
            if tag == TITLE:
                if state[_MUTED]:
                    continue
                if end >= 0 and title_end == 0:
                    title, title_end = place, end
            if end >= 0:
                place = end
                while place < size and source[place] != 62:
                    place += 1
                place += 1
            elif first == 115:  # a script or style that never ends
                break
        elif tag == BR:
            if not state[_MUTED]:
                state[_PENDING_BREAKS] += 1
                if state[_PRE] and state[CHARS]:
                    text[state[_OUT]] = 10
                    state[_OUT] += 1
                    state[_PENDING_BREAKS] = 0
        elif tag == HR:
            if not state[_MUTED]:
                if stack[state[_HEIGHT] - 1, 0] == P:
                    _pop(text, blocks, state, stack, state[_HEIGHT] - 1)
                _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_RULE)
        elif tag == FORM:
            if not state[_MUTED]:
                _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_TAG)
            state[IN_FORM] = 1
        elif block:
            if tag == BODY:
                continue
            if state[_MUTED] and stack[state[_MUTED] - 1, 2] == _SVG:
                _pop(text, blocks, state, stack, state[_MUTED] - 1)
            _open(text, blocks, elements, state, stack, tag, code, hints)
        elif tag == SKIPPED:
            if code == _BUTTON and state[_MUTED] and stack[state[_MUTED] - 1, 2] == _BUTTON:
                _unmute(state, stack, code)
            if source[place - 2] != 47 or code != _SVG:
                _mute(text, blocks, elements, state, stack, code)
        elif tag == A:
            state[_LINK] = 1 if href else 0
            if href and not state[_MUTED]:
                state[LINKS] += 1
        elif tag == BOLD:
            state[_BOLD] = 1
        elif tag == IMG:
            state[IMAGES] += 1
        elif tag == INPUT:
            state[INPUTS] += 1
        elif tag in (RT, RP, RB, RUBY):
            if state[_READING] == 2:
                _add(text, blocks, state, stack[state[_HEIGHT] - 1, 1], start, 0xFF09, 0)
            state[_READING] = 1 if tag == RT else 3 if tag == RP else 0
    if state[_READING] == 2:
        _add(text, blocks, state, stack[state[_HEIGHT] - 1, 1], size, 0xFF09, 0)
    _close_block(text, blocks, state, stack[state[_HEIGHT] - 1, 1], BY_TAG)
    return state[_OUT], state[_BLOCKS], state[_ELEMENTS], title, title_end


_SVG = int(np.array(markup.fnv(b"svg"), dtype=np.uint64).astype(np.int64))
_BUTTON = int(np.array(markup.fnv(b"button"), dtype=np.uint64).astype(np.int64))
