"""From JSON lines, Parquet and text files to documents: texts that were extracted before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NoReturn

from corpus_builder.document import Document
from corpus_builder.engine.guard import CPU_SECONDS, Crash, guarded
from corpus_builder.engine.own_functions import UserFunction
from corpus_builder.errors import StageError
from corpus_builder.pages.page import PageSettings, storable
from corpus_builder.sources.columns import Row
from corpus_builder.sources.input_file import InputFile, Ledgered
from corpus_builder.sources.jsonl import read_jsonl
from corpus_builder.sources.parquet import read_parquet
from corpus_builder.sources.text import read_text
from corpus_builder.stages.documents import document_of


def documents_of(file: InputFile, settings: PageSettings) -> Iterator[Document | Ledgered]:
    """Every row of a file, as a document or as a row of the ledger."""
    understand = partial(_document, file, settings)
    if isinstance(settings.detector, UserFunction):
        return guarded(partial(_rows, file), understand, partial(_crashed, file, settings.detector))
    return map(understand, _rows(file))


def _document(file: InputFile, settings: PageSettings, row: Row) -> Document | Ledgered:
    row_id, url = f"{file.name}/{row.number}", storable(row.url)
    if row.drop is not None:
        return Ledgered(row_id, url, row.drop, row.size_bytes, row.id)
    found = Document(
        text=row.text,
        id=row_id,
        source=file.source,
        url=url,
        title=" ".join(storable(row.title).split()),
        date=row.date,
        charset=file.reading.encoding or "utf-8",
        own_id=row.id,
        extra=row.extra(file.reading.extra),
    )
    return document_of(found, settings, row.size_bytes)


def _crashed(file: InputFile, detector: UserFunction, row: Row, crash: Crash) -> NoReturn:
    how = f"did not end within {CPU_SECONDS} seconds of CPU time" if crash.endless else f"ended its process ({crash.how})"
    raise StageError(f"The detector {detector.name} {how} on the page '{file.name}/{row.number}'.")


def _rows(file: InputFile) -> Iterator[Row]:
    reading = file.reading
    if file.kind == "jsonl":
        return read_jsonl(file.path, file.stat, reading.columns)
    if file.kind == "parquet":
        return read_parquet(file.path, file.stat, reading.columns)
    return read_text(file.path, file.stat, reading.document, reading.encoding)
