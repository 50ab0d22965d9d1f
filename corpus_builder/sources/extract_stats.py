"""What became of an input file, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from corpus_builder.store.stats import Count


@dataclass(frozen=True)
class DroppedPages:
    """Pages that did not become documents."""

    pages: Count
    bytes: Count  # of their records, as far as known


@dataclass(frozen=True)
class ExtractStats:
    """What the stage `extract` made of an input file."""

    source: str
    documents: Count
    characters: Count  # of the documents' texts
    dropped: dict[str, DroppedPages]  # by reason
    records: dict[str, Count]  # records of a WARC that hold no page, by type
