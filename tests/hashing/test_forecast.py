"""A forecast is the arithmetic that the design says, and grows with what it is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from corpus_builder.duplicates.search import Search
from corpus_builder.duplicates.signed_files import SignedShard
from corpus_builder.errors import RecipeError
from corpus_builder.hashing.forecast import TREE_PASSES, as_text, forecast
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.pairs import BYTES_PER_KEY


def test_bytes_and_tasks_follow_from_the_design():
    found = forecast(130_000_000, MinHash(bands=20, rows=7), 1 << 30, characters=500)
    assert found.signed_bytes == 130_000_000 * (24 + 8 * 20 + 16 + 140)
    assert found.shuffled_bytes == 130_000_000 * 24 * (20 + 1)
    assert found.buckets == found.partitions == 194  # 2.6e9 entries of 80 bytes of memory in tasks of 2^30
    assert found.entries_per_task == (1 << 30) // 80
    assert found.tasks == 10 + 194 + 194 * 9
    assert found.core_hours == found.sign_core_hours + found.match_core_hours


@given(st.integers(1, 10**12), st.integers(1, 100), st.integers(1, 40), st.integers(1 << 20, 1 << 40))
def test_no_task_holds_more_than_it_may(documents, bands, rows, memory):
    found = forecast(documents, MinHash(bands=bands, rows=rows), memory)
    assert -(-documents * bands // found.buckets) <= found.entries_per_task + 1
    twice = forecast(2 * documents, MinHash(bands=bands, rows=rows), memory)
    assert twice.core_hours == pytest.approx(2 * found.core_hours)
    assert twice.buckets >= found.buckets


@settings(deadline=None)
@given(st.integers(1, 10**10), st.integers(1, 1024), st.integers(16, 1 << 16))
@example(1_000_000, 1024, 16)
@example(1_000_000, 1, 16)
def test_the_search_is_cut_as_the_forecast_says(documents, bands, mebibytes):
    """Of documents in one shard; more shards may cut a partition or two more."""
    spec = MinHash(bands=bands, rows=1)
    assume(documents * bands < 10**5 * (mebibytes << 20) // BYTES_PER_KEY)
    found = forecast(documents, spec, mebibytes << 20)
    shard = SignedShard("s", documents, Path("keys"), Path("sketches"), Path("ids"))
    search = Search((shard,), Matching(spec), "", mebibytes << 20)
    assert (found.partitions, found.buckets) == (len(search.partitions), search.buckets("near"))
    steps = 2 * 2 + TREE_PASSES + 1  # Spread and Settle of two phases, the passes, the verdicts
    assert found.tasks == search.buckets("exact") + search.buckets("near") + len(search.partitions) * steps


def test_the_text_says_what_was_assumed():
    spec = MinHash(bands=20, rows=7)
    assert "Forecast for 1,000 documents of 300 characters, 64 MiB a task" in as_text(spec, forecast(1_000, spec, 1 << 26, 300))


@pytest.mark.parametrize(("documents", "characters"), [(0, 10), (10, 0)])
def test_nothing_cannot_be_forecast(documents, characters):
    with pytest.raises(RecipeError, match="give a"):
        forecast(documents, MinHash(), 1 << 30, characters)


def test_verification_reads_sketches_again_the_more_the_smaller_tasks_are():
    """Twice the documents: twice the pieces, each over twice the sketches."""
    spec = MinHash(bands=14, rows=8)
    bare, one = (forecast(10**8, spec, 1 << 30, verified=verified) for verified in (False, True))
    assert (bare.verify_bytes, bare.verify_core_hours) == (0, 0.0)
    assert replace(one, verify_bytes=0, verify_core_hours=0.0) == bare
    assert one.core_hours - bare.core_hours == pytest.approx((one.verify_bytes / 1.3e9 + 40) / 3600)
    pieces = one.verify_bytes // (10**8 * (16 + 112))
    assert pieces == 104
    twice, larger = forecast(2 * 10**8, spec, 1 << 30, verified=True), forecast(10**8, spec, 1 << 32, verified=True)
    assert twice.verify_bytes == pytest.approx(4 * one.verify_bytes, rel=0.01)
    assert larger.verify_bytes == pytest.approx(one.verify_bytes / 4, rel=0.01)
    assert "to verify" in as_text(spec, one)
    assert "to verify" not in as_text(spec, bare)
