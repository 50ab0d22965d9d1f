"""Rows of the user's own data: which column holds which field, and what happens to the other columns.

A column is named by its key, or by a dotted path (`meta.url`); a key that itself contains a dot takes precedence.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from corpus_builder.document import Drop
from corpus_builder.errors import did_you_mean
from corpus_builder.messages.surrogates import surrogates_escaped

MAX_SHOWN = 30  # column names listed in one error message
NAME_IT = 'Name the columns in the source, for example text = "content".'


@dataclass(frozen=True)
class Columns:
    """Which column holds each field; `named` are the fields whose column the user named: a file without that column is refused."""

    text: str = "text"
    id: str = "id"
    url: str = "url"
    title: str = "title"
    date: str = "date"
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Columns:
        """From a recipe's mapping of field to column name."""
        return cls(**names, named=tuple(sorted(names)))

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a file must have: the text's, and those that the user named."""
        return tuple(dict.fromkeys([self.text, *(getattr(self, name) for name in self.named)]))

    @cached_property
    def all(self) -> tuple[str, ...]:
        """The column of every field, in the order of the fields."""
        return (self.text, self.id, self.url, self.title, self.date)


USUAL = Columns()


@dataclass(frozen=True, slots=True)
class Row:
    """One row or line: its number, and either its fields or the reason why it cannot be read."""

    number: int
    id: str = ""  # the row's own id, if it has one
    text: str = ""
    url: str = ""
    title: str = ""
    date: str = ""
    size_bytes: int = 0
    drop: Drop | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)  # the remaining columns

    def extra(self, wanted: Sequence[str] | None = None) -> str:
        """The remaining columns, or only the `wanted` ones, as a JSON object; "" if there are none."""
        rest = self.rest
        if wanted is not None:
            found = ((name, pick(rest, name)) for name in wanted)
            rest = {name: value for name, value in found if value is not MISSING}
        return as_json(rest) if rest else ""


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


def pick(value: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; MISSING if there is none.

    >>> pick({"meta": {"url": "u"}}, "meta.url"), pick({"meta.url": "v", "meta": {"url": "u"}}, "meta.url")
    ('u', 'v')
    """
    keys = keys_to(value, path)
    if keys is None:
        return MISSING
    for key in keys:
        value = value[key]
    return value


def keys_to(value: Mapping[str, Any], path: str) -> tuple[str, ...] | None:
    """A dotted path as a tuple of keys; None if the value has no such path."""
    if path in value:
        return (path,)
    dot = path.find(".")
    while dot > 0:
        inner = value.get(path[:dot])
        if isinstance(inner, Mapping) and (found := keys_to(inner, path[dot + 1 :])) is not None:
            return (path[:dot], *found)
        dot = path.find(".", dot + 1)
    return None


def without(value: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """A copy without the value at a path, and without the objects that this leaves empty."""
    keys = keys_to(value, path)
    return _without(value, keys) if keys else value


def _without(value: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, Any]:
    rest = dict(value)
    inner = _without(value[keys[0]], keys[1:]) if len(keys) > 1 else None
    if inner:
        rest[keys[0]] = inner
    else:
        del rest[keys[0]]
    return rest


def row_of(number: int, value: Mapping[str, Any], columns: Columns, size_bytes: int, text: Any = None) -> Row:
    """A row from its columns, dropped as `no_text` if the text is missing or blank.  Values that no field uses stay in `rest`.

    `text` overrides the text column, for columns whose values are not strings.
    """
    paths = columns.all
    found = [value[path] if path in value else pick(value, path) for path in paths]
    if text is None:
        text = found[0]
    one_each = [text, *map(as_string, found[1:])]
    taken = [
        path
        for path, inner, one in zip(paths, found, one_each, strict=True)
        if inner is None or isinstance(inner, str) or (isinstance(one, str) and one)
    ]
    rest: Mapping[str, Any] = {name: inner for name, inner in value.items() if name not in taken}
    for path in taken:
        if path not in value:
            rest = without(rest, path)
    _, own_id, url, title, day = one_each
    if isinstance(text, str) and not text.isspace() and text:
        return Row(number, own_id, surrogates_escaped(text), url, title, day, size_bytes, None, rest)
    return Row(number, own_id, "", url, title, day, size_bytes, Drop("no_text"), rest)


def as_string(value: Any) -> str:
    """A string, an integer, a date or a datetime as a string; "" for anything else.

    Datetimes are written as in WARCs, in UTC; one without a time zone is taken to be in UTC.

    >>> as_string(datetime(2024, 12, 1, 9, 30)), as_string(7), as_string(None)
    ('2024-12-01T09:30:00Z', '7', '')
    """
    if isinstance(value, str):
        return surrogates_escaped(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat() + "Z"
    return value.isoformat() if isinstance(value, date) else ""


def as_json(value: Any) -> str:
    """A value as JSON on one line: dates and decimals as strings, bytes as UTF-8 or base64, NaN and infinity as null.

    >>> as_json({"日": date(2024, 12, 1), "n": float("nan")})
    '{"日":"2024-12-01","n":null}'
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False)
    except (ValueError, TypeError):  # TypeError: a key that is not a string
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return surrogates_escaped(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return as_string(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value if value is None or isinstance(value, str | int) else _finite(_plain(value))


class Seen:
    """Collects which columns the rows of a file have, for the error about a missing one."""

    def __init__(self, columns: Columns) -> None:
        self._missing = dict.fromkeys(columns.needed)
        self._names: dict[str, None] = {}

    def look(self, value: Mapping[str, Any]) -> None:
        """Note a row's columns, as long as a needed column has not been seen."""
        if self._missing:
            for name in [name for name in self._missing if keys_to(value, name) is not None]:
                del self._missing[name]
            if self._missing and len(self._names) < MAX_SHOWN:
                self._names.update(dict.fromkeys(names_in(value)))

    def missing(self) -> str | None:
        """The error text for a needed column that no row has; None if all were seen, or if no row had any column."""
        return no_column(next(iter(self._missing)), self._names) if self._missing and self._names else None


def names_in(value: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The paths of a row's columns; nested objects are listed one level deep."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and not before and inner:
            yield from names_in(inner, f"{key}.")
        else:
            yield f"{before}{key}"


def no_column(name: str, known: Iterable[str]) -> str:
    """The part of an error message that says that a column is missing, with a suggestion."""
    known = list(known)
    more = f" and {len(known) - MAX_SHOWN} more" if len(known) > MAX_SHOWN else ""
    return f"no column {name!r}{did_you_mean(name, known)} (it has {', '.join(known[:MAX_SHOWN])}{more})"
