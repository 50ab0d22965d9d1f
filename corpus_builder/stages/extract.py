"""WARCs, dumps and text files to documents, and a ledger of the pages that did not become one.

Read, gate, decode, extract and detect are fused per record in one streaming pass: about 95 % of a crawl's pages are not
Japanese, and must never touch the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of
from corpus_builder.document import DOCUMENT, LEDGER, Document, Drop
from corpus_builder.errors import InputError
from corpus_builder.html.extract import extractor_version
from corpus_builder.html.page import PageSettings, read_page
from corpus_builder.japanese.detectors import detector_version, named_detector
from corpus_builder.quality.hosts import host_of
from corpus_builder.remote.patience import Stat
from corpus_builder.remote.places import is_remote, name_of, shown
from corpus_builder.remote.window import read_small
from corpus_builder.sources.commoncrawl import original_numbers
from corpus_builder.sources.jsonl import read_jsonl
from corpus_builder.sources.warc import Damage, OtherRecord, Page, read_warc
from corpus_builder.sources.wikipedia import Skipped, read_wikipedia

BATCH_ROWS = 256


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input file: where it is, whose it is, and the digest of its bytes (of a remote one: the server's word for its version)."""

    path: str
    source: str
    kind: str
    digest: str
    stat: Stat | None = None  # of a remote file: the version that is meant

    @property
    def name(self) -> str:
        """The file's name, which ids start with."""
        return name_of(self.path)


@dataclass(frozen=True)
class Ledgered:
    """A page that did not become a document."""

    id: str
    url: str
    drop: Drop
    size_bytes: int


@dataclass(frozen=True)
class Extract:
    """The stage: one shard per input file."""

    inputs: tuple[InputFile, ...]
    settings: PageSettings
    name: str = field(default="extract", init=False)
    version: int = field(default=2, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per input file, by name."""
        settings = asdict(self.settings)
        settings["detector"] = detector_version(self.settings.detector)
        # A model is known by its bytes, not by where it lies.
        settings["extractor_version"] = extractor_version(self.settings.extractor, settings.pop("model"))
        return [
            Shard(
                file.name,
                {
                    "stage": f"{self.name}/{self.version}",
                    "settings": digest_of(settings),
                    "source": f"{file.source} ({file.kind})",
                    "input": file.digest,
                },
                file,
            )
            for file in sorted(self.inputs, key=lambda file: file.name)
        ]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Read one input file from end to end."""
        file: InputFile = shard.task
        out.table("documents", DOCUMENT)
        out.table("ledger", LEDGER)
        stats: dict[str, Any] = {"source": file.source, "documents": 0, "characters": 0, "dropped": {}, "records": {}}
        documents: list[Document] = []
        ledger: list[Ledgered] = []
        for found in pages_of(file, self.settings, stats["records"]):
            if isinstance(found, Document):
                stats["documents"] += 1
                stats["characters"] += len(found.text)
                documents.append(found)
                if len(documents) == BATCH_ROWS:
                    out.write("documents", _documents(documents))
                    documents = []
            else:
                dropped = stats["dropped"].setdefault(found.drop.reason, {"pages": 0, "bytes": 0})
                dropped["pages"] += 1
                dropped["bytes"] += found.size_bytes
                ledger.append(found)
                if len(ledger) == BATCH_ROWS:
                    out.write("ledger", _ledger(ledger))
                    ledger = []
        out.write("documents", _documents(documents))
        out.write("ledger", _ledger(ledger))
        out.stats.update(stats)


def pages_of(file: InputFile, settings: PageSettings, records: dict[str, int]) -> Iterator[Document | Ledgered]:
    """Every page of an input file, as a document or as a row of the ledger; `records` counts what is no page."""
    if file.kind in ("warc", "commoncrawl"):
        yield from _from_warc(file, settings, records)
    elif file.kind == "wikipedia":
        yield from _from_wikipedia(file)
    else:
        yield from _from_jsonl(file, settings)


def _from_warc(file: InputFile, settings: PageSettings, records: dict[str, int]) -> Iterator[Document | Ledgered]:
    number_of = original_numbers(file.path) if file.kind == "commoncrawl" else int
    for record in read_warc(file.path, file.stat):
        page_id = f"{file.name}/{number_of(record.number)}"
        if isinstance(record, OtherRecord):
            records[record.kind] = records.get(record.kind, 0) + 1
            if record.kind == "revisit":
                yield Ledgered(page_id, _storable(record.url), Drop("revisit"), 0)
            continue
        if isinstance(record, Damage):
            drop = Drop(record.reason, value=record.length, detail=record.detail)
            yield Ledgered(page_id, _storable(record.url), drop, record.length)
            continue
        records["response"] = records.get("response", 0) + 1
        yield _page(record, page_id, file.source, settings)


def _page(record: Page, page_id: str, source: str, settings: PageSettings) -> Document | Ledgered:
    url = _storable(record.url)
    page = read_page(
        record.body,
        content_type=record.content_type,
        status=record.status,
        settings=settings,
    )
    if isinstance(page, Drop):
        return Ledgered(page_id, url, page, len(record.body))
    return Document(
        text=page.text,
        id=page_id,
        source=source,
        url=url,
        host=host_of(url),
        title=page.title,
        date=record.date,
        crawl=record.crawl,
        charset=page.charset,
    )


def _from_wikipedia(file: InputFile) -> Iterator[Document | Ledgered]:
    for article in read_wikipedia(file.path, file.stat):
        article_id = f"{file.name}/{article.number}"
        if isinstance(article, Skipped):
            yield Ledgered(article_id, article.url, article.drop, 0)
        else:
            yield Document(
                text=article.text,
                id=article_id,
                source=file.source,
                url=article.url,
                host=host_of(article.url),
                title=article.title,
                date=article.date,
                charset="utf-8",
            )


def _from_jsonl(file: InputFile, settings: PageSettings) -> Iterator[Document | Ledgered]:
    japanese_score = named_detector(settings.detector)
    for line in read_jsonl(file.path, file.stat):
        line_id = f"{file.name}/{line.number}"
        if line.drop is not None:
            yield Ledgered(line_id, line.url, line.drop, line.size_bytes)
            continue
        score = japanese_score(line.text)
        if score < settings.min_japanese_score:
            drop = Drop("not_japanese", value=score, threshold=settings.min_japanese_score)
            yield Ledgered(line_id, line.url, drop, line.size_bytes)
            continue
        yield Document(
            text=line.text,
            id=line_id,
            source=file.source,
            url=line.url,
            host=host_of(line.url),
            title=line.title,
            date=line.date,
            charset="utf-8",
        )


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates become U+FFFD."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _documents(documents: list[Document]) -> pa.Table:
    columns = {name: [getattr(document, name) for document in documents] for name in DOCUMENT.names}
    return pa.table(columns, schema=DOCUMENT)


def _ledger(rows: list[Ledgered]) -> pa.Table:
    return pa.table(
        {
            "id": [row.id for row in rows],
            "url": [row.url for row in rows],
            "reason": [row.drop.reason for row in rows],
            "value": [row.drop.value for row in rows],
            "threshold": [row.drop.threshold for row in rows],
            "detail": [_storable(row.drop.detail) for row in rows],
        },
        schema=LEDGER,
    )


def extracted_lines(path: str | Path, settings: PageSettings | None = None) -> Iterator[dict[str, Any]]:
    """The pages of a WARC, or the one page of an HTML file, as the pipeline sees them: JSON objects, kept or dropped.

    The file may lie at https:// or s3://.
    """
    settings = settings or PageSettings()
    if is_warc(path):
        for found in pages_of(InputFile(str(path), "", "warc", ""), settings, {}):
            yield _as_line(found)
    else:
        url, body = (
            (shown(path), read_small(str(path))) if is_remote(path) else (Path(path).absolute().as_uri(), _read(Path(path)))
        )
        yield _as_line(_page(Page(0, url, "", "", 200, "", "", "", body), name_of(path), "", settings))


def is_warc(path: str | Path) -> bool:
    """Does the file's name say WARC?"""
    return any(name_of(path).endswith(f".warc{suffix}") for suffix in ("", ".gz", ".zst", ".lz4"))


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
