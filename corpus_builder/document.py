"""A document, the reason why one is dropped, and the schemas of tables about documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import pyarrow as pa

DOCUMENT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # "<input file name>/<number>": record offset, page id or line number
        pa.field("source", pa.string(), nullable=False),  # name of the source in the recipe
        pa.field("url", pa.string(), nullable=False),
        pa.field("host", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),  # ISO 8601 UTC, from the WARC or the dump; "" if unknown
        pa.field("crawl", pa.string(), nullable=False),  # "CC-MAIN-2024-51"; "" if unknown
        pa.field("charset", pa.string(), nullable=False),  # Python codec that decoded the page
        pa.field("text", pa.string(), nullable=False),
    ]
)

PAGE_COLUMNS = (
    pa.field("link_fraction", pa.float64(), nullable=False),  # characters of links / characters of the text, 0..1
    pa.field("main_text_fraction", pa.float64(), nullable=False),  # characters of the text / those of the whole page, 0..1
)
"""Of pages of WARCs; 0 where the extractor knows no blocks."""

PAGE_DOCUMENT = pa.schema([*DOCUMENT, *PAGE_COLUMNS])

OWN_DOCUMENT = pa.schema(
    [
        *DOCUMENT,  # for rows of the user's own data: JSON lines and Parquet
        pa.field("own_id", pa.string(), nullable=False),  # the row's own id; "" if it has none
        pa.field("extra", pa.string(), nullable=False),  # its remaining columns as a JSON object; "" if it has none
    ]
)

OWN_IDS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("own_id", pa.string(), nullable=False)])

LEDGER = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string(), nullable=False),
    ]
)

DECISION = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("keep", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # "" if kept
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string(), nullable=False),  # matched word; id of the document kept instead of a duplicate
        pa.field("tier", pa.string(), nullable=False),  # of `select`; "" if there is none
        pa.field("repeat", pa.float64(), nullable=False),  # how often an epoch of its source releases it; 0 if dropped
    ]
)


@dataclass(frozen=True)
class Document:
    """One page or article as text.

    `id` records the origin: the input file's name, a slash, and a number within that file (the record's byte offset in a
    WARC, the page id in a Wikipedia dump, the line number from 1 or the row number from 0 elsewhere).  Rows of the user's
    own data also keep their own id in `own_id`, and their remaining columns as JSON in `extra`; pages what share of the text is
    links, and what share of the page is in the text, if the extractor knows.

    >>> Document(text="吾輩は猫である。").lines
    ('吾輩は猫である。',)
    """

    text: str
    id: str = ""
    source: str = ""
    url: str = ""
    host: str = ""
    title: str = ""
    date: str = ""
    crawl: str = ""
    charset: str = ""
    own_id: str = ""
    extra: str = ""
    link_fraction: float = 0.0
    main_text_fraction: float = 0.0

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text split at U+000A; `"\\n".join(lines)` is the text again."""
        return tuple(self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a page or document is dropped.

    `reason` is stable snake_case and part of the API; `value` is what was measured, `threshold` the limit it was
    compared with, `detail` a word, an id or another short text that helps to see why.
    """

    reason: str
    value: float | None = None
    threshold: float | None = None
    detail: str = ""


Filter: TypeAlias = Callable[[Document], Drop | None]
"""A filter returns None to keep the document, or a Drop.  Returning anything else, such as a bool, raises TypeError."""

Measure: TypeAlias = Callable[[Document], float]
"""A function that returns a number about a document; compare it with a limit by `Threshold`."""
