"""JSON lines, one document per line: any corpus that is already text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from corpus_builder.document import Drop
from corpus_builder.errors import FormatError
from corpus_builder.remote.places import shown
from corpus_builder.remote.retries import Stat
from corpus_builder.sources.columns import NAME_IT, USUAL, Columns, Row, Seen, row_of
from corpus_builder.sources.formats import BOM, MAX_LINE_BYTES, UNPACKING_ERRORS, check_kind, lines_of, opened_unpacked

BATCH_LINES = 256


def read_jsonl(path: str | Path, stat: Stat | None = None, columns: Columns = USUAL) -> Iterator[Row]:
    """The lines of a file, plain or packed in any of `formats.PACKINGS`, numbered from 1; each with its text or the reason why it has none.

    `id`, `url`, `title` and `date` are used if they are strings or integers.  `path` may be an https:// or s3:// address; `stat` then
    pins the version.  Raises InputError if there is no such file, and FormatError at the end if no row has a needed column.
    """
    seen = Seen(columns)
    with opened_unpacked(path, stat) as (file, found):
        check_kind(found, path, "", "jsonl")
        yield from _lines(file, columns, seen)
    if sentence := seen.missing():
        raise FormatError(f"{shown(path)} has {sentence}. {NAME_IT}")


def answered_lines(
    path: Path, name: str, about: Callable[[Sequence[str]], Mapping[str, Any]], batch: int = BATCH_LINES
) -> Iterator[dict[str, Any]]:
    """What `about` says of a file's texts, a batch at a time: `id` (the line's own, else its number) and `name`, or `id` and `reason`.

    `about` returns an array by name, with an element for each text.
    """
    waiting: list[Row] = []
    for line in chain(read_jsonl(path), [None]):
        if line is not None:
            waiting.append(line)
        if line is None or len(waiting) == batch:
            yield from _answered(waiting, name, about)
            waiting = []


def _answered(lines: Sequence[Row], name: str, about: Callable[[Sequence[str]], Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    columns = {column: values.tolist() for column, values in about([line.text for line in lines]).items()}
    for row, line in enumerate(lines):
        head = {"id": line.id or str(line.number)}
        if line.drop is not None:
            yield head | {"reason": line.drop.reason, "detail": line.drop.detail}
        else:
            yield head | {name: {column: values[row] for column, values in columns.items()}}


def _lines(file: BinaryIO, columns: Columns, seen: Seen) -> Iterator[Row]:
    number, is_empty = 0, True
    try:
        for number, line in enumerate(lines_of(file), 1):
            if number == 1:
                line = line.removeprefix(BOM)
            if line and not line.isspace():
                is_empty = False
                yield _row(number, line, columns, seen)
    except UNPACKING_ERRORS as error:
        yield Row(number + 1, drop=Drop("damaged_file", detail=str(error)))
        return
    if is_empty:
        yield Row(1, drop=Drop("empty_file"))


def _row(number: int, line: bytes, columns: Columns, seen: Seen) -> Row:
    if len(line) > MAX_LINE_BYTES:
        return Row(number, size_bytes=len(line), drop=Drop("line_too_long", threshold=MAX_LINE_BYTES))
    try:
        value = json.loads(line.decode("utf-8", "surrogatepass"))  # as json does, without guessing the encoding
    except (ValueError, RecursionError) as error:
        return Row(number, size_bytes=len(line), drop=Drop("bad_json", detail=str(error)[:200]))
    if not isinstance(value, dict):
        return Row(number, size_bytes=len(line), drop=Drop("bad_json", detail=f"a {type(value).__name__}, no object"))
    seen.look(value)
    return row_of(number, value, columns, len(line))
