"""The interface of all engines, and the serial one that runs everything in this process."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from corpus_builder.errors import RecipeError, words_of

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The result of a successful task; `node` is the machine in a cluster."""

    index: int
    value: Result
    node: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a task that raised, or whose worker died; `node` is the machine in a cluster."""

    index: int
    error: BaseException
    trace: str
    node: str = field(default="", compare=False)


class Engine(Protocol):
    """Something that can run tasks: `Serial` or `Ray`."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Run `work` on every task; yields one outcome each, in any order; `index` is the task's index in `tasks`."""

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Send these modules along with tasks, for workers that do not have them."""

    def share(self, directory: Path, files: Sequence[Path] = ()) -> None:
        """Use only machines that see this directory, and these files, as this one does; paths are absolute."""

    def close(self) -> None:
        """Release the engine's resources."""


@contextmanager
def engine_of(engine: Engine | None, own: Callable[[], Engine]) -> Iterator[Engine]:
    """The caller's engine, which stays open; if there is none, a new one, closed at the end."""
    if isinstance(engine, str | type):
        raise RecipeError(f"engine = {engine!r} is no engine; give Serial() or Ray(...).")
    if engine is not None:
        yield engine
        return
    engine = own()
    try:
        yield engine
    finally:
        engine.close()


def attempt(work: Callable[[Task], Result], index: int, task: Task, node: str = "") -> Done[Result] | Failure:
    """Run a task; returns its result, or the error that it raised.

    `sys.exit` within a task ends the task, not the run; Ctrl-C and closing a generator end the run.
    """
    try:
        return Done(index, work(task), node)
    except (Exception, SystemExit) as error:  # every error becomes an outcome; the caller decides
        trace = traceback.format_exc()
        return Failure(index, portable(error), trace, node)


def portable(error: BaseException) -> BaseException:
    """The error in a form that can be pickled: unchanged if possible, else as its text."""
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        if not isinstance(
            pickle.loads(pickle.dumps(error)), Exception
        ):  # sys.exit within a user's function must not end the build
            raise TypeError
    except Exception:  # a user's exception class may refuse pickling in any way
        return RuntimeError(words_of(error))
    return error


class Serial:
    """An engine that runs everything in this process, one task after the other: for debugging and tests."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes in the order of the tasks."""
        for index, task in enumerate(tasks):
            yield attempt(work, index, task)

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Do nothing: this process has them."""

    def share(self, directory: Path, files: Sequence[Path] = ()) -> None:
        """Do nothing: there is only one machine."""

    def close(self) -> None:
        """Do nothing: there are no resources to release."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
