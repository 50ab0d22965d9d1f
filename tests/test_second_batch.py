"""Beyond the first batch, row group, page or block: nothing is lost, doubled or out of step there.

Real sizes once; the rooms' own tests have the same with lowered constants.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.corpora import make_inputs, make_recipe

from corpus_builder import Recipe, Serial, build, measure_text
from corpus_builder.built import Built
from corpus_builder.remote.lists import matching
from corpus_builder.remote.s3 import keys_below
from corpus_builder.stages import extract as extract_room
from corpus_builder.stages.measure import measured_lines
from corpus_builder.store.dataset import ShardWriter, read_table
from corpus_builder.store.exchange import read_bucket, write_run

LETTERS = "いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす"


def rows_of(done: Built, stage: str, table: str) -> list[dict[str, Any]]:
    return [row for path in done.manifests[stage].paths(table) for row in read_table(path).to_pylist()]


def test_every_row_of_three_row_groups_is_kept_or_dropped_for_its_own_reason(tmp_path: Path) -> None:
    letters = random.Random(7)
    texts = ["".join(letters.choices(LETTERS, k=90 if n % 3 else 40)) for n in range(3_200)]
    for n in range(0, 3_200, 5):
        texts[n] = ""
    for n in range(1_201, 3_200, 100):
        texts[n] = texts[n - 1_200]  # of a row group before
    rows = [{"text": text, "date": f"2024-01-01T00:{n // 60:02}:{n % 60:02}Z"} for n, text in enumerate(texts)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    rules = [{"duplicates": True}, {"measure": "num_letters", "min": 60}]
    value = {
        "name": "rows",
        "sources": [{"name": "rows", "kind": "jsonl", "paths": ["rows.jsonl"]}],
        "extract": {"min_japanese_score": 0.0},
        "dedup": {"keep": "newest"},
        "quality": {"rules": rules},
        "release": {"part_characters": 30_000},
    }
    done = build(Recipe.of(value, base=tmp_path), tmp_path / "out", Serial())
    empty = [f"rows.jsonl/{n + 1}" for n, text in enumerate(texts) if not text]
    older = {n - 1_200 for n in range(1_201, 3_200, 100) if texts[n]}
    expected = [
        (f"rows.jsonl/{n + 1}", "duplicate_exact" if n in older else "num_letters_low" if len(text) < 60 else "")
        for n, text in enumerate(texts)
        if text
    ]
    assert [(row["id"], row["reason"]) for row in rows_of(done, "extract", "ledger")] == [(id_, "no_text") for id_ in empty]
    documents = rows_of(done, "extract", "documents")
    assert [(row["id"], row["text"]) for row in documents] == [(f"rows.jsonl/{n + 1}", t) for n, t in enumerate(texts) if t]
    measured = rows_of(done, "measure", "measures")
    assert [(row["id"], row["num_letters"]) for row in measured] == [(row["id"], len(row["text"])) for row in documents]
    assert [(row["id"], row["reason"]) for row in rows_of(done, "decide", "decisions")] == expected
    released = rows_of(done, "release", "corpus")
    assert len(done.manifests["release"].receipts) == 3
    assert sorted(row["id"] for row in released) == sorted(id_ for id_, reason in expected if not reason)
    assert {row["id"]: row["text"] for row in released}.items() <= {row["id"]: row["text"] for row in documents}.items()


@pytest.mark.parametrize("first", [False, True], ids=["rules after duplicates", "rules before duplicates"])
def test_the_length_of_row_groups_and_batches_shows_in_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    inputs = make_inputs(tmp_path / "inputs")
    (inputs / "group_filters.py").write_text(
        "from corpus_builder import Drop\n\ndef f(doc):\n    return Drop('f') if '滝' in doc.text else None\n"
    )
    rules: list[dict[str, Any]] = [{"measure": "num_japanese_letters", "min": 200}, {"filter": "group_filters:f"}]
    quality = {"rules": [*rules, {"duplicates": True}] if first else [{"duplicates": True}, *rules]}
    how: dict[str, Any] = {"quality": quality, "lines": {"documents": 2}, "dedup": {"keep": "largest:num_letters"}}
    whole = build(make_recipe(inputs, **how), tmp_path / "whole", Serial())
    monkeypatch.setattr(ShardWriter.table, "__defaults__", (3,))
    monkeypatch.setattr(extract_room, "BATCH_ROWS", 2)
    small = build(make_recipe(inputs, **how), tmp_path / "small", Serial())
    assert whole.manifests["extract"].by_shard["web-a.warc.gz"].tables["documents"].rows == 7
    tables = ("extract documents", "extract ledger", "measure measures", "match matches", "lines lines", "decide decisions")
    for stage, table in map(str.split, tables):
        assert rows_of(small, stage, table) == rows_of(whole, stage, table), table
    corpora = [sorted(rows_of(done, "release", "corpus"), key=lambda row: row["id"]) for done in (small, whole)]
    assert corpora[0] == corpora[1]
    for table in ("keys", "sketches", "ids"):
        signed = [[path.read_bytes() for path in done.manifests["sign"].paths(table)] for done in (small, whole)]
        assert signed[0] == signed[1], table


def test_more_lines_than_a_batch_are_measured_each_as_itself(tmp_path: Path) -> None:
    texts = [LETTERS[: 1 + n % 40] for n in range(600)]
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    found = list(measured_lines(path))
    assert [row["id"] for row in found] == [str(n + 1) for n in range(600)]
    assert [row["measures"]["num_letters"] for row in found] == list(map(len, texts))
    assert found[300]["measures"] == measure_text(texts[300])


def test_more_than_2_to_the_20_rows_are_dealt_out_and_read_back(tmp_path: Path) -> None:
    rows = (1 << 20) + 70_001
    keys = np.random.default_rng(3).integers(0, 1 << 63, rows, dtype=np.uint64)
    numbers = np.arange(rows, dtype=np.int64)
    buckets = (keys % np.uint64(5)).astype(np.int64)
    with (tmp_path / "run").open("wb") as file:
        assert write_run(file, {"key": keys, "number": numbers}, buckets, 6) == rows
    for bucket in range(6):
        found = read_bucket([tmp_path / "run"], bucket)
        assert (found["number"] == numbers[buckets == bucket]).all()
        assert (found["key"] == keys[buckets == bucket]).all()


def test_more_objects_than_a_page_of_a_listing(s3: Any) -> None:
    from moto.s3.models import s3_backends

    s3.create_bucket(Bucket="pages")
    names = sorted(f"crawl/part-{number:05}.warc.gz" for number in range(2_003))
    (account,) = s3_backends
    for name in [*names, "crawl/part-00001.txt", "other/part-00000.warc.gz"]:
        s3_backends[account]["aws"].put_object("pages", name, b"")
    assert keys_below("s3://pages/crawl/") == sorted(f"s3://pages/{name}" for name in [*names, "crawl/part-00001.txt"])
    assert matching("s3://pages/crawl/*.warc.gz") == [f"s3://pages/{name}" for name in names]
