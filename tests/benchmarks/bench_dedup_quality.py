"""Precision and recall of the candidates, with and without verification, against exact Jaccard.   python tests/benchmarks/bench_dedup_quality.py

The texts are documents of the sample WARC, each with three copies in which 0.1 to 6 % of the letters were replaced.  The truth is
every pair of texts whose exact Jaccard similarity of character 5-grams reaches the threshold.
"""

from __future__ import annotations

import itertools
import random
import sys

import numpy as np
from bench_recall import WARC, changed

from corpus_builder import extracted_lines
from corpus_builder.dedup.minhash import MinHash, signatures, text_band_keys
from corpus_builder.dedup.shingles import shingles

SETTINGS = (MinHash(bands=14, rows=8), MinHash(bands=40, rows=20), MinHash(bands=40, rows=6))
THRESHOLDS = (0.7, 0.8, 0.9)


def main() -> int:
    """Print the table."""
    rng = random.Random(0)
    texts = [line["text"] for line in extracted_lines(WARC) if line["text"] and 300 <= len(line["text"]) <= 3_000]
    texts += [changed(text, max(1, round(len(text) * rng.uniform(0.001, 0.06))), rng) for text in texts for _ in range(3)]
    sets = [shingles(text, 5) for text in texts]
    exact = {}
    for left, right in itertools.combinations(range(len(texts)), 2):
        shared = len(sets[left] & sets[right])
        exact[left, right] = shared / (len(sets[left]) + len(sets[right]) - shared)
    pairs, truth = list(exact), np.array(list(exact.values()))
    print(f"{len(texts)} texts, {len(pairs):,} pairs")
    print(
        "| bands x rows | Jaccard >= | pairs | candidates: precision | recall | by signature: precision | recall | by text: precision | recall |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    first, second = np.array(pairs).T
    for spec in SETTINGS:
        keys, _ = text_band_keys(texts, spec)
        found, _ = signatures(texts, spec)
        candidates = np.array([(keys[a] == keys[b]).any() for a, b in pairs])
        estimates = np.zeros(len(pairs))
        estimates[candidates] = (found[first[candidates]] == found[second[candidates]]).mean(axis=1)
        for threshold in THRESHOLDS:
            true = truth >= threshold
            row = f"| {spec.bands} x {spec.rows} | {threshold} | {true.sum():,}"
            for said in (candidates, candidates & (estimates >= threshold), candidates & true):
                row += f" | {(said & true).sum() / max(said.sum(), 1):.3f} | {(said & true).sum() / true.sum():.3f}"
            print(row + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
