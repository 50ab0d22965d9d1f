"""Articles of a Wikipedia dump as documents, each parsed under the guard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from corpus_builder.document import Document, Drop
from corpus_builder.engine.guard import CPU_SECONDS, Crash, Reading, guarded
from corpus_builder.engine.own_functions import UserFunction
from corpus_builder.errors import StageError
from corpus_builder.japanese.detectors import named_detector
from corpus_builder.pages.page import PageSettings
from corpus_builder.remote.places import is_remote
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import remote_stat
from corpus_builder.sources.input_file import InputFile, Ledgered
from corpus_builder.sources.wikipedia import PageXml, Skipped, named, read_pages, understood
from corpus_builder.stages.documents import document_of


def from_wikipedia(file: InputFile, settings: PageSettings) -> Iterator[Document | Ledgered]:
    """Every page of a dump; a crash or an endless loop costs only one article."""
    tested = file.reading.language is not None  # a dump is in the language of its Wikipedia
    if tested and not isinstance(settings.detector, UserFunction):
        named_detector(settings.detector, settings.language)("")  # load its model here, not again in every child
    reading = Reading()
    return guarded(
        partial(read_pages, file.path, one_version(file), reading),
        partial(_article, file, settings, tested),
        partial(_crashed, file, settings),
        reading,
    )


def one_version(file: InputFile) -> Stat | None:
    """The version of a remote file that every child must read; None for a local file."""
    return remote_stat(file.path) if is_remote(file.path) and file.stat is None else file.stat


def crash_drop(crash: Crash) -> Drop:
    """Why a page that ended the process is dropped."""
    return Drop("extraction_endless", threshold=CPU_SECONDS) if crash.endless else Drop("extraction_crashed", detail=crash.how)


def _article(file: InputFile, settings: PageSettings, tested: bool, page: PageXml | Skipped) -> Document | Ledgered:
    article = understood(page) if isinstance(page, PageXml) else page
    article_id = f"{file.name}/{article.number}"
    if isinstance(article, Skipped):
        return Ledgered(article_id, article.url, article.drop, 0)
    found = Document(
        text=article.text,
        id=article_id,
        source=file.source,
        url=article.url,
        title=article.title,
        date=article.date,
        charset="utf-8",
    )
    return document_of(found, settings if tested else None, 0)


def own_functions(settings: PageSettings) -> str:
    """The user's own functions that see pages, for a sentence; "" where there are none."""
    own = [f"extractor {settings.own.name}"] if settings.own else []
    own += [f"detector {settings.detector.name}"] if isinstance(settings.detector, UserFunction) else []
    return " or the ".join(own)


def _crashed(file: InputFile, settings: PageSettings, page: PageXml | Skipped, crash: Crash) -> Ledgered:
    if isinstance(settings.detector, UserFunction) and crash.how.startswith("exit code"):
        article_id = f"{file.name}/{page.number if isinstance(page, Skipped) else -1 - page.place}"
        where = f"{article_id!r} ({page.url if isinstance(page, Skipped) else named(page)[1]})"
        raise StageError(f"The detector {settings.detector.name} ended its process ({crash.how}) on the page {where}.")
    if isinstance(page, Skipped):
        return Ledgered(f"{file.name}/{page.number}", page.url, crash_drop(crash), 0)
    return Ledgered(f"{file.name}/{-1 - page.place}", named(page)[1], crash_drop(crash), 0)
