"""What outlasts a loss of power: the order in which bytes are synced, named, and cleared away, of every file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.crawls import make_crawl
from support.rows import jsonl, kept_ids, many

from corpus_builder import Serial, crawl, deduplicate
from corpus_builder.duplicates.index import add, compact, remove
from corpus_builder.store.dataset import Dataset, Shard
from corpus_builder.store.files import write_atomically
from corpus_builder.store.names import TEMPORARY


class Calls:
    """The calls that count for durability, below one directory: `sync` of a file or directory, `name`, `remove`."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.seen: list[tuple[str, str]] = []
        real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "rmdir")}

        def sync(handle: int) -> None:
            real["fsync"](handle)
            self._note("sync", os.readlink(f"/proc/self/fd/{handle}"))

        def replace(source: object, target: object) -> None:
            assert os.path.dirname(os.fspath(source)) == os.path.dirname(os.fspath(target)) or "parts" in str(source)
            real["replace"](source, target)
            self._note("name", target)
            self.seen = [(verb, self._short(target) if name == self._short(source) else name) for verb, name in self.seen]

        def gone(name: str) -> Callable[..., None]:
            def call(path: object, *words: object, **more: object) -> None:
                real[name](path, *words, **more)
                self._note("remove", path)

            return call

        for name, call in {"fsync": sync, "replace": replace, "unlink": gone("unlink"), "rmdir": gone("rmdir")}.items():
            patch.setattr(os, name, call)

    def _short(self, path: object) -> str:
        return os.path.relpath(os.fspath(path), self.root)  # type: ignore[call-overload, no-any-return]

    def _note(self, verb: str, path: object) -> None:
        if not self._short(path).startswith(".."):
            self.seen.append((verb, self._short(path)))


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(tmp_path, monkeypatch)


def each_name_is_synced(seen: list[tuple[str, str]]) -> None:
    """Every file's bytes are synced before it has its name, and its directory between that name and the next thing that counts on it."""
    for place, (verb, name) in enumerate(seen):
        if verb == "name":
            assert ("sync", name) in seen[:place], f"{name} has its name before its bytes are synced"
            assert ("sync", os.path.dirname(name) or ".") in seen[place:], f"the directory of {name} is never synced"


def write(dataset: Dataset, shard: Shard) -> object:
    with dataset.writer(shard) as out:
        for table in ("keys", "ids"):
            out.open_file(table, ".npy").write(b"rows")
        return out.commit()


def test_a_file_its_name_and_its_directory(tmp_path: Path, calls: Calls) -> None:
    write_atomically(tmp_path / "new" / "deeper" / "file", b"bytes")
    expected = [("sync", "new"), ("sync", "."), ("sync", "new/deeper/file"), ("name", "new/deeper/file"), ("sync", "new/deeper")]
    assert calls.seen == expected
    calls.seen.clear()
    write_atomically(tmp_path / "new" / "deeper" / "file", b"others")
    assert calls.seen == expected[2:]


def test_a_commit_names_its_tables_before_the_receipt_that_vouches_for_them(tmp_path: Path, calls: Calls) -> None:
    receipt = write(Dataset(tmp_path / "sign", "sign", 1), Shard("web", {}))
    keys, ids = (receipt.tables[table].path for table in ("keys", "ids"))  # type: ignore[attr-defined]
    assert calls.seen == [
        *[("sync", "sign"), ("sync", ".")],  # new directories
        *[("sync", "sign")],
        *[("sync", f"sign/{keys}"), ("name", f"sign/{keys}")],
        *[("sync", f"sign/{ids}"), ("name", f"sign/{ids}")],
        *[("sync", "sign/keys"), ("sync", "sign/ids")],
        *[("sync", "sign")],
        *[("sync", "sign/receipts/web.json"), ("name", "sign/receipts/web.json"), ("sync", "sign/receipts")],
    ]


def test_a_seal_names_the_manifest_before_it_removes_anything(tmp_path: Path, calls: Calls) -> None:
    dataset = Dataset(tmp_path / "sign", "sign", 1)
    old = write(dataset, Shard("web", {"made": "before"}))
    gone = write(dataset, Shard("gone", {}))
    (dataset.root / "ids" / f".{'0' * 32}.tmp").write_bytes(b"")
    new = write(dataset, Shard("web", {"made": "after"}))
    calls.seen.clear()
    dataset.seal([new])  # type: ignore[list-item]
    removed = [f"sign/{one.tables[table].path}" for table in ("ids", "keys") for one in (gone, old)]  # type: ignore[attr-defined]
    assert calls.seen == [
        *[("sync", "sign/manifest.json"), ("name", "sign/manifest.json"), ("sync", "sign")],
        ("remove", f"sign/ids/.{'0' * 32}.tmp"),
        *[("remove", name) for name in removed],
        ("remove", "sign/receipts/gone.json"),
    ]
    calls.seen.clear()
    dataset.seal([new])  # type: ignore[list-item]
    assert calls.seen == []


def test_a_shard_that_fails_leaves_nothing_and_names_nothing(tmp_path: Path, calls: Calls) -> None:
    def fail() -> None:
        with Dataset(tmp_path / "sign", "sign", 1).writer(Shard("web", {})) as out:
            out.open_file("keys", ".npy").write(b"rows")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [verb for verb, _ in calls.seen] == ["sync", "sync", "remove"]  # directories are new; the file goes
    assert TEMPORARY.fullmatch(os.path.basename(calls.seen[-1][1]))


def test_an_index_changes_in_one_moment(tmp_path: Path, calls: Calls) -> None:
    """Files of a part, its manifest, the mark in what was added, then index.json; only then what it does not name goes."""
    for name, seed in {"a": 1, "b": 2}.items():
        texts = jsonl(tmp_path / f"{name}.jsonl", many(8, seed=seed))
        done = deduplicate([texts], tmp_path / name, Serial(), index=tmp_path / "index" if name == "b" else None)
        if name == "a":
            add(tmp_path / "index", tmp_path / name)
    calls.seen.clear()
    add(tmp_path / "index", tmp_path / "b")
    each_name_is_synced(calls.seen)
    named = [name for verb, name in calls.seen if verb == "name"]
    part = Path(named[0]).parts[2]
    assert [Path(name).parts[3] if name.startswith("index/parts") else name for name in named] == [
        *["keys", "sketches", "ids", "receipts", "manifest.json"],
        *["b/.index.json", "index/index.json"],
    ]
    assert {Path(name).parts[2] for name in named[:5]} == {part}
    assert [name for verb, name in calls.seen if verb == "remove"] == []
    calls.seen.clear()
    remove(tmp_path / "index", ids=kept_ids(done)[:1])
    each_name_is_synced(calls.seen)
    *gone, index = [name for verb, name in calls.seen if verb == "name"]
    assert {os.path.dirname(name) for name in gone} == {"index/removed"}
    assert index == "index/index.json"
    calls.seen.clear()
    compact(tmp_path / "index")
    each_name_is_synced(calls.seen)
    removed = [place for place, (verb, _) in enumerate(calls.seen) if verb == "remove"]
    assert removed
    assert calls.seen.index(("name", "index/index.json")) < calls.seen.index(("sync", "index")) < min(removed)
    assert {calls.seen[place][1].split("/")[1] for place in removed} == {"parts", "removed"}


def test_what_a_crawl_fetched_is_named_before_its_receipt(tmp_path: Path, calls: Calls) -> None:
    make_crawl(tmp_path / "crawled", warcs=1, pages=6)
    calls.seen.clear()
    crawl([str(tmp_path / "crawled" / "cc-index")], tmp_path / "out", base=str(tmp_path / "crawled"))
    each_name_is_synced(calls.seen)
    warc = "CC-MAIN-00000.warc.gz"
    named = [name for verb, name in calls.seen if verb == "name"]
    assert named[0] == "out/.corpus_builder"
    assert [name for name in named if not name.startswith("out/selection/")][1:] == [
        "out/crawl.json",
        f"out/{warc}.records.parquet",
        f"out/{warc}",
        f"out/receipts/{warc}.json",
    ]
    receipt = calls.seen.index(("name", f"out/receipts/{warc}.json"))
    assert ("sync", "out") in calls.seen[calls.seen.index(("name", f"out/{warc}")) : receipt]
    assert calls.seen[receipt + 1] == ("sync", "out/receipts")


def test_what_scratch_held_goes_after_the_stage_that_was_made_of_it_stands(tmp_path: Path, calls: Calls) -> None:
    deduplicate([jsonl(tmp_path / "a.jsonl", many(8, seed=1))], tmp_path / "out", Serial())
    each_name_is_synced(calls.seen)
    sealed = calls.seen.index(("name", "out/match/manifest.json"))
    scratch = [place for place, (verb, name) in enumerate(calls.seen) if verb == "remove" and name.startswith("out/.scratch")]
    assert sealed < min(scratch)
    assert calls.seen[max(scratch)] == ("remove", "out/.scratch")
    assert max(scratch) < calls.seen.index(("name", "out/dedup/manifest.json"))
    shutil.rmtree(tmp_path / "out" / "dedup")
    calls.seen.clear()
    deduplicate([tmp_path / "a.jsonl"], tmp_path / "out", Serial())
    assert [name for verb, name in calls.seen if verb == "name" and "/dedup/" in name][-1] == "out/dedup/manifest.json"


def test_disks_that_cannot_sync_a_directory_are_written_to_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def sync(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(22, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", sync)
    write_atomically(tmp_path / "new" / "file", b"bytes")
    assert (tmp_path / "new" / "file").read_bytes() == b"bytes"
