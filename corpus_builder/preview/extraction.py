"""The pages of one file as the pipeline sees them, without a build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus_builder.document import Document
from corpus_builder.errors import InputError
from corpus_builder.pages.page import PageSettings
from corpus_builder.reasons import reason_of
from corpus_builder.remote.places import is_remote, name_of, shown
from corpus_builder.remote.window import read_small
from corpus_builder.sources.input_file import InputFile, Ledgered
from corpus_builder.sources.warc import Page
from corpus_builder.stages.documents import cleaned
from corpus_builder.stages.extract import page_of, pages_of


def extracted_lines(path: str | Path, settings: PageSettings | None = None) -> Iterator[dict[str, Any]]:
    """The pages of a WARC, WET or ARC, or the one page of an HTML file, as the pipeline sees them: JSON objects, kept or dropped.

    `path` may be an https:// or s3:// address.  Raises InputError if it cannot be read.
    """
    settings = settings or PageSettings()
    if is_warc(path):
        for found in pages_of(InputFile(str(path), "", "warc", ""), settings, {}):
            yield _as_line(found)
    else:
        url, body = (
            (shown(path), read_small(str(path))) if is_remote(path) else (Path(path).absolute().as_uri(), _read(Path(path)))
        )
        yield _as_line(cleaned(page_of(Page(0, url, "", "", 200, "", body), name_of(path), "", settings)))


def is_warc(path: str | Path) -> bool:
    """Whether a file's name is that of a WARC, WET or ARC."""
    return re.search(r"\.(?:warc|arc|wet)(?:\.(?:gz|zst|lz4))?$", name_of(path)) is not None


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
        "meaning": reason_of("extract", drop.reason).meaning,
        "value": drop.value,
        "threshold": drop.threshold,
        "detail": drop.detail,
        "text": None,
    }
