"""The on-disk contract: what is committed stays, what is not named is not read, and the same rows give the same bytes."""

import errno
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.errors import IntegrityError, StageError
from corpus_builder.store.dataset import Dataset, Shard, digest_of, read_groups, read_manifest, read_table, sealed_manifest
from corpus_builder.store.verification import verify

ROWS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("value", pa.float64())])


@dataclass(frozen=True)
class Sum:
    sum: float


def rows(*values: float) -> pa.Table:
    return pa.table({"id": [f"x/{number}" for number in range(len(values))], "value": list(values)}, schema=ROWS)


def commit(dataset: Dataset, shard: Shard, *values: float):
    with dataset.writer(shard) as out:
        out.write("rows", rows(*values))
        out.stats = Sum(sum(values))
        return out.commit()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "measure", "measure", 1, ("rows",), Sum)


def test_what_is_committed_is_read_back(dataset):
    shard = Shard("web.warc.gz", {"input": "a"})
    receipt = commit(dataset, shard, 1.0, 2.0)
    manifest = dataset.seal([receipt])
    assert dataset.receipt(shard) == receipt
    assert read_manifest(dataset.root) == manifest == sealed_manifest(dataset.root)
    assert read_table(manifest.paths("rows")[0]) == rows(1.0, 2.0)
    assert verify(manifest, dataset) == []


def test_a_shard_made_from_something_else_must_run_again(dataset):
    commit(dataset, Shard("web", {"input": "a"}), 1.0)
    assert dataset.receipt(Shard("web", {"input": "b"})) is None


def test_a_shard_that_was_not_committed_leaves_nothing_behind(dataset):
    shard = Shard("web", {"input": "a"})

    def fail():
        with dataset.writer(shard) as out:
            out.write("rows", rows(1.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert dataset.receipt(shard) is None
    assert [path for path in dataset.root.rglob("*") if path.is_file()] == []


def test_a_lost_file_voids_the_receipt(dataset):
    shard = Shard("web", {"input": "a"})
    receipt = commit(dataset, shard, 1.0)
    (dataset.root / receipt.tables["rows"].path).unlink()
    assert dataset.receipt(shard) is None


def test_a_torn_receipt_counts_as_none(dataset):
    shard = Shard("web", {"input": "a"})
    commit(dataset, shard, 1.0)
    path = next((dataset.root / "receipts").iterdir())
    path.write_bytes(path.read_bytes()[:20])
    assert dataset.receipt(shard) is None


def test_readers_of_the_old_manifest_are_not_disturbed_by_a_newer_shard(dataset):
    old = dataset.seal([commit(dataset, Shard("web", {"input": "a"}), 1.0)])
    commit(dataset, Shard("web", {"input": "b"}), 2.0)
    assert read_table(old.paths("rows")[0]) == rows(1.0)
    assert verify(sealed_manifest(dataset.root), dataset) == []


def test_sealing_removes_what_was_written_and_is_not_named(dataset):
    commit(dataset, Shard("old", {"input": "a"}), 1.0)
    (dataset.root / "rows" / f".{'0a' * 16}.tmp").write_bytes(b"")
    receipt = commit(dataset, Shard("new", {"input": "a"}), 2.0)
    dataset.seal([receipt])
    found = sorted(str(path.relative_to(dataset.root)) for path in dataset.root.rglob("*") if path.is_file())
    assert found == ["manifest.json", "receipts/new.json", receipt.tables["rows"].path]


def test_verify_tells_a_missing_file_and_a_changed_one(dataset):
    first = commit(dataset, Shard("first", {}), 1.0)
    second = commit(dataset, Shard("second", {}), 2.0)
    manifest = dataset.seal([first, second])
    manifest.path(first, "rows").unlink()
    changed = manifest.path(second, "rows")
    changed.write_bytes(changed.read_bytes()[:-9] + b"123456789")
    missing, other = verify(manifest, dataset)
    assert str(manifest.path(first, "rows")) in missing
    assert "is missing" in missing
    assert str(changed) in other
    assert "not the file" in other


@pytest.mark.parametrize("content", [b"{", b"[]", json.dumps({"format": "corpus_builder/999"}).encode()])
def test_a_manifest_that_cannot_be_read_is_a_sentence(dataset, content):
    dataset.root.mkdir()
    (dataset.root / "manifest.json").write_bytes(content)
    with pytest.raises(IntegrityError, match="manifest"):
        read_manifest(dataset.root)


def test_an_unsealed_dataset_says_so(dataset):
    assert read_manifest(dataset.root) is None
    with pytest.raises(IntegrityError, match="did not finish"):
        sealed_manifest(dataset.root)


def test_a_full_disk_is_a_sentence_and_keeps_what_was_committed(dataset):
    commit(dataset, Shard("before", {}), 1.0)
    with pytest.raises(StageError, match="full; nothing that was committed is lost"), dataset.writer(Shard("web", {})):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert dataset.receipt(Shard("before", {})) is not None


def test_a_group_is_written_as_one_row_group(dataset):
    with dataset.writer(Shard("web", {})) as out:
        out.write_group("rows", rows(*range(2500)))
        out.write_group("rows", rows(1.0))
        receipt = out.commit()
    lengths = [group.num_rows for group in read_groups(dataset.root / receipt.tables["rows"].path)]
    assert lengths == [2500, 1]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3000), max_size=5))
def test_rows_come_back_in_order_however_they_are_handed_over(tmp_path_factory, cuts):
    table = rows(*map(float, range(3000)))
    places = [0, *sorted(cuts), 3000]
    dataset = Dataset(tmp_path_factory.mktemp("out"), "measure", 1)
    with dataset.writer(Shard("web", {})) as out:
        for low, high in itertools.pairwise(places):
            out.write("rows", table.slice(low, high - low))
        receipt = out.commit()
    assert read_table(dataset.root / receipt.tables["rows"].path) == table


def test_shard_names_with_odd_characters_become_files(dataset):
    shard = Shard("日本/語 %.warc", {})
    manifest = dataset.seal([commit(dataset, shard, 1.0)])
    assert manifest.by_shard["日本/語 %.warc"].shard == shard.name
    assert pq.read_metadata(manifest.paths("rows")[0]).num_rows == 1


def test_digests_do_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": "語"}) == digest_of({"b": "語", "a": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])


def test_a_manifest_tells_no_time_and_no_place(dataset, tmp_path):
    dataset.seal([commit(dataset, Shard("web", {"input": "a"}), 1.0)])
    elsewhere = Dataset(tmp_path / "elsewhere", "measure", 1)
    elsewhere.seal([commit(elsewhere, Shard("web", {"input": "a"}), 1.0)])
    assert (dataset.root / "manifest.json").read_bytes() == (elsewhere.root / "manifest.json").read_bytes()
