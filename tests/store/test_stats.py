"""The numbers of receipts: read as they were written, and told where somebody edited them."""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.files import run

from corpus_builder import plan
from corpus_builder.built import Built
from corpus_builder.errors import IntegrityError
from corpus_builder.pipeline import DATASETS
from corpus_builder.report.page import render
from corpus_builder.store.receipt import Receipt
from corpus_builder.store.stats import NoStats, stats_as_json, stats_from_json

Steps = tuple[str | int, ...]
NO_NUMBERS = ["three", -1, math.nan, 0.5, None, [], 1 << 70, True]


def leaves(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Where the numbers and texts stand."""
    if isinstance(value, (dict, list)):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*steps, step))
    else:
        yield steps, value


def changed(stats: Any, steps: Steps, change: Callable[[Any, Any], None]) -> dict[str, Any]:
    copy = place = json.loads(json.dumps(stats))
    for step in steps[:-1]:
        place = place[step]
    change(place, steps[-1])
    return copy


@pytest.mark.parametrize("stage", ["extract", "measure", "match", "decide", "release"])
def test_numbers_that_were_edited_are_a_sentence_that_names_the_file(built: Built, stage: str) -> None:
    manifest, kind = built.manifests[stage], DATASETS[stage].stats
    receipt = max(manifest.receipts, key=lambda receipt: len(json.dumps(receipt.stats)))
    edited = [
        changed(receipt.stats, steps, lambda place, step, value=value: place.__setitem__(step, value))
        for steps, number in leaves(receipt.stats)
        for value in NO_NUMBERS
        if not (isinstance(value, str) and isinstance(number, str) and steps != ("keep",))  # one name for another
    ]
    edited += [changed(receipt.stats, (field.name,), lambda place, step: place.__delitem__(step)) for field in fields(kind)]
    said = set()
    for stats in edited:
        with pytest.raises(IntegrityError) as raised:
            replace(manifest, receipts=(replace(receipt, stats=stats),)).stats(kind)
        said.add(str(raised.value).partition(" (")[0])
    path = manifest.root / "manifest.json"
    assert said == {f"{path} is damaged: the stats of the shard {receipt.shard!r} are not those of a stage {stage!r}"}


@pytest.mark.parametrize("stage", DATASETS)
def test_what_is_read_is_what_was_written(built: Built, stage: str) -> None:
    kind = DATASETS[stage].stats
    assert is_dataclass(kind)
    receipts = built.manifests[stage].receipts if stage in built.manifests else ()
    assert [stats_as_json(stats_from_json(kind, receipt.stats)) for receipt in receipts] == [r.stats for r in receipts]
    assert [stats_from_json(NoStats, receipt.stats) for receipt in receipts] == [NoStats()] * len(receipts)


def test_a_build_that_is_opened_is_the_build_that_was_made(built: Built) -> None:
    """To the order of everything that the report shows."""
    opened = Built.open(built.out)
    assert opened.manifests == built.manifests
    assert [json.dumps([r.as_json() for r in one.receipts]) for one in opened.manifests.values()] == [
        json.dumps([r.as_json() for r in one.receipts]) for one in built.manifests.values()
    ]
    assert render(opened.manifests, opened.recipe) == render(built.manifests, built.recipe)


def edit(path: Path, stats: dict[str, Any]) -> None:
    value = json.loads(path.read_bytes())
    for receipt in value.get("shards", [value]):
        receipt["stats"].update(stats)
    path.write_text(json.dumps(value))


EDITS = {
    "extract": {"documents": "three", "dropped": {"http_status": {"pages": 1}}},
    "decide": {"kept": {"documents": -1, "characters": 0}, "groups": [[1]]},
    "release": {"units": [["web-a.warc.gz", 0]], "released": {"web": {"documents": 1}}},
}


@pytest.mark.parametrize("stage", EDITS)
def test_commands_end_in_that_sentence(built: Built, tmp_path: Path, stage: str) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    path = tmp_path / "out" / stage / "manifest.json"
    edit(path, EDITS[stage])
    said = f"{path} is damaged: the stats of the shard "
    page = next(iter(built.corpus().to_table().column("id").to_pylist()))
    for words, code in {
        ("verify",): 5,
        ("report",): 5,
        ("why", page): 5 if stage == "release" else 0,
        ("diff", built.out): 0,  # it reads no numbers
    }.items():
        command, *more = words
        found = run(command, tmp_path / "out", *more, code=code)
        assert (said in found) == (code == 5), command


def test_a_shard_whose_receipt_was_edited_is_made_again(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    edit(next((tmp_path / "out" / "decide" / "receipts").glob("web-a*")), EDITS["decide"])
    recipe = built.recipe
    found = {one.stage: one for one in plan(recipe, tmp_path / "out")}
    assert found["decide"].todo == (("web-a.warc.gz", "its receipt is damaged"),)


def test_a_table_that_was_taken_out_of_a_manifest_is_found(built: Built, tmp_path: Path) -> None:
    """Out of its receipt, too."""
    shutil.copytree(built.out, tmp_path / "out")
    for stage, table in {"extract": "ledger", "sign": "ids", "match": "matches"}.items():
        manifest = tmp_path / "out" / stage / "manifest.json"
        value = json.loads(manifest.read_bytes())
        del value["shards"][-1]["tables"][table]
        manifest.write_text(json.dumps(value))
        shard = value["shards"][-1]["shard"]
        (tmp_path / "out" / stage / "receipts" / f"{shard}.json").write_text(json.dumps(value["shards"][-1]))
        said = f"{manifest} is damaged: it names no {table} of the shard {shard!r}; delete it and build again."
        assert said in Built.open(tmp_path / "out").verify().problems


def test_a_manifest_that_differs_from_its_receipts_is_found(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    manifest = tmp_path / "out" / "measure" / "manifest.json"
    value = json.loads(manifest.read_bytes())
    value["shards"][-1]["stats"]["histograms"]["num_letters"] = {"20": 7}
    manifest.write_text(json.dumps(value))
    shard = value["shards"][-1]["shard"]
    (problem,) = Built.open(tmp_path / "out").verify().problems
    assert problem == f"{manifest} and the shard's receipt differ on the shard {shard!r}; delete both and build again."
    assert Receipt.from_json(value["shards"][-1]).shard == shard
