"""Runs tasks on Ray: on a small instance of its own on this machine, or on a cluster.

No machine is trusted: each worker process checks its own once (see `worker`).  A machine that has a different package, or does not
see the output and the inputs, is reported and excluded, and its tasks go elsewhere; this also applies to machines that join later.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import socket
import sys
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from corpus_builder.engine import worker
from corpus_builder.engine.own_modules import caches_by_value
from corpus_builder.engine.serial import Done, Failure, Result, Task
from corpus_builder.errors import RecipeError, StageError

RETRIES = 3
TASKS_PER_WORKER = 50
"""A worker process is replaced after this many tasks, so that a leak in a native library stays small."""
LOOK_SECONDS = 2.0
"""Interval at which the cluster is asked for its machines."""
MOST_FILES = 64
"""Number of input files that each machine must be able to read before it gets work."""

log = logging.getLogger("corpus_builder.engine")


class Ray:
    """An engine that runs tasks on Ray, with a bounded number in flight.

    Without `address` a separate Ray instance is started on this machine (a bare `ray.init()` would join any cluster it
    finds) and stopped by `close`, or at the end of a `with` block.  With an address (`auto` inside `ray job submit`) the cluster's
    workers need the same package, and the input and output directories at the same paths.  The user's own modules are sent with the
    tasks, by value.  `workers` tasks run at a time, each of which reserves `task_memory_bytes` if machines have that much.
    Nothing is started, nor Ray imported, before the first task.
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
        self._modules: list[ModuleType] = []
        self._directory: Path | None = None
        self._files: list[tuple[str, int]] = []
        self._nonce = ""
        self._wanted: dict[str, Any] = {}
        self._aside: dict[str, str] = {}  # excluded machines, and why
        self._greeted: set[str] = set()  # machines whose files are visible here
        self._started = False
        self._owns = False
        self.warned_of_memory = False

    def __enter__(self) -> Ray:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Send these modules by value from now on."""
        self._modules += [module for module in modules if module not in self._modules]

    def share(self, directory: Path, files: Sequence[Path] = ()) -> None:
        """Use only machines that see this directory, and these files, as this one does; of many files, a sample is checked."""
        self._forget()
        step = max(1, len(files) // MOST_FILES)
        self._directory = directory
        self._files = [(str(path), path.stat().st_size) for path in list(files)[::step][:MOST_FILES]]

    def close(self) -> None:
        """Stop Ray if this engine started it; leave a cluster that already existed."""
        self._forget()
        if self._started and self._owns:
            sys.modules["ray"].shutdown()
        self._modules, self._directory, self._files = [], None, []
        self._started = self._owns = False

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes as they arrive.  Raises StageError if no usable machine is left."""
        if not tasks:
            return
        ray = self._start()
        self._introduce()
        yield from _Mapping(self, ray, work, tasks).outcomes()

    def _start(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        if not self._started:
            if self.address:
                _knock(self.address)
            if not ray.is_initialized():
                where: dict[str, Any] = {
                    "address": "local",
                    "num_cpus": self.workers or os.cpu_count(),
                    "include_dashboard": False,
                    "object_store_memory": 128 << 20,  # only receipts are sent
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

    def _introduce(self) -> None:
        """Record what a machine must have in common with this one, and write the mark that it must find."""
        if not self._nonce:
            self._nonce = uuid.uuid4().hex
            if self._directory:
                marks = self._directory / worker.MARKS
                try:
                    marks.mkdir(parents=True, exist_ok=True)
                    for left in [*marks.iterdir()]:  # left by a killed run
                        if re.fullmatch(r"[0-9a-f]{32}(\.[0-9a-f]+)?(\.[0-9]+)?", left.name):
                            left.unlink()
                    (marks / self._nonce).write_text(self._nonce)
                except OSError as error:
                    raise StageError(
                        f"{marks} cannot be written ({error.strerror}); nothing that was committed is lost. Check the disk and the "
                        "permissions and run the same command again: it continues where it stopped."
                    ) from error
            self._wanted = {
                **worker.facts(["Python", *_libraries()]),
                "nonce": self._nonce,
                "directory": str(self._directory) if self._directory else "",
                "files": self._files,
            }

    def _forget(self) -> None:
        """Forget the shared directory, and remove its marks."""
        if self._directory and self._nonce:
            marks = self._directory / worker.MARKS
            with suppress(OSError):
                for path in marks.glob(f"{self._nonce}*"):
                    path.unlink()
                marks.rmdir()
        self._nonce, self._wanted, self._aside, self._greeted = "", {}, {}, set()

    def _arrives(self, node: str) -> str | None:
        """Why files that a machine writes are not visible here; None if they are."""
        if self._directory and node not in self._greeted:
            path = self._directory / worker.MARKS / f"{self._nonce}.{node}"
            for _ in range(20):  # a network file system may be slow
                if path.exists():
                    break
                time.sleep(0.25)
            else:
                return f"files that it writes to the output directory {self._directory} do not appear here"
        self._greeted.add(node)
        return None

    def _last_at(self, index: int) -> str:
        """The machine on which a worker died during a task; "" if unknown."""
        found = ""
        if self._directory:
            for path in (self._directory / worker.MARKS).glob(f"{self._nonce}.*.{index}"):
                found = path.name.split(".")[1]
                path.unlink(missing_ok=True)
        return found


@dataclass
class _Mapping:
    """The state of one `map` call: waiting tasks, running tasks, and known machines."""

    engine: Ray
    ray: Any
    work: Callable[[Any], Any]
    tasks: Sequence[Any]
    names: dict[str, str] = field(default_factory=dict)  # of all machines ever seen, by id
    usable: dict[str, dict[str, float]] = field(default_factory=dict)  # the resources of each usable machine
    flying: dict[Any, int] = field(default_factory=dict)
    avoided: dict[int, str] = field(default_factory=dict)  # retried tasks, and the machine to avoid
    looked: float = 0.0

    def outcomes(self) -> Iterator[Done[Any] | Failure]:
        """One outcome for each task, as they arrive."""
        waiting = deque(range(len(self.tasks)))
        self.look()
        attempt, key, wanted = self.ray.remote(**self.options())(worker.run), uuid.uuid4().hex, self.engine._wanted
        with _by_value(self.ray, self.engine._modules):
            shared = [self.ray.put(wanted), self.ray.put(self.ray.cloudpickle.dumps(self.work))]
        try:
            while waiting or self.flying:
                if time.monotonic() - self.looked > LOOK_SECONDS:
                    self.look()
                while waiting and len(self.flying) < self.at_a_time:
                    index = waiting.popleft()
                    with _by_value(self.ray, (worker, *self.engine._modules)):
                        placed = attempt.options(label_selector=self.selector(index))
                        task = self.ray.cloudpickle.dumps(self.tasks[index])
                        self.flying[placed.remote(shared, wanted["nonce"], key, wanted["directory"], index, task)] = index
                ready, _ = self.ray.wait(list(self.flying), num_returns=1, timeout=LOOK_SECONDS)
                for reference in ready:
                    index = self.flying.pop(reference)
                    outcome = self.outcome(reference, index)
                    if outcome is None:
                        waiting.appendleft(index)
                    else:
                        yield outcome
        finally:
            for reference in self.flying:  # a caller that stops iterating wants no more work done
                self.ray.cancel(reference, force=True)

    def options(self) -> dict[str, Any]:
        """The resources that a task requests."""
        options: dict[str, Any] = {"max_retries": RETRIES, "max_calls": TASKS_PER_WORKER, "num_cpus": 1}
        wanted = self.engine.task_memory_bytes
        if wanted:
            most = max((has.get("memory", 0.0) for has in self.usable.values()), default=float(wanted))
            if wanted <= most:
                options["memory"] = wanted
            elif not self.engine.warned_of_memory:  # with a reservation it would wait forever
                self.engine.warned_of_memory = True  # once, not in every stage
                log.warning(
                    "No machine offers Ray the %s MiB that a task may use (--memory); the most is %s MiB. Tasks run without "
                    "reserving memory; should it run out, choose fewer --workers.",
                    f"{wanted >> 20:,}",
                    f"{int(most) >> 20:,}",
                )
        return options

    @property
    def at_a_time(self) -> int:
        """Number of tasks in flight; where Ray itself limits the number of workers, as many again are queued."""
        engine = self.engine
        if engine.workers and not (engine._owns and not engine.address):
            return engine.workers
        return 2 * max(1, int(sum(has.get("CPU", 0.0) for has in self.usable.values())))

    def look(self) -> None:
        """Update the list of machines.  Raises StageError if there are some, but none is usable."""
        self.looked = time.monotonic()
        aside = self.engine._aside
        alive = {}
        for node in self.ray.nodes():
            self.names[node["NodeID"]] = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"
            if node["Alive"]:
                alive[node["NodeID"]] = node["Resources"]
        self.usable = {node: has for node, has in alive.items() if has.get("CPU", 0.0) >= 1 and node not in aside}
        if aside and not self.usable:
            causes = "\n".join(f"  {self.names.get(node, node)}: {cause}" for node, cause in aside.items())
            raise StageError(
                f"No machine of the cluster can be used; committed shards stay committed.\n{causes}\n"
                "Fix the cause and run the same command again: it continues where it stopped."
            )
        for reference, index in list(self.flying.items()):  # if there is nowhere else, a task may return to where it failed
            if index in self.avoided and not set(self.usable) - {self.avoided[index]}:
                self.avoided[index] = ""
                self.ray.cancel(reference, force=True)

    def selector(self, index: int) -> dict[str, str]:
        """The label selector that excludes machines for a task."""
        aside = sorted({*self.engine._aside, self.avoided.get(index, "")} - {""})
        return {"ray.io/node-id": f"!in({','.join(aside)})"} if aside else {}

    def outcome(self, reference: Any, index: int) -> Done[Any] | Failure | None:
        """The outcome of a task; None if it will be retried elsewhere."""
        try:
            verdict, node, found = self.ray.get(reference)
        except self.ray.exceptions.TaskCancelledError:
            return None
        except self.ray.exceptions.RayError as error:
            node = self.engine._last_at(index)
            return Failure(index, RuntimeError(_sentence(error)), traceback.format_exc(), self.names.get(node, node))
        if node not in self.names:
            self.look()
        name = self.names.get(node, node)
        why = found if verdict == "unfit" else self.engine._arrives(node)
        if why:
            if node not in self.engine._aside:
                self.engine._aside[node] = why
                log.warning("The machine %s is excluded: %s.", name, why)
                self.look()
            return None
        if isinstance(found, Done):
            return Done(index, found.value, name)
        others = set(self.usable) - {node}
        if others and index not in self.avoided and not isinstance(found.error, (RecipeError, StageError)):
            self.avoided[index] = node
            log.warning("A task failed on %s and is retried elsewhere: %s: %s", name, type(found.error).__name__, found.error)
            return None
        return Failure(index, found.error, found.trace, name)


@contextmanager
def _by_value(ray: Any, modules: Sequence[ModuleType]) -> Iterator[None]:
    """Within this context, pickle the contents of these modules by value."""
    known = ray.cloudpickle.list_registry_pickle_by_value()
    new = [module for module in modules if module.__name__ not in known]
    for module in new:
        ray.cloudpickle.register_pickle_by_value(module)
    try:
        with caches_by_value():
            yield
    finally:
        for module in new:
            ray.cloudpickle.unregister_pickle_by_value(module)


def _libraries() -> list[str]:
    """The libraries that the package depends on: other versions may write different bytes."""
    try:
        needed = importlib.metadata.requires("corpus-builder") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return sorted({name[0] for one in needed if "extra ==" not in one and (name := re.match(r"[\w.-]+", one))})


def _knock(address: str) -> None:
    """Try the port of a cluster first: Ray itself would retry for minutes."""
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
        "(auto within `ray job submit`), or leave out --address; a cluster with token authentication needs RAY_AUTH_MODE=token here too."
    )


def _sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    if type(error).__name__.startswith("RayTaskError"):  # the task could not even start
        return f"the worker cannot run it ({lines[-1]})"
    return f"the worker died {RETRIES + 1} times on it ({type(error).__name__}: {lines[0]})"
