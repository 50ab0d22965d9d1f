"""Ranges cover every key once, and reading them in turn is reading the run."""

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.exchange import KEYS, ranges, read_range


@given(st.integers(0, 10**12), st.integers(1, 200), st.integers(10**6, 10**10))
def test_ranges_cover_every_key_once(rows, bytes_per_row, memory):
    cuts = ranges(rows, bytes_per_row, memory) if rows * bytes_per_row // memory < 10_000 else [(0, KEYS)]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == KEYS
    assert all(before[1] == after[0] for before, after in itertools.pairwise(cuts))


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, KEYS - 1), max_size=40), st.integers(1, 7), st.integers(1, 9))
def test_ranges_together_are_the_run(directory, keys, parts, group_rows):
    path = directory / "run.parquet"
    run = pa.table({"key": pa.array(sorted(keys), pa.uint64())})
    pq.write_table(run, path, row_group_size=group_rows)
    edges = [KEYS * part // parts for part in range(parts + 1)]
    found = [read_range(path, "key", low, high) for low, high in itertools.pairwise(edges)]
    assert pa.concat_tables(found).column("key").to_pylist() == sorted(keys)


def test_the_largest_key_is_in_the_last_range(directory):
    path = directory / "largest.parquet"
    pq.write_table(pa.table({"key": pa.array([0, KEYS - 1], pa.uint64())}), path)
    assert read_range(path, "key", KEYS // 2, KEYS).column("key").to_pylist() == [KEYS - 1]


def test_signed_columns_are_cut_too(directory):
    path = directory / "signed.parquet"
    pq.write_table(pa.table({"shard": pa.array([0, 0, 1, 2, 2], pa.int32())}), path)
    assert read_range(path, "shard", 1, 2).column("shard").to_pylist() == [1]
    assert read_range(path, "shard", 5, 6).num_rows == 0
    assert np.int32(2) in read_range(path, "shard", 2, 3).column("shard").to_pylist()
