"""From a page's bytes to blocks of text, in one pass and without a tree.

The scanner follows the tokenizer of the HTML standard (comments, raw elements, attributes, character references) and keeps
a stack of open block elements, closed as leniently as in browsers.  Text goes into one buffer, with white space as it is
rendered; a block is a stretch of it that no block element interrupts, with counts of what it consists of.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.extractor import markup
from corpus_builder.extractor.blocks import (
    AT_BLOCKS,
    AT_BOLD,
    AT_ELEMENTS,
    AT_HEIGHT,
    AT_LINK,
    AT_MUTED,
    AT_OUT,
    AT_PENDING,
    AT_PENDING_BREAKS,
    AT_PRE,
    AT_READING,
    BLANK,
    BLOCK_COLUMNS,
    BY_RULE,
    BY_TAG,
    CHARS,
    IDEOGRAPHIC,
    IMAGES,
    IN_FORM,
    INPUTS,
    LESS,
    LINKS,
    NEWLINE,
    OPENED,
    OTHER,
    STATE_COLUMNS,
    add,
    add_run,
    close_block,
    leave_reading,
    white,
)  # fmt: skip
from corpus_builder.extractor.elements import ELEMENT_COLUMNS, MAX_DEPTH, TAG, close, mute, open_, pop, unmute
from corpus_builder.extractor.markup import (
    BODY,
    BOLD,
    BR,
    DROPPED,
    FORM,
    HR,
    IMG,
    INPUT,
    KANJI,
    LAST_BLOCK,
    RAW,
    RB,
    RP,
    RT,
    RUBY,
    SKIPPED,
    SPACE,
    TITLE,
    A,
    P,
)  # fmt: skip
from corpus_builder.extractor.tokens import after_comment, attributes, end_of_raw, is_space, look_up, reference

MAX_BLOCKS, MAX_ELEMENTS = 50_000, 100_000  # ours, to bound memory: the largest of 7,000 pages had 5,000 of either


class TooManyBlocks(Exception):
    """The page has more than MAX_BLOCKS blocks or MAX_ELEMENTS elements."""


class Scan(NamedTuple):
    """The scanned page: its text, blocks, elements and title.

    `text` uint8: all blocks one after another, UTF-8; `blocks` (n, BLOCK_COLUMNS) int64, `elements` (m, ELEMENT_COLUMNS)
    int64, element 0 is the body; `title` is the content of <title> as in the source, uint8.
    """

    text: npt.NDArray[np.uint8]
    blocks: npt.NDArray[np.int64]
    elements: npt.NDArray[np.int64]
    title: npt.NDArray[np.uint8]


def scan(page: bytes, readings: bool = False) -> Scan:
    """Scan a page in UTF-8 into blocks; `readings` keeps ruby readings, in parentheses.

    Raises TooManyBlocks, and nothing else for any bytes; takes linear time.

    >>> found = scan("<p>漢<b>字</b>と<ruby>子<rt>こ</ruby>ども<p>&lt;二&gt;".encode())
    >>> [bytes(found.text[start:end]).decode() for start, end in found.blocks[:, :2]]
    ['漢字と子ども', '<二>']
    """
    source = np.frombuffer(page, dtype=np.uint8)
    text, blocks, elements = _buffers.of(len(source))
    known = markup.tables()
    length, count, opened, title, title_end = _scan(
        source, text, blocks, elements, readings,
        known.tags, known.hints, known.entities, known.entity_points, known.windows, known.classes,
    )  # fmt: skip
    if length < 0:
        raise TooManyBlocks
    return Scan(text[:length].copy(), blocks[:count].copy(), elements[:opened].copy(), source[title:title_end])


class _Buffers(threading.local):
    """A thread's buffers, reused for every page: allocating new ones would cost as much as the scan."""

    def __init__(self) -> None:
        self.size = -1

    def of(self, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Buffers for a page of `size` bytes."""
        if size > self.size:
            self.size = max(size, 1 << 20)
            self.text = np.empty(self.size + self.size // 2 + 64, dtype=np.uint8)
            self.blocks = np.empty((min(self.size // 2, MAX_BLOCKS) + 4, BLOCK_COLUMNS), dtype=np.int64)
            self.elements = np.empty((min(self.size // 2, MAX_ELEMENTS) + 4, ELEMENT_COLUMNS), dtype=np.int64)
        return self.text, self.blocks, self.elements


_buffers = _Buffers()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_in(code: int, codes: Any) -> bool:
    return bool(np.any(codes[1 : codes[0] + 1] == code))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _scan(
    source: Any, text: Any, blocks: Any, elements: Any, readings: bool,
    tags: Any, words: Any, names: Any, points: Any, windows: Any, classes: Any,
) -> tuple[int, int, int, int, int]:  # fmt: skip
    """The scan itself; see `scan`.  Returns the length of the text, the numbers of blocks and elements, start and end of the title."""
    size = len(source)
    state = np.zeros(STATE_COLUMNS, dtype=np.int64)
    stack = np.zeros((MAX_DEPTH + 2, 3), dtype=np.int64)
    stack[0, 0] = BODY
    elements[0] = 0
    elements[0, TAG] = BODY
    state[AT_HEIGHT] = state[AT_ELEMENTS] = 1
    endless = np.zeros(16, dtype=np.int64)  # raw elements without an end tag: their number, then their names
    title = title_end = 0
    place: Any = np.int64(0)
    while place < size:
        if state[AT_BLOCKS] > MAX_BLOCKS or state[AT_ELEMENTS] > MAX_ELEMENTS:
            return -1, 0, 0, 0, 0
        octet = source[place]
        if octet != 60:
            if state[AT_MUTED] or state[AT_READING] == 3 or (state[AT_READING] and not readings):
                while place < size and source[place] != 60:
                    place += 1
                continue
            if octet <= 32 and not state[AT_PRE]:
                pending = state[AT_PENDING]
                while place < size and source[place] <= 32:
                    octet = source[place]
                    place += 1
                    if pending < IDEOGRAPHIC:
                        if octet == 10 or octet == 13:
                            pending = NEWLINE
                        elif pending == 0 and is_space(octet):
                            pending = BLANK
                state[AT_PENDING] = pending
                continue
            at = place
            element = stack[state[AT_HEIGHT] - 1, 1]
            second: Any = np.int64(0)
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
            if point <= 32:
                if point == 32 or 9 <= point <= 13:
                    white(text, state, point)
                continue
            if point < 0x10000:
                kind = np.int64(classes[point])
                if kind == DROPPED or (point == 0xB6 and state[AT_LINK]):  # ¶ links a heading to itself
                    continue
                if kind == SPACE:
                    white(text, state, point)
                    continue
            else:
                kind = np.int64(KANJI if 0x20000 <= point < 0x32000 else OTHER)
            if state[AT_READING] == 1:  # the first character of a kept reading
                add(text, blocks, state, element, at, OPENED, OTHER)
                state[AT_READING] = 2
            add(text, blocks, state, element, at, point, kind)
            if second:
                add(text, blocks, state, element, at, second, OTHER)
            place = add_run(source, place, text, state, classes)
            continue
        # ---- a tag, or a bare <
        following = source[place + 1] if place + 1 < size else np.uint8(0)
        ending = following == 47
        name = place + 2 if ending else place + 1
        first = (source[name] | 0x20) if name < size else np.uint8(0)
        if not 97 <= first <= 122:
            if following == 33 or following == 63 or (ending and name < size):
                place = after_comment(source, place)
            else:
                if not state[AT_MUTED] and state[AT_READING] != 3 and (readings or not state[AT_READING]):
                    add(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], place, LESS, OTHER)
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
        place, hints, href = attributes(source, after, words, (block or tag == A) and not ending)
        if place >= size and source[size - 1] != 62:
            break  # the page ends inside a tag
        if tag == 0:
            continue
        if ending:
            if tag == BR:
                if not state[AT_MUTED]:
                    state[AT_PENDING_BREAKS] += 1
            elif tag == FORM:
                if not state[AT_MUTED]:
                    close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_TAG)
                state[IN_FORM] = 0
            elif block:
                if tag == BODY:
                    continue
                close(text, blocks, state, stack, tag, code)
            elif tag == SKIPPED:
                unmute(state, stack, code)
            elif tag == A:
                state[AT_LINK] = 0
            elif tag == BOLD:
                state[AT_BOLD] = 0
            elif tag in (RT, RP, RUBY, RB):
                leave_reading(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1])
            continue
        if tag in (RAW, TITLE):
            end = -1
            if not _is_in(code, endless):
                end = end_of_raw(source, place, name, after - name)
                if end < 0:  # no later one ends either, so search only once
                    endless[endless[0] + 1] = code
                    endless[0] += 1
            if tag == TITLE:
                if state[AT_MUTED]:
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
            if not state[AT_MUTED]:
                state[AT_PENDING_BREAKS] += 1
                if state[AT_PRE] and state[CHARS]:
                    text[state[AT_OUT]] = 10
                    state[AT_OUT] += 1
                    state[AT_PENDING_BREAKS] = 0
        elif tag == HR:
            if not state[AT_MUTED]:
                if stack[state[AT_HEIGHT] - 1, 0] == P:
                    pop(text, blocks, state, stack, state[AT_HEIGHT] - 1)
                close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_RULE)
        elif tag == FORM:
            if not state[AT_MUTED]:
                close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_TAG)
            state[IN_FORM] = 1
        elif block:
            if tag == BODY:
                continue
            if state[AT_MUTED] and stack[state[AT_MUTED] - 1, 2] == _SVG:
                pop(text, blocks, state, stack, state[AT_MUTED] - 1)
            open_(text, blocks, elements, state, stack, tag, code, hints)
        elif tag == SKIPPED:
            if code == _BUTTON and state[AT_MUTED] and stack[state[AT_MUTED] - 1, 2] == _BUTTON:
                unmute(state, stack, code)
            if source[place - 2] != 47 or code != _SVG:
                mute(elements, state, stack, code)
        elif tag == A:
            state[AT_LINK] = 1 if href else 0
            if href and not state[AT_MUTED]:
                state[LINKS] += 1
        elif tag == BOLD:
            state[AT_BOLD] = 1
        elif tag == IMG:
            state[IMAGES] += 1
        elif tag == INPUT:
            state[INPUTS] += 1
        elif tag in (RT, RP, RB, RUBY):
            leave_reading(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1])
            state[AT_READING] = 1 if tag == RT else 3 if tag == RP else 0
    leave_reading(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1])
    close_block(text, blocks, state, stack[state[AT_HEIGHT] - 1, 1], BY_TAG)
    return state[AT_OUT], state[AT_BLOCKS], state[AT_ELEMENTS], title, title_end


_SVG = int(np.array(markup.fnv(b"svg"), dtype=np.uint64).astype(np.int64))
_BUTTON = int(np.array(markup.fnv(b"button"), dtype=np.uint64).astype(np.int64))
