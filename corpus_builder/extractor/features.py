"""The features that distinguish main text from the rest of a page: of a block, its neighbours, its containers and its page."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.extractor import markup
from corpus_builder.extractor.blocks import (
    BOLDS,
    BRACKETS,
    BREAKS,
    CHARS,
    COMMAS,
    DIGITS,
    ELEMENT,
    END,
    HIRAGANAS,
    IMAGES,
    IN_FORM,
    INPUTS,
    KANJIS,
    KATAKANAS,
    LATINS,
    LINKED,
    LINKS,
    SPLIT,
    START,
    STOPS,
)  # fmt: skip
from corpus_builder.extractor.elements import ABOVE, DEPTH, HINTS_ABOVE, PARENT, TAG
from corpus_builder.extractor.elements import HINTS as OWN_HINTS
from corpus_builder.extractor.markup import (
    ARTICLE,
    ASIDE,
    CAPTION,
    DD,
    DIV,
    DL,
    DT,
    FIGURE,
    FOOTER,
    H1,
    H2,
    H3,
    H4,
    H6,
    HEADER,
    HIDDEN,
    HINTS,
    LI,
    MAIN,
    MAX_PHRASE_BYTES,
    NAV,
    OL,
    PHRASES,
    PRE,
    QUOTE,
    SECTION,
    TABLE,
    TD,
    TH,
    UL,
    P,
)  # fmt: skip
from corpus_builder.extractor.scan import Scan
from corpus_builder.extractor.tokens import look_up

N_HINTS, N_PHRASES = len(HINTS), len(PHRASES)
_OWN_TAGS = (P, LI, TD, TH, DIV, H1, H2, H3, DT, DD, PRE, QUOTE, CAPTION)
_ABOVE_TAGS = (NAV, ASIDE, HEADER, FOOTER, ARTICLE, MAIN, SECTION, TABLE, UL, OL, DL, FIGURE, QUOTE, LI, TD)
NAMES = (
    *(
        [
            "chars",
            "linked",
            "stops",
            "commas",
            "stop_rate",
            "hiragana",
            "katakana",
            "kanji",
            "digits",
            "latin",
            "symbols",
            "links",
            "breaks",
            "bold",
            "images",
            "inputs",
        ]
    ),
    *(["line_chars", "ends_in_stop", "split_by_breaks", "split_by_rule", "in_form", "bracket_share", "hidden", "depth"]),
    *(
        [
            "title_overlap",
            "title_cover",
            "place_block",
            "place_chars",
            "place_stops",
            "no_stops_before",
            "no_stops_after",
            "heading_low",
        ]
    ),
    *(f"tag_{tag}" for tag in _OWN_TAGS),
    *(f"in_{tag}" for tag in _ABOVE_TAGS),
    *(f"near_{name}" for name in HINTS),
    *(f"under_{name}" for name in HINTS),
    *(f"says_{name}" for name in PHRASES),
    *(f"below_{name}" for name in PHRASES),
    *(
        f"{name}_{side}"
        for side in ("before_2", "before", "after", "after_2")
        for name in ("chars", "linked", "stops", "same_tag")
    ),
    *(f"{name}_{side}" for side in ("before_5", "after_5") for name in ("chars", "linked", "stops")),
    *(
        f"{name}_{level}"
        for level in ("holder", "holder_2", "holder_3")
        for name in ("chars", "linked", "stops", "blocks", "chars_share", "stops_share")
    ),
    *(["in_core_90", "in_core_70", "in_core_50", "core_distance", "before_core", "after_core"]),
    *(["page_chars", "page_linked", "page_stops", "page_blocks", "page_core_share", "page_stop_rate"]),
)
FEATURES = len(NAMES)


def features(found: Scan, out: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
    """The features of every block of a page: (blocks, FEATURES) float32, named by NAMES; written to the first rows of `out`, if given."""
    known = markup.tables()
    count = len(found.blocks)
    rows = np.empty((count, FEATURES), dtype=np.float32) if out is None else out[:count]
    rows[:] = 0
    if count:
        _features(found.text, found.blocks, found.elements, found.title, known.phrases, known.phrase_starts, rows)
    return rows


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _phrases_of(text: Any, start: int, end: int, phrases: Any, starts: Any) -> int:
    """The phrase groups found in a short text, as bits."""
    found = 0
    place = start
    while place < end:
        octet: Any = np.int64(text[place])
        if octet < 0x80:
            point, size = octet, 1
        elif octet < 0xE0:
            point, size = (octet & 0x1F) << 6 | (text[place + 1] & 0x3F), 2
        elif octet < 0xF0:
            point, size = (octet & 0x0F) << 12 | (np.int64(text[place + 1]) & 0x3F) << 6 | (text[place + 2] & 0x3F), 3
        else:
            point, size = 0, 4
        if starts[point]:
            code = np.uint64(0xCBF29CE484222325)
            for at in range(place, min(end, place + MAX_PHRASE_BYTES)):
                code = (code ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
                if at + 1 >= end or text[at + 1] & 0xC0 != 0x80:
                    found |= look_up(phrases, code)
        place += size
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _pairs(text: Any, start: int, end: int, seen: Any, mark: bool) -> tuple[int, int]:
    """Number of character bigrams of a text, and how many of them are in `seen`; `mark` adds them to it."""
    total = known = 0
    before: Any = np.int64(0)
    place = start
    while place < end:
        code: Any = np.int64(text[place])
        place += 1
        while place < end and text[place] & 0xC0 == 0x80:
            code = code << 6 | (text[place] & 0x3F)
            place += 1
        if code <= 32:
            continue
        if before:
            slot = (before * 1000003 ^ code) & 0xFFF
            total += 1
            known += seen[slot]
            if mark:
                seen[slot] = True
        before = code
    return total, known


_LOGS = np.log1p(np.arange(4096.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log(count: Any) -> Any:
    """log(1 + count) of an integer."""
    whole = int(count)
    return _LOGS[whole] if whole < 4096 else np.log1p(float(whole))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _features(text: Any, blocks: Any, elements: Any, title: Any, phrases: Any, starts: Any, rows: Any) -> None:
    count, opened = len(blocks), len(elements)
    # ---- totals of each element, including its descendants
    held = np.zeros((opened, 5), dtype=np.float64)  # chars, linked, stops, blocks, prose (chars of blocks that read as text)
    first = np.full(opened, count, dtype=np.int64)
    last = np.full(opened, -1, dtype=np.int64)
    for index in range(count):
        block = blocks[index]
        sums = held[block[ELEMENT]]
        sums[0] += block[CHARS]
        sums[1] += block[LINKED]
        sums[2] += block[STOPS]
        sums[3] += 1
        if (
            (block[STOPS] or block[COMMAS] or block[CHARS] > 80)
            and block[LINKED] * 3 < block[CHARS]
            and block[HIRAGANAS] * 20 > block[CHARS]
        ):
            sums[4] += block[CHARS]
        first[block[ELEMENT]] = min(first[block[ELEMENT]], index)
        last[block[ELEMENT]] = max(last[block[ELEMENT]], index)
    for row in range(opened - 1, 0, -1):
        parent = elements[row, PARENT]
        for column in range(5):
            held[parent, column] += held[row, column]
        first[parent] = min(first[parent], first[row])
        last[parent] = max(last[parent], last[row])
    page = held[0]
    # ---- the core: the innermost elements that hold 90, 70 and 50 percent of the prose
    heaviest = np.zeros(opened, dtype=np.int64)
    for row in range(1, opened):
        parent = elements[row, PARENT]
        if heaviest[parent] == 0 or held[row, 4] > held[heaviest[parent], 4]:
            heaviest[parent] = row
    core = np.zeros(3, dtype=np.int64)
    shares = (0.9, 0.7, 0.5)
    for level in range(3):
        at = 0
        while heaviest[at] and held[heaviest[at], 4] >= shares[level] * page[4] and page[4] > 0:
            at = heaviest[at]
        core[level] = at
    in_core = np.zeros((opened, 4), dtype=np.int64)  # inside each, and levels up to an element that contains the last core
    holds = np.zeros(opened, dtype=np.bool_)
    at = core[2]
    while True:
        holds[at] = True
        if at == 0:
            break
        at = elements[at, PARENT]
    for row in range(opened):
        parent = elements[row, PARENT]
        for level in range(3):
            in_core[row, level] = row == core[level] or (row > 0 and in_core[parent, level])
        in_core[row, 3] = 0 if holds[row] or in_core[row, 2] else in_core[parent, 3] + 1
    # ---- the title's bigrams
    seen = np.zeros(4096, dtype=np.bool_)
    title_pairs, _ = _pairs(title, 0, min(len(title), 600), seen, True)
    chars_before = stops_before = 0
    below = 0
    for index in range(count):
        block, out = blocks[index], rows[index]
        chars, linked, stops = float(block[CHARS]), float(block[LINKED]), float(block[STOPS])
        element = elements[block[ELEMENT]]
        tag = element[TAG]
        out[0] = _log(chars)
        out[1] = linked / chars
        out[2] = _log(stops)
        out[3] = _log(block[COMMAS])
        out[4] = min(1.0, stops * 20.0 / chars)
        out[5] = block[HIRAGANAS] / chars
        out[6] = block[KATAKANAS] / chars
        out[7] = block[KANJIS] / chars
        out[8] = block[DIGITS] / chars
        out[9] = block[LATINS] / chars
        out[10] = max(0.0, 1.0 - out[5] - out[6] - out[7] - out[8] - out[9] - (stops + block[COMMAS]) / chars)
        out[11] = _log(block[LINKS])
        out[12] = _log(block[BREAKS])
        out[13] = block[BOLDS] / chars
        out[14] = _log(block[IMAGES])
        out[15] = min(1, block[INPUTS])
        out[16] = np.log1p(chars / (block[BREAKS] + 1.0))
        end = block[END]
        out[17] = (text[end - 1] == 46 or text[end - 1] == 33 or text[end - 1] == 63) or (
            end - block[START] >= 3
            and ((text[end - 3] == 0xE3 and text[end - 2] == 0x80 and (text[end - 1] == 0x82 or text[end - 1] == 0x8D))
                 or (text[end - 3] == 0xEF and text[end - 2] == 0xBC and (text[end - 1] == 0x81 or text[end - 1] == 0x9F or text[end - 1] == 0x89)))
        )  # fmt: skip
        out[18] = block[SPLIT] == 1
        out[19] = block[SPLIT] == 2
        out[20] = block[IN_FORM]
        out[21] = block[BRACKETS] / chars
        out[22] = (element[HINTS_ABOVE] & HIDDEN) != 0
        out[23] = min(30.0, element[DEPTH]) / 10.0
        if chars <= 150:
            pairs, known = _pairs(text, block[START], end, seen, False)
            if pairs > 1:
                out[24] = known / pairs
                if title_pairs > 1:
                    out[25] = out[24] * min(1.0, pairs / title_pairs)
        out[26] = index / count
        out[27] = chars_before / page[0]
        out[28] = stops_before / page[2] if page[2] else 0.5
        out[29] = stops_before == 0
        out[30] = stops_before + stops >= page[2]
        out[31] = H4 <= tag <= H6
        chars_before += block[CHARS]
        stops_before += block[STOPS]
        column = 32
        for other in _OWN_TAGS:
            out[column] = tag == other
            column += 1
        above = element[ABOVE]
        for other in _ABOVE_TAGS:
            out[column] = (above >> other) & 1
            column += 1
        near = element[OWN_HINTS]
        parent = elements[element[PARENT]]
        near |= parent[OWN_HINTS] | elements[parent[PARENT], OWN_HINTS]
        for bit in range(N_HINTS):
            out[column + bit] = (near >> bit) & 1
            out[column + N_HINTS + bit] = (element[HINTS_ABOVE] >> bit) & 1
        column += 2 * N_HINTS
        says = 0
        if end - block[START] <= 150:
            says = _phrases_of(text, block[START], end, phrases, starts)
        heading = H1 <= tag <= H6 or tag in (DT, CAPTION) or (block[BOLDS] == block[CHARS] and chars < 30)
        for bit in range(N_PHRASES):
            out[column + bit] = (says >> bit) & 1
            out[column + N_PHRASES + bit] = (below >> bit) & 1
        if heading:
            below = says
        column += 2 * N_PHRASES
        for offset in (-2, -1, 1, 2):
            if 0 <= index + offset < count:
                other_block = blocks[index + offset]
                out[column] = _log(other_block[CHARS])
                out[column + 1] = other_block[LINKED] / other_block[CHARS]
                out[column + 2] = _log(other_block[STOPS])
                out[column + 3] = elements[other_block[ELEMENT], TAG] == tag
            else:
                out[column + 1] = 1.0
            column += 4
        for offset in (-5, 1):
            around = near_linked = near_stops = 0.0
            for place in range(max(0, index + offset), min(count, index + offset + 5)):
                around += blocks[place, CHARS]
                near_linked += blocks[place, LINKED]
                near_stops += blocks[place, STOPS]
            out[column] = _log(around)
            out[column + 1] = near_linked / around if around else 1.0
            out[column + 2] = _log(near_stops)
            column += 3
        holder = block[ELEMENT]
        if tag in (P, LI, DT, DD, TD, TH) or H1 <= tag <= H6:
            holder = element[PARENT]
        for _ in range(3):
            sums = held[holder]
            out[column] = _log(sums[0])
            out[column + 1] = sums[1] / sums[0] if sums[0] else 1.0
            out[column + 2] = _log(sums[2])
            out[column + 3] = _log(sums[3])
            out[column + 4] = sums[0] / page[0]
            out[column + 5] = sums[2] / page[2] if page[2] else 0.0
            holder = elements[holder, PARENT]
            column += 6
        for level in range(3):
            out[column + level] = in_core[block[ELEMENT], level]
        out[column + 3] = _log(in_core[block[ELEMENT], 3])
        out[column + 4] = index < first[core[2]]
        out[column + 5] = index > last[core[2]]
        column += 6
        out[column] = _log(page[0])
        out[column + 1] = page[1] / page[0]
        out[column + 2] = _log(page[2])
        out[column + 3] = _log(page[3])
        out[column + 4] = page[4] / page[0]
        out[column + 5] = min(1.0, page[2] * 20.0 / page[0])
