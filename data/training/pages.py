"""Writes the pages that the extractor's model is trained on, as JSON lines: the training half of the gold, and composed ones.

python data/training/pages.py 2000 > pages.jsonl
corpus-builder train-extractor pages.jsonl --out corpus_builder/extractor/model.npz
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from compose import pages

from corpus_builder.pages.charset import decode

GOLD = Path(__file__).resolve().parent.parent / "gold"
GOLD_WEIGHT = 2.0  # ours: a labelled page counts as two composed ones; 6 gives the same within chance


def gold(split: str) -> Iterator[dict[str, str]]:
    """The labelled pages of one half: name, kind, host, html, text."""
    rows = [json.loads(line) for line in (GOLD / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    with tarfile.open(GOLD / "pages.tar.xz") as archive:
        bodies = {Path(member.name).name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
    for row in rows:
        if row["split"] == split:
            yield {**row, "html": decode(bodies[row["name"]], row["charset"]).text}


def fillings(rows: list[dict[str, str]]) -> list[str]:
    """Paragraphs to fill composed pages with."""
    lines = (line.strip() for row in rows for line in row["text"].split("\n"))
    kana = {chr(code) for code in range(0x3041, 0x3097)}
    return [
        line.replace("<", "").replace("&", "")
        for line in lines
        if 30 <= len(line) <= 400 and "。" in line and sum(letter in kana for letter in line) > len(line) / 4
    ]


def main(count: int) -> None:
    """Print the lines."""
    rows = list(gold("train"))
    for row in rows:
        print(json.dumps({"html": row["html"], "text": row["text"], "weight": GOLD_WEIGHT}, ensure_ascii=False))
    for page in pages(0, count, fillings(rows)):
        print(json.dumps({"html": page}, ensure_ascii=False))


if __name__ == "__main__":
    main(int(sys.argv[1]))
