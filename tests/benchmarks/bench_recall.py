"""How often near-duplicates become candidates, against their exact similarity.   python tests/benchmarks/bench_recall.py

Pairs are a document of the sample WARC and the same document with some of its letters replaced; for every setting, pairs are
grouped by the exact Jaccard similarity of their character 5-grams.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np

from corpus_builder import extracted_lines
from corpus_builder.dedup.minhash import MinHash, match_probability, signatures, text_band_keys
from corpus_builder.dedup.shingles import jaccard

WARC = Path(__file__).resolve().parents[2] / "data" / "samples" / "web-sample.warc.gz"
SETTINGS = (MinHash(bands=14, rows=8), MinHash(bands=40, rows=20))
SIMILARITIES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
PAIRS = 400


def changed(text: str, letters: int, rng: random.Random) -> str:
    """The text with this many of its letters replaced by others of its own."""
    new = list(text)
    for place in rng.sample(range(len(text)), letters):
        new[place] = rng.choice(text)
    return "".join(new)


def pairs_near(texts: list[str], similarity: float, rng: random.Random) -> list[tuple[str, str, float]]:
    """Pairs whose similarity is within 0.02 of the one wanted."""
    found = []
    while len(found) < PAIRS:
        text = rng.choice(texts)
        # A replaced letter spoils five shingles of n on either side: J = (n - 5m) / (n + 5m) for m letters far apart.
        letters = round(len(text) * (1 - similarity) / (1 + similarity) / 5 * rng.uniform(0.9, 1.4))
        other = changed(text, min(letters, len(text)), rng)
        exact = jaccard(text, other, 5)
        if abs(exact - similarity) < 0.02:
            found.append((text, other, exact))
    return found


def main() -> int:
    """Print the table."""
    rng = random.Random(0)
    texts = [line["text"] for line in extracted_lines(WARC) if line["text"] and 300 <= len(line["text"]) <= 6_000]
    print(f"{len(texts)} documents of the sample, {PAIRS} pairs a row")
    head = "".join(f" | {spec.bands} x {spec.rows}: matched | theory" for spec in SETTINGS)
    print(f"| Jaccard{head} | estimate - exact | its deviation | theory |")
    for similarity in SIMILARITIES:
        pairs = pairs_near(texts, similarity, rng)
        row = f"| {np.mean([exact for *_, exact in pairs]):.2f}"
        for spec in SETTINGS:
            keys, _ = text_band_keys([text for left, right, _ in pairs for text in (left, right)], spec)
            matched = (keys[0::2] == keys[1::2]).any(axis=1).mean()
            row += f" | {matched:.3f} | {np.mean([match_probability(exact, spec) for *_, exact in pairs]):.3f}"
        found, _ = signatures([text for left, right, _ in pairs for text in (left, right)], SETTINGS[1])
        errors = (found[0::2] == found[1::2]).mean(axis=1) - np.array([exact for *_, exact in pairs])
        theory = np.sqrt(np.mean([exact * (1 - exact) / SETTINGS[1].hashes for *_, exact in pairs]))
        print(f"{row} | {errors.mean():+.4f} | {errors.std():.4f} | {theory:.4f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
