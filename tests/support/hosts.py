"""Rows of some hosts, and recipes over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus_builder import Recipe
from support.corpora import prose

FILES = 3
RULES: list[dict[str, Any]] = [{"duplicates": True}, {"measure": "num_letters", "min": 300}]


def write_rows(folder: Path, rows: int = 60) -> Path:
    """Rows of some hosts in three files: lengths differ, every seventh repeats an earlier text, and some have no URL."""
    folder.mkdir(parents=True)
    found = []
    for number in range(rows):
        host = ("big.example.co.jp", "blog.example.co.jp", "me.github.io", "", "you.github.io")[min(number % 8, 4)]
        seed = number - 5 if number % 7 == 6 else number
        text = prose(seed, 4 + seed % 9)
        found.append(
            {"text": text, "date": f"2024-01-{1 + number % 28:02}"} | ({"url": f"https://{host}/{number}"} if host else {})
        )
    for place in range(FILES):
        lines = [json.dumps(row, ensure_ascii=False) for row in found[place::FILES]]
        (folder / f"{'abc'[place]}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def recipe(folder: Path, rules: list[dict[str, Any]], **more: Any) -> Recipe:
    sources = [
        {"name": "web", "kind": "jsonl", "paths": ["a.jsonl", "b.jsonl"]},
        {"name": "own", "kind": "jsonl", "paths": ["c.jsonl"]},
    ]
    whole = {"name": "hosts", "sources": sources, "quality": {"rules": rules}, "dedup": {"bands": 14, "rows": 8}}
    return Recipe.of(whole | more, base=folder)
