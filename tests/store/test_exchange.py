"""Every row is in one bucket, and the buckets in turn are the rows, however many runs and buckets there are."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.errors import IntegrityError
from corpus_builder.store.exchange import bucket_count, buckets_of, read_bucket, spans, write_run


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 9_000))
def test_buckets_follow_the_keys_order(keys, count):
    found = buckets_of(np.array(sorted(keys), np.uint64), count)
    assert found.tolist() == sorted(found.tolist())
    assert all(0 <= bucket < count for bucket in found.tolist())
    assert buckets_of(np.array([0, 2**64 - 1], np.uint64), count).tolist() == [0, count - 1]


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 9))
def test_spans_are_every_row_once_in_order_and_fit(sizes, limit):
    groups = spans(sizes, limit)
    rows = [(place, row) for group in groups for place, first, last in group for row in range(first, last)]
    assert rows == [(place, row) for place, size in enumerate(sizes) for row in range(size)]
    assert all(sum(last - first for _, first, last in group) <= limit for group in groups)


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


def written(path: Path, rows: list[tuple[int, int]], count: int) -> Path:
    keys = np.array([key for key, _ in rows], np.uint64)
    with path.open("wb") as file:
        columns = {"key": keys, "number": np.array([number for _, number in rows], np.int64), "alike": keys.astype(np.float32)}
        assert write_run(file, columns, buckets_of(keys, count), count) == len(rows)
    return path


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(-5, 5)), max_size=30), max_size=4),
    st.integers(1, 7),
)
def test_buckets_together_are_the_rows(directory, runs, count):
    paths = [written(directory / uuid.uuid4().hex, rows, count) for rows in runs]
    found = [read_bucket(paths, bucket) for bucket in range(count)]
    pairs = [pair for part in found if part for pair in zip(part["key"].tolist(), part["number"].tolist(), strict=True)]
    where = {key: int(buckets_of(np.array([key], np.uint64), count)[0]) for rows in runs for key, _ in rows}
    assert pairs == [pair for bucket in range(count) for rows in runs for pair in rows if where[pair[0]] == bucket]


def test_some_columns_can_be_left_out(tmp_path):
    path = written(tmp_path / "run", [(1, 2), (3, 4)], 1)
    assert {name: column.tolist() for name, column in read_bucket([path], 0, ["number"]).items()} == {"number": [2, 4]}


@pytest.mark.parametrize("left", [0, 5, 40, 120, -1])
def test_a_run_that_is_cut_or_gone_is_a_sentence(tmp_path, left):
    path = written(tmp_path / "run", [(1, 2), (3, 4)], 2)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(IntegrityError, match="is damaged"):
        _ = [read_bucket([path], bucket) for bucket in range(2)]
    path.unlink()
    with pytest.raises(IntegrityError, match="is missing; run the same command again"):
        read_bucket([path], 0)


def test_buckets_are_as_many_as_memory_asks_for():
    assert [bucket_count(rows, 64, 1 << 30) for rows in (0, 1, 1 << 24, (1 << 24) + 1)] == [1, 1, 1, 2]
