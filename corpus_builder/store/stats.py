"""What a shard's receipt says of it in numbers: a frozen dataclass for each stage, defined beside the stage.

In a receipt they are a JSON object.  Whoever reads one back, `Manifest.stats`, holds it against the dataclass, since receipts and
manifests may be edited or damaged: every field is there, a count is a whole number that is not negative, and a name is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

S = TypeVar("S")

Count = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""How many."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True)
class NoStats:
    """Of a stage that counts nothing."""


@dataclass(frozen=True)
class Documents:
    """Some documents, and how many characters their texts have."""

    documents: Count
    characters: Count


_FORMS: dict[type[Any], TypeAdapter[Any]] = {}


def _form(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _FORMS:
        _FORMS[kind] = TypeAdapter(kind)
    return _FORMS[kind]


def stats_from_json(kind: type[S], value: Mapping[str, Any]) -> S:
    """The numbers of a receipt; ValueError, with the first field that is not of its form, where `value` does not hold them."""
    try:
        found: S = _form(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return found


def stats_as_json(stats: Any) -> dict[str, Any]:
    """The numbers as JSON values."""
    packed: dict[str, Any] = _form(type(stats)).dump_python(stats, mode="json")
    return packed
