"""The tokens of markup, read as by the HTML standard's tokenizer from UTF-8 bytes, in compiled code and without copying."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.extractor.markup import HIDDEN


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def look_up(table: Any, key: Any) -> Any:
    """The value of a hash in a word table; 0 if it is not there."""
    keys, values = table
    mask = np.uint64(len(keys) - 1)
    slot = (key ^ (key >> np.uint64(32))) & mask
    while keys[slot] != np.uint64(0):
        if keys[slot] == key:
            return values[slot]
        slot = (slot + np.uint64(1)) & mask
    return 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_space(octet: int) -> bool:
    """Whether a byte is HTML white space."""
    return octet == 32 or octet == 10 or octet == 9 or octet == 13 or octet == 12


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hints_of(source: Any, start: int, end: int, words: Any) -> int:
    """The hint groups of an attribute's words, as bits; words are runs of letters, whole and split at capitals."""
    found = 0
    run = part = np.uint64(0xCBF29CE484222325)
    letters = parts = 0
    was_lower: Any = False
    for place in range(start, end + 1):
        octet = source[place] if place < end else np.uint8(0)
        upper = 65 <= octet <= 90
        lower = 97 <= octet <= 122
        if (not upper and not lower) or (upper and was_lower):
            if letters > parts and parts > 1:
                found |= look_up(words, part)
            part, parts = np.uint64(0xCBF29CE484222325), 0
        if upper or lower:
            code = np.uint64(octet | 0x20)
            run = (run ^ code) * np.uint64(0x100000001B3)
            part = (part ^ code) * np.uint64(0x100000001B3)
            letters += 1
            parts += 1
        elif letters:
            if letters > 1:
                found |= look_up(words, run)
            run, letters = np.uint64(0xCBF29CE484222325), 0
        was_lower = lower
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hides(source: Any, start: int, end: int) -> bool:
    """Whether a style attribute contains display: none."""
    for place in range(start, end - 10):
        if source[place] == 100 and source[place + 1] == 105 and source[place + 5] == 97 and source[place + 6] == 121:
            place += 7
            while place < end and (source[place] == 58 or is_space(source[place])):
                place += 1
            if end - place >= 4 and source[place] == 110 and source[place + 1] == 111 and source[place + 3] == 101:
                return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def attributes(source: Any, place: int, words: Any, wanted: bool) -> tuple[int, int, bool]:
    """Read from after a tag's name to after its >; returns that offset, the attributes' hints, and whether there is an href."""
    size = len(source)
    hints, href = 0, False
    while place < size:
        octet = source[place]
        if octet == 62:
            return place + 1, hints, href
        if octet == 47 or is_space(octet):
            place += 1
            continue
        name = place
        place += 1
        while place < size:
            octet = source[place]
            if octet == 61 or octet == 62 or octet == 47 or is_space(octet):
                break
            place += 1
        length = place - name
        while place < size and is_space(source[place]):
            place += 1
        value = value_end = place
        if place < size and source[place] == 61:
            place += 1
            while place < size and is_space(source[place]):
                place += 1
            if place >= size:
                break
            quote = source[place]
            if quote == 34 or quote == 39:
                place += 1
                value = place
                while place < size and source[place] != quote:
                    place += 1
                value_end = place
                place += 1
            else:
                value = place
                while place < size and source[place] != 62 and not is_space(source[place]):
                    place += 1
                value_end = place
        if place > size:
            break
        if wanted:
            first = source[name] | 0x20
            if (length == 5 and first == 99) or (length == 2 and first == 105):  # class
                hints |= hints_of(source, value, value_end, words)
            elif length == 4 and first == 104:  # href
                href = True
            elif (length == 4 and first == 114 and (source[name + 1] | 0x20) == 111) or (
                length == 8 and first == 105 and (source[name + 4] | 0x20) == 112
            ):  # role
                hints |= hints_of(source, value, value_end, words)
            elif length == 5 and first == 115 and (source[name + 1] | 0x20) == 116:  # style
                if hides(source, value, value_end):
                    hints |= HIDDEN
            elif length == 6 and first == 104:  # hidden
                hints |= HIDDEN
    return size, hints, href


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def end_of_raw(source: Any, place: int, name: int, length: int) -> int:
    """Offset of the end tag of the raw element whose name is at offset `name`; -1 if there is none."""
    size = len(source)
    while place < size - length - 1:
        if source[place] == 60 and source[place + 1] == 47:
            same = 0
            while same < length and (source[place + 2 + same] | 0x20) == (source[name + same] | 0x20):
                same += 1
            after = place + 2 + length
            if same == length and (after >= size or source[after] == 62 or source[after] == 47 or is_space(source[after])):
                return place
        place += 1
    return -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def after_comment(source: Any, place: int) -> int:
    """The offset after the comment or declaration that starts at `place` with <! or <? or with </ and no letter."""
    size = len(source)
    if place + 3 < size and source[place + 1] == 33 and source[place + 2] == 45 and source[place + 3] == 45:
        place += 4
        if place < size and source[place] == 62:
            return place + 1
        if place + 1 < size and source[place] == 45 and source[place + 1] == 62:
            return place + 2
        while place + 2 < size:
            if source[place] == 45 and source[place + 1] == 45:
                if source[place + 2] == 62:
                    return place + 3
                if source[place + 2] == 33 and place + 3 < size and source[place + 3] == 62:
                    return place + 4
            place += 1
        return size
    while place < size and source[place] != 62:
        place += 1
    return min(place + 1, size)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reference(source: Any, place: int, names: Any, points: Any, windows: Any) -> tuple[int, int, int]:
    """The character reference at the & at `place`: one or two code points (0: none), and the offset after it.

    An & that begins no reference stands for itself.
    """
    size = len(source)
    at = place + 1
    if at < size and source[at] == 35:
        at += 1
        base = 10
        if at < size and (source[at] | 0x20) == 120:
            base = 16
            at += 1
        value = digits = 0
        while at < size:
            octet = source[at]
            if 48 <= octet <= 57:
                digit = octet - 48
            elif base == 16 and 97 <= (octet | 0x20) <= 102:
                digit = (octet | 0x20) - 87
            else:
                break
            value = min(value * base + digit, 0x110000)
            digits += 1
            at += 1
        if digits == 0:
            return 38, 0, place + 1
        if at < size and source[at] == 59:
            at += 1
        if value < 256:
            value = windows[value] if value else 0xFFFD
        elif value >= 0x110000 or 0xD800 <= value < 0xE000:
            value = 0xFFFD
        return value, 0, at
    code = np.uint64(0xCBF29CE484222325)
    best = best_at = -1
    while at < size and at - place <= 32:
        octet = source[at]
        letter = 48 <= octet <= 57 or 97 <= (octet | 0x20) <= 122
        if not letter and octet != 59:
            break
        code = (code ^ np.uint64(octet)) * np.uint64(0x100000001B3)
        at += 1
        if octet == 59 or at - place <= 7:
            keys, values = names
            mask = np.uint64(len(keys) - 1)
            slot = (code ^ (code >> np.uint64(32))) & mask
            while keys[slot] != np.uint64(0):
                if keys[slot] == code:
                    best, best_at = values[slot], at
                    break
                slot = (slot + np.uint64(1)) & mask
        if octet == 59:
            break
    if best < 0:
        return 38, 0, place + 1
    return points[best, 0], points[best, 1], best_at
