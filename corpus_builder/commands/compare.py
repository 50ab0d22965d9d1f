"""The commands that compare what is kept: by another recipe, and by another build."""

from __future__ import annotations

from pathlib import Path

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_json


@click.command(cls=Command, short_help="Show what a changed recipe would keep, in seconds.")
@click.argument("out", type=PATH)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Key of the recipe and its value, such as rules[3].min=0.3 or select.top=0.2; can be repeated. Without =, the key or rule is removed; rules are counted from 0.",
)
@click.option("--recipe", type=PATH, help="Recipe to change.  [default: that of the build]")
@click.option("--write", type=PATH, help="Write the changed recipe to this file, which `build` takes.")
@as_json
def whatif(out: Path, changes: tuple[str, ...], recipe: Path | None, write: Path | None, as_json: bool) -> None:
    """Show what the build OUT would keep with a changed recipe, from the columns that it stored; no text is read.

    Documents, characters and tokens gained and lost, by reason, source and host; what each rule drops alone; the documents next to the
    limits that changed. A change that needs the texts is refused, with the stage that would run again."""
    from corpus_builder.built import Built
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.selection import shown
    from corpus_builder.selection.patch import Change, write_patched
    from corpus_builder.selection.whatif import whatif

    parsed = [Change.parse(one) for one in changes]
    found = whatif(Built.open(out), parsed, Recipe.load(recipe) if recipe else None)
    note = ""
    if write is not None and found.recipe is not None:
        kept = write_patched(write, recipe, parsed, found.recipe)
        note = f"\nThe changed recipe: {write}" + ("" if kept else ", without the comments of the original")
    if as_json:
        say_json(shown.as_json(found))
    else:
        say(f"{shown.as_text(found)}{note}")


@click.command(cls=Command, short_help="Compare what two builds, or two recipes, keep.")
@click.argument("left", type=PATH)
@click.argument("right", type=PATH, required=False)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Instead of RIGHT: LEFT with a changed recipe, as in `whatif`."
)
@click.option("--recipe", type=PATH, help="Recipe to change.  [default: that of the build]")
@under(
    "On labelled documents",
    click.option("--labels", multiple=True, type=PATH, help="File of labels; can be repeated."),
    click.option(
        "--good",
        default="quality",
        show_default=True,
        help="Which are good: a property that is 1, or educational>=3, or topic=science.",
    ),
    click.option(
        "--score", "scores", multiple=True, help="Measure or score to compare by the area under its curve; can be repeated."
    ),
)
@click.option("--html", type=PATH, help="Page to write, too.")
@as_json
def evaluate(
    left: Path,
    right: Path | None,
    changes: tuple[str, ...],
    recipe: Path | None,
    labels: tuple[Path, ...],
    good: str,
    scores: tuple[str, ...],
    html: Path | None,
    as_json: bool,
) -> None:
    """Compare what the builds LEFT and RIGHT keep, or LEFT and the same with a changed recipe.

    Overlap; what only one keeps, by source, length, category and host, with examples; and on labelled documents precision and recall of both, with
    95 % intervals. Documents are the same if their ids are."""
    from corpus_builder.built import Built
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.selection import compared
    from corpus_builder.selection.evaluate import evaluate
    from corpus_builder.selection.sample import write_new

    if (right is None) == (not changes and recipe is None):
        raise click.UsageError("Give either RIGHT, another build, or --set or --recipe, another recipe.")
    ours = Built.open(left)
    theirs = Built.open(right) if right is not None else changes
    found = evaluate(ours, theirs, recipe=Recipe.load(recipe) if recipe else None, labels=labels, good=good, scores=scores)
    if html is not None:
        write_new(html, compared.as_page(found, f"{ours.recipe.name}: what changed").encode("utf-8", "replace"))
    if as_json:
        say_json(compared.as_json(found))
    else:
        say(compared.as_text(found))
