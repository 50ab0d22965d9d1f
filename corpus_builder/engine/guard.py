"""Runs work that may crash its process in a forked child, so that a crash costs one unit of work and not the worker.

Parsers are native code, and every one of them crashes or hangs on some page.  The child reads the units (pages) and returns a result
for each; if it dies, another child continues there, and first processes the unit at which it died, alone.  Only a unit
that kills a fresh child is blamed, so the outcome depends on the unit and not on what came before it.

An endless loop in native code cannot be interrupted, and a limit on wall time would make the outcome depend on the machine.  So the
CPU time of each unit is limited instead, far above what pages within the size limits need: see `CPU_SECONDS`.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import pickle
import resource
import select
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, NoReturn, TypeVar

from corpus_builder.engine.serial import portable
from corpus_builder.errors import StageError

Unit = TypeVar("Unit")
Result = TypeVar("Result")

CPU_SECONDS = 300
"""Ours: the largest pages that pass `pages.bounds` take seconds, so a machine may be fifty times slower."""
MAX_CRASHES = 100
"""More crashes in one input mean that the extractor is broken, not the pages."""
BATCH = 64
LOOK_SECONDS = 1
"""Interval at which a silent child is checked."""

_READING = -1
_NOT_THE_UNIT = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Crash:
    """How a unit ended the process: the name of the signal, or the exit code; `endless` if it exceeded its CPU time."""

    how: str
    endless: bool = False


class Reading:
    """How far the reader of the units is, so that `guarded` knows what to blame if reading itself ends the process.

    The reader calls `at` before it touches the bytes at an offset.  If two processes died at the same offset, `at` returns
    how, and the reader must skip it.
    """

    def __init__(self) -> None:
        self._offset = mmap.mmap(-1, 8)  # shared with the child
        self._limit = 0
        self.broken: dict[int, Crash] = {}

    def at(self, offset: int) -> Crash | None:
        """Announce that the bytes at `offset` come next, and may take CPU_SECONDS; returns how earlier processes died there, if they did."""
        _mark(self._offset, offset)
        if self._limit:
            self._limit = _allow(self._limit)
        return self.broken.get(offset) if self.broken else None

    def begins(self) -> None:
        """Limit the time from here on; called in the child."""
        self._limit = _allow(0)

    @property
    def offset(self) -> int:
        """The offset last passed to `at`, in any process."""
        return _place(self._offset)


class Killed(StageError):
    """The child was killed from outside, which is no unit's fault; `place` is the unit it was working on, negative if none."""

    def __init__(self, text: str, place: int = _READING) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True)
class _Job(Generic[Unit, Result]):
    """What `guarded` was asked to do, and how known units ended the process, by place."""

    units: Callable[[], Iterator[Unit]]
    work: Callable[[Unit], Result]
    crashed: Callable[[Unit, Crash], Result]
    reading: Reading | None
    crashes: dict[int, Crash] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Died:
    place: int
    done: int
    crash: Crash


def guarded(
    units: Callable[[], Iterator[Unit]],
    work: Callable[[Unit], Result],
    crashed: Callable[[Unit, Crash], Result],
    reading: Reading | None = None,
) -> Iterator[Result]:
    """Yield `work(unit)` for each of `units()`, in order; `crashed(unit, how)` for those that end the process.

    `units` is called again after a crash and must give the same units.  What it or `work` raises is raised here.  With
    `reading`, which `units` must keep informed of its offset, a death while reading is blamed on that offset, and `units` must
    skip it.  Raises Killed if the child is killed from outside, and StageError if it dies while reading (without `reading`)
    or too often.
    """
    job = _Job(units, work, crashed, reading)
    suspects: list[int] = []  # offsets at which a process died while reading
    start = 0
    stop: int | None = None
    while True:
        died = yield from _run(job, start, stop)
        if died is None:
            if stop is None:
                return
            start, stop = stop, None
        elif died.place == _READING:
            if reading is None or len(suspects) >= 2 * MAX_CRASHES:
                raise StageError(f"the process that does the work died while reading ({died.crash.how})")
            if reading.offset in suspects:
                reading.broken[reading.offset] = died.crash
            suspects.append(reading.offset)
            start = died.done
        elif died.place == start:
            job.crashes[start] = died.crash
            if len(job.crashes) > MAX_CRASHES:
                raise StageError(f"more than {MAX_CRASHES} pages crash the extractor ({died.crash.how}); fix it, or use another")
        else:
            start, stop = died.done, died.place if died.done < died.place else None


def _run(job: _Job[Unit, Result], start: int, stop: int | None) -> Generator[Result, None, _Died | None]:
    """Yield a child's results for the units from `start` up to `stop`; return where and how it died, if it did."""
    at = mmap.mmap(-1, 8)  # shared with the child: the index of the unit it is working on
    _mark(at, _READING)
    out, into = os.pipe()
    child = _fork()
    if child == 0:
        os.close(out)
        _child(into, at, job, start, stop)
    os.close(into)
    process = _Process(child, out)
    done = start
    try:
        while (message := process.message()) is not None:
            kind, value = message
            if kind == "error":
                raise value
            if kind == "end":
                return None
            yield from value
            done += len(value)
        return _Died(_place(at), done, _crash(process.status(), _place(at)))
    finally:
        process.end()
        at.close()


class _Process:
    """A child, and the read end of the pipe that it writes to."""

    def __init__(self, child: int, pipe: int) -> None:
        self._child, self._pipe = child, pipe
        self._status: int | None = None
        self._ready = select.poll()
        self._ready.register(pipe, select.POLLIN)

    def message(self) -> tuple[str, Any] | None:
        """The next message; None if the child has died."""
        head = self._read(8)
        packed = self._read(struct.unpack("q", head)[0]) if head else None
        if packed is None:
            return None
        kind, value = pickle.loads(packed)
        return kind, value

    def _read(self, length: int) -> bytes | None:
        """Read `length` bytes; None if the child has died.  A process that it forked may hold the pipe open forever, so the end of
        the pipe cannot be relied on.
        """
        found = bytearray()
        while len(found) < length:
            if not self._ready.poll(LOOK_SECONDS * 1000):
                if not self._dead() or self._ready.poll(0):
                    continue
                return None
            if not (part := os.read(self._pipe, min(length - len(found), 1 << 20))):
                return None
            found += part
        return bytes(found)

    def _dead(self) -> bool:
        if self._status is None:
            child, status = os.waitpid(self._child, os.WNOHANG)
            self._status = status if child else None
        return self._status is not None

    def status(self) -> int:
        """Wait for the child, and return its exit status."""
        if self._status is None:
            self._status = os.waitpid(self._child, 0)[1]
        return self._status

    def end(self) -> None:
        """Kill the child, if it is alive."""
        os.close(self._pipe)
        if not self._dead():
            os.kill(self._child, signal.SIGKILL)
            self.status()


def _crash(status: int, place: int) -> Crash:
    code = os.waitstatus_to_exitcode(status)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if -code in _NOT_THE_UNIT:
        raise Killed(
            f"the process that does the work was killed ({how}), most often because memory ran out; try fewer --workers", place
        )
    return Crash(how, endless=-code == signal.SIGXCPU)


def _fork() -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 and later warn if there are other threads, as in a Ray worker; the child waits for none of their locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _child(into: int, at: mmap.mmap, job: _Job[Unit, Result], start: int, stop: int | None) -> NoReturn:
    """The main function of the child; it never returns."""
    code, own = 1, os.getpid()
    try:
        faulthandler.disable()
        os.dup2(2, 1)  # output printed by `work` must not mix with what a command prints for programs
        sys.stdout = sys.stderr
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with os.fdopen(into, "wb") as pipe:
            try:
                batch: list[Result] = []
                limit = 0
                if job.reading is not None:
                    job.reading.begins()
                for place, unit in enumerate(islice(job.units(), start, stop), start):
                    if place in job.crashes:
                        batch.append(job.crashed(unit, job.crashes[place]))
                    else:
                        limit = _allow(limit)
                        _mark(at, place)
                        batch.append(job.work(unit))
                        if os.getpid() != own:  # a process forked by the work returned here as well: it must not answer
                            os._exit(0)
                        _mark(at, _READING)
                    if len(batch) == BATCH:
                        _send(pipe, "results", batch)
                        batch = []
                _send(pipe, "results", batch)
                _send(pipe, "end", None)
            except BrokenPipeError:
                pass
            except BaseException as error:  # it is sent to the parent, which raises it
                if os.getpid() != own:
                    traceback.print_exc()
                    os._exit(1)
                _send(pipe, "error", _with_trace(error))
        code = 0
    finally:
        os._exit(code)


def _allow(limit: int) -> int:
    """Allow the next unit CPU_SECONDS, and up to one more; returns the limit that is set."""
    wanted = int(time.process_time()) + CPU_SECONDS + 1
    if wanted != limit:
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    return wanted


def _with_trace(error: BaseException) -> BaseException:
    """The error in a form that can be pickled, with its traceback as a note."""
    trace = traceback.format_exc()
    error = portable(error)
    error.add_note(f"In the process that does the work:\n{trace}")
    return error


def _mark(at: mmap.mmap, place: int) -> None:
    struct.pack_into("q", at, 0, place)


def _place(at: mmap.mmap) -> int:
    return int(struct.unpack_from("q", at, 0)[0])


def _send(pipe: Any, kind: str, value: Any) -> None:
    packed = pickle.dumps((kind, value), pickle.HIGHEST_PROTOCOL)
    pipe.write(struct.pack("q", len(packed)) + packed)
    pipe.flush()
