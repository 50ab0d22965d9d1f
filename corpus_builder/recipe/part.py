"""The base of all parts of a recipe: frozen, without unknown keys, with readable errors and a short repr."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from corpus_builder.engine.own_functions import function_of
from corpus_builder.errors import RecipeError
from corpus_builder.messages.redact import without_secrets
from corpus_builder.recipe.errors import explain

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def _listed(given: Any) -> Any:
    if isinstance(given, str | BaseModel):  # the letters of a string, and the fields of a part, would be taken for the items
        raise ValueError(f"a list is wanted: [{given!r}]")
    return given


Item = TypeVar("Item")
Items = Annotated[Sequence[Item], BeforeValidator(_listed), AfterValidator(tuple)]
"""Of a key that takes a list: type checkers accept any sequence, and a tuple is kept."""


class Part(BaseModel):
    """A part of a recipe: frozen, rejecting unknown keys.  Paths may be given as `pathlib.Path`, sequences as lists.

    The docstring of a key is its description in docs/recipe.md and in the help of the option with its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)

    def __init__(self, /, **data: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python({name: _plain(value) for name, value in data.items()}, self_instance=self)
        except ValidationError as error:
            raise RecipeError(explain(error, type(self).__name__, type(self))) from None

    # Parts within parts are made by pydantic, as if there were no __init__ of ours: it collects what is wrong, with the place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: Any) -> None:
        raise RecipeError(f"A {type(self).__name__} cannot be changed; make another one with {name} = {value!r}.")

    def said(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        fields = type(self).model_fields
        return {
            name: value
            for name, field in fields.items()
            if not field.exclude and (value := getattr(self, name)) != field.get_default(call_default_factory=True)
        }

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        yield from self.said().items()

    def __repr__(self) -> str:
        return without_secrets(f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.said().items())})")

    __str__ = __repr__


def _plain(value: Any) -> Any:
    """A value with paths as strings, as in a recipe file, also within lists and tables."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _known_name(function: Callable[..., Any]) -> str:
    return function_of(function, Path()).name


def as_data(value: Any, named: Callable[[Callable[..., Any]], str] = _known_name) -> Any:
    """What a part says as plain data: tables, lists, strings, numbers; functions by their names."""
    if isinstance(value, Part):
        value = value.said()
    if isinstance(value, Mapping):
        return {name: as_data(one, named) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [as_data(one, named) for one in value]
    return named(value) if callable(value) else value


def _function(given: Any) -> Any:
    if isinstance(given, str) or callable(given):
        return given
    raise ValueError(f'{given!r} is no function; give one, or its name as "module:function"')


NameOrFunction = PlainValidator(_function)
"""Of a key that takes a name, or a function of the user's own."""


def in_lines(name: str, fields: Mapping[str, Any]) -> str:
    """A repr of several lines: one per field, and one for each part in a sequence of parts."""
    shown = [
        f"{field}=[{''.join(f'{chr(10)}        {one!r},' for one in value)}\n    ]"
        if isinstance(value, tuple)
        else f"{field}={value!r}"
        for field, value in fields.items()
    ]
    return without_secrets("".join([f"{name}(\n", *(f"    {line},\n" for line in shown), ")"]))
