"""The commands that compare what is kept: by another recipe, and by another build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import PATH, as_json, engine_of, engine_options
from corpus_builder.commands.printing import end_with_nothing, say, say_json


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


@click.command(cls=Command, short_help="Go once round the loop: build, sample, label, train, build again, compare.")
@click.argument("recipe", type=PATH)
@click.option("--out", type=PATH, required=True, help="Directory to write to.")
@under(
    "The labels",
    click.option("--labels", multiple=True, type=PATH, help="File of labels; can be repeated. No model is asked then."),
    click.option("--policy", default="", help="A policy, shipped or a file, after which a model labels the sample."),
    click.option("--endpoint", help="URL of an OpenAI-compatible server.  [default: only kept answers are used]"),
    click.option("--model", default="", help="The model, as the endpoint calls it."),
    click.option("--property", "property_", default="", help="Property that is learned.  [default: the only one of the labels]"),
    click.option("--good", default="", help="Which labels are good, as in `evaluate`.  [default: the property is 1]"),
)
@under(
    "The sample",
    click.option("--count", type=click.IntRange(1), default=500, show_default=True, help="Documents to draw."),
    click.option(
        "--by", multiple=True, default=("random",), show_default=True, metavar="NAME", help="As in `sample`; can be repeated."
    ),
    click.option("--per-host", type=click.IntRange(1), help="At most this many of a host, in each stratum.  [default: no limit]"),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Another seed draws other documents, and keeps others back."
    ),
)
@under(
    "The second build",
    click.option("--name", default="edu", show_default=True, help="Name of the classifier in the recipe."),
    click.option(
        "--set",
        "changes",
        multiple=True,
        default=("select.top=0.15",),
        show_default=True,
        metavar="KEY=VALUE",
        help="Change of the recipe, as in `whatif`; can be repeated.",
    ),
)
@engine_options
@as_json
def loop(
    recipe: Path,
    out: Path,
    labels: tuple[Path, ...],
    policy: str,
    endpoint: str | None,
    model: str,
    property_: str,
    good: str,
    count: int,
    by: tuple[str, ...],
    per_host: int | None,
    seed: int,
    name: str,
    changes: tuple[str, ...],
    as_json: bool,
    **machine: Any,
) -> None:
    """Go once round the loop with RECIPE, or go on where an earlier run stopped: nothing is built, asked or trained twice.

    Builds, draws a sample of what is kept, has it labelled, trains a classifier, builds again with it, and compares. A fifth of the hosts is kept
    back from training, and the builds are compared on these. Without --set the second build keeps the best 15 % of what the rules keep."""
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.selection import compared
    from corpus_builder.selection import loop as once

    with engine_of(**machine) as engine:
        found = once.loop(
            Recipe.load(recipe),
            out,
            engine,
            labels=labels,
            policy=policy,
            endpoint=endpoint,
            model=model,
            drawing=once.Drawing(count, by, seed, per_host=per_host),
            name=name,
            property=property_,
            good=good,
            select=changes,
            task_memory_bytes=machine["memory_mib"] << 20,
            say=lambda line: say(line, err=True),
        )
    if as_json:
        say_json(once.as_json(found))
    else:
        say(f"{compared.as_text(found.evaluation)}\n\nThe recipe: {found.recipe}\nThe report: {found.report}")
    if not found.better.corpus().count_rows():
        end_with_nothing("the corpus of the second build is empty; --set says what it keeps.")
