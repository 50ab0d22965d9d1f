"""The commands that train models."""

from __future__ import annotations

from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH
from corpus_builder.commands.printing import say
from corpus_builder.errors import InputError


@click.command(cls=Command, short_help="Train the extractor on pages of yours.")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, type=PATH, help="Where to write the model.")
def train_extractor(files: tuple[Path, ...], out: Path) -> None:
    """Train the model of the extractor on FILES of JSON lines with `html` and `text`, the main text with one block per line.

    A recipe names the model in extract.model."""
    from corpus_builder.extractor.training import read_examples, train
    from corpus_builder.store.apart import keep_file_apart

    keep_file_apart(out, files)
    if out.is_dir() or not out.parent.is_dir():
        raise InputError(f"The model cannot be written to {out}: name a file in a directory that exists.")
    examples = (example for path in files for example in read_examples(path))
    train(examples, lambda line: say(line, err=True)).save(out)


@click.command("train-detector", cls=Command, short_help="Train a model for the language detector.")
@click.option("--japanese", multiple=True, required=True, type=PATH, help="Text file of Japanese examples.")
@click.option("--other", multiple=True, required=True, type=PATH, help="Text file of other examples.")
@click.option("--out", required=True, type=PATH, help="Where to write the model.")
def train_detector(japanese: tuple[Path, ...], other: tuple[Path, ...], out: Path) -> None:
    """Train a model for the language detector from text files with one example per line; both options can be repeated.

    The same files give the same bytes.
    """
    from corpus_builder.japanese.train_detector import train_files
    from corpus_builder.store.apart import keep_file_apart
    from corpus_builder.store.files import write_atomically

    keep_file_apart(out, (*japanese, *other))
    model = train_files(japanese, other).to_bytes()
    write_atomically(out, model)
    say(f'{out}: {len(model):,} bytes. A recipe uses it with detector = "ngrams:{out}" under [extract].')


@click.command("train-language-model", cls=Command, short_help="Train a language model over characters.")
@click.argument("files", nargs=-1, type=PATH)
@click.option("--build", type=PATH, help="Learn from the documents of this build, too.")
@click.option("--source", help="Only from those of this source of the build, such as wikipedia.")
@click.option(
    "--characters", type=click.IntRange(1), help="Stop after so many characters.  [default: 50 million, which take 3 GB]"
)
@click.option(
    "--least", type=click.IntRange(1), default=2, show_default=True, help="Leave out longer n-grams that occur less often."
)
@click.option("--out", required=True, type=PATH, help="Where to write the model.")
def train_language_model(
    files: tuple[Path, ...], build: Path | None, source: str | None, characters: int | None, least: int, out: Path
) -> None:
    """Train a language model over characters on FILES of plain text (.txt) or JSON lines with `text`, and on the documents of a build.

    A recipe names the model in quality.language_model, which adds the measure perplexity. The same texts give the same bytes.
    """
    from corpus_builder.japanese.train_language_model import CHARACTERS, train
    from corpus_builder.selection.texts import texts_to_learn_from
    from corpus_builder.store.apart import keep_file_apart
    from corpus_builder.store.files import write_atomically

    keep_file_apart(out, files)
    if out.is_dir() or not out.parent.is_dir():
        raise InputError(f"The model cannot be written to {out}: name a file in a directory that exists.")
    model = train(texts_to_learn_from(files, build, source), least=least, characters=characters or CHARACTERS)
    data = model.to_bytes()
    write_atomically(out, data)
    learned = model.trained_on
    say(
        f"{out}: {len(data):,} bytes, {len(model.ngrams):,} n-grams, from {learned['characters']:,} characters of "
        f'{learned["documents"]:,} texts. A recipe uses it with language_model = "{out}" under [quality].'
    )
