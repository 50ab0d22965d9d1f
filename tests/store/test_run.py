"""A stage tells failures when they happen, stops where more shards would only fail as well, and seals what is there alone."""

from __future__ import annotations

import errno
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from support.paths import TESTS

from corpus_builder import Serial
from corpus_builder.engine import Done
from corpus_builder.errors import StageError
from corpus_builder.pages.page import PageSettings
from corpus_builder.stages.extract import Extract, InputFile
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage
from corpus_builder.store.run import Runner, _make


@dataclass(frozen=True)
class Numbers(Stage):
    """A stage of so many shards, of which those from `broken` on fail."""

    count: int
    broken: int
    error: Exception
    name: str = "numbers"
    version: int = 1

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        return [Shard(f"{number:04}", {"stage": "numbers"}, number) for number in range(self.count)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        if shard.task >= self.broken:
            raise self.error
        out.write("numbers", pa.table({"number": [shard.task]}))


def failing(stage: Numbers, out: Path) -> str:
    with pytest.raises(StageError) as found:
        Runner(out, Serial()).run(stage)
    assert not (out / "numbers" / "manifest.json").exists()
    return str(found.value)


@pytest.mark.parametrize(
    ("count", "broken", "error", "says", "failed"),
    [
        (
            300,
            0,
            ValueError("bad"),
            "100 of 300 shards of the stage 'numbers' failed; 200 were not tried, as more fail than",
            100,
        ),
        (
            250,
            120,
            ValueError("bad"),
            "121 of 250 shards of the stage 'numbers' failed; 9 were not tried, as more fail than",
            121,
        ),
        (250, 151, ValueError("bad"), "99 of 250 shards of the stage 'numbers' failed; the others are committed.", 99),
        (9, 2, OSError(errno.ENOSPC, "full"), "1 of 9 shards of the stage 'numbers' failed; 6 were not tried, as the disk is", 1),
    ],
)
def test_a_stage_stops_where_more_would_only_fail_too(tmp_path, caplog, count, broken, error, says, failed) -> None:
    assert says in failing(Numbers(count, broken, error), tmp_path)
    assert len(caplog.records) == failed
    assert caplog.records[0].getMessage().startswith(f"numbers: {broken:04}: ")


class Elsewhere(Serial):
    """Says that a shard is done whose file went to another disk, as a machine does that shares none."""

    def map(self, work, tasks) -> Iterator[Done]:
        for outcome in super().map(work, tasks):
            if outcome.index == 1:
                next((work.args[1].root / "numbers").glob("0001.*")).unlink()
            yield Done(outcome.index, outcome.value, "worker-7 (10.0.0.7, 0123abcd)")


def test_nothing_is_sealed_whose_files_are_not_there(tmp_path) -> None:
    stage = Numbers(3, 3, ValueError())
    with pytest.raises(StageError) as found:
        Runner(tmp_path, Elsewhere()).run(stage)
    assert "\n  0001, on worker-7 (10.0.0.7, 0123abcd): " in str(found.value)
    assert "is not there, or not whole, though the machine worker-7 (10.0.0.7, 0123abcd) says that it wrote it" in str(
        found.value
    )
    assert not (tmp_path / "numbers" / "manifest.json").exists()
    assert [r.shard for r in Runner(tmp_path, Serial()).run(stage).receipts] == ["0000", "0001", "0002"]


def test_failures_are_told_above_the_bar(tmp_path, capfd) -> None:
    stage = Numbers(3, 2, ValueError("bad"))
    with pytest.raises(StageError, match=r"1 of 3 shards of the stage 'numbers' failed"):
        Runner(tmp_path, Serial(), progress=True).run(stage)
    assert "corpus-builder: numbers: 0002: ValueError: bad\n" in capfd.readouterr().err


def test_a_stage_travels_without_the_inputs_of_other_shards(tmp_path) -> None:
    def sizes(files: int) -> int:
        inputs = tuple(InputFile(f"/data/{n:06}.warc.gz", "web", "warc", "0" * 64) for n in range(files))
        return len(pickle.dumps(partial(_make, Extract(inputs, PageSettings()).for_workers(), None)))

    assert sizes(10_000) == sizes(1)


IDLE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from support.corpora import make_recipe
from corpus_builder import build, deduplicate
if sys.argv[1] == "build":
    build(make_recipe(Path(sys.argv[2]) / "inputs"), Path(sys.argv[2]) / "out")
else:
    deduplicate([Path(sys.argv[2]) / "a.jsonl"], Path(sys.argv[2]) / "deduped")
print("ray" in sys.modules)
"""


def starts_ray(what: str, root: Path) -> bool:
    command = [sys.executable, "-c", IDLE, what, root, TESTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"False\n": False, "True\n": True}[done.stdout]


def test_a_build_with_nothing_to_do_does_not_even_import_ray(built) -> None:
    assert not starts_ray("build", built.out.parent)


def test_a_deduplication_with_nothing_to_do_does_not_even_import_ray(tmp_path) -> None:
    from corpus_builder import deduplicate

    (tmp_path / "a.jsonl").write_text('{"text": "一つの文。"}\n{"text": "もう一つの文。"}\n')
    deduplicate([tmp_path / "a.jsonl"], tmp_path / "deduped", Serial())
    assert not starts_ray("dedup", tmp_path)
