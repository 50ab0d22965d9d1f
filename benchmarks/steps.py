"""Where the time goes: every step on one core, beside a straightforward composition of the same libraries.

Both sides work on the same pages, in the same process, one after the other, so their ratio holds on a noisy machine.  The
straightforward side is what one would write in an afternoon: warcio reads the archive, trafilatura extracts every page (called
as Swallow corpus v1 calls it, and once more in its fast mode), plain Python measures each Japanese document, datasketch hashes it
and keeps the index.  What no reader can go below is timed, too: inflating the archive's members by libdeflate.
"""

from __future__ import annotations

import logging
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import deflate
import pyarrow as pa
import pyarrow.parquet as pq
import warcio.archiveiterator

from corpus_builder.document import Document
from corpus_builder.engine import Serial
from corpus_builder.errors import InputError, MissingExtraError
from corpus_builder.extractor.scan import TooManyBlocks
from corpus_builder.hashing.minhash import MinHash, band_keys, signatures
from corpus_builder.hashing.shingles import shingles
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.messages.progress import with_progress
from corpus_builder.pages.charset import decode
from corpus_builder.pages.extract import NoJapaneseText, japanese_extractor, trafilatura_extractor
from corpus_builder.pages.gate import gate
from corpus_builder.pages.page import PageSettings, is_html
from corpus_builder.pipeline import build
from corpus_builder.quality import reference
from corpus_builder.quality.measures import measure_texts
from corpus_builder.recipe.models import Recipe
from corpus_builder.sources.input_file import InputFile
from corpus_builder.sources.warc import Page, read_warc
from corpus_builder.stages.extract import pages_of

SPEC = MinHash(ngram=5, bands=40, rows=20)  # Swallow corpus v1's 800 values
MIN_JAPANESE_SCORE = 0.4
DEFAULT, FAST = "trafilatura on every page", "the same in its fast mode"
INFLATE, MEASURED = "inflate alone (libdeflate)", "WARC to measured documents"
DEDUPLICATION = ("datasketch MinHash, 800 values", "datasketch LSH index")
BATCH = 256  # documents measured at a time
MIN_SECONDS = 1.0  # quick steps are repeated that long
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One step: `count` things of a `unit` took `seconds` (a median over rounds where it was repeated)."""

    name: str
    unit: str
    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Things per second."""
        return self.count / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Bench:
    """What was timed, on which pages; times are seconds of one core."""

    pages: int
    mean_page_bytes: float
    japanese_pages: int
    mean_document_chars: float
    steps: tuple[Step, ...]
    straightforward: tuple[Step, ...]

    def seconds(self, name: str) -> float:
        """Seconds of a step of ours, by name."""
        return next(step.seconds for step in self.steps if step.name == name)

    def straightforward_seconds(self, without: str) -> float:
        """Seconds of the whole composition; one of the two ways to call trafilatura is left out."""
        return sum(step.seconds for step in self.straightforward if step.name != without)

    @property
    def whole_ratio(self) -> float:
        """How many times faster the whole build is than the straightforward composition."""
        return self.straightforward_seconds(without=FAST) / self.seconds("whole build")

    @property
    def whole_ratio_fast(self) -> float:
        """The same where the composition uses trafilatura's fast mode."""
        return self.straightforward_seconds(without=DEFAULT) / self.seconds("whole build")

    @property
    def measured_ratio(self) -> float:
        """How many times faster pages become measured documents: the composition without what looks for duplicates."""
        theirs = sum(step.seconds for step in self.straightforward if step.name not in (FAST, *DEDUPLICATION))
        return theirs / self.seconds(MEASURED)

    @property
    def inflate_ratio(self) -> float | None:
        """Cost of pages becoming measured documents, in times of inflating the bytes alone; None where they are not in gzip."""
        known = any(step.name == INFLATE for step in self.steps)
        return self.seconds(MEASURED) / self.seconds(INFLATE) if known else None


def run(path: Path, pages: int = 2000, *, progress: bool = False) -> Bench:
    """Time everything on the first `pages` responses of a WARC.

    Raises InputError where the WARC holds no page, MissingExtraError without datasketch.
    """
    datasketch = _datasketch()
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL + 1)
    with tempfile.TemporaryDirectory(prefix="corpus_builder-bench-") as directory:
        cut = Path(directory) / f"cut{''.join(path.suffixes[-2:])}"
        cut_after(path, pages, cut)
        found = [item for item in read_warc(cut) if isinstance(item, Page)]
        if not found:
            raise InputError(f"{path} holds no response; give a WARC with pages.")
        _warm_up(Path(directory))
        steps, documents = _ours(cut, found, Path(directory))
        theirs = _straightforward(cut, documents, datasketch, progress)
    return Bench(
        len(found),
        sum(len(page.body) for page in found) / len(found),
        len(documents),
        sum(map(len, documents)) / max(len(documents), 1),
        tuple(steps),
        tuple(theirs),
    )


def cut_after(path: Path, pages: int, to: Path) -> None:
    """Copy a WARC up to its `pages`-th response, as it is stored; the whole file where its records are not members."""
    seen = 0
    end: int | None = None
    for item in read_warc(path):
        seen += isinstance(item, Page)
        if isinstance(item, Page) and seen > pages:
            end = item.number
            break
    with path.open("rb") as source, to.open("wb") as target:
        left = end if end is not None else path.stat().st_size
        while left and (piece := source.read(min(left, 1 << 20))):
            target.write(piece)
            left -= len(piece)


# Ours


def _ours(cut: Path, pages: Sequence[Page], directory: Path) -> tuple[list[Step], list[str]]:
    bodies = [page.body for page in pages if page.status == 200]
    steps: list[Step] = []

    def timed(name: str, unit: str, count: int, work: Callable[[], T], repeat: bool = True) -> T:
        value, seconds = _timed(work, repeat)
        steps.append(Step(name, unit, count, seconds))
        return value

    if members := _members(cut):
        timed(INFLATE, "pages", len(pages), lambda: sum(len(deflate.gzip_decompress(member, size)) for member, size in members))
    timed("read the WARC", "pages", len(pages), lambda: sum(isinstance(item, Page) for item in read_warc(cut)))
    passed = timed("gate", "pages", len(bodies), lambda: [body for body in bodies if is_html(body) and gate(body) is None])
    decoded = timed("charset", "pages", len(passed), lambda: [decode(body).text for body in passed])
    texts = timed("extraction", "pages", len(decoded), lambda: [_text_of(text) for text in decoded])
    scores = timed("Japanese detection", "documents", len(texts), lambda: [japanese_score(text) for text in texts])
    documents = [text for text, score in zip(texts, scores, strict=True) if score >= MIN_JAPANESE_SCORE]
    if documents:
        timed("measures", "documents", len(documents), lambda: measure_texts(documents))
    timed(MEASURED, "pages", len(pages), lambda: _measured(cut))
    if documents:
        timed("MinHash, 800 values", "documents", len(documents), lambda: band_keys(signatures(documents, SPEC)[0], SPEC))
        table = pa.table({"text": documents})
        timed("Parquet", "documents", len(documents), lambda: pq.write_table(table, directory / "x.parquet", compression="zstd"))
    timed("whole build", "pages", len(pages), lambda: _build(cut, directory / "out"), repeat=False)
    return steps, documents


def _members(cut: Path) -> list[tuple[bytes, int]]:
    """The gzip members of a file with the sizes that they unfold to, where each record has one; else nothing."""
    data = cut.read_bytes()
    if data[:3] != b"\x1f\x8b\x08":
        return []
    starts = [*sorted({item.number for item in read_warc(cut)}), len(data)]
    members = [data[start:end] for start, end in pairwise(starts)]
    sized = [(member, int.from_bytes(member[-4:], "little")) for member in members]
    try:
        whole = all(len(deflate.gzip_decompress(member, size or 1)) == size for member, size in sized)
    except (deflate.DeflateError, ValueError, MemoryError):
        return []
    return sized if whole else []


def _measured(cut: Path) -> int:
    """Everything from the file to documents with their measures, as the stages do it, but without files between; how many."""
    texts: list[str] = []
    count = 0
    for found in pages_of(InputFile(str(cut), "web", "warc", ""), PageSettings(), {}):
        if isinstance(found, Document):
            texts.append(found.text)
            if len(texts) == BATCH:
                count += len(measure_texts(texts))
                texts = []
    return count + (len(measure_texts(texts)) if texts else 0)


def _text_of(page: str) -> str:
    try:
        found = japanese_extractor(page)
    except (NoJapaneseText, TooManyBlocks):
        return ""
    return found.text if found else ""


def _build(warc: Path, out: Path) -> None:
    """Every stage of a build, with all of Swallow v1's thresholds that need no word lists."""
    thresholds = [
        {"measure": "num_japanese_letters", "min": 400},
        {"measure": "hiragana_fraction", "min": 0.2},
        {"measure": "avg_sentence_length", "min": 20, "max": 90},
        {"measure": "duplicate_sentence_fraction", "max": 0.3},
        {"measure": "top_2gram_character_fraction", "max": 0.2},
        {"measure": "duplicate_10gram_character_fraction", "max": 0.1},
    ]
    recipe = {
        "name": "bench",
        "sources": [{"name": "web", "kind": "warc", "paths": [str(warc)]}],
        "dedup": {"ngram": SPEC.ngram, "bands": SPEC.bands, "rows": SPEC.rows},
        "quality": {"rules": [*thresholds, {"duplicates": True}]},
        "release": {"edits": {"web": ["normalize_punctuation_v1", "trim_footer"]}},
    }
    build(Recipe.of(recipe, where="bench"), out, Serial())


# The straightforward composition


def _straightforward(cut: Path, documents: Sequence[str], datasketch: Any, progress: bool) -> list[Step]:
    """Times of the straightforward side; the documents are ours, so that both sides measure and hash the same texts."""
    import trafilatura

    with _records(cut) as records:
        started = time.perf_counter()
        bodies = list(records)
        read = Step("read the WARC with warcio", "pages", len(bodies), time.perf_counter() - started)
    steps = [read]
    for fast, name in ((True, FAST), (False, DEFAULT)):
        started = time.perf_counter()
        texts = [
            trafilatura.extract(body, fast=fast, include_comments=False, include_tables=False) if body else None
            for body in with_progress("bench", iter(bodies), len(bodies), progress, "page")
        ]
        steps.append(Step(name, "pages", len(bodies), time.perf_counter() - started))
    _, detection = _timed(lambda: [japanese_score(text) for text in texts if text], repeat=False)
    steps.append(Step("Japanese detection", "documents", sum(bool(text) for text in texts), detection))
    if documents:
        _, measured = _timed(lambda: [reference.measure_text(text) for text in documents], repeat=False)
        steps.append(Step("measures in plain Python", "documents", len(documents), measured))
        hashing, indexing = _hashed(documents, datasketch)
        steps.append(Step("datasketch MinHash, 800 values", "documents", len(documents), hashing))
        steps.append(Step("datasketch LSH index", "documents", len(documents), indexing))
    return steps


@contextmanager
def _records(cut: Path) -> Iterator[Iterator[bytes]]:
    """The bodies of the responses with status 200, as warcio reads them."""
    with cut.open("rb") as file:
        yield (
            record.content_stream().read() if record.http_headers.get_statuscode() == "200" else b""
            for record in warcio.archiveiterator.ArchiveIterator(file)
            if record.rec_type == "response" and record.http_headers
        )


def _hashed(documents: Sequence[str], datasketch: Any) -> tuple[float, float]:
    """Seconds of the signatures by the bulk API, and of the index."""
    started = time.perf_counter()
    shingled = [[shingle.encode() for shingle in shingles(text, SPEC.ngram)] for text in documents]
    signed = datasketch.MinHash.bulk(shingled, num_perm=SPEC.hashes)
    between = time.perf_counter()
    index = datasketch.MinHashLSH(num_perm=SPEC.hashes, params=(SPEC.bands, SPEC.rows))
    for number, minhash in enumerate(signed):
        index.query(minhash)
        index.insert(number, minhash)
    return between - started, time.perf_counter() - between


def _datasketch() -> Any:
    try:
        import datasketch
    except ImportError as error:
        raise MissingExtraError("The comparison needs datasketch; run: pip install 'corpus-builder[bench]'") from error
    return datasketch


# Timing and print


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _timed(work: Callable[[], T], repeat: bool) -> tuple[T, float]:
    """What the work gives, and its median seconds; quick work is repeated.

    Pages are extracted in a child while this process goes on, so the seconds are those of one core: the CPU time of both, or the
    time on the clock where that is longer.
    """
    times: list[float] = []
    while True:
        started, busy = time.perf_counter(), _cpu_seconds()
        value = work()
        times.append(max(time.perf_counter() - started, _cpu_seconds() - busy))
        if not repeat or sum(times) > MIN_SECONDS or len(times) == 9:
            return value, sorted(times)[len(times) // 2]


def _warm_up(directory: Path) -> None:
    """Compile the kernels and load the libraries outside the timings."""
    from corpus_builder.sources.wikitext import wikitext_to_text  # the stage imports it

    text = "これは日本語の文章です。" * 50
    wikitext_to_text(text)
    trafilatura_extractor(f"<html><body><p>{text}</p></body></html>")
    measure_texts([text])
    band_keys(signatures([text], SPEC)[0], SPEC)
    warc = directory / "warm.warc"
    with closing(warc.open("wb")) as file:
        body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>{text}</p></body></html>".encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\nContent-Length: {len(body)}\r\n\r\n"
        file.write(head.encode() + body + b"\r\n\r\n")
    _build(warc, directory / "warm")


def as_text(found: Bench) -> str:
    """The table that `corpus-builder bench build` prints."""
    lines = [
        f"{found.pages:,} pages of {found.mean_page_bytes / 1000:,.0f} kB on average; {found.japanese_pages:,} Japanese documents of "
        f"{found.mean_document_chars:,.0f} characters. One core.",
        "",
        f"{'corpus_builder':34}{'seconds':>10}{'per second':>22}",
        *_rows(found.steps),
        "",
        f"{'straightforward composition':34}{'seconds':>10}{'per second':>22}",
        *_rows(found.straightforward),
        f"{'whole':34}{found.straightforward_seconds(without=FAST):10.3f}",
        f"{'whole, in the fast mode':34}{found.straightforward_seconds(without=DEFAULT):10.3f}",
        "",
        f"whole build: {found.whole_ratio:.1f} times the straightforward composition ({found.whole_ratio_fast:.1f} in the fast mode)",
        f"{MEASURED}: {found.measured_ratio:.1f} times the straightforward composition",
    ]
    if found.inflate_ratio:
        lines.append(f"{MEASURED}: {found.inflate_ratio:.1f} times the cost of inflating the bytes alone; of it")
        lines += [
            f"    {step.name:30}{step.seconds / found.seconds(MEASURED):5.0%}"
            for step in found.steps[: found.steps.index(next(step for step in found.steps if step.name == MEASURED))]
        ]
    for ours, theirs, what in (
        ("measures", "measures in plain Python", "plain Python"),
        ("MinHash, 800 values", "datasketch MinHash, 800 values", "datasketch's bulk API"),
        ("read the WARC", "read the WARC with warcio", "warcio"),
    ):
        mine = next((step for step in found.steps if step.name == ours), None)
        other = next((step for step in found.straightforward if step.name == theirs), None)
        if mine and other and mine.seconds:
            lines.append(f"{ours}: {other.seconds / mine.seconds:.0f} times {what}")
    return "\n".join(lines)


def _rows(steps: Sequence[Step]) -> list[str]:
    return [f"{step.name:34}{step.seconds:10.3f}{f'{step.rate:,.0f} {step.unit}':>22}" for step in steps]
