"""Plain text files, where a document is a file, a line or a paragraph."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from corpus_builder.document import Drop
from corpus_builder.remote.retries import Stat
from corpus_builder.sources.columns import Row
from corpus_builder.sources.formats import MAX_LINE_BYTES, UNPACKING_ERRORS, UTF_16, check_kind, opened_unpacked

MAX_UNDECODABLE = 0.01  # as for pages: the share of a document's characters that do not decode, 0..1
MAX_CHARACTERS = MAX_LINE_BYTES

Unit = Literal["file", "line", "paragraph"]
"""What counts as one document: the whole file, each line, or each block of lines up to an empty one."""


def read_text(path: str | Path, stat: Stat | None = None, document: Unit = "file", encoding: str | None = None) -> Iterator[Row]:
    """The documents of a text file, plain or packed, by the number of their first line, from 1; each with its text or the reason why it has none.

    The default `encoding` is UTF-8, or UTF-16 if the file begins with its byte order mark.  Raises InputError if there is no such file.
    """
    number = 0
    with opened_unpacked(path, stat) as (packed, found):
        check_kind(found, path, "", "text")
        codec = encoding or ("utf-16" if found.content == UTF_16 else "utf-8-sig")
        file = io.TextIOWrapper(packed, codec, errors="replace")
        try:
            for number, text in _documents(file, document):
                yield _row(number, text)
        except UNPACKING_ERRORS as error:
            yield Row(number + 1, drop=Drop("damaged_file", detail=str(error)))
        except UnicodeError as error:  # UTF-16 without a byte order mark, which cannot be skipped
            yield Row(number + 1, drop=Drop("undecodable", detail=str(error)))
        finally:
            file.detach()
    if not number:
        yield Row(1, drop=Drop("empty_file"))


def _documents(file: IO[str], document: Unit) -> Iterator[tuple[int, str]]:
    """Number of the first line, and text; an overlong text is cut at a line or character past the limit."""
    if document == "file":
        if text := file.read(MAX_CHARACTERS + 1):
            yield 1, text
        return
    held: list[str] = []
    first = characters = 0
    for number, line in _lines(file):
        if document == "line":
            if not line.isspace():
                yield number, line
        elif line.isspace():
            if held:
                yield first, "".join(held)
            held, characters = [], 0
        else:
            first = first if held else number
            if characters <= MAX_CHARACTERS:
                held.append(line)
            characters += len(line)
    if held:
        yield first, "".join(held)


def _lines(file: IO[str]) -> Iterator[tuple[int, str]]:
    number = 0
    while line := file.readline(MAX_CHARACTERS + 1):
        number += 1
        yield number, line
        while len(line) > MAX_CHARACTERS and not line.endswith("\n"):
            line = file.readline(MAX_CHARACTERS + 1)


def _row(number: int, text: str) -> Row:
    size = len(text.encode("utf-8", "replace"))
    if len(text) > MAX_CHARACTERS:
        return Row(number, size_bytes=size, drop=Drop("text_too_long", threshold=MAX_CHARACTERS))
    undecodable = text.count("\N{REPLACEMENT CHARACTER}") / len(text)
    if undecodable > MAX_UNDECODABLE:
        return Row(number, size_bytes=size, drop=Drop("undecodable", undecodable, MAX_UNDECODABLE))
    if not text.strip():
        return Row(number, size_bytes=size, drop=Drop("empty_file"))
    return Row(number, text=text, size_bytes=size)
