"""Rows of files to deduplicate."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa

from support.corpora import prose


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def many(count: int, seed: int = 0) -> list[dict[str, object]]:
    """Rows of which about half are near-duplicates, exact ones, or have the same URL."""
    rng = random.Random(seed)
    rows: list[dict[str, object]] = []
    for number in range(count):
        text = prose(rng.randrange(count // 2))
        if rng.random() < 0.4:
            at = rng.randrange(len(text))
            text = text[:at] + "変" + text[at + 1 :]
        date = f"2024-12-{rng.randrange(1, 29):02}T00:00:00Z"
        rows.append({"id": f"d{number}", "text": text, "date": date, "url": f"u{rng.randrange(count)}", "score": rng.random()})
    return rows


def lines(done) -> list[str]:
    return [line for path in done.kept_files for line in path.read_text().splitlines()]


def kept_ids(done) -> list[str]:
    return [json.loads(line)["id"] for line in lines(done)]


TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
]
