"""Where work runs: in this process, or on Ray.  The only file that imports Ray.

An engine calls `work(task)` for every task and yields outcomes in any order.  Only small things travel: a task goes out, a
receipt comes back; documents stay in files.  An exception inside `work` does not stop the other tasks: it comes back as a
`Failure`.  A worker process that dies is started again, and its task tried again, `RETRIES` times.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from corpus_builder.errors import RecipeError

Task = TypeVar("Task")
Result = TypeVar("Result")

RETRIES = 3
TASKS_PER_WORKER = 50
"""A worker process is replaced after this many tasks, so that a leak in a native library stays small."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A task that went well."""

    index: int
    value: Result


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that raised, or whose worker died."""

    index: int
    error: BaseException
    trace: str


class Engine(Protocol):
    """Runs `work` over tasks somewhere."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes in any order, one for each task; `index` is the task's place in `tasks`."""

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Make tasks bring these modules along, to workers that do not have them."""

    def close(self) -> None:
        """Give back what the engine holds."""


def _attempt(work: Callable[[Task], Result], index: int, task: Task) -> Done[Result] | Failure:
    try:
        return Done(index, work(task))
    except Exception as error:  # every error becomes an outcome; the caller decides
        trace = traceback.format_exc()
        return Failure(index, _portable(error), trace)


def _portable(error: Exception) -> Exception:
    """The error as it can travel between processes: as it is where pickle can carry it, else its words."""
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a user's exception class may refuse pickling in any way
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


class Serial:
    """Everything in this process, one task after the other: for debugging and tests."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes in the order of the tasks."""
        for index, task in enumerate(tasks):
            yield _attempt(work, index, task)

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """This process has them."""

    def close(self) -> None:
        """Nothing is held."""


class Ray:
    """Ray tasks, bounded in flight.

    Without `address` a small Ray of our own is started on this machine (a bare `ray.init()` would join whatever cluster it
    finds) and stopped by `close`.  With an address (`auto` inside `ray job submit`) the cluster's workers need the
    package and, at the same paths, the input and output directories.  The user's own modules travel with the tasks, by value.
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str | None = None,
        task_memory_bytes: int | None = None,
    ) -> None:
        self.workers = workers
        self.address = address
        self.task_memory_bytes = task_memory_bytes
        self._carried: list[ModuleType] = []
        self._started = False
        self._owns = False

    def _start(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        if self._started:
            return ray
        if self.address:
            _knock(self.address)
        if not ray.is_initialized():
            where: dict[str, Any] = {
                "address": "local",
                "num_cpus": self.workers or os.cpu_count(),
                "include_dashboard": False,
                "object_store_memory": 128 << 20,  # only receipts travel
            }
            if self.address:
                where = {"address": self.address}
            try:
                ray.init(logging_level="ERROR", log_to_driver=False, **where)
            except (ConnectionError, ray.exceptions.AuthenticationError) as error:
                raise _unreachable(self.address or "local", error) from error
            self._owns = True
        self._started = True
        return ray

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes as they come."""
        if not tasks:
            return
        ray = self._start()
        options: dict[str, Any] = {"max_retries": RETRIES, "max_calls": TASKS_PER_WORKER, "num_cpus": 1}
        if self.task_memory_bytes:
            options["memory"] = self.task_memory_bytes
        attempt = ray.remote(**options)(_attempt)
        shared_work = ray.put(work)
        cores = self.workers or int(ray.cluster_resources().get("CPU", 1))
        waiting = iter(enumerate(tasks))
        flying: dict[Any, int] = {}
        while True:
            while len(flying) < 2 * cores and (following := next(waiting, None)) is not None:
                index, task = following
                flying[attempt.remote(shared_work, index, task)] = index
            if not flying:
                return
            ready, _ = ray.wait(list(flying), num_returns=1)
            for reference in ready:
                index = flying.pop(reference)
                try:
                    yield ray.get(reference)
                except ray.exceptions.RayError as error:
                    yield Failure(index, RuntimeError(_sentence(error)), traceback.format_exc())

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Send these modules by value from now on."""
        for module in modules:
            if module not in self._carried:
                self._start().cloudpickle.register_pickle_by_value(module)
                self._carried.append(module)

    def close(self) -> None:
        """Stop the Ray that this engine started; leave one that was there before."""
        if self._started:
            ray = sys.modules["ray"]
            for module in self._carried:
                ray.cloudpickle.unregister_pickle_by_value(module)
            if self._owns:
                ray.shutdown()
        self._carried = []
        self._started = self._owns = False


def _knock(address: str) -> None:
    """Try the port of a cluster first: Ray itself tries for minutes."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        if parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: BaseException) -> RecipeError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return RecipeError(
        f"No Ray cluster takes work at {address} ({reason}). Start one with `ray start --head`, give its address as HOST:PORT "
        "(auto within `ray job submit`), or leave out --address; a cluster that wants a token needs RAY_AUTH_MODE=token here too."
    )


def _sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    if type(error).__name__.startswith("RayTaskError"):  # the task could not even begin
        return f"the worker cannot run it ({lines[-1]})"
    return f"the worker died {RETRIES + 1} times on it ({type(error).__name__}: {lines[0]})"
