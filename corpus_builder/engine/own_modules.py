"""Modules of the user's own: which modules they are, which of each other they import, and whether their files have changed."""

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


def import_without_bytecode(module_name: str) -> ModuleType:
    """Import a module without writing bytecode: Python tells whether that is up to date by whole seconds, and may miss an edit."""
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
    """Forget a module of the user's, and the user's modules that it imports, if another file or content would be imported now.

    For example, a notebook builds, edits its filter and builds again, or two recipes each have a my_filters.py beside them.
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
    """A module and the user's own modules that it imports, directly or not; sorted by name, whatever the order of loading."""
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
    """Whether a module is the user's own, rather than part of an installed package, this package or the standard library."""
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
    """Within this context, pickle the user's functions under `functools.cache` by value, with empty caches; otherwise they are
    pickled by name, which a worker may not have.
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
