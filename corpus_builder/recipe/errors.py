"""Error messages about recipes, with suggestions for misspelled words."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from corpus_builder.errors import did_you_mean
from corpus_builder.messages.redact import without_secrets


def explain(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    """Pydantic's errors about a model as readable messages, with suggestions for misspelled words."""
    sentences = []
    errors = error.errors()
    for found in errors:
        inner = any(found["loc"] == other["loc"][: len(found["loc"])] for other in errors if other is not found)
        if found["type"] == "too_short" and inner:  # a list is too short only because items in it are wrong
            continue
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"]).lstrip(".")
        if found["type"] == "extra_forbidden":
            keys = _keys_at(found["loc"][:-1], model)
            wrong = str(found["loc"][-1])
            sentences.append(f"unknown key {place!r}{did_you_mean(wrong, keys)} (keys there: {', '.join(keys)})")
        elif found["type"] == "missing":
            sentences.append(f"{place!r} is missing")
        elif found["type"] == "value_error":
            sentences.append(f"{place + ': ' if place else ''}{found['ctx']['error']}")
        else:
            sentences.append(f"{place} = {found['input']!r}: {found['msg'][0].lower()}{found['msg'][1:]}")
    return f"{f'{where}: ' if where else ''}{without_secrets('; '.join(sentences))}."


def _keys_at(place: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    for part in place:
        if part in model.model_fields:
            model = _model_in(model.model_fields[str(part)].annotation) or model
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `tuple[Source, ...]` or `Dedup | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
