"""Files of documents to label: JSON lines with "text", as `sample` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError


def rows_of(sample: Path) -> Iterator[dict[str, Any]]:
    """The lines of a sample, in their order.  Raises InputError for a file that cannot be read, and a line that is no document."""
    try:
        with sample.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _row(f"{sample}, line {number}", line.removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise InputError(f"The sample {sample} cannot be read: {error.strerror}.") from error


def _row(where: str, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: this is not JSON ({error}); a sample has one document a line.") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f'{where}: a document is an object with its "text"; `corpus-builder sample` writes such files.')
    return row
