"""Functions of the user's own, named in a recipe as `module:function`."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from corpus_builder.document import Document
from corpus_builder.engine import guard
from corpus_builder.errors import RecipeError, StageError, did_you_mean, words_of


@dataclass(frozen=True)
class UserFunction:
    """A user's function, its name in the recipe, and a digest of the source that it comes from."""

    name: str
    digest: str
    call: Callable[..., Any]


def load_function(name: str, base: Path) -> UserFunction:
    """Import `module:function`; the module is looked for in `base` (the recipe's directory), the working directory, then
    among the installed packages.  The digest covers the module and what it imports from its own directory.
    """
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise RecipeError(f"{name!r} does not name a function; write module:function, for example my_filters:affiliate_links.")
    for directory in (str(Path.cwd()), str(base)):
        if directory in sys.path:
            sys.path.remove(directory)
        sys.path.insert(0, directory)
    importlib.invalidate_caches()
    _forget_older(module_name)
    try:
        module = _imported_anew(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.split(".")[0] == error.name.split(".")[0]:
            raise RecipeError(
                f"There is no module {module_name!r} (for {name!r}) in {base}, in the working directory or among the installed "
                f"packages; put {module_name}.py beside the recipe."
            ) from error
        raise RecipeError(f"The module {module_name!r} imports {error.name!r}, which is not installed.") from error
    except (Exception, SystemExit) as error:  # whatever the user's code raises at import
        raise RecipeError(f"The module {module_name!r} failed at import: {words_of(error)}.") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        hint = did_you_mean(function_name, [name for name in dir(module) if not name.startswith("_")])
        raise RecipeError(f"{module.__file__} has no function {function_name!r}{hint or '.'}")
    digest = hashlib.sha256()
    for part in _with_imports(module):
        digest.update(part.__name__.encode() + b"\0" + Path(part.__file__ or "").read_bytes() + b"\0")
    return UserFunction(name, digest.hexdigest()[:32], function)


_SEEN: dict[str, str] = {}  # digests of the files that the user's own modules were imported from


def _imported_anew(module_name: str) -> ModuleType:
    """The module, without bytecode beside it, which is known by whole seconds alone."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with redirect_stdout(sys.stderr):
            module = importlib.import_module(module_name)
    finally:
        sys.dont_write_bytecode = before
    for part in _with_imports(module):
        if _own(part):
            _SEEN.setdefault(str(part.__file__), _digest_of(Path(part.__file__ or "")))
    return module


def _forget_older(module_name: str) -> None:
    """Forget a module of the user's, with its own imports, if another file or another content would be imported now.

    A notebook builds, edits its filter and builds again; two recipes have each a my_filters.py beside them.
    """
    module = sys.modules.get(module_name)
    if module is None or not _own(module):
        return
    parts = [part for part in _with_imports(module) if _own(part)]
    if any(_is_older(part) for part in parts):
        for part in parts:
            _SEEN.pop(str(part.__file__), None)
            del sys.modules[part.__name__]


def _is_older(module: ModuleType) -> bool:
    path = Path(module.__file__ or "")
    now = importlib.machinery.PathFinder.find_spec(module.__name__) if "." not in module.__name__ else module.__spec__
    if now is None or now.origin != module.__file__ or not path.is_file():
        return True
    return _SEEN.get(str(path), "") not in ("", _digest_of(path))


def own_modules(*functions: UserFunction) -> list[ModuleType]:
    """The user's own modules behind some functions, by name: what must travel to a cluster's workers."""
    names = {part.__name__ for f in functions for part in _with_imports(sys.modules[f.name.partition(":")[0]]) if _own(part)}
    return [sys.modules[name] for name in sorted(names)]


def answers(
    functions: Sequence[tuple[UserFunction, Callable[[Callable[..., Any], Document], Any]]],
    documents: Callable[[], Iterable[Document]],
) -> Iterator[Any]:
    """What each function says of each document, all of the first document first; with each goes how it is called.

    They are called in a forked process, so that whatever they do ends in a StageError that names function and document: an
    exception, `sys.exit` and `os._exit`, a crash of a library, or no end within `guard.CPU_SECONDS`.  There is one process for all the
    documents, and what a function loads at its first one is loaded once in it; what its module loads at import is there before.
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
        sys.stdout.flush()  # what it printed is lost with the process otherwise
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
    hint = f" (`corpus-builder why OUT {document.id}` tells what page it is)" if document.source else ""  # else it is in no build
    return StageError(f"{function.name} {what}{hint}.")


def _with_imports(module: ModuleType) -> list[ModuleType]:
    """A module, and what it imports of the user's own modules, and so on; by name, so that no order of loading shows."""
    found: dict[str, ModuleType] = {}
    waiting = [module]
    while waiting:
        part = waiting.pop()
        if part.__name__ in found or not part.__file__:
            continue
        found[part.__name__] = part
        if _own(part):
            waiting += [other for name in _imported(part) if (other := sys.modules.get(name)) is not None and _own(other)]
    return [found[name] for name in sorted(found)]


def _own(module: ModuleType) -> bool:
    """Is it the user's own, rather than an installed package, this package or the standard library?"""
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py") or module.__name__.partition(".")[0] in {"corpus_builder", *sys.stdlib_module_names}:
        return False
    return not {"site-packages", "dist-packages"} & set(Path(file).parts)


def _imported(module: ModuleType) -> set[str]:
    """Names of the modules that a module's source imports, anywhere in it."""
    names: set[str] = set()
    package = module.__package__ or ""
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            )
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[: i + 1]) for name in names for i in range(name.count(".") + 1)}


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
