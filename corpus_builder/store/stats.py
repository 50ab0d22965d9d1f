"""The stats in a shard's receipt: a frozen dataclass for each stage, defined next to the stage.

In a receipt they are a JSON object.  `Manifest.stats` validates it against the dataclass when reading, since receipts and
manifests may be edited or damaged: every field must be there, counts are integers of at least 0, and names are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

S = TypeVar("S")

Count = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""A number of things, 0 or more."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True)
class NoStats:
    """The stats of a stage that counts nothing."""


@dataclass(frozen=True)
class Documents:
    """A number of documents, and of the characters of their texts."""

    documents: Count
    characters: Count


_FORMS: dict[type[Any], TypeAdapter[Any]] = {}


def _form(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _FORMS:
        _FORMS[kind] = TypeAdapter(kind)
    return _FORMS[kind]


def stats_from_json(kind: type[S], value: Mapping[str, Any]) -> S:
    """Read the stats of a receipt; raises ValueError with the first invalid field."""
    try:
        found: S = _form(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return found


def stats_as_json(stats: Any) -> dict[str, Any]:
    """The stats as JSON values."""
    packed: dict[str, Any] = _form(type(stats)).dump_python(stats, mode="json")
    return packed
