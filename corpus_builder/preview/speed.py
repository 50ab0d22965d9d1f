"""The speed of this machine on a WARC: times the steps of a build on one core, and computes the core-hours for many such WARCs."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.built import build
from corpus_builder.document import Document
from corpus_builder.engine import Serial
from corpus_builder.errors import InputError
from corpus_builder.extractor.scan import TooManyBlocks
from corpus_builder.hashing.minhash import MinHash, band_keys, signatures
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.pages.charset import decode
from corpus_builder.pages.extract import NoJapaneseText, japanese_extractor
from corpus_builder.pages.gate import gate
from corpus_builder.pages.page import PageSettings, is_html
from corpus_builder.quality.measures import measure_texts
from corpus_builder.recipe.models import Recipe
from corpus_builder.sources.input_file import InputFile
from corpus_builder.sources.warc import Page, read_warc
from corpus_builder.stages.extract import pages_of

SPEC = MinHash(ngram=5, bands=40, rows=20)  # Swallow corpus v1's 800 values
MEASURED, WHOLE = "WARC to measured documents", "whole build"
PAGES = 2000
BATCH = 256  # documents measured at a time
MIN_SECONDS = 1.0  # fast steps are repeated for this long
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One step: `count` things of a `unit`, `size_bytes` in total, took `seconds` (a median over rounds if it was repeated)."""

    name: str
    unit: str
    count: int
    size_bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Things per second."""
        return self.count / self.seconds if self.seconds else 0.0

    @property
    def megabytes(self) -> float:
        """10^6 bytes per second: of page bodies, or of texts in UTF-8."""
        return self.size_bytes / self.seconds / 1e6 if self.seconds else 0.0


@dataclass(frozen=True)
class Speed:
    """The timed steps, and the pages they were timed on; times are seconds of one core, `share` is the pages' share of the file, 0..1."""

    pages: int
    mean_page_bytes: float
    japanese_pages: int
    mean_document_chars: float
    share: float
    steps: tuple[Step, ...]

    def seconds(self, name: str) -> float:
        """Seconds of a step, by name."""
        return next(step.seconds for step in self.steps if step.name == name)

    def core_hours(self, warcs: int) -> float:
        """Core-hours of the whole build of `warcs` WARCs like this one."""
        return warcs * self.seconds(WHOLE) / self.share / 3600

    def as_json(self, warcs: int) -> dict[str, Any]:
        """The figures as JSON values."""
        return {**asdict(self), "warcs": warcs, "core_hours": self.core_hours(warcs)}


def speed(path: Path, pages: int = PAGES) -> Speed:
    """Time every step on the first `pages` responses of a WARC; raises InputError if it has none."""
    with tempfile.TemporaryDirectory(prefix="corpus_builder-bench-") as directory:
        return timed_steps(path, pages, Path(directory))[0]


def timed_steps(path: Path, pages: int, directory: Path) -> tuple[Speed, Path, list[str]]:
    """The same in a directory; and the WARC of the timed pages in it, and their documents."""
    cut = directory / f"cut{''.join(path.suffixes[-2:])}"
    cut_after(path, pages, cut)
    found = [item for item in read_warc(cut) if isinstance(item, Page)]
    if not found:
        raise InputError(f"{path} holds no response; give a WARC with pages.")
    _warm_up(directory)
    steps, documents = _steps(cut, found, directory)
    size = sum(len(page.body) for page in found)
    share = cut.stat().st_size / path.stat().st_size
    characters = sum(map(len, documents)) / max(len(documents), 1)
    return Speed(len(found), size / len(found), len(documents), characters, share, tuple(steps)), cut, documents


def cut_after(path: Path, pages: int, to: Path) -> None:
    """Copy a WARC up to its `pages`-th response, as stored; the whole file if its records are not separate members."""
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


def _steps(cut: Path, pages: Sequence[Page], directory: Path) -> tuple[list[Step], list[str]]:
    bodies = [page.body for page in pages if page.status == 200]
    steps: list[Step] = []

    def step(name: str, unit: str, things: Sequence[bytes] | Sequence[str], work: Callable[[], T], repeat: bool = True) -> T:
        value, seconds = timed(work, repeat)
        size = sum(len(one if isinstance(one, bytes) else one.encode("utf-8", "replace")) for one in things)
        steps.append(Step(name, unit, len(things), size, seconds))
        return value

    every = [page.body for page in pages]
    step("read the WARC", "pages", every, lambda: sum(isinstance(item, Page) for item in read_warc(cut)))
    passed = step("gate", "pages", bodies, lambda: [body for body in bodies if is_html(body) and gate(body) is None])
    decoded = step("charset", "pages", passed, lambda: [decode(body).text for body in passed])
    texts = step("extraction", "pages", decoded, lambda: [_text_of(text) for text in decoded])
    scores = step("Japanese detection", "documents", texts, lambda: [japanese_score(text) for text in texts])
    documents = [text for text, score in zip(texts, scores, strict=True) if score >= PageSettings.min_japanese_score]
    if documents:
        step("measures", "documents", documents, lambda: measure_texts(documents))
    step(MEASURED, "pages", every, lambda: _measured(cut))
    if documents:
        step("MinHash, 800 values", "documents", documents, lambda: band_keys(signatures(documents, SPEC)[0], SPEC))
        table = pa.table({"text": documents})
        step("Parquet", "documents", documents, lambda: pq.write_table(table, directory / "x.parquet", compression="zstd"))
    step(WHOLE, "pages", every, lambda: _build(cut, directory / "out"), repeat=False)
    return steps, documents


def _measured(cut: Path) -> int:
    """Everything from the file to documents with their measures, as in the stages, but without files in between; returns their number."""
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


def timed(work: Callable[[], T], repeat: bool) -> tuple[T, float]:
    """The result of the work, and its median seconds; fast work is repeated.

    Pages are extracted in a child while this process continues, so the seconds are those of one core: the CPU time of both, or the
    wall time if that is longer.
    """
    times: list[float] = []
    while True:
        started, busy = time.perf_counter(), _cpu_seconds()
        value = work()
        times.append(max(time.perf_counter() - started, _cpu_seconds() - busy))
        if not repeat or sum(times) > MIN_SECONDS or len(times) == 9:
            return value, sorted(times)[len(times) // 2]


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _warm_up(directory: Path) -> None:
    """Compile the kernels and load the libraries outside the timings."""
    from corpus_builder.sources.wikitext import wikitext_to_text  # the stage imports it

    text = "これは日本語の文章です。" * 50
    wikitext_to_text(text)
    page = f"<html><body><p>{text}</p></body></html>"
    gate(page.encode())
    japanese_score(_text_of(decode(page.encode()).text))
    measure_texts([text])
    band_keys(signatures([text], SPEC)[0], SPEC)
    warc = directory / "warm.warc"
    with closing(warc.open("wb")) as file:
        body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{page}".encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\nContent-Length: {len(body)}\r\n\r\n"
        file.write(head.encode() + body + b"\r\n\r\n")
    _build(warc, directory / "warm")


def as_text(found: Speed, warcs: int) -> str:
    """The table that `corpus-builder bench` prints."""
    hours = found.core_hours(warcs)
    return "\n".join(
        [
            about(found),
            "",
            f"{'':34}{'seconds':>10}{'per second':>22}{'MB/s':>10}",
            *rows(found.steps),
            "",
            f"At this rate the whole file takes {found.core_hours(1) * 3600:,.1f} core-seconds, and {warcs:,} WARCs like it "
            f"{hours:,.{0 if hours >= 10 else 2}f} core-hours.",
            "Duplicates among that many documents take more: `corpus-builder plan --documents NUMBER` tells.",
        ]
    )


def about(found: Speed) -> str:
    """What was timed, in one line."""
    return (
        f"{found.pages:,} pages of {found.mean_page_bytes / 1000:,.0f} kB on average ({found.share:.0%} of the file); "
        f"{found.japanese_pages:,} Japanese documents of {found.mean_document_chars:,.0f} characters. One core."
    )


def rows(steps: Sequence[Step]) -> list[str]:
    """A line for each step."""
    return [f"{one.name:34}{one.seconds:10.3f}{f'{one.rate:,.0f} {one.unit}':>22}{one.megabytes:10,.1f}" for one in steps]
