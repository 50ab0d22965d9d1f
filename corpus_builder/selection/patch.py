"""Changes to a recipe, written as `rules[3].min=0.3`, applied to its data and to the text of its file."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from corpus_builder.errors import InputError, RecipeError
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.toml import as_toml
from corpus_builder.selection.sample import write_new

_STEP = re.compile(
    r"""
    (?: ^ | \. ) (?: (?P<bare>[A-Za-z0-9_-]+) | "(?P<quoted>[^"]*)" )   # a key, after a dot unless it is the first
    | \[ (?P<number>[0-9]+) \]                                          # the place in a list, from 0
    """,
    re.VERBOSE,
)
_SHORT = {"rules": ("quality", "rules"), "expressions": ("quality", "expressions")}

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """A key of a recipe and its new value; None removes the key, or the item of a list."""

    path: Path
    value: Any

    @classmethod
    def parse(cls, said: str) -> Change:
        """A change from its text: a path, `=`, and a value as in TOML, where a plain word stands for a string; without `=` the key is removed.

        `rules` stands for `quality.rules`.  Raises RecipeError if it cannot be read.

        >>> Change.parse("rules[3].min=0.3")
        Change(path=('quality', 'rules', 3, 'min'), value=0.3)
        >>> Change.parse("select.by=tokens").value, Change.parse("rules[0]").value
        ('tokens', None)
        """
        written, equals, value = said.partition("=")
        return cls(_path(written.strip(), said), _value(value.strip(), said) if equals else None)

    def __str__(self) -> str:
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")
        return f"without {where}" if self.value is None else f"{where} = {toml_value(self.value)}"


def _path(written: str, said: str) -> Path:
    steps: list[str | int] = []
    at = 0
    while at < len(written):
        found = _STEP.match(written, at)
        if found is None or (not steps and found["number"]):
            break
        steps.append(int(found["number"]) if found["number"] else found["bare"] or found["quoted"] or "")
        at = found.end()
    if not steps or at < len(written):
        raise RecipeError(f"{said!r} names no key of a recipe; write for example rules[3].min=0.3 or select.top=0.2.")
    first = steps[0]
    return (*_SHORT.get(str(first), (first,)), *steps[1:])


def _value(written: str, said: str) -> Any:
    try:
        value, *more = tomllib.loads(f"value = {written}").values()
        if more:
            raise RecipeError(f"{said!r} sets more than one key; give each a --set of its own.")
        return value
    except tomllib.TOMLDecodeError as error:
        if re.fullmatch(r"\w[\w.:/*-]*", written):
            return written
        raise RecipeError(f'The value of {said!r} is not TOML ({error}); write for example 0.3, "name" or [1, 2].') from error


def toml_value(value: Any) -> str:
    """A value as TOML writes it, on one line.

    >>> toml_value({"measure": "num_letters", "min": 3})
    '{ measure = "num_letters", min = 3 }'
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name} = {toml_value(one)}' for name, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return as_toml({"v": value}).partition(" = ")[2].rstrip("\n")


def patched(data: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """A recipe's data with changes; the number after the last of a list appends.  Raises RecipeError for a place that is not there.

    The others keep their numbers when an item is removed, so that the order of the changes does not matter.

    >>> patched({"bands": [7, 8, 9]}, [Change.parse("bands[0]"), Change.parse("bands[1]=5")])
    {'bands': [5, 9]}
    """
    result = copy.deepcopy(dict(data))
    shortened: list[list[Any]] = []
    for change in changes:
        place: Any = result
        for step, following in zip(change.path, change.path[1:], strict=False):
            if isinstance(place, list):
                place = place[_number(step, place, change, append=False)]
            elif isinstance(step, int) or not isinstance(place, dict):
                raise RecipeError(f"{change}: there is no list or table at {step!r}.")
            else:
                place = place.setdefault(step, [] if isinstance(following, int) else {})
        last = change.path[-1]
        if isinstance(place, list):
            number = _number(last, place, change, append=change.value is not None)
            place[number : number + 1] = [change.value]  # None: taken out at the end
            shortened += [place] if change.value is None else []
        elif isinstance(last, int) or not isinstance(place, dict):
            raise RecipeError(f"{change}: there is no list or table at {last!r}.")
        elif change.value is None:
            if last not in place:
                raise RecipeError(f"{change}: the recipe does not have this key.")
            del place[last]
        else:
            place[last] = change.value
    for items in shortened:
        items[:] = [item for item in items if item is not None]
    return result


def _number(step: str | int, place: Sequence[Any], change: Change, append: bool) -> int:
    if not isinstance(step, int) or step >= len(place) + append:
        raise RecipeError(f"{change}: the list has {len(place)} items, counted from 0, so there is no {step!r}.")
    return step


def patched_text(text: str, changes: Sequence[Change]) -> str | None:
    """A recipe's file with changes made in place, so that its comments stay; None if its form does not allow that."""
    wanted = patched(tomllib.loads(text), changes)
    for change in changes:
        lines = text.splitlines()
        edited = _set_key(lines, change) if isinstance(change.path[-1], str) else None
        if edited is None:
            return None
        text = "\n".join(edited) + "\n"
    try:
        return text if tomllib.loads(text) == wanted else None
    except tomllib.TOMLDecodeError:
        return None


def _set_key(lines: list[str], change: Change) -> list[str] | None:
    """The lines with one key set or removed; the key stands in a table with a header of its own."""
    *above, key = change.path
    start, end = _table(lines, tuple(above)) or (len(lines), len(lines))
    if start == end == len(lines) and above:
        if change.value is None or any(isinstance(step, int) for step in above):
            return None
        return [*lines, "", f"[{'.'.join(map(str, above))}]", f"{key} = {toml_value(change.value)}"]
    last = start - 1
    for at in range(start, end):
        if lines[at].strip() and not lines[at].lstrip().startswith("#"):
            last = at
        if re.match(rf"\s*{re.escape(str(key))}\s*=", lines[at]):
            upto, comment = _value_ends(lines, at, end)
            new = [] if change.value is None else [f"{key} = {toml_value(change.value)}{'  ' + comment if comment else ''}"]
            return [*lines[:at], *new, *lines[upto:]]
    if change.value is None:
        return None
    return [*lines[: last + 1], f"{key} = {toml_value(change.value)}", *lines[last + 1 :]]


def _table(lines: list[str], path: Path) -> tuple[int, int] | None:
    """The lines between a table's header and the next header; without a path, those before the first."""
    counts: dict[str, int] = {}
    headers = [
        (at, found) for at, line in enumerate(lines) if (found := re.match(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$", line))
    ]
    ends = [*(at for at, _ in headers), len(lines)]
    if not path:
        return 0, ends[0]
    name = ".".join(str(step) for step in path if isinstance(step, str))
    number = path[-1] if isinstance(path[-1], int) else None
    for place, (at, found) in enumerate(headers):
        here = re.sub(r"\s", "", found[2])
        if here == name and (found[1] == "[[") == (number is not None):
            if number is None or counts.get(here, 0) == number:
                return at + 1, ends[place + 1]
            counts[here] = counts.get(here, 0) + 1
    return None


def _value_ends(lines: list[str], at: int, end: int) -> tuple[int, str]:
    """The line after a value, and the comment behind it."""
    for upto in range(at + 1, end + 1):
        chunk = "\n".join(lines[at:upto])
        try:
            tomllib.loads(chunk)
        except tomllib.TOMLDecodeError:
            continue
        last = lines[upto - 1]
        for place in (found.start() for found in re.finditer("#", last)):
            try:
                tomllib.loads("\n".join([*lines[at : upto - 1], last[:place]]))
            except tomllib.TOMLDecodeError:
                continue
            return upto, last[place:]
        return upto, ""
    return at + 1, ""


def write_patched(to: File, original: File | None, changes: Sequence[Change], recipe: Recipe) -> bool:
    """Write a changed recipe, and return whether it is the original file with the comments.

    Raises InputError if it would stand elsewhere than in the directory where its relative paths start, or overwrite another file.
    """
    if to.resolve().parent != recipe.base:
        raise InputError(f"{to} is not in {recipe.base}, where the relative paths of the recipe start; write it there.")
    text = patched_text(original.read_text(encoding="utf-8"), changes) if original else None
    write_new(to, (text or recipe.to_toml()).encode())
    return text is not None
