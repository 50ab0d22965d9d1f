"""JSON lines with a `text` field: any corpus that is already text."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from corpus_builder.document import Drop
from corpus_builder.errors import InputError
from corpus_builder.remote.patience import Stat
from corpus_builder.remote.places import name_of
from corpus_builder.remote.window import opened_in_order

_UNPACK: dict[str, Any] = {".gz": lambda packed: gzip.GzipFile(fileobj=packed), ".bz2": bz2.BZ2File}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, and its fields or the reason why it cannot be read."""

    number: int
    id: str = ""  # the line's own `id`, where it has one
    text: str = ""
    url: str = ""
    title: str = ""
    date: str = ""
    size_bytes: int = 0
    drop: Drop | None = None


def read_jsonl(path: str | Path, stat: Stat | None = None) -> Iterator[Line]:
    """The lines of a file; plain, .gz or .bz2.  `text` is needed; `id`, `url`, `title` and `date` are taken if they are strings (or whole numbers).

    The file may lie at https:// or s3://; `stat` is then the version that is meant.  Reasons: bad_json (no JSON object), no_text (no string `text`, or an empty one), empty_file (no bytes), damaged_file (the rest cannot be read).
    """
    unpack = _UNPACK.get(Path(name_of(path)).suffix, nullcontext)
    with ExitStack() as stack:
        try:
            packed = stack.enter_context(opened_in_order(path, stat))
            file = stack.enter_context(unpack(packed))
        except FileNotFoundError as error:
            raise InputError(f"There is no file {path}.") from error
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        yield from _lines(file)


def _lines(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while True:
        number += 1
        try:
            line = file.readline()
        except (OSError, EOFError, zlib.error) as error:
            yield Line(number, drop=Drop("damaged_file", detail=str(error)))
            return
        if not line:
            if number == 1:
                yield Line(number, drop=Drop("empty_file"))
            return
        if line.strip():
            yield _line(number, line)


def _line(number: int, line: bytes) -> Line:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Line(number, size_bytes=len(line), drop=Drop("bad_json", detail=str(error)[:200]))
    if not isinstance(value, dict):
        return Line(number, size_bytes=len(line), drop=Drop("bad_json", detail=f"a {type(value).__name__}, no object"))
    id_, text, url, title, date = (_string(value.get(name)) for name in ("id", "text", "url", "title", "date"))
    drop = None if text.strip() and isinstance(value["text"], str) else Drop("no_text")
    return Line(number, id_, "" if drop else text, url, title, date, len(line), drop)


def _string(value: Any) -> str:
    """A string that UTF-8 can hold; "" for anything else, but ids may be whole numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
