"""The command that builds a corpus: words to calls, no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json, build_directory, engine_of, engine_options
from corpus_builder.commands.printing import end_with_nothing, say, say_json


@click.command(cls=Command, short_help="Build the corpus of a recipe, or go on with it.")
@click.argument("recipe", type=PATH)
@build_directory
@engine_options
@as_json
def build(recipe: Path, out: Path | None, as_json: bool, **machine: Any) -> None:
    """Build the corpus of RECIPE, or go on with it; what is done is not done again."""
    from corpus_builder.duplicates import summary as duplicates
    from corpus_builder.pipeline import build
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.report import funnel

    loaded = Recipe.load(recipe)
    out = out or Path("data/corpus") / loaded.name
    with engine_of(**machine) as engine:
        built = build(loaded, out, engine, task_memory_bytes=machine["memory_mib"] << 20, progress=True)
    page, found = built.report(), built.funnels()
    if as_json:
        told = {"out": str(out), "report": str(page), "funnels": [funnel.as_json(one) for one in found]}
        say_json(told | duplicates.in_json(built.duplicates()))
    else:
        say("\n\n".join([*map(funnel.as_text, found), *duplicates.in_text(built.duplicates())]))
        say(
            f"\nThe corpus:         {out}/release/corpus/*.parquet\n"
            f"The report:         {out / 'report.html'}\n"
            f"Why was it dropped: corpus-builder why {out} URL-OR-ID\n"
            f"Is it all there:    corpus-builder verify {out}"
        )
    end_with_nothing(*funnel.without_yield(found))
