"""The commands that choose what is worth reading: sample, label, train, evaluate, and what another rule would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import InputError


@click.command(cls=Command, short_help="Draw documents for labelling from a build.")
@click.argument("out", type=PATH)
@under(
    "Which documents",
    click.option("--count", type=click.IntRange(1), default=500, show_default=True, help="How many."),
    click.option(
        "--by",
        multiple=True,
        default=("random",),
        show_default=True,
        metavar="NAME",
        help="Draw equally many of each source, host, crawl, length, stage or reason, of each category, or of each quantile of a measure or score; can be repeated, and each combination then counts.",
    ),
    click.option(
        "--among",
        type=click.Choice(["all", "kept", "dropped"]),
        default="all",
        show_default=True,
        help="What the build did with them.",
    ),
    click.option("--per-host", type=click.IntRange(1), help="At most this many of a host, in each stratum.  [default: no limit]"),
    click.option("--bins", type=click.IntRange(2, 1000), default=10, show_default=True, help="Quantiles of a measure or score."),
    click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other documents."),
)
@under(
    "The files",
    click.option("--out", "file", type=PATH, required=True, help="File of JSON lines to write."),
    click.option("--tsv", type=PATH, help="Table to write, too, for labelling in a spreadsheet."),
    click.option(
        "--property",
        "properties",
        multiple=True,
        default=("quality",),
        show_default=True,
        help="Empty column of the table; can be repeated.",
    ),
)
@as_json
def sample(
    out: Path,
    count: int,
    by: tuple[str, ...],
    among: str,
    per_host: int | None,
    bins: int,
    seed: int,
    file: Path,
    tsv: Path | None,
    properties: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draw documents of the build OUT for labelling, by a person or by `corpus-builder label`.

    Each has a weight: how many documents of the build it stands for. The same build and seed give the same sample. A file that exists
    and holds something else is not overwritten."""
    from corpus_builder.built import Built
    from corpus_builder.selection.sample import as_text, sample, write_new

    found = sample(Built.open(out), count, by=by, seed=seed, among=among, per_host=per_host, bins=bins)  # type: ignore[arg-type]
    table = found.tsv(properties) if tsv is not None else b""
    write_new(file, found.jsonl())
    if tsv is not None:
        write_new(tsv, table)
    if as_json:
        say_json({"documents": len(found.documents), "missing": found.missing, "strata": found.strata})
    else:
        say(f"{as_text(found)}\n\nThe sample: {file}")
    if found.missing:
        end_with_nothing(f"only {len(found.documents):,} of the {count:,} documents asked for exist; the files hold these.")


@click.command("train-classifier", cls=Command, short_help="Train a classifier on labelled texts.")
@click.argument("labels", nargs=-1, type=PATH)
@click.option("--out", required=True, type=PATH, help="Where to write the model.")
@under(
    "Labels without labelling",
    click.option("--like", metavar="SOURCE", help="Learn what is like this source of a build, such as its Wikipedia."),
    click.option("--build", type=PATH, help="Directory of that build."),
    click.option("--count", type=click.IntRange(1), default=5000, show_default=True, help="Documents of either side."),
)
@under(
    "The model",
    click.option("--property", "properties", multiple=True, help="Property to learn; can be repeated.  [default: all]"),
    click.option(
        "--features", type=click.Choice(["linear", "fasttext"]), default="linear", show_default=True, help="Kind of model."
    ),
    click.option(
        "--ngrams", nargs=2, type=int, default=(1, 3), show_default=True, help="Shortest and longest character n-grams."
    ),
    click.option(
        "--bits", type=int, default=20, show_default=True, help="n-grams are hashed to 2 to the power of this many places."
    ),
    click.option(
        "--measures",
        type=click.Choice(["rates", "all", "none"]),
        help="Built-in measures that count, too: those that do not grow with the text, all, or none.  [default: rates; fastText: none]",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Another seed deals the hosts out to other folds."),
)
@under(
    "The model's card",
    click.option("--licence", default="", help="Licence of labels that do not say it."),
    click.option("--policy", default="", help="Policy by which they were given."),
)
@as_json
def train_classifier(
    labels: tuple[Path, ...], out: Path, like: str | None, build: Path | None, count: int, as_json: bool, **settings: Any
) -> None:
    """Train a classifier on LABELS, files of JSON lines or tables, for the recipe's table [quality.classifiers].

    Prints how good it is on texts whose hosts it had not seen, and whether more labels would help.  The same labels and options give
    the same bytes.
    """
    from corpus_builder.built import Built
    from corpus_builder.classifier.card import as_text
    from corpus_builder.selection.likeness import likeness
    from corpus_builder.selection.training import card_file
    from corpus_builder.selection.training import train_classifier as train
    from corpus_builder.store.apart import keep_file_apart

    if bool(labels) == bool(like) or bool(like) != bool(build):
        raise InputError("Name files of labels, or a source with --like and its build with --build.")
    keep_file_apart(out, labels)
    given = likeness(Built.open(build), like, count, settings["seed"]) if build and like else labels
    model = train(given, out, **settings)
    card = getattr(model, "card", None) or json.loads(card_file(out).read_bytes())
    if as_json:
        say_json({"model": str(out), "digest": model.digest, **card})
        return
    say(f'{as_text(card)}\n\n{out}: a recipe uses it with [quality.classifiers.NAME] and model = "{out}".')


@click.command(cls=Command, short_help="Score texts by a classifier.")
@click.argument("model", type=PATH)
@click.argument("file", type=PATH)
def score(model: Path, file: Path) -> None:
    """Score the texts of a JSONL FILE (- for standard input) by MODEL; print JSON lines with `id` and `scores`."""
    from corpus_builder.selection.scoring import scored_lines

    some = False
    for line in scored_lines(model, Path("/dev/stdin") if str(file) == "-" else file):
        some |= "scores" in line
        say_json(line, indent=None)
    if not some:
        end_with_nothing("there is no text in the file, so nothing was scored.")
