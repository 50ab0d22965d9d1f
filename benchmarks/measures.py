"""What the measures cost: each group, all together, and the plain definitions, on 2,000 characters of each page of the sample.

Times are of the process, on one core, the best of several runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from corpus_builder.japanese.classes import classify, tables
from corpus_builder.japanese.compression import compression_ratio
from corpus_builder.japanese.letters import code_points
from corpus_builder.japanese.lines import count_lines
from corpus_builder.japanese.ngrams import LONGEST, POINTS, count_ngrams
from corpus_builder.japanese.sentences import cut, distinct
from corpus_builder.japanese.train_language_model import train
from corpus_builder.pages.page import PageSettings, PageText, read_page
from corpus_builder.quality import reference
from corpus_builder.quality.measures import measure_texts
from corpus_builder.quality.vocabulary import densities_of
from corpus_builder.quality.word_measures import WordMeasures
from corpus_builder.sources.warc import Page, read_warc

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "samples" / "web-sample.warc.gz"
LETTERS = 2_000
RUNS = 9
LETTER, V1_SENTENCES, LINE, NGRAM, COMPRESSION = range(5)


def run(path: Path = SAMPLE, most: int | None = None) -> str:
    """Microseconds of a document of each part and group, a line each; `most` documents at most."""
    texts = list(islice(_pieces(path), most))
    points, starts = code_points(texts)
    model = train(texts[::2])
    parts: dict[str, Callable[[], Any]] = {
        "code points": lambda: code_points(texts),
        "letters": lambda: _part(points, starts, *tables(), np.int64(LETTER)),
        "Swallow corpus v1: sentences": lambda: _part(points, starts, *tables(), np.int64(V1_SENTENCES)),
        "Swallow corpus v1: n-grams": lambda: _part(points, starts, *tables(), np.int64(NGRAM)),
        "lines and sentences": lambda: _part(points, starts, *tables(), np.int64(LINE)),
        "repetition: compression": lambda: _part(points, starts, *tables(), np.int64(COMPRESSION)),
        "vocabulary": lambda: densities_of(points, starts),
        "all of these, as in a build": lambda: measure_texts(texts),
        "language model": lambda: model.perplexity(texts),
    }
    found = {name: _microseconds(part, len(texts), RUNS) for name, part in parts.items()}
    found["words (Sudachi)"] = _microseconds(lambda: WordMeasures().measure(texts[::10]), len(texts[::10]), 2)
    found["all but words and model, in plain Python"] = _microseconds(
        lambda: [reference.measure_text(text) for text in texts[::10]], len(texts[::10]), 1
    )
    whole = found["all of these, as in a build"]
    lines = [f"{name:<42} {cost:>9,.1f} microseconds" for name, cost in found.items()]
    without = whole - found["vocabulary"]
    return "\n".join(
        [
            f"{len(texts)} documents of {LETTERS:,} characters",
            *lines,
            f"documents a second: {1e6 / whole:,.0f}, without the vocabulary {1e6 / without:,.0f}",
        ]
    )


def _pieces(path: Path) -> Iterator[str]:
    for page in read_warc(path):
        if isinstance(page, Page):
            found = read_page(page.body, content_type=page.content_type, status=page.status, settings=PageSettings())
            if isinstance(found, PageText):
                yield from (found.text[at : at + LETTERS] for at in range(0, min(len(found.text), 40_000) - LETTERS + 1, LETTERS))


def _microseconds(part: Callable[[], Any], documents: int, runs: int) -> float:
    part()
    best = float("inf")
    for _ in range(runs):
        started = time.process_time()
        part()
        best = min(best, time.process_time() - started)
    return best / documents * 1e6


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _part(points: Any, starts: Any, table: Any, flags: Any, part: int) -> float:
    """One part of the kernel of `quality.measures`, on all texts; LINE includes the classes, COMPRESSION the n-grams."""
    longest = 0
    for text in range(len(starts) - 1):
        longest = max(longest, starts[text + 1] - starts[text])
    kept = np.empty(longest + 2, dtype=np.uint32)
    classes = np.empty(longest + 2, dtype=np.uint8)
    ends, other_ends = np.empty(longest + 2, dtype=np.int64), np.empty(longest + 2, dtype=np.int64)
    slots = np.empty(4 * longest + 16, dtype=np.int32)
    counts, of_classes = np.empty(11, dtype=np.int64), np.empty(len(flags), dtype=np.int64)
    ids = np.zeros(POINTS, dtype=np.uint32)
    scratch = np.empty((6, longest + LONGEST + 2), dtype=np.uint32)
    earlier = np.empty(longest + 2, dtype=np.uint32)
    ngrams = np.empty((LONGEST + 1, 3), dtype=np.int64)
    total = 0.0
    for text in range(len(starts) - 1):
        here = points[starts[text] : starts[text + 1]]
        if part in (LETTER, LINE):
            total += classify(here, table, classes, of_classes)
        if part == LINE:
            lines = count_lines(here, classes, flags, kept, ends, counts)
            total += _distinct(kept, ends[:lines], slots)
        if part == V1_SENTENCES:
            _, sentences, paragraphs = cut(here, kept, ends, other_ends)
            total += _distinct(kept, ends[:sentences], slots) + _distinct(kept, other_ends[:paragraphs], slots)
        if part in (NGRAM, COMPRESSION):
            total += count_ngrams(here, ids, scratch, ngrams, earlier)
        if part == COMPRESSION:
            total += compression_ratio(here, earlier, ngrams[1, 0])
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _distinct(kept: Any, ends: Any, slots: Any) -> int:
    size = 16
    while size < 2 * len(ends):
        size *= 2
    return distinct(kept, ends, slots[:size])[0]  # type: ignore[no-any-return]
