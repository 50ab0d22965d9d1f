"""Pages of one template are no copies: none of them falls where nothing is said, and the benchmark that counts them counts right."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from support.rows import jsonl

from benchmarks.dedup import changed
from benchmarks.families import SIMILARITIES, as_text, family, run, shop
from corpus_builder import Serial, deduplicate
from corpus_builder.hashing.shingles import jaccard


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_family_is_as_alike_as_it_says(similarity: float) -> None:
    found = [jaccard(one, other, 5) for one, other in combinations(family(8, similarity), 2)]
    assert max(abs(one - similarity) for one in found) < 0.002
    assert list(family(3, similarity)) == list(family(8, similarity))[:3] != list(family(3, similarity, seed=1))


@pytest.mark.parametrize("settings", [{}, {"preset": "fineweb"}, {"preset": "japanese"}, {"preset": "swallow"}])
def test_pages_of_one_template_stay_and_copies_of_them_go(tmp_path: Path, settings: dict[str, str]) -> None:
    rng = random.Random(0)
    texts = [*family(1_000, 0.385), *shop(1_000)]
    copies = [changed(texts[number], 4, rng) for number in range(0, len(texts), 30)]
    path = jsonl(tmp_path / "a.jsonl", [{"text": text} for text in [*texts, *copies]])
    done = deduplicate([path], tmp_path / "out", Serial(), **settings)
    rows = set(done.dropped_rows().column("row").to_pylist())
    assert rows <= set(range(len(texts), len(texts) + len(copies)))
    assert len(rows) >= (0.9 if settings != {"preset": "swallow"} else 0.5) * len(copies)


def test_the_benchmark_counts_what_falls_without_and_with_verification(tmp_path: Path) -> None:
    (bare, verified) = run((200, 600), ("japanese",), ("shop",), tmp_path)
    texts = list(shop(600))
    fallen = []
    for size in (200, 600):
        path = jsonl(tmp_path / f"{size}.jsonl", [{"text": text} for text in texts[:size]])
        done = deduplicate([path], tmp_path / f"{size}", Serial(), preset="japanese", verify=False)
        fallen.append(done.rows - done.kept)
    assert (bare.family, bare.preset, bare.verify, bare.sizes, bare.dropped) == (
        "shop",
        "japanese",
        False,
        (200, 600),
        tuple(fallen),
    )
    assert 0 < fallen[0] < fallen[1]
    assert (verified.verify, verified.dropped) == (0.75, (0, 0))
    assert as_text((bare, verified)).splitlines()[2:] == [
        f"| shop | {bare.similarity:.2f} | japanese | no | {fallen[0]} | {fallen[1]} |",
        f"| shop | {bare.similarity:.2f} | japanese | 0.75 | 0 | 0 |",
    ]
