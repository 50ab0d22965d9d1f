"""Measures: the batch kernel compared with the plain definitions, on the same documents."""

from __future__ import annotations

import time

from benchmarks.families import shop
from corpus_builder.quality import reference
from corpus_builder.quality.measures import measure_texts

LETTERS = 2_000


def run(documents: int = 1_000) -> str:
    """Documents per second of both, in one line."""
    pages = shop(documents * 8)
    texts = ["\n".join(next(pages) for _ in range(8))[:LETTERS] for _ in range(documents)]
    measure_texts(texts[:2])
    started = time.perf_counter()
    measure_texts(texts)
    kernel = len(texts) / (time.perf_counter() - started)
    few = texts[: max(1, documents // 10)]
    started = time.perf_counter()
    for text in few:
        reference.measure_text(text)
    plain = len(few) / (time.perf_counter() - started)
    return f"documents of {LETTERS:,} characters a second: kernel {kernel:,.0f}, plain Python {plain:,.0f}, ratio {kernel / plain:.0f}"
