"""A recipe whose file stands in another directory, and a build that begins with what another one has made."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from corpus_builder.errors import RecipeError
from corpus_builder.japanese.detectors import located
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import Part, as_data
from corpus_builder.recipe.running import Running
from corpus_builder.store.files import is_url, make_directory

SELECTED = ("decide", "release", "select")
"""The stages that another selection makes anew."""
_OF_A_RUN = (".lock", ".scratch", ".failures", "build.json", "report.html")


def at_home_anywhere(recipe: Recipe, out: Path) -> dict[str, Any]:
    """A recipe's data with absolute paths, so that its file may stand anywhere.  Raises RecipeError if it names functions of one's own."""
    if Running(recipe, out).functions:
        raise RecipeError(
            "The recipe names functions of your own, which are looked for next to the recipe's file, so that it cannot be written elsewhere. Go "
            "round the loop step by step instead: build, sample, label, train-classifier, then a recipe with the classifier."
        )
    data: dict[str, Any] = as_data(_absolute(recipe, recipe))
    return data


def _absolute(part: Part, recipe: Recipe) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in part.said().items():
        if name == "detector" and isinstance(value, str):
            found[name] = located(value, recipe.resolve)
        elif _names_path(type(part).model_fields[name].annotation):
            found[name] = [_path(one, recipe) for one in value] if isinstance(value, tuple | list) else _path(value, recipe)
        else:
            found[name] = _within(value, recipe)
    return found


def _within(value: Any, recipe: Recipe) -> Any:
    if isinstance(value, Part):
        return _absolute(value, recipe)
    if isinstance(value, Mapping):
        return {name: _within(one, recipe) for name, one in value.items()}
    return [_within(one, recipe) for one in value] if isinstance(value, tuple | list) else value


def _names_path(annotation: Any) -> bool:
    """Whether a key takes a path, or several.

    >>> _names_path(str | Path | None), _names_path(str | None)
    (True, False)
    """
    return annotation is Path or any(_names_path(inner) for inner in get_args(annotation))


def _path(given: str | Path, recipe: Recipe) -> str:
    return str(given) if is_url(given) else str(recipe.resolve(given))


def begin_with(base: Path, out: Path) -> None:
    """Give a build what another one has made up to its decisions, as links to the same files; what is there already stays.

    Files of a build are replaced, never changed, so that both builds may go on as they like.
    """
    for folder, directories, files in os.walk(base):
        here = Path(folder).relative_to(base)
        directories[:] = sorted(
            name for name in directories if name not in _OF_A_RUN and not (here == Path() and name in SELECTED)
        )
        make_directory(out / here)
        for name in sorted(files):
            if here == Path() and name in _OF_A_RUN:
                continue
            _link(base / here / name, out / here / name)


def _link(old: Path, new: Path) -> None:
    if new.exists():
        return
    try:
        os.link(old, new)
    except OSError:  # another file system, or one without links
        temporary = new.with_name(f".{uuid.uuid4().hex}.tmp")  # half a copy must not stay under its name
        try:
            shutil.copy2(old, temporary)
            temporary.rename(new)
        finally:
            temporary.unlink(missing_ok=True)
