"""Functions of the user's own: named in a recipe as `module:function`, or given as Python functions."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from corpus_builder.document import Document
from corpus_builder.engine import guard
from corpus_builder.engine.function_digest import FunctionDigest, Unhashable
from corpus_builder.engine.own_modules import forget_older, import_without_bytecode, is_own, with_imports
from corpus_builder.errors import RecipeError, StageError, did_you_mean, words_of


@dataclass(frozen=True)
class UserFunction:
    """A user's function, its name, a digest of what it depends on, and the user's modules that it needs."""

    name: str
    digest: str
    call: Callable[..., Any] = field(compare=False)
    modules: tuple[str, ...] = field(default=(), compare=False)


class OwnFunctionFailed(Exception):
    """A function of the user's own raised an error, or returned a wrong value: its kind, its name, what happened, and a remedy."""


def function_of(given: str | Callable[..., Any], base: Path) -> UserFunction:
    """The function that a recipe names, or contains."""
    return load_function(given, base) if isinstance(given, str) else _by_value(given, name_of(given))


def load_function(name: str, base: Path) -> UserFunction:
    """Import `module:function`; the module is searched for in `base` (the recipe's directory), the working directory, then
    among the installed packages.  The digest covers the module and the user's own modules that it imports.
    """
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise RecipeError(f"{name!r} does not name a function; write module:function, for example my_filters:affiliate_links.")
    if module_name == "__main__":
        return _of_main(function_name)
    for directory in (str(Path.cwd()), str(base)):
        if directory in sys.path:
            sys.path.remove(directory)
        sys.path.insert(0, directory)
    importlib.invalidate_caches()
    forget_older(module_name)
    try:
        module = import_without_bytecode(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.split(".")[0] == error.name.split(".")[0]:
            raise RecipeError(
                f"There is no module {module_name!r} (for {name!r}) in {base}, in the working directory or among the installed "
                f"packages; put {module_name}.py next to the recipe."
            ) from error
        raise RecipeError(f"The module {module_name!r} imports {error.name!r}, which is not installed.") from error
    except (Exception, SystemExit) as error:  # whatever the user's code raises at import
        raise RecipeError(f"The module {module_name!r} failed at import: {words_of(error)}.") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        hint = did_you_mean(function_name, [name for name in dir(module) if not name.startswith("_")])
        raise RecipeError(f"{getattr(module, '__file__', module_name)} has no function {function_name!r}{hint or '.'}")
    return _by_file(name, function, module)


def _by_file(name: str, function: Callable[..., Any], module: ModuleType) -> UserFunction:
    digest, parts = hashlib.sha256(), with_imports(module)
    for part in parts:
        digest.update(part.__name__.encode() + b"\0" + Path(part.__file__ or "").read_bytes() + b"\0")
    return UserFunction(name, digest.hexdigest()[:32], function, tuple(part.__name__ for part in parts if is_own(part)))


def _of_main(function_name: str) -> UserFunction:
    """A function of the running notebook or script."""
    main = vars(sys.modules["__main__"])
    if not callable(function := main.get(function_name)):
        hint = did_you_mean(function_name, [name for name, value in main.items() if callable(value)])
        raise RecipeError(
            f"There is no function {function_name!r} in the notebook or script that runs{hint or '.'} Define it there first, or put it "
            "into a module next to the recipe and write module:function."
        )
    return _by_value(function, f"__main__:{function_name}")


def _by_value(function: Callable[..., Any], name: str) -> UserFunction:
    module = sys.modules.get(name.partition(":")[0])
    if importable_name(function) and module is not None and not is_own(module):
        return _by_file(name, function, module)
    try:
        found = FunctionDigest(function)
    except Unhashable as error:
        raise RecipeError(
            f"Changes of the function {name} cannot be detected: {error}, of which no digest can be made. Let the function create or "
            'open it when it is first called (functools.cache), or put the function into a module and write "module:function".'
        ) from error
    plain = name.rpartition(":")[2].isidentifier() and (importable_name(function) or name.startswith("__main__:"))
    return UserFunction(name if plain else f"{name}@{found.value[:8]}", found.value, function, tuple(sorted(found.modules)))


def name_of(function: str | Callable[..., Any]) -> str:
    """The name of a function in messages: where it was defined, and its name there."""
    if isinstance(function, str):
        return function
    inner = function
    while isinstance(inner, partial):
        inner = inner.func
    of = inner if hasattr(inner, "__qualname__") else type(inner)
    name = f"{getattr(of, '__module__', None) or '__main__'}:{of.__qualname__}"
    return name if inner is function else f"partial of {name}"


def importable_name(function: Callable[..., Any]) -> str | None:
    """`module:function`, if that names this very function, also in another process; else None."""
    module_name, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    found = vars(sys.modules[module_name]).get(name) if module_name in sys.modules and module_name != "__main__" else None
    return f"{module_name}:{name}" if found is function else None


def own_modules(*functions: UserFunction) -> list[ModuleType]:
    """The user's own modules that some functions need, by name; these must be sent to a cluster's workers."""
    names = {name for function in functions for name in function.modules}
    return [sys.modules[name] for name in sorted(names)]


@contextmanager
def naming(page: str) -> Iterator[None]:
    """Turn the failure of a function of the user's own into a StageError that names the page."""
    try:
        yield
    except OwnFunctionFailed as error:
        what, name, happened, remedy = error.args
        raise StageError(f"The {what} {name} failed on the page {page}: {happened}. {remedy}".rstrip()) from error


def answers(
    functions: Sequence[tuple[UserFunction, Callable[[Callable[..., Any], Document], Any]]],
    documents: Callable[[], Iterable[Document]],
) -> Iterator[Any]:
    """What each function returns for each document, all for the first document first; each function is given with how to call it.

    They are called in a forked process, so that any failure becomes a StageError that names function and document: an
    exception, `sys.exit` or `os._exit`, a crash of a library, or more than `guard.CPU_SECONDS`.  One process serves all
    documents, so that what a function loads at its first call is loaded once; what its module loads at import is inherited.
    """

    def units() -> Iterator[tuple[int, Document]]:
        return ((place, document) for document in documents() for place in range(len(functions)))

    try:
        yield from guard.guarded(units, partial(_answer, functions), partial(_no_answer, functions))
    except guard.Killed as killed:
        if killed.place < 0:
            raise
        place, document = next(islice(units(), killed.place, None))
        raise StageError(f"{killed}; {functions[place][0].name} was at the document {document.id!r}") from killed


def _answer(functions: Sequence[tuple[UserFunction, Callable[..., Any]]], unit: tuple[int, Document]) -> Any:
    place, document = unit
    function, how = functions[place]
    try:
        said = how(function.call, document)
        sys.stdout.flush()  # otherwise what it printed is lost with the process
        return said
    except BaseException as error:  # whatever the user's code raises, SystemExit and KeyboardInterrupt too
        what = words_of(error).rstrip(".")
        raise _failed(function, document, f"failed on the document {document.id!r}: {what}") from error


def _no_answer(
    functions: Sequence[tuple[UserFunction, Callable[..., Any]]], unit: tuple[int, Document], crash: guard.Crash
) -> Any:
    place, document = unit
    how = f"did not end within {guard.CPU_SECONDS} seconds of CPU time" if crash.endless else f"ended its process ({crash.how})"
    raise _failed(functions[place][0], document, f"{how} on the document {document.id!r}")


def _failed(function: UserFunction, document: Document, what: str) -> StageError:
    hint = (
        f" (`corpus-builder why OUT {document.id}` shows which page it is)" if document.source else ""
    )  # else it is in no build
    return StageError(f"{function.name} {what}{hint}.")
