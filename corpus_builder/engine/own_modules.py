"""Modules of the user's own: which they are, what they import of each other, and whether their files are as they were."""

from __future__ import annotations

import ast
import copyreg
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

_SEEN: dict[str, str] = {}  # digests of the files that the user's own modules were imported from


def imported_anew(module_name: str) -> ModuleType:
    """The module, without bytecode beside it, which is known by whole seconds alone."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with redirect_stdout(sys.stderr):
            module = importlib.import_module(module_name)
    finally:
        sys.dont_write_bytecode = before
    for part in with_imports(module):
        if is_own(part):
            _SEEN.setdefault(str(part.__file__), digest_of(Path(part.__file__ or "")))
    return module


def forget_older(module_name: str) -> None:
    """Forget a module of the user's, with its own imports, if another file or another content would be imported now.

    A notebook builds, edits its filter and builds again; two recipes have each a my_filters.py beside them.
    """
    module = sys.modules.get(module_name)
    if module is None or not is_own(module):
        return
    parts = [part for part in with_imports(module) if is_own(part)]
    if any(_is_older(part) for part in parts):
        for part in parts:
            _SEEN.pop(str(part.__file__), None)
            del sys.modules[part.__name__]


def _is_older(module: ModuleType) -> bool:
    path = Path(module.__file__ or "")
    now = importlib.machinery.PathFinder.find_spec(module.__name__) if "." not in module.__name__ else module.__spec__
    if now is None or now.origin != module.__file__ or not path.is_file():
        return True
    return _SEEN.get(str(path), "") not in ("", digest_of(path))


def with_imports(module: ModuleType) -> list[ModuleType]:
    """A module, and what it imports of the user's own modules, and so on; by name, so that no order of loading shows."""
    found: dict[str, ModuleType] = {}
    waiting = [module]
    while waiting:
        part = waiting.pop()
        if part.__name__ in found or not getattr(part, "__file__", None):  # a notebook has none
            continue
        found[part.__name__] = part
        if is_own(part):
            waiting += [other for name in _imported(part) if (other := sys.modules.get(name)) is not None and is_own(other)]
    return [found[name] for name in sorted(found)]


def is_own(module: ModuleType) -> bool:
    """Is a module the user's own, rather than an installed package, this package or the standard library?"""
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


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def caches_by_value() -> Iterator[None]:
    """Pickle functions of the user's under `functools.cache` meanwhile as functions are, with empty caches: by themselves they are
    pickled by names, which a worker may not have.
    """
    kind: Any = type(_cached(len, 0, False))
    before = copyreg.dispatch_table.get(kind)
    copyreg.pickle(kind, _reduced)
    try:
        yield
    finally:
        del copyreg.dispatch_table[kind]
        if before:
            copyreg.pickle(kind, before)


def _reduced(wrapper: Any) -> str | tuple[Any, ...]:
    module = sys.modules.get(wrapper.__module__)
    if module is not None and module.__name__ != "__main__" and not is_own(module):
        return str(wrapper.__reduce__())
    return _cached, (wrapper.__wrapped__, *wrapper.cache_parameters().values())


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Callable[..., Any]:
    return functools.lru_cache(maxsize, typed)(function)
