"""Functions of the user's own, named in a recipe as `module:function`."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from corpus_builder.errors import RecipeError


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
        if directory not in sys.path:
            sys.path.insert(0, directory)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.split(".")[0] == error.name.split(".")[0]:
            raise RecipeError(
                f"There is no module {module_name!r} (for {name!r}) in {base}, in the working directory or among the installed "
                f"packages; put {module_name}.py beside the recipe."
            ) from error
        raise RecipeError(f"The module {module_name!r} imports {error.name!r}, which is not installed.") from error
    except Exception as error:  # whatever the user's code raises at import
        raise RecipeError(f"The module {module_name!r} failed at import: {type(error).__name__}: {error}.") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        near = difflib.get_close_matches(function_name, [n for n in dir(module) if not n.startswith("_")], n=1)
        hint = f" Did you mean {module_name}:{near[0]}?" if near else ""
        raise RecipeError(f"{module.__file__} has no function {function_name!r}.{hint}")
    digest = hashlib.sha256()
    for part in own_modules(module):
        digest.update(part.__name__.encode() + b"\0" + Path(part.__file__ or "").read_bytes() + b"\0")
    return UserFunction(name, digest.hexdigest()[:32], function)


def own_modules(module: ModuleType) -> list[ModuleType]:
    """The module and every loaded module from the same directory tree, by name: what must travel to a cluster's workers."""
    if not module.__file__ or "site-packages" in module.__file__ or module.__name__.startswith("corpus_builder"):
        return [module] if module.__file__ else []
    root = Path(module.__file__).resolve().parent
    found = [
        other
        for other in list(sys.modules.values())
        if isinstance(file := getattr(other, "__file__", None), str)
        and file.endswith(".py")
        and other.__name__ != "__main__"
        and not other.__name__.startswith("corpus_builder")
        and root in Path(file).resolve().parents
        and "site-packages" not in file
    ]
    return sorted(found, key=lambda part: part.__name__)
