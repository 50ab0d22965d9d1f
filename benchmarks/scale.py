"""Deduplication at scale: synthetic documents, and the time, disk and memory that `deduplicate` takes for them.

The documents are random letters with the frequencies of Japanese, and copies of earlier documents with some letters replaced.  Each
can be made from its number alone, so files are made in any order, and ten million documents take minutes.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from corpus_builder.errors import StageError
from corpus_builder.hashing.minhash import mix

SHARD_ROWS = 50_000
COPIES = 0.3
"""Share of documents that copy an earlier one; a quarter of them exactly, the others with up to 6 % of the letters replaced."""
SHORTEST, LONGEST = 150, 450
SAMPLE_SECONDS, DISK_SECONDS = 0.05, 2.0
ALPHABET = np.frombuffer(
    ("".join(map(chr, range(0x3042, 0x3094))) * 24 + "".join(map(chr, range(0x30A2, 0x30F5))) * 6 + "、。" * 120
     + "".join(map(chr, range(0x4E00, 0x5600)))).encode("utf-32-le"), dtype=np.uint32,
)  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """One run of `deduplicate`: sizes are bytes, `peak_bytes` is the largest resident set of any process that runs tasks."""

    documents: int
    workers: int  # 0: everything in one process
    task_memory_bytes: int
    spec: str
    input_bytes: int
    copies: int
    dropped: int
    seconds: float
    stage_seconds: dict[str, float]
    disk_bytes: dict[str, int]  # the largest size of each directory while it ran
    peak_bytes: int
    idle_bytes: int  # of a process that has loaded the libraries and done nothing

    @property
    def microseconds(self) -> float:
        """Time of all tasks for each document, if every worker is busy while a stage runs."""
        return sum(self.stage_seconds.values()) * max(self.workers, 1) / self.documents * 1e6

    @property
    def rate(self) -> float:
        """Documents per second and worker."""
        return self.documents / self.seconds / max(self.workers, 1)


def texts(first: int, last: int, seed: int = 0) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], int]:
    """Documents first to last - 1 as code points end to end, where each begins (n + 1,), and how many of them are copies."""
    starts = np.zeros(last - first + 1, dtype=np.int64)
    bases = np.empty(last - first, dtype=np.int64)
    copies = int(_layout(first, np.uint64(seed), np.uint64(COPIES * 2**32), starts, bases))
    letters = np.empty(int(starts[-1]), dtype=np.uint32)
    _write(first, np.uint64(seed), starts, bases, ALPHABET, letters)
    return letters, starts, copies


def as_strings(letters: npt.NDArray[np.uint32], starts: npt.NDArray[np.int64]) -> list[str]:
    """Code points as one string for each document."""
    whole = letters.tobytes().decode("utf-32-le")
    return [whole[first:last] for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]


def write_documents(directory: Path, documents: int, seed: int = 0) -> tuple[list[Path], int]:
    """Parquet files of `SHARD_ROWS` documents each with the column `text`, and how many documents are copies."""
    directory.mkdir(parents=True, exist_ok=True)
    paths, copies = [], 0
    for number, first in enumerate(range(0, documents, SHARD_ROWS)):
        letters, starts, some = texts(first, min(first + SHARD_ROWS, documents), seed)
        # Every letter of the alphabet takes three bytes in UTF-8.
        utf8 = np.empty((len(letters), 3), dtype=np.uint8)
        utf8[:, 0], utf8[:, 1], utf8[:, 2] = 0xE0 | letters >> 12, 0x80 | letters >> 6 & 0x3F, 0x80 | letters & 0x3F
        offsets = (starts * 3).astype(np.int32)
        column = pa.StringArray.from_buffers(len(starts) - 1, pa.py_buffer(offsets), pa.py_buffer(utf8))
        paths.append(directory / f"documents-{number:05}.parquet")
        pq.write_table(pa.table({"text": column}), paths[-1], compression="zstd", compression_level=1, use_dictionary=False)
        copies += some
    return paths, copies


@njit(cache=True)  # type: ignore[untyped-decorator]
def _number(seed: Any, document: Any, place: Any) -> Any:
    return mix(mix(seed ^ (np.uint64(document) << np.uint64(24))) + np.uint64(place))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _original(seed: Any, copies: Any, document: int) -> int:
    """The document that one copies, through copies of copies; itself if it is not a copy."""
    while document > 0 and (_number(seed, document, 1 << 20) >> np.uint64(32)) < copies:
        share = (_number(seed, document, (1 << 20) + 1) >> np.uint64(11)) / 2.0**53
        document = int(document * share * share)  # the earlier, the more copies: some documents have many
    return document


@njit(cache=True)  # type: ignore[untyped-decorator]
def _layout(first: int, seed: Any, copies: Any, starts: Any, bases: Any) -> int:
    copied = 0
    for row in range(len(bases)):
        bases[row] = _original(seed, copies, first + row)
        copied += bases[row] != first + row
        length = SHORTEST + _number(seed, bases[row], (1 << 20) + 2) % np.uint64(LONGEST - SHORTEST + 1)
        starts[row + 1] = starts[row] + np.int64(length)
    return copied


@njit(cache=True)  # type: ignore[untyped-decorator]
def _write(first: int, seed: Any, starts: Any, bases: Any, alphabet: Any, letters: Any) -> None:
    half = np.uint64(32)
    for row in range(len(bases)):
        base = bases[row]
        own = mix(seed ^ (np.uint64(first + row) << np.uint64(24)))
        origin = mix(seed ^ (np.uint64(base) << np.uint64(24)))
        rate = np.uint64(0)
        if base != first + row:
            chance = _number(seed, first + row, (1 << 20) + 3) >> half
            if chance >= np.uint64(1 << 30):  # three quarters of the copies: 0 to 6 % of the letters
                rate = np.uint64((chance - np.uint64(1 << 30)) * 0.08)
        for place in range(starts[row + 1] - starts[row]):
            value = mix(origin + np.uint64(place))
            if rate > 0:
                other = mix(own + np.uint64(place + (1 << 22)))
                if (other >> half) < rate:
                    value = other << half
            letters[starts[row] + place] = alphabet[((value >> half) * np.uint64(len(alphabet))) >> half]


def scale(documents: int, workers: int, task_memory_bytes: int, preset: str, directory: Path | None = None) -> Scale:
    """Make documents in a temporary directory (by default the system's), and deduplicate them in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="corpus_builder-bench-", dir=directory) as scratch:
        paths, copies = write_documents(Path(scratch) / "in", documents)
        out = Path(scratch) / "out"
        words = [sys.executable, "-m", "benchmarks.scale", scratch, str(workers), str(task_memory_bytes), preset]
        with (
            tempfile.TemporaryFile("w+") as said,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, text=True) as child,
        ):
            with _watched(child.pid, out) as seen:
                printed = (child.stdout.read() if child.stdout else "").splitlines()
                child.wait()
            if child.returncode:
                said.seek(0)
                raise StageError(f"Deduplicating {documents:,} documents failed; the process said:\n{said.read()[-3000:]}")
        fields = dict(line.split("\t", 1) for line in printed if "\t" in line)
        return Scale(
            documents,
            workers,
            task_memory_bytes,
            preset,
            sum(path.stat().st_size for path in paths),
            copies,
            int(fields.pop("dropped")),
            float(fields.pop("seconds")),
            {name[6:]: float(value) for name, value in fields.items() if name.startswith("stage ")},
            dict(sorted(seen.sizes.items())),
            max(seen.peak, int(fields["own peak"])),
            int(fields["idle"]),
        )


class _Seen:
    """What was observed while a run was watched."""

    def __init__(self) -> None:
        self.peak = 0
        self.sizes: dict[str, int] = {}


@contextmanager
def _watched(pid: int, out: Path) -> Iterator[_Seen]:
    """Watch the processes below one, and the directories below another, while the block runs."""
    seen, done = _Seen(), threading.Event()

    def watch() -> None:
        last = 0.0
        while not done.wait(SAMPLE_SECONDS):
            seen.peak = max([seen.peak, *map(_worker_peak, _below(pid))])
            if time.monotonic() - last > DISK_SECONDS:
                for name, size in _sizes(out).items():
                    seen.sizes[name] = max(size, seen.sizes.get(name, 0))
                last = time.monotonic()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        for name, size in _sizes(out).items():
            seen.sizes[name] = max(size, seen.sizes.get(name, 0))


def _below(pid: int) -> list[int]:
    """The processes that a process started, directly or not."""
    found, new = [], [pid]
    while new:
        parent = new.pop()
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(word) for word in tasks.read_text().split()]
            except OSError:
                continue
            found += children
            new += children
    return found


def _worker_peak(pid: int) -> int:
    """The largest resident set so far of a process that runs tasks; 0 for the others, and where it cannot be known."""
    try:
        return _peak(pid) if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::") else 0
    except OSError:
        return 0


def _peak(pid: int | str = "self") -> int:
    # Not getrusage: for a new program it reports at least the memory of its parent at the start.
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _sizes(out: Path) -> dict[str, int]:
    """Bytes below each directory that holds one stage: those of `out`, and those of its hidden ones."""
    sizes: dict[str, int] = {}
    for root, _, names in os.walk(out):
        parts = Path(root).relative_to(out).parts
        room = "/".join(parts[: 2 if parts and parts[0].startswith(".") else 1])
        for name in names:
            try:
                sizes[room] = sizes.get(room, 0) + os.stat(os.path.join(root, name)).st_blocks * 512
            except OSError:  # it was renamed or removed meanwhile
                continue
    return {room: size for room, size in sizes.items() if room}


def step_of(name: str) -> str:
    """The name of a step or its directory in the table: passes of one kind are added up."""
    name = name.removeprefix(".scratch/")
    if name.split("-")[0] in ("point", "jump", "hook", "join", "meet"):
        return "point and jump"
    return "exact phase" if name.endswith("-exact") else name.removesuffix("-near")


class _Stages(logging.Handler):
    """Prints how long each stage took, from its log message."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a stage and its seconds."""
        if "shards run in" in record.msg and isinstance(record.args, tuple):
            print(f"stage {record.args[0]}\t{record.args[-1]}", flush=True)


def _child(scratch: str, workers: str, task_memory_bytes: str, preset: str) -> None:
    from corpus_builder.deduplication import deduplicate
    from corpus_builder.engine import Ray, Serial

    idle = _peak()
    if int(workers) == 0:  # once before, so that loading the kernels is not counted; workers of Ray load them each for itself
        some, _ = write_documents(Path(scratch) / "warm", 1_000, seed=1)
        deduplicate(some, Path(scratch) / "warm" / "out", Serial(), preset=preset)
    logging.getLogger("corpus_builder").addHandler(_Stages())
    logging.getLogger("corpus_builder").setLevel(logging.INFO)
    started = time.perf_counter()
    with Serial() if int(workers) == 0 else Ray(int(workers)) as engine:
        done = deduplicate(
            [Path(scratch) / "in"], Path(scratch) / "out", engine, preset=preset, task_memory_bytes=int(task_memory_bytes)
        )
    print(f"seconds\t{time.perf_counter() - started}")
    own = _peak() if int(workers) == 0 else 0
    print(f"dropped\t{sum(done.dropped.values())}\nidle\t{idle}\nown peak\t{own}")


if __name__ == "__main__":
    _child(*sys.argv[1:])
