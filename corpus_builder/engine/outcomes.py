"""What every engine has in common, and the one that runs everything in this process."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from corpus_builder.errors import words_of

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A task that went well; `node` says on which machine of a cluster."""

    index: int
    value: Result
    node: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that raised, or whose worker died; `node` says on which machine of a cluster."""

    index: int
    error: BaseException
    trace: str
    node: str = field(default="", compare=False)


class Engine(Protocol):
    """Runs `work` over tasks somewhere."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes in any order, one for each task; `index` is the task's place in `tasks`."""

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """Make tasks bring these modules along, to workers that do not have them."""

    def share(self, directory: Path, files: Sequence[Path] = ()) -> None:
        """Use only machines that see this directory, and these files, as this one does; paths are absolute."""

    def close(self) -> None:
        """Give back what the engine holds."""


@contextmanager
def engine_of(engine: Engine | None, own: Callable[[], Engine]) -> Iterator[Engine]:
    """The caller's engine, which stays open; where there is none, one of our own, closed at the end."""
    if engine is not None:
        yield engine
        return
    engine = own()
    try:
        yield engine
    finally:
        engine.close()


def attempt(work: Callable[[Task], Result], index: int, task: Task, node: str = "") -> Done[Result] | Failure:
    """Do a task: what it gives, or the error that it raised.

    Whoever calls `sys.exit` within a task ends the task, not the run; Ctrl-C and a generator's end mean the run.
    """
    try:
        return Done(index, work(task), node)
    except (Exception, SystemExit) as error:  # every error becomes an outcome; the caller decides
        trace = traceback.format_exc()
        return Failure(index, portable(error), trace, node)


def portable(error: BaseException) -> BaseException:
    """The error as it can travel between processes: as it is where pickle can carry it, else its words."""
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
    """Everything in this process, one task after the other: for debugging and tests."""

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Done[Result] | Failure]:
        """Outcomes in the order of the tasks."""
        for index, task in enumerate(tasks):
            yield attempt(work, index, task)

    def carry(self, modules: Sequence[ModuleType]) -> None:
        """This process has them."""

    def share(self, directory: Path, files: Sequence[Path] = ()) -> None:
        """This process sees what it sees."""

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
