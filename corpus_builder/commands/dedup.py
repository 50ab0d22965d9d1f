"""The command that deduplicates the user's own files: words to calls, no logic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corpus_builder.errors import RecipeError


def hash_options() -> list[Callable[..., Any]]:
    """How texts are hashed: a preset, the numbers themselves, or what is to be found."""
    return [
        click.option("--preset", help="Bands and rows by name: swallow (40 x 20), fineweb (14 x 8) or japanese (20 x 7)."),
        click.option("--ngram", type=click.IntRange(1, 64), help="Characters of a shingle.  [default: 5]"),
        click.option("--bands", type=click.IntRange(1, 1024), help="Bands of a signature.  [default: 14]"),
        click.option("--rows", type=click.IntRange(1, 256), help="Minima of a band.  [default: 8]"),
        click.option("--similarity", type=float, help="Choose bands and rows to find pairs of this Jaccard similarity."),
        click.option("--recall", type=float, help="Share of them to find, with --similarity.  [default: 0.95]"),
        click.option(
            "--bytes-per-document",
            type=click.IntRange(1),
            help="Bytes of keys that may be moved for each document, with --similarity.  [default: 480]",
        ),
    ]


OPTIONS: list[Callable[..., Any]] = [
    click.option("--text", default="text", show_default=True, help="Column of the text; meta.body within others."),
    click.option("--id", help="Column of the id.  [default: id; where a row has none, FILE/ROW]"),
    *hash_options(),
    click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=0, show_default=True, help="Seed of the hashes."),
    click.option(
        "--keep", default="newest", show_default=True, help="Who survives: newest, oldest, longest, largest:COLUMN or first:A,B."
    ),
    click.option("--date", default="date", show_default=True, help="Column of the date, for newest and oldest."),
    click.option("--source", help="Column of the source, for first:A,B.  [default: A and B are patterns of file names]"),
    click.option("--url-column", help="Column of the URL.  [default: url, where there is one]"),
    click.option("--url", is_flag=True, help="Rows with the same URL are duplicates, whatever their texts."),
    click.option(
        "--verify",
        type=click.FloatRange(0, 1),
        help="A candidate counts from this Jaccard similarity on.  [default: 0.75, less for a low --similarity, none for swallow]",
    ),
    click.option(
        "--no-verify", is_flag=True, help="Every candidate counts: texts of one template fall, the more the more there are."
    ),
    click.option(
        "--verify-by",
        type=click.Choice(["signature", "text"]),
        default="signature",
        show_default=True,
        help="Estimated or exact.",
    ),
    click.option(
        "--groups",
        type=click.Choice(["first", "components"]),
        default="first",
        show_default=True,
        help="Drop what matches a better one, or all but the best of what hangs together.",
    ),
    click.option("--index", type=click.Path(path_type=Path), help="Index of earlier documents to hold the rows against."),
    click.option(
        "--elders",
        type=click.Choice(["stay", "compete"]),
        default="stay",
        show_default=True,
        help="Documents of the index always stay, or compete with the rows by --keep.",
    ),
]


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is compared and what counts; each changes the output."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def run(files: tuple[Path, ...], out: Path, engine: Any, memory_mib: int, settings: dict[str, Any]) -> Any:
    """Deduplicate, with bars."""
    from corpus_builder.deduplication import deduplicate

    for file in files if settings["url"] else ():
        if not file.exists():
            raise RecipeError(
                f"There is no file {file}. If it is the column of the URL, write --url --url-column {file}: --url is the rule alone."
            )
    if settings.pop("no_verify"):
        if settings["verify"] is not None:
            raise RecipeError("--verify and --no-verify contradict each other; leave one of them out.")
        settings["verify"] = False
    return deduplicate(files, out, engine, task_memory_bytes=memory_mib << 20, progress=True, **settings)


FORECAST_OPTIONS: list[Callable[..., Any]] = [
    *hash_options(),
    click.option("--documents", type=click.FloatRange(1), help="Say what so many documents will take, for example 1.3e8."),
    click.option("--characters", type=click.IntRange(1), help="Their mean length, with --documents.  [default: 1000]"),
    click.option("--memory", "memory_mib", type=click.IntRange(16), default=1024, show_default=True, help="MiB a task may use."),
]


def forecast_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hashes and sizes that `plan` looks at."""
    for option in reversed(FORECAST_OPTIONS):
        command = option(command)
    return command


def planned(recipe: Any, settings: dict[str, Any]) -> tuple[Any, Any] | None:
    """The hashes of a recipe, or those that the options name, and the forecast where one is asked for; None without duplicates."""
    from corpus_builder.hashing.forecast import CHARACTERS, forecast
    from corpus_builder.hashing.presets import resolve
    from corpus_builder.hashing.verification import verify_of

    documents, characters, memory_mib = (settings.pop(name) for name in ("documents", "characters", "memory_mib"))
    said = [f"--{name.replace('_', '-')}" for name, value in settings.items() if value is not None]
    if recipe is not None and said:
        raise RecipeError(f"The recipe says how texts are hashed; leave {', '.join(said)} out, or leave out the recipe.")
    if characters is not None and documents is None:
        raise RecipeError("--characters goes with --documents; add it, for example --documents 1e8.")
    if recipe is not None and recipe.dedup is None:
        return None
    spec = resolve(**settings) if recipe is None else recipe.dedup.minhash
    verify = verify_of(None, spec, settings["similarity"]) if recipe is None else recipe.dedup.matching.verify
    size = (memory_mib << 20, characters or CHARACTERS)
    found = forecast(int(documents), spec, *size, verified=verify is not None) if documents is not None else None
    return spec, found
