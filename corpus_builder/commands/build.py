"""The command that builds a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json, build_directory, engine_of, engine_options
from corpus_builder.commands.printing import end_with_nothing, say, say_funnels


@click.command(cls=Command, short_help="Build the corpus of a recipe, or resume it.")
@click.argument("recipe", type=PATH)
@build_directory
@engine_options
@as_json
def build(recipe: Path, out: Path | None, as_json: bool, **machine: Any) -> None:
    """Build the corpus of RECIPE, or resume it: finished work is not repeated."""
    from corpus_builder.built import build
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.report.funnel import without_yield

    loaded = Recipe.load(recipe)
    out = out or Path("data/corpus") / loaded.name
    with engine_of(**machine) as engine:
        built = build(loaded, out, engine, task_memory_bytes=machine["memory_mib"] << 20, progress=True)
    found = say_funnels(built, as_json, out=str(out))
    if not as_json:
        say(
            f"\nThe corpus:         {out}/release/corpus/*.parquet\n"
            f"The report:         {out / 'report.html'}\n"
            f"Why was it dropped: corpus-builder why {out} URL-OR-ID\n"
            f"Is it all there:    corpus-builder verify {out}"
        )
    end_with_nothing(*without_yield(found))
