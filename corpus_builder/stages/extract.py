"""From WARCs, dumps and text files to documents, and a ledger of the pages that did not become one.

Read, gate, decode, extract and detect are fused per record in one streaming pass: about 95 % of a crawl's pages are not
Japanese, and must never touch the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias

import pyarrow as pa

from corpus_builder.document import DOCUMENT, LEDGER, OWN_DOCUMENT, OWN_IDS, PAGE_DOCUMENT, Document, Drop
from corpus_builder.engine.guard import Crash, Reading, guarded
from corpus_builder.engine.own_functions import UserFunction, naming
from corpus_builder.errors import FormatError, StageError
from corpus_builder.japanese.detectors import JAPANESE, detector_version, named_detector
from corpus_builder.pages.extract import EXTRACTORS, extractor_version, named_extractor
from corpus_builder.pages.page import PageSettings, read_page
from corpus_builder.reasons import REASONS, RESPONSE
from corpus_builder.recipe.running import Running
from corpus_builder.remote.places import is_remote, shown
from corpus_builder.sources.commoncrawl import original_numbers
from corpus_builder.sources.extract_stats import DroppedPages, ExtractStats
from corpus_builder.sources.formats import EMPTY, check_kind, format_of
from corpus_builder.sources.input_file import OWN_ROWS, Account, InputFile, Ledgered
from corpus_builder.sources.record import Damage, Record
from corpus_builder.sources.warc import OtherRecord, Page, Text, read_of_crawl, understood
from corpus_builder.stages.documents import cleaned, document_of
from corpus_builder.stages.dump import crash_drop, from_wikipedia, one_version, own_functions
from corpus_builder.stages.own_data import documents_of
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of

BATCH_ROWS = 256


@dataclass(frozen=True)
class Extract(Stage):
    """The stage: one shard per input file."""

    inputs: tuple[InputFile, ...]
    settings: PageSettings
    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 5
    tables: ClassVar[tuple[str, ...]] = ("documents", "ledger")
    stats: ClassVar[type[Any]] = ExtractStats

    @classmethod
    def of(cls, running: Running) -> Extract:
        """The stage, with no input files yet."""
        return cls((), running.recipe.page_settings)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per input file, by name."""
        readings = {file.reading for file in self.inputs}
        settings = {reading: settings_digest(reading.settings(self.settings)) for reading in readings}
        return [
            Shard(
                file.name,
                {
                    "stage": f"{self.name}/{self.version}",
                    "settings": settings[file.reading],
                    "source": f"{file.source} ({file.kind})",
                    "input": file.digest,
                    **file.reading.made_from(file.kind),
                    **({} if file.expected is None else {"expected": str(file.expected)}),
                },
                file,
            )
            for file in sorted(self.inputs, key=lambda file: file.name)
        ]

    def stats_before(self, shard: Shard) -> ExtractStats:
        """Only the source."""
        return ExtractStats(shard.task.source, documents=0, characters=0, dropped={}, records={})

    def for_workers(self) -> Self:
        """The stage without the other shards' inputs."""
        return replace(self, inputs=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Read one input file from start to end."""
        file: InputFile = shard.task
        schema = OWN_DOCUMENT if file.kind in OWN_ROWS else DOCUMENT if file.kind == "wikipedia" else PAGE_DOCUMENT
        out.table("documents", schema)
        out.table("ledger", LEDGER)
        if file.kind in OWN_ROWS:
            out.table("own_ids", OWN_IDS)  # of rows that are in the ledger
        count = characters = 0
        pages: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        records: dict[str, int] = {}
        documents: list[Document] = []
        ledger: list[Ledgered] = []
        account = Account(file)
        for found in pages_of(file, self.settings, records):
            account.add(found)
            if isinstance(found, Document):
                count += 1
                characters += len(found.text)
                documents.append(found)
                if len(documents) == BATCH_ROWS:
                    out.write("documents", _documents(documents, schema))
                    documents = []
            else:
                pages[found.drop.reason] += 1
                sizes[found.drop.reason] += found.size_bytes
                ledger.append(found)
                if len(ledger) == BATCH_ROWS:
                    _write_ledger(ledger, out)
                    ledger = []
        account.check(records)
        out.write("documents", _documents(documents, schema))
        _write_ledger(ledger, out)
        dropped = {reason: DroppedPages(pages[reason], sizes[reason]) for reason in pages}
        out.stats = ExtractStats(file.source, count, characters, dropped, records)


def settings_digest(settings: PageSettings) -> str:
    """Digest of settings; models are identified by their bytes, not their paths."""
    said = asdict(replace(settings, own=None, detector=""))
    del said["own"]  # its digest is part of `extractor_version`
    if settings.extractor == "japanese":  # for which these two have no effect
        said |= {"max_elements": PageSettings.max_elements, "max_depth": PageSettings.max_depth}
    said["detector"] = detector_version(settings.detector, settings.language)
    said["extractor_version"] = extractor_version(settings.extractor, said.pop("model"), settings.own)
    if settings.language == JAPANESE:
        del said["language"]
    return digest_of(said)


def pages_of(file: InputFile, settings: PageSettings, records: dict[str, int]) -> Iterator[Document | Ledgered]:
    """Every page of an input file, as a document or as a row of the ledger, cleaned; `records` counts what is not a page."""
    return map(cleaned, _read(file, settings, records))


def _read(file: InputFile, settings: PageSettings, records: dict[str, int]) -> Iterator[Document | Ledgered]:
    settings = file.reading.settings(settings)
    try:
        if not is_remote(file.path):  # checking a remote file costs a request; its reader will tell
            check_kind(found := format_of(file.path), file.path, file.source, file.kind)
            if found.content == EMPTY and file.kind in ("parquet", "wikipedia"):
                yield Ledgered(f"{file.name}/0", "", Drop("empty_file"), 0)
                return
        if file.kind in ("warc", "commoncrawl"):
            yield from _from_warc(file, settings, records)
        elif file.kind == "wikipedia":
            yield from from_wikipedia(file, settings)
        else:
            yield from documents_of(file, settings)
    except FormatError as error:
        if file.reading.unreadable == "fail":
            raise
        detail = str(error).replace(shown(file.path), file.name)  # a dataset must not contain the paths of its inputs
        yield Ledgered(f"{file.name}/0", "", Drop("other_format", detail=detail), 0)


def _from_warc(file: InputFile, settings: PageSettings, records: dict[str, int]) -> Iterator[Document | Ledgered]:
    number_of = original_numbers(file.path) if file.kind == "commoncrawl" else int
    stat = one_version(file)
    _warm_up(settings)
    reading = Reading()
    found = guarded(
        partial(read_of_crawl, file.path, stat, reading),
        partial(_record, file, settings, number_of),
        partial(_crashed, file, settings, number_of),
        reading,
    )
    seen = end = 0
    for kind, number, page in found:
        if kind:
            records[kind] = records.get(kind, 0) + 1
        if page is not None:
            yield page
        unreadable = not kind and isinstance(page, Ledgered) and REASONS[page.drop.reason].of == RESPONSE
        seen += kind in ("response", "conversion") or unreadable
        end = max(end, number + 1)
    if file.expected is not None and seen < file.expected:
        detail = f"{file.expected - seen} of {file.expected} responses are not in the file, or lie in what is damaged"
        yield Ledgered(f"{file.name}/{end}", "", Drop("records_missing", seen, file.expected, detail), 0)


_WARM_UP = "<html><body><p>これは、ライブラリーとモデルを読みこむためだけに書かれた、ごく短い日本語の文章です。".encode()
Found: TypeAlias = tuple[Record | Damage, str]


def _warm_up(settings: PageSettings) -> None:
    """Load libraries and models here, not again in every child; a user's own functions run only in children."""
    named_extractor(settings.extractor, settings.form, settings.readings, settings.model, settings.own)
    if isinstance(settings.detector, UserFunction):
        return
    named_detector(settings.detector, settings.language)(_WARM_UP.decode())
    if settings.extractor in EXTRACTORS:
        read_page(_WARM_UP, content_type="", status=200, settings=settings)


def _record(
    file: InputFile, settings: PageSettings, number_of: Callable[[int], int], found: Found
) -> tuple[str, int, Document | Ledgered | None]:
    """What a record is counted as, its number, and its page as a document or a row of the ledger."""
    record = understood(*found)
    page_id = f"{file.name}/{number_of(record.number)}"
    if isinstance(record, OtherRecord):
        revisit = Ledgered(page_id, record.url, Drop("revisit"), 0) if record.kind == "revisit" else None
        return record.kind, record.number, revisit
    if isinstance(record, Damage):
        drop = Drop(record.reason, value=record.length, detail=record.detail)
        return "", record.number, Ledgered(page_id, record.url, drop, record.length)
    if isinstance(record, Text):
        return "conversion", record.number, _text(record, page_id, file.source, settings)
    return "response", record.number, page_of(record, page_id, file.source, settings)


def _crashed(
    file: InputFile, settings: PageSettings, number_of: Callable[[int], int], found: Found, crash: Crash
) -> tuple[str, int, Ledgered]:
    record = found[0]
    if (own := own_functions(settings)) and crash.how.startswith("exit code"):  # not a crash: its own code ended the process
        page_id = f"{file.name}/{number_of(record.number)}"
        raise StageError(f"The {own} ended its process ({crash.how}) on the page {page_id!r}.")
    size, kind = record.length if isinstance(record, Damage) else len(record.head) + len(record.rest), "response"
    if isinstance(record, Record) and record.fields[b"warc-type"].lower() == b"conversion":
        kind = "conversion"
    return kind, record.number, Ledgered(f"{file.name}/{number_of(record.number)}", record.url, crash_drop(crash), size)


def page_of(record: Page, page_id: str, source: str, settings: PageSettings) -> Document | Ledgered:
    """A page as a document or as a row of the ledger."""
    url = record.url
    with naming(f"{page_id!r} ({url})"):
        page = read_page(record.body, content_type=record.content_type, status=record.status, settings=settings, url=url or None)
    if isinstance(page, Drop):
        return Ledgered(page_id, url, page, len(record.body))
    found = Document(
        text=page.text,
        id=page_id,
        source=source,
        url=url,
        title=page.title,
        date=record.date,
        crawl=record.crawl,
        charset=page.charset,
        link_fraction=page.link_fraction,
        main_text_fraction=page.main_text_fraction,
    )
    return document_of(found, None, len(record.body))


def _text(record: Text, page_id: str, source: str, settings: PageSettings) -> Document | Ledgered:
    """A text that was extracted before, judged like a line of a text file."""
    url, size = record.url, len(record.body)
    text = record.body.decode("utf-8", "replace")
    undecodable = max(text.count("\ufffd") - record.body.count("\ufffd".encode()), 0) / max(len(text), 1)
    if undecodable > settings.max_undecodable:
        return Ledgered(page_id, url, Drop("undecodable", undecodable, settings.max_undecodable, "utf-8"), size)
    found = Document(text=text, id=page_id, source=source, url=url, date=record.date, crawl=record.crawl, charset="utf-8")
    return document_of(found, settings, size)


def _documents(documents: list[Document], schema: pa.Schema) -> pa.Table:
    return pa.table({name: [getattr(document, name) for document in documents] for name in schema.names}, schema=schema)


def _write_ledger(rows: list[Ledgered], out: ShardWriter) -> None:
    out.write("ledger", _ledger(rows))
    if owned := [row for row in rows if row.own_id]:
        out.write("own_ids", pa.table([[row.id for row in owned], [row.own_id for row in owned]], schema=OWN_IDS))


def _ledger(rows: list[Ledgered]) -> pa.Table:
    return pa.table(
        {
            "id": [row.id for row in rows],
            "url": [row.url for row in rows],
            "reason": [row.drop.reason for row in rows],
            "value": [row.drop.value for row in rows],
            "threshold": [row.drop.threshold for row in rows],
            "detail": [row.drop.detail for row in rows],
        },
        schema=LEDGER,
    )
