"""An index of documents without their texts, to compare later crawls with."""

from corpus_builder.duplicates.index.changes import Removed, add, check, compact, remove
from corpus_builder.duplicates.index.contents import Index, Part, as_text

__all__ = ["Index", "Part", "Removed", "add", "as_text", "check", "compact", "remove"]
