"""Measures: the batch kernel beside the plain definitions, on the same documents.   python benchmarks/measures.py"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from support.corpora import prose

from corpus_builder.quality import reference
from corpus_builder.quality.measures import measure_texts

LETTERS = 2_000

texts = [("\n".join(prose(seed * 10 + k) for k in range(4)))[:LETTERS] for seed in range(1_000)]
measure_texts(texts[:2])
started = time.perf_counter()
measure_texts(texts)
kernel = len(texts) / (time.perf_counter() - started)
started = time.perf_counter()
for text in texts[:100]:
    reference.measure_text(text)
plain = 100 / (time.perf_counter() - started)
print(f"documents of {LETTERS} characters a second: kernel {kernel:,.0f}, plain Python {plain:,.0f}, ratio {kernel / plain:.0f}")
