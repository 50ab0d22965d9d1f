"""A digest of what a function depends on: its code, every value of the user's that it uses, what these use, and so on.

It is the same in every process of the same Python: neither addresses in memory nor the order of a set count.  Functions, classes and
modules of packages are known by their names and the package's version; values that cannot be pickled by their state are refused.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

from corpus_builder.engine.own_modules import is_own, with_imports

_PLAIN = (type(None), bool, int, float, complex, str, range, slice, type(...), type(NotImplemented))
_NO_EFFECT = frozenset(  # attributes of a class that are hashed in another way, or are made from its body
    {"__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__annotations__", "__annotate__", "__annotate_func__"}
    | {"__firstlineno__", "__static_attributes__", "__dataclass_fields__", "__dataclass_params__", "_abc_impl"}
    | {"__annotations_cache__", "__classdictcell__"}
)


class Unhashable(Exception):
    """A value whose changes cannot be detected; the argument says what it is, as half a sentence."""


class FunctionDigest:
    """The digest of a function, and the user's own modules that define it or that it uses."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.modules: dict[str, ModuleType] = {}
        self._done: dict[int, bytes] = {}
        self._alive: list[Any] = []  # so that no other object gets the id of one that is done
        self._open: list[int] = []  # the values being hashed, from the function inwards
        self._cycles = 0
        try:
            self.value = self._of(function, "it").hex()[:32]
        except RecursionError as error:
            raise Unhashable("it holds values within values without end") from error

    def _of(self, value: Any, what: str) -> bytes:
        if type(value) in _PLAIN:
            return _hash("plain", type(value).__name__, repr(value))
        if type(value) in (tuple, frozenset):  # equal ones may be one object or several
            return self._inside(value, what)
        if id(value) in self._done:
            return self._done[id(value)]
        if id(value) in self._open:  # it holds itself
            self._cycles += 1
            return _hash("cycle", len(self._open) - self._open.index(id(value)))
        self._open.append(id(value))
        before = self._cycles
        found = self._inside(value, what)
        self._open.pop()
        if self._cycles == before:  # the digest of a value that holds itself depends on where it was entered
            self._done[id(value)] = found
            self._alive.append(value)
        return found

    def _inside(self, value: Any, what: str) -> bytes:
        if isinstance(value, bytes | bytearray):
            return _hash(type(value).__name__, bytes(value))
        if type(value) in (tuple, list):
            return _hash(type(value).__name__, *(self._of(one, what) for one in value))
        if isinstance(value, set | frozenset):
            return _hash(type(value).__name__, *sorted(self._of(one, what) for one in value))
        if type(value) is dict:
            return _hash("dict", *(self._of(one, what) for pair in value.items() for one in pair))
        if isinstance(value, CodeType):
            return self._code(value, what)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, ModuleType):
            return self._module(value, frozenset(), what)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, CellType):
            return self._cell(value, what)
        if isinstance(value, staticmethod | classmethod):
            return _hash(type(value).__name__, self._of(value.__func__, what))
        if isinstance(value, property):
            return _hash("property", *(self._of(one, what) for one in (value.fget, value.fset, value.fdel)))
        if isinstance(value, functools.cached_property):
            return _hash("cached_property", self._of(value.func, what))
        if isinstance(value, MemberDescriptorType | GetSetDescriptorType):
            return _hash("slot", value.__name__)
        if isinstance(inner := getattr(value, "py_func", getattr(value, "__wrapped__", None)), FunctionType):  # numba, functools
            return _hash("wrapped", *_named(type(value)), self._of(inner, what))
        return self._state(value, what)

    def _function(self, function: FunctionType) -> bytes:
        where = function.__globals__.get("__name__")
        name = f"{where}:{function.__qualname__}"
        cells = [self._of(cell, f"{name} uses a value of the function around it") for cell in function.__closure__ or ()]
        if not self._is_own(where):
            return _hash("function", *_named(function), *cells)
        defaults = (function.__defaults__, function.__kwdefaults__, vars(function))
        values = [self._of(value, f"a default or an attribute of {name} holds") for value in defaults]
        used = Used(function.__code__)
        for found in sorted(used.names & function.__globals__.keys()):
            value = function.__globals__[found]
            values.append(found.encode())
            try:
                values.append(
                    self._module(value, used.attributes, name)
                    if isinstance(value, ModuleType)
                    else self._of(value, f"{name} uses {found!r}")
                )
            except Unhashable:
                if found not in used.assigned:  # a global that the function assigns is its memory, not an input
                    raise
        values += [self._imported(found) for found in sorted(used.imports)]
        return _hash("own function", self._code(function.__code__, name), *values, *cells)

    def _code(self, code: CodeType, what: str) -> bytes:
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + 2]
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, arguments, code.co_names)
        constants = (self._of(constant, what) for constant in code.co_consts)
        return _hash("code", code.co_code, code.co_exceptiontable, repr((*shape, code.co_freevars, code.co_cellvars)), *constants)

    def _cell(self, cell: CellType, what: str) -> bytes:
        try:
            return _hash("cell", self._of(cell.cell_contents, what))
        except ValueError:
            return _hash("empty cell")

    def _class(self, found: type) -> bytes:
        if not self._is_own(found.__module__):
            return _hash("class", *_named(found))
        body = ((name, value) for name, value in vars(found).items() if name not in _NO_EFFECT)
        what = f"the class {found.__qualname__} holds"
        parts = [part for name, value in body for part in (name.encode(), self._of(value, what))]
        return _hash("own class", found.__qualname__, *(self._of(base, what) for base in found.__bases__), *parts)

    def _module(self, module: ModuleType, attributes: frozenset[str], what: str) -> bytes:
        """One of the user's modules by the attributes used of it; by its file and those it imports if these are unknown."""
        if not is_own(module) or module.__name__ == "__main__":
            return _hash("module", *_version(module.__name__))
        self._is_own(module.__name__)
        if id(module) in self._open:
            return _hash("cycle")
        self._open.append(id(module))
        parts: list[bytes] = []
        for name in sorted(attributes & vars(module).keys()):
            value = vars(module)[name]
            inner = self._module(value, attributes, what) if isinstance(value, ModuleType) else None
            parts += [name.encode(), inner or self._of(value, f"{what} uses {module.__name__}.{name}")]
        self._open.pop()
        return _hash("own module", *(parts or [self._files(module)]))

    def _files(self, module: ModuleType) -> bytes:
        found = [part for part in with_imports(module) if part.__file__]
        self.modules |= {part.__name__: part for part in found if is_own(part)}
        return _hash("files", *(Path(part.__file__ or "").read_bytes() for part in found))

    def _imported(self, name: str) -> bytes:
        """A module that a function imports when it is called."""
        module = sys.modules.get(name)
        if module is not None:
            return _hash("import", self._files(module) if is_own(module) else name)
        try:
            found = importlib.util.find_spec(name) if "." not in name else None
        except (ImportError, ValueError):
            found = None
        if (
            found is None
            or not found.origin
            or not found.origin.endswith(".py")
            or not is_own(importlib.util.module_from_spec(found))
        ):
            return _hash("import", name)
        return _hash("import", Path(found.origin).read_bytes())

    def _is_own(self, module_name: str | None) -> bool:
        module = sys.modules.get(module_name or "")
        if module_name in (None, "__main__") or module is None:  # a notebook, or what `exec` ran
            return True
        if is_own(module):
            self.modules[module.__name__] = module
            return True
        return False

    def _state(self, value: Any, what: str) -> bytes:
        """Any other value by what pickle would store of it."""
        try:
            reducer = copyreg.dispatch_table.get(type(value))
            reduced = reducer(value) if reducer else value.__reduce_ex__(4)
        except Exception as error:  # whatever its class raises
            raise Unhashable(f"{what}, which is a {type(value).__name__}") from error
        if isinstance(reduced, str):
            return _hash("global", *_named(value), reduced)
        parts = [part if not isinstance(part, Iterator) else list(part) for part in reduced]
        return _hash("value", *_named(type(value)), *(self._of(part, what) for part in parts))


class Used:
    """The names that a function's code uses, those of nested functions included."""

    def __init__(self, code: CodeType) -> None:
        self.names: frozenset[str] = frozenset()
        self.attributes: frozenset[str] = frozenset()
        self.imports: frozenset[str] = frozenset()
        self.assigned: frozenset[str] = frozenset()
        for instruction in dis.get_instructions(code):
            name = {instruction.argval} if isinstance(instruction.argval, str) else set()
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                self.names |= name
            elif instruction.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")):
                self.attributes |= name
            elif instruction.opname == "IMPORT_NAME":
                self.imports |= name
            elif instruction.opname == "STORE_GLOBAL":
                self.assigned |= name
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                inner = Used(constant)
                for field, found in vars(inner).items():
                    setattr(self, field, getattr(self, field) | found)


def _named(thing: Any) -> tuple[str, str, str]:
    module = getattr(thing, "__module__", None) or ""
    return (*_version(module), getattr(thing, "__qualname__", type(thing).__qualname__))


def _version(module_name: str) -> tuple[str, str]:
    """The name of a module, and its package's version, if it has one."""
    version = getattr(sys.modules.get(module_name.partition(".")[0]), "__version__", "")
    return module_name, version if isinstance(version, str) else ""


def _hash(*parts: str | bytes | int) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        found.update(f"{len(data)}:".encode() + data)
    return found.digest()
