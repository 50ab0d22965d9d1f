"""The search for duplicates over many partitions and buckets: workers, drivers, files and disks that are lost change no byte.

And no step holds more than the memory that a task may use.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.corpora import contents, killed_again_and_again, prose
from support.files import full_after
from support.rows import jsonl, many

from corpus_builder import Ray, Serial, StageError, deduplicate
from corpus_builder.duplicates.search import write_npy
from corpus_builder.store.dataset import Dataset, Shard

SETTINGS = {"bands": 5, "rows": 4, "verify": 0.8}
SMALL = {"task_memory_bytes": 4_000}  # ten rows a partition, nine partitions and buckets of keys, two of digests
STEPS = ["spread", "link", "settle"]


def rows() -> list[dict[str, object]]:
    """Duplicates of every kind, two long chains in which everybody is like the next two alone, and one that its worst document joins."""
    found = many(60)
    for number in (100, 200):
        text = prose(number, 28)
        chain = [
            {"id": f"c{number + step}", "text": text[15 * step :][:320], "date": f"2024-11-{30 - step:02}"} for step in range(14)
        ]
        found += [row | {"url": f"u{row['id']}"} for row in chain]
    dates = ["2024-11-02", "2024-10-01", "2024-11-01"]
    text = prose(301, 28)
    bridge = [{"id": f"b{place}", "text": text[30 * place :][:320], "date": date} for place, date in enumerate(dates)]
    return found + [row | {"url": f"u{row['id']}"} for row in bridge]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    directory, found = tmp_path_factory.mktemp("files"), rows()
    return [jsonl(directory / f"part-{part}.jsonl", found[part::4]) for part in range(4)]


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory):
    """The bytes that a search in one piece gives, for some settings."""
    known: dict[str, dict[str, bytes]] = {}

    def of(**settings) -> dict[str, bytes]:
        key = json.dumps(settings, sort_keys=True)
        if key not in known:
            out = tmp_path_factory.mktemp("whole") / "out"
            done = deduplicate(files, out, Serial(), **SETTINGS, **settings)
            assert all(done.dropped[rule] for rule in (("near", "exact", "url") if "url" in settings else ("near", "exact")))
            known[key] = contents(out)
        return known[key]

    return of


def step_of(work) -> str:
    """The step that an engine is given the work of."""
    return work.args[0].name if isinstance(work, partial) else work.__name__


class DiesOnce:
    """Work whose first worker dies: before its first file has its name or, where it writes none, before it answers."""

    def __init__(self, work, step: str, deaths: Path) -> None:
        self.work, self.step, self.deaths = work, step, deaths

    def __call__(self, task):
        try:
            (self.deaths / self.step).touch(exist_ok=False)
        except FileExistsError:
            return self.work(task)

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = die
        self.work(task)
        return die()


class Deadly:
    """An engine that loses a worker in each of some steps, or in every one."""

    def __init__(self, engine: Ray, deaths: Path, steps: list[str] | None = None) -> None:
        self.engine, self.deaths, self.steps = engine, deaths, steps
        self.tasks: dict[str, int] = {}
        deaths.mkdir()
        engine.carry([sys.modules[__name__]])

    def map(self, work, tasks):
        step = step_of(work)
        self.tasks[step] = len(tasks)
        deadly = self.steps is None or step in self.steps
        return self.engine.map(DiesOnce(work, step, self.deaths) if deadly else work, tasks)

    def carry(self, modules) -> None:
        self.engine.carry(modules)

    def share(self, directory, files=()) -> None:
        self.engine.share(directory, files)

    def close(self) -> None:
        self.engine.close()


def steps_of(phases: list[str], jumps: int, rounds: int) -> set[str]:
    trees = {f"jump-{number:03}" for number in range(jumps)} | {f"join-{number:03}" for number in range(rounds)}
    trees |= {f"hook-{number:03}" for number in range(rounds + 1)} | {"point", "meet"}
    steps = {f"{step}-{phase}" for step in STEPS for phase in phases}
    return steps | trees | {"digest_file", "sign", "losers", "match", "dedup"}


def test_a_worker_that_dies_changes_nothing(local_ray, files, whole, tmp_path):
    engine = Deadly(Ray(2), tmp_path / "deaths", ["link-near"])
    with closing(engine):
        deduplicate(files, tmp_path / "out", engine, **SETTINGS, task_memory_bytes=16_000)
    assert [path.name for path in engine.deaths.iterdir()] == ["link-near"]
    assert engine.tasks["link-near"] == 3
    assert contents(tmp_path / "out") == whole()


@pytest.mark.slow
def test_nodes_of_a_cluster_that_lose_a_worker_in_every_step_change_nothing(cluster, files, whole, tmp_path):
    settings, phases = {"groups": "components", "url": True}, ["url", "exact", "near"]
    engine = Deadly(Ray(address=cluster.address), tmp_path / "deaths")
    with closing(engine):
        deduplicate(files, tmp_path / "out", engine, **SETTINGS, **SMALL, **settings)
    jumps, rounds = (sum(step.startswith(name) for step in engine.tasks) for name in ("jump", "join"))
    assert rounds >= 1
    assert {path.name for path in engine.deaths.iterdir()} == set(engine.tasks) == steps_of(phases, jumps, rounds)
    assert {step: count for step, count in engine.tasks.items() if count < 2} == {}
    assert contents(tmp_path / "out") == whole(**settings)


RUN = """
import json, sys
from corpus_builder import Serial, deduplicate
out, settings, *files = sys.argv[1:]
deduplicate(files, out, Serial(), **json.loads(settings))
"""


def test_a_run_killed_again_and_again_ends_in_the_same_bytes(files, whole, tmp_path):
    """kill -9 as soon as some more receipts are there, until a run comes through."""
    out, kills, broke_off_in = tmp_path / "out", 0, set()
    command = [sys.executable, "-c", RUN, out, json.dumps(SETTINGS | SMALL), *files]
    for _ in killed_again_and_again(command, out, receipts=40, most=20):
        kills += 1
        broke_off_in |= {path.name for path in (out / ".scratch").iterdir()} if (out / ".scratch").exists() else set()
    assert kills >= 2
    assert broke_off_in >= {"spread-near"}
    assert contents(out) == whole()


def test_a_disk_that_is_full_at_any_moment_is_a_sentence_and_nothing_is_lost(files, whole, tmp_path, monkeypatch):
    expected = whole()
    moment, out, said, steps = 0, tmp_path / "out", [], set()
    while True:
        moment += 1
        assert moment < 100, "each try goes on from the steps of the one before"
        monkeypatch.setattr(os, "fsync", full_after(moment, lambda file: None))
        try:
            deduplicate(files, out, Serial(), **SETTINGS, **SMALL)
            break
        except StageError as error:
            said.append(str(error))
            steps |= {path.name for path in (out / ".scratch").iterdir()} if (out / ".scratch").exists() else set()
        assert not list(out.rglob("*.tmp"))
    assert all("is full; nothing that was committed is lost" in sentence for sentence in said)
    assert len(said) > 12  # each try wrote a little more than the last one, and the last one to its end
    assert steps >= {f"{step}-{phase}" for step in STEPS for phase in ("exact", "near")}
    assert contents(out) == expected


TINY_DISK = """
import hashlib, json, subprocess, sys
from pathlib import Path
from corpus_builder import Serial, StageError, deduplicate
disk, settings, *files = sys.argv[1:]
size, said = 64, []
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
out = Path(disk) / "out"
while True:
    try:
        deduplicate(files, out, Serial(), **json.loads(settings))
        break
    except StageError as error:
        said.append(str(error))
    left = [str(path) for path in out.rglob("*.tmp")]
    assert not left, left
    size += 128
    subprocess.run(["mount", "-o", f"remount,size={size}k", disk], check=True)
found = [path for path in out.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(out).parts)]
print(json.dumps([said, {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}]))
"""


def test_a_real_disk_that_is_full_is_a_sentence(files, whole, tmp_path):
    """A disk in memory that grows whenever it is full; its writes fail at any byte, not at the end of a file alone."""
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*alone, "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True).returncode
    ):
        pytest.skip("this machine lets its users mount nothing")
    command = [*alone, sys.executable, "-c", TINY_DISK, tmp_path, json.dumps(SETTINGS | SMALL), *files]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said, digests = json.loads(run.stdout)
    assert [sentence for sentence in said if "is full; nothing that was committed is lost" not in sentence] == []
    assert len(said) > 4
    assert digests == {name: hashlib.sha256(content).hexdigest() for name, content in whole().items()}


def test_an_array_that_finds_no_room_says_so(tmp_path):
    """`numpy.save` raises an error without a number, which is no sentence on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Dataset(tmp_path, "settle", 1).writer(Shard("s", {})) as out, pytest.raises(OSError) as raised:  # noqa: PT012
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            write_npy(out, "lost", np.arange(10_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG


def test_an_array_is_written_as_numpy_does(tmp_path):
    with Dataset(tmp_path, "settle", 1).writer(Shard("s", {})) as out:
        write_npy(out, "lost", np.arange(10_000))
        receipt = out.commit()
    np.save(tmp_path / "same.npy", np.arange(10_000))
    assert (tmp_path / receipt.tables["lost"].path).read_bytes() == (tmp_path / "same.npy").read_bytes()
    assert receipt.tables["lost"].rows == 10_000


class Thief(Serial):
    """An engine that does something to the files before it runs a step."""

    def __init__(self, step: str, steal) -> None:
        self.step, self.steal = step, steal

    def map(self, work, tasks):
        if step_of(work) == self.step:
            self.steal()
        return super().map(work, tasks)


def biggest(out: Path, pattern: str) -> Path:
    return max(out.glob(pattern), key=lambda path: (path.stat().st_size, path.name))


LOST = [
    ("spread-exact", "sign/keys/*.npy", ""),
    ("spread-near", ".scratch/settle-exact/lost/*.npy", ""),
    ("link-exact", ".scratch/spread-exact/keys/*.run", "The exchange file "),
    ("link-near", ".scratch/spread-near/keys/*.run", "The exchange file "),
    ("link-near", "sign/sketches/*.npy", ""),
    ("settle-exact", ".scratch/spread-exact/sharers/*.run", "The exchange file "),
    ("settle-near", ".scratch/link-near/links/*.run", "The exchange file "),
    ("point", ".scratch/settle-near/links/*.run", "The exchange file "),
    ("jump-000", ".scratch/point/pointers/*.npy", ""),
    ("jump-001", ".scratch/jump-000/pointers/*.npy", ""),
    ("losers", ".scratch/settle-exact/links/*.run", "The exchange file "),
    ("losers", ".scratch/jump-003/pointers/*.npy", ""),
    ("losers", "sign/ids/*.txt", ""),
    ("losers", "sign/sketches/*.npy", ""),
    ("match", ".scratch/losers/losers/*.parquet", ""),
    ("dedup", "match/dropped/*.parquet", ""),
]


@pytest.mark.parametrize("cut", [False, True], ids=["gone", "cut"])
@pytest.mark.parametrize(
    ("step", "pattern", "what"), LOST, ids=[f"{step}-{Path(pattern).parts[-2]}" for step, pattern, _ in LOST]
)
def test_a_file_that_is_lost_between_steps_is_a_sentence_and_made_anew(
    files, whole, tmp_path, monkeypatch, step, pattern, what, cut
):
    out, lost = tmp_path / "out", []

    def steal() -> None:
        lost.append(biggest(out, pattern))
        if cut:
            lost[0].write_bytes(lost[0].read_bytes()[:-20])
        else:
            lost[0].unlink()

    with pytest.raises(StageError) as raised:
        deduplicate(files, out, Thief(step, steal), **SETTINGS, **SMALL)
    found = str(raised.value)
    assert f"shards of the stage '{step}' failed" in found
    if cut:
        assert f"{what}{lost[0]} is damaged (" in found
        assert "); delete it and run the same command again." in found
    else:
        assert f"{what}{lost[0]} is missing; run the same command again to recreate it." in found
    deduplicate(files, out, Serial(), **SETTINGS, **SMALL)
    assert contents(out) == whole()


PEAKS = """
import ctypes, gc, json, os, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from corpus_builder import Serial
from corpus_builder.store.dataset import Dataset, Shard
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.duplicates.find import find_duplicates
from corpus_builder.store.run import Runner
from corpus_builder.duplicates.signed_files import SignedShard, SignedWriter, sketches_type, keys_type
from corpus_builder.duplicates.search import Search

SPEC = MinHash()  # 14 bands
HOT_BANDS = 3


def mixed(numbers):
    numbers = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (numbers ^ (numbers >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def sign(name, rows, shared, hot=0.0):
    rng, dataset = np.random.default_rng(0), Dataset(here / name, "sign", 1)
    kinds = max(1, int(rows * shared / 2))  # of these, each is one text's keys and sketch, which two rows have on average
    with dataset.writer(Shard("s", {})) as out:
        writer = SignedWriter(out, SPEC)
        for first in range(0, rows, 10_000):
            count = min(10_000, rows - first)
            keys, sketches = np.zeros(count, keys_type(SPEC.bands)), np.zeros(count, sketches_type(SPEC.hashes))
            keys["rank"] = rng.integers(0, 1000, count)
            keys["digest"] = rng.integers(1, 1 << 63, count)
            text = np.where(rng.random(count) < shared, rng.integers(0, kinds, count), kinds + first + np.arange(count))[:, None]
            keys["digest"][rng.random(count) < hot] = 1
            keys["keys"] = mixed(text * SPEC.bands + np.arange(SPEC.bands))
            keys["keys"][rng.random(count) < hot, :HOT_BANDS] = mixed(np.arange(HOT_BANDS))
            sketches["sketch"] = mixed(text * SPEC.hashes + np.arange(SPEC.hashes)) >> np.uint64(56)
            writer.append(keys, sketches, [b"doc-%012d" % (first + row) for row in range(count)])
        writer.close()
        receipt = out.commit()
    return (SignedShard.of(dataset.seal([receipt]), receipt),)


def status(name):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name + ":")]
    return int(line.split()[1]) << 10


class Watched(Serial):
    peaks = {}

    def map(self, work, tasks):
        step = work.args[0].name
        for index, task in enumerate(tasks):
            ctypes.CDLL(None).malloc_trim(0)  # what was freed before is not this task's
            Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
            (outcome,) = super().map(work, [task])
            self.peaks[step] = max(self.peaks.get(step, 0), status("VmHWM"))
            yield replace(outcome, index=index)


here, (rows, shared, hot, memory, settings) = Path(sys.argv[1]), json.loads(sys.argv[2])
os.fsync = lambda _: None
matching = Matching(SPEC, **settings)
find_duplicates(Search(sign("first", 600, 0.5), matching, "", 100_000), Runner(here / "scratch", Serial(), 100_000))  # compiles and imports
shards = sign("signed", rows, shared, hot)
gc.collect()
ctypes.CDLL(None).malloc_trim(0)
before = status("VmRSS")
search = Search(shards, matching, "", memory)
found = find_duplicates(search, Runner(here / "searched", Watched(), search.memory_bytes))
peaks = {step: peak - before for step, peak in Watched.peaks.items()}
print(json.dumps([len(search.partitions), search.buckets("near"), found.manifest.rows("losers"), peaks]))
"""


def peaks(
    tmp_path: Path, rows: int, shared: float, memory: int, settings: dict[str, object], hot: float = 0.0
) -> tuple[int, int, int, dict[str, int]]:
    """Groups, buckets, documents that are dropped, and how much more memory than before each step took at most."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("this machine does not tell the peak of a process's memory")
    command = [sys.executable, "-c", PEAKS, str(tmp_path), json.dumps([rows, shared, hot, memory, settings])]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return tuple(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("rows", "shared", "memory", "settings"),
    [
        (150_000, 0.3, 64 << 20, {}),
        (100_000, 1.0, 64 << 20, {"verify": 0.8, "groups": "components"}),
        # Of so many buckets one holds hardly any text twice: the most sketches that there can be.
        pytest.param(1_200_000, 1.0, 64 << 20, {"verify": 0.8}, marks=pytest.mark.slow),
        pytest.param(300_000, 1.0, 256 << 20, {"verify": 0.8, "groups": "components"}, marks=pytest.mark.slow),
    ],
)
def test_no_step_holds_more_than_the_memory_of_a_task(tmp_path, rows, shared, memory, settings):
    """A quarter more is allowed, and 16 MB for what libraries and freed memory keep for themselves."""
    partitions, buckets, lost, found = peaks(tmp_path, rows, shared, memory, settings)
    assert min(partitions, buckets) >= 2
    assert rows * shared / 3 < lost < rows * shared
    assert {step: peak / memory for step, peak in found.items() if peak > 1.25 * memory + (16 << 20)} == {}
    assert found["spread-near"] > memory / 2  # what is held is seen


@pytest.mark.slow
@pytest.mark.parametrize("groups", ["first", "components"])
def test_a_key_of_any_number_of_documents_fits_in_memory(tmp_path, groups):
    """Half of all documents share a text, and half of the others some keys: each such key alone is more than a task can hold."""
    rows, memory, hot = 1_000_000, 16 << 20, 0.5
    partitions, buckets, lost, found = peaks(tmp_path, rows, 0.1, memory, {"groups": groups}, hot)
    assert 80 * rows * hot > 2 * memory
    assert min(partitions, buckets) > 50
    assert rows * hot < lost < rows
    assert {step: peak / memory for step, peak in found.items() if peak > 1.25 * memory + (16 << 20)} == {}
