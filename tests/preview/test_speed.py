"""`corpus-builder bench` times the pages that it was given, and adds core-hours up right."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.corpora import make_inputs

from corpus_builder.commands.main import main
from corpus_builder.errors import InputError
from corpus_builder.preview import speed
from corpus_builder.preview.speed import Speed, Step, as_text, cut_after
from corpus_builder.sources.warc import Page, read_warc


@pytest.fixture
def warc(tmp_path: Path) -> Path:
    make_inputs(tmp_path / "inputs")
    return tmp_path / "inputs" / "web-a.warc.gz"


def pages_of(path: Path) -> list[str]:
    return [item.url for item in read_warc(path) if isinstance(item, Page)]


def test_a_cut_archive_holds_the_first_pages(warc: Path, tmp_path: Path) -> None:
    every = pages_of(warc)
    for pages in (1, 3, len(every), len(every) + 9):
        cut_after(warc, pages, tmp_path / "cut.warc.gz")
        assert pages_of(tmp_path / "cut.warc.gz") == every[:pages]


def test_every_step_is_timed_and_counted(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.0)
    result = CliRunner().invoke(main, ["bench", str(warc), "--pages", "6", "--warcs", "1000", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    steps = {step["name"]: step for step in found["steps"]}
    assert list(steps) == [
        "read the WARC",
        "gate",
        "charset",
        "extraction",
        "Japanese detection",
        "measures",
        "WARC to measured documents",
        "MinHash, 800 values",
        "Parquet",
        "whole build",
    ]
    assert found["pages"] == steps["read the WARC"]["count"] == steps["whole build"]["count"] == 6
    assert found["japanese_pages"] == steps["measures"]["count"] == steps["Parquet"]["count"] > 0
    assert min(step["seconds"] for step in steps.values()) > 0
    assert steps["whole build"]["size_bytes"] == pytest.approx(6 * found["mean_page_bytes"])
    assert 0 < found["share"] < 1
    assert found["core_hours"] == pytest.approx(1000 * steps["whole build"]["seconds"] / found["share"] / 3600)


def test_the_table_says_what_many_take() -> None:
    found = Speed(100, 9e4, 5, 1800.0, 0.25, (Step("whole build", "pages", 100, 9_000_000, 0.5),))
    assert as_text(found, 90_000).splitlines() == [
        "100 pages of 90 kB on average (25% of the file); 5 Japanese documents of 1,800 characters. One core.",
        "",
        "                                     seconds            per second      MB/s",
        "whole build                            0.500             200 pages      18.0",
        "",
        "At this rate the whole file takes 2.0 core-seconds, and 90,000 WARCs like it 50 core-hours.",
        "Duplicates among that many documents take more: `corpus-builder plan --documents NUMBER` tells.",
    ]


def test_an_archive_without_pages_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.warc").write_bytes(b"not a WARC at all")
    with pytest.raises(InputError, match="holds no response"):
        speed.speed(tmp_path / "x.warc")
