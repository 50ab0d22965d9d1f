"""MinHash beside datasketch's bulk API, on the same documents.   python tests/benchmarks/bench_minhash.py"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from conftest import prose
from datasketch import MinHash as Datasketch

from corpus_builder.dedup.minhash import MinHash, text_band_keys
from corpus_builder.dedup.shingles import shingles

LETTERS = 2_000

texts = [("\n".join(prose(seed * 10 + k) for k in range(4)))[:LETTERS] for seed in range(1_000)]
spec = MinHash(ngram=5, bands=40, rows=20)
text_band_keys(texts[:2], spec)
started = time.perf_counter()
text_band_keys(texts, spec)
ours = len(texts) / (time.perf_counter() - started)
some = texts[:100]
started = time.perf_counter()
Datasketch.bulk([[shingle.encode() for shingle in shingles(text, 5)] for text in some], num_perm=spec.hashes)
theirs = len(some) / (time.perf_counter() - started)
print(
    f"documents of {LETTERS} characters a second at {spec.hashes} hashes, shingling included: "
    f"ours {ours:,.0f}, datasketch bulk {theirs:,.0f}, ratio {ours / theirs:.0f}"
)
