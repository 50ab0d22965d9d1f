"""Extractors compared on pages whose main text is known."""

from __future__ import annotations

import json
import logging
import re
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import lxml.html
import numpy as np
import trafilatura
from readability import Document
from resiliparse.extract.html2text import extract_plain_text
from selectolax.lexbor import LexborHTMLParser

from corpus_builder.extractor.training import f1
from corpus_builder.pages.charset import decode
from corpus_builder.pages.extract import NoJapaneseText, japanese_extractor

ROOT = Path(__file__).resolve().parents[1]
GOLD = ROOT / "data" / "gold"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
RESAMPLES = 10_000
OURS = "japanese"


@dataclass(frozen=True)
class Labelled:
    """A page, its main text, and text that counts neither as found nor as missed."""

    html: str
    text: str
    comments: str = ""
    written: bool = False


def ours(page: str) -> str:
    try:
        found = japanese_extractor(page)
    except NoJapaneseText:
        return ""
    return found.text if found else ""


def readability(page: str) -> str:
    try:
        return str(lxml.html.fromstring(Document(page).summary()).text_content())
    except Exception:  # which it raises for a page without an article
        return ""


def _trafilatura(**how: bool) -> Callable[[str], str]:
    return lambda page: trafilatura.extract(page, **how) or ""


# Comments and tables are left in, as they are by default; without tables trafilatura loses more here.
EXTRACTORS: dict[str, Callable[[str], str]] = {
    OURS: ours,
    "trafilatura": _trafilatura(),
    "trafilatura, fast": _trafilatura(fast=True),
    "trafilatura, precision": _trafilatura(favor_precision=True),
    "trafilatura, recall": _trafilatura(favor_recall=True),
    "readability-lxml": readability,
    "resiliparse, main content": lambda page: extract_plain_text(page, main_content=True),
    "lexbor, parsing alone": lambda page: str(LexborHTMLParser(page) and ""),
}


def gold_pages() -> list[Labelled]:
    rows = [json.loads(line) for line in (GOLD / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    with tarfile.open(GOLD / "pages.tar.xz") as archive:
        bodies = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    return [
        Labelled(decode(bodies[row["name"]], row["charset"]).text, row["text"], row.get("comments") or "", bool(row["written"]))
        for row in rows
        if row["split"] == "test"
    ]


def other_pages(path: Path) -> list[Labelled]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Labelled(row["html"], row["text"]) for row in rows]


def timed(extract: Callable[[str], str], pages: Sequence[Labelled]) -> tuple[list[str], float]:
    """The texts, and seconds per page: the best of several rounds, the first of which warms up."""
    texts, best = [], float("inf")
    for _ in range(4):
        started = time.perf_counter()
        texts = [extract(page.html) for page in pages]
        best = min(best, time.perf_counter() - started)
    return texts, best / len(pages)


def table(pages: Sequence[Labelled]) -> str:
    scores: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    for name, extract in EXTRACTORS.items():
        texts, seconds[name] = timed(extract, pages)
        scores[name] = np.array([f1(text, page.text, page.comments) for text, page in zip(texts, pages, strict=True)])
    size = sum(len(page.html.encode("utf-8", "replace")) for page in pages) / len(pages)
    lines = [
        f"{len(pages)} pages of {size / 1000:.0f} kB on average.",
        "",
        "| extractor | precision | recall | F1 | better than ours / worse, of 10,000 resamples | ms per page | times ours |",
        "|---|---|---|---|---|---|---|",
    ]
    chance = np.random.default_rng(0)
    draws = chance.integers(0, len(pages), (RESAMPLES, len(pages)))
    for name in EXTRACTORS:
        cost = f"{seconds[name] * 1000:.2f} | {seconds[name] / seconds[OURS]:.1f}"
        if name.startswith("lexbor"):
            lines.append(f"| {name} | | | | | {cost} |")
            continue
        precision, recall, mean = scores[name].mean(axis=0)
        ahead = scores[name][:, 2] - scores[OURS][:, 2]
        means = ahead[draws].mean(axis=1)
        odds = "" if name == OURS else f"{(means > 0).mean():.2%} / {(means < 0).mean():.2%}"
        lines.append(f"| {name} | {precision:.3f} | {recall:.3f} | {mean:.3f} | {odds} | {cost} |")
    return "\n".join(lines)


def run(files: Sequence[Path] = ()) -> str:
    """The tables for some files of pages, or for the test half of data/gold."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the others log every page that they cannot read
    try:
        if files:
            return "\n\n".join(f"{path.name}: {table(other_pages(path))}" for path in files)
        pages = gold_pages()
        real, written = [page for page in pages if not page.written], [page for page in pages if page.written]
        return "\n\n".join(
            [f"All: {table(pages)}", f"Real pages: {table(real)}", f"Pages written for the set: {table(written)}"],
        )
    finally:
        logging.disable(before)


def written(document: str, tables: str) -> str:
    """docs/extractor.md with new tables."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{tables}\n{END}", document, flags=re.DOTALL)
