"""The benchmark works on the pages that it was given, and counts what it timed."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.corpora import make_inputs

from benchmarks import steps as bench
from benchmarks.__main__ import main
from corpus_builder.errors import InputError, MissingExtraError
from corpus_builder.preview import speed


@pytest.fixture
def warc(tmp_path: Path) -> Path:
    make_inputs(tmp_path / "inputs")
    return tmp_path / "inputs" / "web-a.warc.gz"


def test_both_sides_work_on_the_same_pages(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.0)
    found = bench.run(warc, 6)
    ours = {step.name: step.count for step in found.ours.steps}
    theirs = {step.name: step.count for step in found.straightforward}
    assert found.ours.pages == 6
    assert ours["read the WARC"] == ours["whole build"] == theirs["read the WARC with warcio"] == 6
    assert theirs[bench.DEFAULT] == theirs[bench.FAST] == 6
    assert ours["measures"] == ours["MinHash, 800 values"] == theirs["measures in plain Python"] == found.ours.japanese_pages > 0
    assert all(step.seconds > 0 for step in (*found.ours.steps, *found.straightforward))
    sides = [step.seconds for step in found.straightforward if step.name != bench.FAST]
    assert found.whole_ratio == pytest.approx(sum(sides) / found.ours.seconds("whole build"))
    assert "times the straightforward composition" in bench.as_text(found)


def test_json_holds_the_seconds(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.0)
    result = CliRunner().invoke(main, ["steps", str(warc), "--pages", "2", "--json"])
    assert result.exit_code == 0
    assert {step["name"] for step in json.loads(result.stdout)["ours"]["steps"]} >= {"gate", "extraction", "whole build"}


def test_without_datasketch_the_extra_is_named(warc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'corpus-builder\[bench\]'"):
        bench.run(warc)


def test_an_archive_without_pages_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.warc").write_bytes(b"not a WARC at all")
    with pytest.raises(InputError, match="holds no response"):
        bench.run(tmp_path / "x.warc")
