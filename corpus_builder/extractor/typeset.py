"""Typesets kept blocks as plain text, one line per paragraph, heading, item or row, or as Markdown."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from corpus_builder.extractor.blocks import BREAKS, ELEMENT, END, START
from corpus_builder.extractor.elements import ABOVE, PARENT, TAG, cells_of, items_of, list_depths, rows_of
from corpus_builder.extractor.markup import DD, DT, H1, H6, OL, PRE, QUOTE
from corpus_builder.extractor.scan import Scan

CELL_CHARS = 60  # ours: a longer table cell, or one with a full stop, is prose inside a table, and takes a line of its own
# A text with lines this wide was wrapped by hand (in half-width columns): ours, from mail magazines
# and old pages, which wrap at 30 to 38 full-width characters; the lines of songs and poems are shorter.
MIN_WRAP_WIDTH = 44
WRAP_SLACK = 6  # a line may end early, as no line begins with punctuation such as 、
MIN_WRAPPED_LINES = 3
_STOPS = "。．.！？!?」』）)】…―：:"


def plain_text(found: Scan, kept: npt.NDArray[np.bool_]) -> str:
    r"""The kept blocks line by line; the cells of a table row are on one line, separated by tabs.

    >>> from corpus_builder.extractor.scan import scan
    >>> page = scan("<h1>猫</h1><ul><li>一<li>二</ul><table><tr><td>色<td>白</table>".encode())
    >>> plain_text(page, np.ones(5, dtype=bool))
    '猫\n一\n二\n色\t白'
    """
    lines: list[str] = []
    row_before = -1
    rows, alone = rows_of(found.elements), _alone_in_cells(found)
    for text, element, _ in _texts(found, kept):
        row = rows[element] if alone[element] and _is_cell_text(text) else -1
        if row >= 0 and row == row_before:
            lines[-1] += f"\t{text}"
        else:
            lines.append(text)
        row_before = row
    return "\n".join(lines)


def markdown(found: Scan, kept: npt.NDArray[np.bool_]) -> str:
    r"""The kept blocks as Markdown, with headings, lists, quotations, tables and code blocks.

    >>> from corpus_builder.extractor.scan import scan
    >>> page = scan("<h1>猫</h1><ol><li>一<li>二</ol><table><tr><th>色<th>数<tr><td>白<td>2</table>".encode())
    >>> print(markdown(page, np.ones(7, dtype=bool)))
    # 猫
    <BLANKLINE>
    1. 一
    2. 二
    <BLANKLINE>
    | 色 | 数 |
    |---|---|
    | 白 | 2 |
    """
    pieces: list[tuple[str, str]] = []  # (kind, text); pieces of one kind, except paragraphs, go on consecutive lines
    numbers: dict[int, int] = {}
    seen: set[int] = set()
    row_before = -1
    rows, alone = rows_of(found.elements), _alone_in_cells(found)
    list_items, depths = items_of(found.elements), list_depths(found.elements)
    for text, element, tag in _texts(found, kept):
        row = rows[element] if alone[element] and _is_cell_text(text) else -1
        cell = text.replace("|", "\\|")
        if row >= 0 and row == row_before:
            pieces[-1] = "table", f"{pieces[-1][1]} {cell} |"
        elif row >= 0:
            pieces.append(("table", f"| {cell} |"))
        elif H1 <= tag <= H6:
            pieces.append(("heading", f"{'#' * (tag - H1 + 1)} {' '.join(text.split())}"))
        elif tag == PRE:
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
            pieces.append(("code", f"{fence}\n{text}\n{fence}"))
        elif (item := int(list_items[element])) >= 0:
            depth = max(int(depths[item]), 1)
            container = int(found.elements[item, PARENT])
            indent = "  " * (depth - 1)
            if item in seen:
                pieces.append(("list", f"{indent}  {_continued(text, indent + '  ')}"))
            else:
                seen.add(item)
                numbers[container] = numbers.get(container, 0) + 1
                mark = f"{numbers[container]}." if found.elements[container, TAG] == OL else "-"
                pieces.append(("list", f"{indent}{mark} {_continued(text, indent + '  ')}"))
        elif tag == DT:
            pieces.append(("term", f"**{text}**"))
        elif tag == DD:
            pieces.append(("list", f": {_continued(text, '  ')}"))
        elif found.elements[element, ABOVE] >> QUOTE & 1:
            pieces.append(("quote", "> " + text.replace("\n", "\n> ")))
        else:
            pieces.append(("paragraph", text.replace("\n", "  \n")))
        row_before = row
    return _joined(pieces)


def _continued(text: str, indent: str) -> str:
    return text.replace("\n", f"\n{indent}")


def _joined(pieces: list[tuple[str, str]]) -> str:
    lines: list[str] = []
    before = ""
    for kind, text in pieces:
        together = kind == before and kind in ("list", "table")
        if kind == before == "quote":
            lines.append(">")
            together = True
        if lines and not together and not (before == "term" and kind == "list"):
            lines.append("")
        lines.append(text)
        if kind == "table" and before != "table":
            lines.append("|" + "---|" * (text.count(" |")))
        before = kind
    return "\n".join(lines)


def _texts(found: Scan, kept: npt.NDArray[np.bool_]) -> list[tuple[str, int, int]]:
    """(text, element, its tag) of every kept block."""
    octets = found.text.tobytes()
    tags = found.elements[:, TAG]
    rows = found.blocks[kept][:, [START, END, ELEMENT, BREAKS]].tolist()
    texts = []
    for start, end, element, breaks in rows:
        text = octets[start:end].decode("utf-8", "replace")
        tag = int(tags[element])
        if breaks >= MIN_WRAPPED_LINES and tag != PRE:
            text = unwrapped(text)
        texts.append((text, element, tag))
    return texts


def _alone_in_cells(found: Scan) -> npt.NDArray[np.bool_]:
    """For every element, whether it is in a table cell that holds a single block: a data cell, as opposed to a column
    of a page laid out with tables."""
    cells = cells_of(found.elements)
    held = np.bincount(cells[found.blocks[:, ELEMENT]] + 1, minlength=len(cells) + 1)
    headings = (found.elements[:, TAG] >= H1) & (found.elements[:, TAG] <= H6)
    alone: npt.NDArray[np.bool_] = (cells >= 0) & (held[cells + 1] == 1) & ~headings & (found.elements[:, TAG] != PRE)
    return alone


def _is_cell_text(text: str) -> bool:
    return len(text) <= CELL_CHARS and "。" not in text and "\n" not in text


def unwrapped(text: str) -> str:
    r"""Join the lines of a text that was wrapped to a fixed width by hand; return any other text unchanged.

    A line is joined with the next if it is nearly as wide as the widest and does not end in a full stop, and only in a
    text where nearly all lines are like that.

    >>> unwrapped("古池や\n蛙飛びこむ\n水の音\nと詠んだ")
    '古池や\n蛙飛びこむ\n水の音\nと詠んだ'
    """
    lines = text.split("\n")
    widths = [_width(line) for line in lines]
    widest = max(widths)
    if widest < MIN_WRAP_WIDTH:
        return text
    unfinished = [index for index, line in enumerate(lines[:-1]) if line and line[-1] not in _STOPS]
    full = {index for index in unfinished if widths[index] >= widest - WRAP_SLACK}
    if len(full) < MIN_WRAPPED_LINES or len(full) < 0.9 * len(unfinished):
        return text
    joined = lines[0]
    for index, line in enumerate(lines[1:]):
        if index not in full:
            joined += f"\n{line}"
        elif joined and line and ord(joined[-1]) < 0x2E80 and ord(line[0]) < 0x2E80:
            joined += f" {line}"
        else:
            joined += line
    return joined


def _width(line: str) -> int:
    return sum(1 if code < 0x1100 or 0xFF61 <= code <= 0xFF9F else 2 for code in map(ord, line))
