"""What a source gives, as it is stored: a document, or a row of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from corpus_builder.document import OWN_DOCUMENT, Document, Drop
from corpus_builder.engine.own_functions import naming
from corpus_builder.pages.page import PageSettings, foreign, storable, storable_field
from corpus_builder.quality.hosts import host_of
from corpus_builder.sources.input_file import Ledgered


def document_of(found: Document, settings: PageSettings | None, size_bytes: int) -> Document | Ledgered:
    """A text with its URL, date and so on as a document, or why it is none: it has no text, or is not in its source's language.

    With None as `settings` it may be in any language, or was tested before.  The host is that of the URL; fields are on one line,
    and nothing has control characters.
    """
    text = storable(found.text)
    with naming(f"{found.id!r} ({found.url})" if found.url else repr(found.id)):
        drop = (foreign(text, settings) if settings else None) if text else Drop("no_text")
    if drop is not None:
        return Ledgered(found.id, found.url, drop, size_bytes, found.own_id)
    found = replace(found, host=host_of(found.url))
    fields: dict[str, Any] = {name: storable_field(getattr(found, name)) for name in OWN_DOCUMENT.names if name != "text"}
    return replace(found, text=text, **fields)


def cleaned(found: Document | Ledgered) -> Document | Ledgered:
    """What is stored: of a row of the ledger, too, the fields are on one line, without control characters."""
    if isinstance(found, Document):  # by `document_of`
        return found
    drop, own_id = replace(found.drop, detail=storable_field(found.drop.detail)), storable_field(found.own_id)
    return replace(found, id=storable_field(found.id), url=storable_field(found.url), drop=drop, own_id=own_id)
