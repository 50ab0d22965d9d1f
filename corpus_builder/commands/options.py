"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from corpus_builder.commands.headings import later, under
from corpus_builder.errors import InputError

PATH = click.Path(path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
memory = click.option(
    "--memory", "memory_mib", type=click.IntRange(16), default=1024, show_default=True, help="MiB a task may use."
)
build_directory = click.option("--out", type=PATH, help="Directory of the build.  [default: data/corpus/NAME]")
engine_options = under(
    "The machine (the output's bytes are the same on any)",
    click.option("--engine", type=click.Choice(["ray", "serial"]), default="ray", show_default=True, help="Where shards run."),
    click.option("--workers", type=click.IntRange(1), help="Shards at a time.  [default: the number of cores]"),
    click.option("--address", help="Ray cluster to run on, for example auto.  [default: a new Ray instance on this machine]"),
    memory,
)
HASHES = "How texts are hashed"


class _NumberOrFalse(click.ParamType[Any]):
    name = "float|false"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return False if value in (False, "false") else click.FLOAT.convert(value, param, ctx)


def from_recipe(*names: str) -> Callable[..., Any]:
    """Options named after keys of a recipe's table [dedup]: type, choices, range, default and description are those of the key."""

    def make() -> list[click.Option]:
        from corpus_builder.recipe.dedup import Dedup

        return [_option(name, Dedup.model_fields[name]) for name in names]

    return later(make)


def _option(name: str, field: Any) -> click.Option:
    kinds = [get_origin(kind) or kind for kind in (field.annotation, *get_args(field.annotation))]
    limits: dict[str, Any] = {}
    for limit in field.metadata:
        for word, edge, is_open in (("ge", "min", False), ("gt", "min", True), ("le", "max", False), ("lt", "max", True)):
            if (value := getattr(limit, word, None)) is not None:
                limits |= {edge: value, f"{edge}_open": is_open}
    how: dict[str, Any] = {"show_default": field.default is not None}
    if Literal in kinds:
        how["type"] = click.Choice(get_args(field.annotation))
    elif kinds == [bool]:
        how = {"is_flag": True}
    elif float in kinds and len(kinds) > 3:  # a number, or false
        how["type"] = _NumberOrFalse()
    elif int in kinds or float in kinds:
        how["type"] = (click.IntRange if int in kinds else click.FloatRange)(**limits)
    elif name == "index":
        how["type"] = PATH
    words = " ".join(field.description.split()).replace(" [default", "  [default")
    return click.Option([f"--{name.replace('_', '-')}"], default=field.default, help=words, **how)


hash_options = from_recipe("preset", "ngram", "bands", "rows", "similarity", "recall", "bytes_per_document")


def engine_of(engine: str, workers: int | None, address: str | None, memory_mib: int) -> Any:
    """The engine that the options of `engine_options` name."""
    from corpus_builder.engine import Ray, Serial

    if engine == "serial":
        if workers not in (None, 1) or address:
            raise InputError("--engine serial runs in this process; leave --workers and --address out.")
        return Serial()
    return Ray(workers, address, memory_mib << 20)
