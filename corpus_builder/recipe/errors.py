"""What is wrong with a recipe, in sentences with the nearest right word."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from corpus_builder.errors import did_you_mean
from corpus_builder.messages.redact import without_secrets


def explain(error: ValidationError, where: str, recipe: type[BaseModel], tables: Mapping[str, type[BaseModel]]) -> str:
    """Pydantic's findings as sentences with the nearest right word."""
    sentences = []
    errors = error.errors()
    for found in errors:
        inner = any(found["loc"] == other["loc"][: len(found["loc"])] for other in errors if other is not found)
        if found["type"] == "too_short" and inner:  # a list is short of the items that are wrong
            continue
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"]).lstrip(".")
        if found["type"] == "extra_forbidden":
            keys = _keys_at(found["loc"][:-1], recipe, tables)
            wrong = str(found["loc"][-1])
            sentences.append(f"unknown key {place!r}{did_you_mean(wrong, keys)} (keys there: {', '.join(keys)})")
        elif found["type"] == "missing":
            sentences.append(f"{place!r} is missing")
        elif found["type"] == "value_error":
            sentences.append(f"{place + ': ' if place else ''}{found['ctx']['error']}")
        else:
            sentences.append(f"{place} = {found['input']!r}: {found['msg'][0].lower()}{found['msg'][1:]}")
    return f"{where}: {without_secrets('; '.join(sentences))}."


def _keys_at(place: tuple[str | int, ...], recipe: type[BaseModel], tables: Mapping[str, type[BaseModel]]) -> list[str]:
    model = recipe
    for part in place:
        model = tables.get(str(part), model)
    return [name for name in model.model_fields if name != "base"]
