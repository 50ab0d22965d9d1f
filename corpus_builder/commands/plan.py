"""The command that shows what a build would do, and what that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import HASHES, PATH, as_json, build_directory, hash_options, memory
from corpus_builder.commands.printing import say, say_json
from corpus_builder.errors import RecipeError


@click.command(cls=Command, short_help="Show what `build` would run, and why.")
@click.argument("recipe", type=PATH, required=False)
@build_directory
@under(HASHES, hash_options)
@under(
    "What that takes",
    click.option("--documents", type=click.FloatRange(1), help="Forecast what this many documents will take, for example 1.3e8."),
    click.option("--characters", type=click.IntRange(1), help="Their mean length, with --documents.  [default: 1000]"),
    memory,
)
@as_json
def plan(recipe: Path | None, out: Path | None, as_json: bool, **settings: Any) -> None:
    """Show what `build` would run of RECIPE and why, how likely pairs of duplicates are to be found, and what finding them takes.

    Without RECIPE, show only the last two, for the hashes that the options name."""
    from corpus_builder.hashing import forecast
    from corpus_builder.preview.plan import as_text, plan
    from corpus_builder.recipe.models import Recipe

    loaded = Recipe.load(recipe) if recipe else None
    dedup = _hashes(loaded, settings)
    plans = plan(loaded, out or Path("data/corpus") / loaded.name) if loaded else []
    if as_json:
        say_json(
            {
                **({"stages": [one.as_json() for one in plans]} if loaded else {}),
                **({"dedup": forecast.as_json(*dedup)} if dedup else {}),
            }
        )
    else:
        say("\n\n".join([*([as_text(plans)] if loaded else []), *([forecast.as_text(*dedup)] if dedup else [])]))


def _hashes(recipe: Any, settings: dict[str, Any]) -> tuple[Any, Any] | None:
    """The hashes of a recipe, or those that the options name, and the forecast if one was asked for; None if no duplicates are sought."""
    from corpus_builder.hashing.forecast import CHARACTERS, forecast
    from corpus_builder.recipe.dedup import Dedup

    documents, characters, memory_mib = (settings.pop(name) for name in ("documents", "characters", "memory_mib"))
    said = [f"--{name.replace('_', '-')}" for name, value in settings.items() if value is not None]
    if recipe is not None and said:
        raise RecipeError(f"The recipe says how texts are hashed; leave {', '.join(said)} out, or leave out the recipe.")
    if characters is not None and documents is None:
        raise RecipeError("--characters goes with --documents; add it, for example --documents 1e8.")
    if recipe is not None and recipe.dedup is None:
        return None
    matching = (recipe.dedup if recipe else Dedup.of(**settings)).matching
    if documents is None:
        return matching.minhash, None
    size = (memory_mib << 20, characters or CHARACTERS)
    return matching.minhash, forecast(int(documents), matching.minhash, *size, verified=matching.verify is not None)
