"""The commands that choose what is worth reading: sample, label, train, evaluate, and what another rule would do."""

from __future__ import annotations

from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH
from corpus_builder.commands.printing import say


@click.command("train-classifier", cls=Command, short_help="Train a classifier on labelled texts.")
@click.argument("labels", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, type=PATH, help="Where to write the model.")
@click.option("--property", "properties", multiple=True, help="Property to learn; can be repeated.  [default: all]")
def train_classifier(labels: tuple[Path, ...], out: Path, properties: tuple[str, ...]) -> None:
    """Train a classifier on LABELS, files of JSON lines or tables, for the recipe's table [quality.classifiers].

    The same labels and options give the same bytes.
    """
    from corpus_builder.classifier.train import train_classifier as train
    from corpus_builder.store.apart import keep_file_apart

    keep_file_apart(out, labels)
    model = train(labels, out, properties=properties)
    shown = ", ".join(f"{one.name} ({one.kind}: {', '.join(one.values)})" for one in model.properties)
    say(f'{out}: {shown}. A recipe uses it with [quality.classifiers.NAME] and model = "{out}".')
