"""Writes a recipe's plain data as TOML, which the standard library can only read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_toml(table: Mapping[str, Any]) -> str:
    """A table of strings, numbers, booleans, lists and tables as TOML.

    >>> print(as_toml({"name": "x", "sources": [{"paths": ["a", "b"]}], "dedup": {}}), end="")
    name = "x"
    <BLANKLINE>
    [[sources]]
    paths = ["a", "b"]
    <BLANKLINE>
    [dedup]
    """
    return "\n".join(_lines(table, ())).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    deeper = {name: value for name, value in table.items() if isinstance(value, dict) or _is_tables(value)}
    yield from (f"{_key(name)} = {_value(value)}" for name, value in table.items() if name not in deeper)
    for name, value in deeper.items():
        head = ".".join(map(_key, (*place, name)))
        for one in [value] if isinstance(value, dict) else value:
            if one is not value:
                yield from ("", f"[[{head}]]")
            elif not one or not all(isinstance(inner, dict) or _is_tables(inner) for inner in one.values()):
                yield from ("", f"[{head}]")
            yield from _lines(one, (*place, name))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_value, value))}]"
