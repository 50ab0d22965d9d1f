"""Where the time goes: every step on one core, compared with a straightforward composition of the usual libraries.

Both sides work on the same pages, in the same process, one after the other, so their ratio holds on a noisy machine.  Our side is
what `corpus-builder bench` times.  The straightforward side is what one would write in an afternoon: warcio reads the archive,
trafilatura extracts every page (called as Swallow corpus v1 calls it, and once more in its fast mode), plain Python measures each
Japanese document, datasketch hashes it and keeps the index.  A lower bound for any reader is timed, too: inflating the archive's
members with libdeflate.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import deflate
import trafilatura
import warcio.archiveiterator

from corpus_builder.errors import MissingExtraError
from corpus_builder.hashing.shingles import shingles
from corpus_builder.japanese.detect import japanese_score
from corpus_builder.messages.progress import with_progress
from corpus_builder.pages.extract import trafilatura_extractor
from corpus_builder.preview.speed import MEASURED, PAGES, SPEC, WHOLE, Speed, Step, about, rows, timed, timed_steps
from corpus_builder.quality import reference
from corpus_builder.sources.warc import read_warc

DEFAULT, FAST = "trafilatura on every page", "the same in its fast mode"
INFLATE = "inflate alone (libdeflate)"
DEDUPLICATION = ("datasketch MinHash, 800 values", "datasketch LSH index")


@dataclass(frozen=True)
class Bench:
    """Our speed and that of the straightforward composition; times are seconds of one core."""

    ours: Speed
    straightforward: tuple[Step, ...]
    inflate: Step | None  # None if the records are not gzip members

    def straightforward_seconds(self, without: str) -> float:
        """Seconds of the whole composition, without one of the two ways to call trafilatura."""
        return sum(step.seconds for step in self.straightforward if step.name != without)

    @property
    def whole_ratio(self) -> float:
        """How many times faster the whole build is than the straightforward composition."""
        return self.straightforward_seconds(without=FAST) / self.ours.seconds(WHOLE)

    @property
    def whole_ratio_fast(self) -> float:
        """The same if the composition uses trafilatura's fast mode."""
        return self.straightforward_seconds(without=DEFAULT) / self.ours.seconds(WHOLE)

    @property
    def measured_ratio(self) -> float:
        """How many times faster pages become measured documents, that is, without the search for duplicates."""
        theirs = sum(step.seconds for step in self.straightforward if step.name not in (FAST, *DEDUPLICATION))
        return theirs / self.ours.seconds(MEASURED)

    @property
    def inflate_ratio(self) -> float | None:
        """Cost of turning pages into measured documents, as a multiple of the cost of only inflating the bytes."""
        return self.ours.seconds(MEASURED) / self.inflate.seconds if self.inflate else None


def run(path: Path, pages: int = PAGES, *, progress: bool = False) -> Bench:
    """Time everything on the first `pages` responses of a WARC.

    Raises InputError if the WARC holds no page, MissingExtraError without datasketch.
    """
    datasketch = _datasketch()
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL + 1)
    with tempfile.TemporaryDirectory(prefix="corpus_builder-bench-") as directory:
        ours, cut, documents = timed_steps(path, pages, Path(directory))
        trafilatura_extractor(f"<html><body><p>{'これは日本語の文章です。' * 50}</p></body></html>")  # loads what it needs
        theirs = _straightforward(cut, documents, datasketch, progress)
        return Bench(ours, tuple(theirs), _inflated(cut, ours.pages))


def _inflated(cut: Path, pages: int) -> Step | None:
    members = _members(cut)
    if not members:
        return None
    _, seconds = timed(lambda: [deflate.gzip_decompress(member, size) for member, size in members], repeat=True)
    return Step(INFLATE, "pages", pages, sum(size for _, size in members), seconds)


def _members(cut: Path) -> list[tuple[bytes, int]]:
    """The gzip members of a file with their decompressed sizes, if each record has one; else nothing."""
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


# The straightforward composition


def _straightforward(cut: Path, documents: Sequence[str], datasketch: Any, progress: bool) -> list[Step]:
    """Times of the straightforward side; the documents are those of our side, so that both measure and hash the same texts."""
    with _records(cut) as records:
        started = time.perf_counter()
        bodies = list(records)
        seconds = time.perf_counter() - started
    size = sum(map(len, bodies))
    steps = [Step("read the WARC with warcio", "pages", len(bodies), size, seconds)]
    for fast, name in ((True, FAST), (False, DEFAULT)):
        started = time.perf_counter()
        texts = [
            trafilatura.extract(body, fast=fast, include_comments=False, include_tables=False) if body else None
            for body in with_progress("bench", iter(bodies), len(bodies), progress, "page")
        ]
        steps.append(Step(name, "pages", len(bodies), size, time.perf_counter() - started))
    found = [text for text in texts if text]
    _, detection = timed(lambda: [japanese_score(text) for text in found], repeat=False)
    steps.append(Step("Japanese detection", "documents", len(found), _utf_8(found), detection))
    if documents:
        _, measured = timed(lambda: [reference.measure_text(text) for text in documents], repeat=False)
        steps.append(Step("measures in plain Python", "documents", len(documents), _utf_8(documents), measured))
        hashing, indexing = _hashed(documents, datasketch)
        steps.append(Step("datasketch MinHash, 800 values", "documents", len(documents), _utf_8(documents), hashing))
        steps.append(Step("datasketch LSH index", "documents", len(documents), _utf_8(documents), indexing))
    return steps


def _utf_8(texts: Sequence[str]) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


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
    """Seconds of the signatures, by the bulk API, and of the index."""
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


def as_text(found: Bench) -> str:
    """The table that `python -m benchmarks steps` prints."""
    ours = found.ours
    lines = [
        about(ours),
        "",
        f"{'corpus_builder':34}{'seconds':>10}{'per second':>22}{'MB/s':>10}",
        *rows((*((found.inflate,) if found.inflate else ()), *ours.steps)),
        "",
        f"{'straightforward composition':34}{'seconds':>10}{'per second':>22}{'MB/s':>10}",
        *rows(found.straightforward),
        f"{'whole':34}{found.straightforward_seconds(without=FAST):10.3f}",
        f"{'whole, in the fast mode':34}{found.straightforward_seconds(without=DEFAULT):10.3f}",
        "",
        f"{WHOLE}: {found.whole_ratio:.1f} times the straightforward composition ({found.whole_ratio_fast:.1f} in the fast mode)",
        f"{MEASURED}: {found.measured_ratio:.1f} times the straightforward composition",
    ]
    names = [step.name for step in ours.steps]
    if found.inflate and found.inflate_ratio:
        lines.append(f"{MEASURED}: {found.inflate_ratio:.1f} times the cost of inflating the bytes alone; of it")
        parts = (found.inflate, *ours.steps[: names.index(MEASURED)])
        lines += [f"    {step.name:30}{step.seconds / ours.seconds(MEASURED):5.0%}" for step in parts]
    for mine, theirs, what in (
        ("measures", "measures in plain Python", "plain Python"),
        ("MinHash, 800 values", "datasketch MinHash, 800 values", "datasketch's bulk API"),
        ("read the WARC", "read the WARC with warcio", "warcio"),
    ):
        other = next((step for step in found.straightforward if step.name == theirs), None)
        if mine in names and other and ours.seconds(mine):
            lines.append(f"{mine}: {other.seconds / ours.seconds(mine):.0f} times {what}")
    return "\n".join(lines)
