"""The pages of one file as the pipeline sees them, without a build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus_builder.document import Document
from corpus_builder.errors import InputError
from corpus_builder.html.page import PageSettings
from corpus_builder.sources.warc import Page
from corpus_builder.stages.extract import InputFile, Ledgered, page_of, pages_of


def extracted_lines(path: str | Path, settings: PageSettings | None = None) -> Iterator[dict[str, Any]]:
    """The pages of a WARC, or the one page of an HTML file, as the pipeline sees them: JSON objects, kept or dropped."""
    path, settings = Path(path), settings or PageSettings()
    if is_warc(path):
        for found in pages_of(InputFile(str(path), "", "warc", ""), settings, {}):
            yield _as_line(found)
    else:
        page = Page(0, path.absolute().as_uri(), "", "", 200, "", "", "", _read(path))
        yield _as_line(page_of(page, path.name, "", settings))


def is_warc(path: Path) -> bool:
    """Does the file's name say WARC, WET or ARC?"""
    return re.search(r"\.(?:warc|arc|wet)(?:\.(?:gz|zst|lz4))?$", path.name) is not None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _as_line(found: Document | Ledgered) -> dict[str, Any]:
    if isinstance(found, Document):
        return {
            "id": found.id,
            "url": found.url,
            "charset": found.charset,
            "verdict": "document",
            "reason": None,
            "title": found.title,
            "text": found.text,
        }
    drop = found.drop
    return {
        "id": found.id,
        "url": found.url,
        "charset": None,
        "verdict": "dropped",
        "reason": drop.reason,
        "value": drop.value,
        "threshold": drop.threshold,
        "detail": drop.detail,
        "text": None,
    }
