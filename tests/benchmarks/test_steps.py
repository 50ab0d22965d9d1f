"""The benchmark works on the pages that it was given, and counts what it timed."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.corpora import make_inputs

from benchmarks import steps as bench
from corpus_builder.commands.main import main
from corpus_builder.errors import InputError, MissingExtraError
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
        bench.cut_after(warc, pages, tmp_path / "cut.warc.gz")
        assert pages_of(tmp_path / "cut.warc.gz") == every[:pages]


def test_both_sides_work_on_the_same_pages(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MIN_SECONDS", 0.0)
    found = bench.run(warc, 6)
    ours = {step.name: step.count for step in found.steps}
    theirs = {step.name: step.count for step in found.straightforward}
    assert found.pages == 6
    assert ours["read the WARC"] == ours["whole build"] == theirs["read the WARC with warcio"] == 6
    assert theirs[bench.DEFAULT] == theirs[bench.FAST] == 6
    assert ours["measures"] == ours["MinHash, 800 values"] == theirs["measures in plain Python"] == found.japanese_pages > 0
    assert all(step.seconds > 0 for step in (*found.steps, *found.straightforward))
    sides = [step.seconds for step in found.straightforward if step.name != bench.FAST]
    assert found.whole_ratio == pytest.approx(sum(sides) / found.seconds("whole build"))
    assert "times the straightforward composition" in bench.as_text(found)


def test_json_holds_the_seconds(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MIN_SECONDS", 0.0)
    result = CliRunner().invoke(main, ["bench", "build", str(warc), "--pages", "2", "--json"])
    assert result.exit_code == 0
    assert {step["name"] for step in json.loads(result.stdout)["steps"]} >= {"gate", "extraction", "whole build"}


def test_without_datasketch_the_extra_is_named(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'corpus-builder\[bench\]'"):
        bench.run(warc)


def test_an_archive_without_pages_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.warc").write_bytes(b"not a WARC at all")
    with pytest.raises(InputError, match="holds no response"):
        bench.run(tmp_path / "x.warc")
