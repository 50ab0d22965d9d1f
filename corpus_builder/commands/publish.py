"""The command that publishes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_json


@click.command(cls=Command, short_help="Copy the released corpus of a build to s3://.")
@click.argument("out", type=PATH)
@click.argument("place")
@click.option("--read-back", is_flag=True, help="Read every object back and check its digest.")
@as_json
def publish(out: Path, place: str, read_back: bool, as_json: bool) -> None:
    """Copy the released corpus of the build OUT to PLACE, s3://BUCKET/PREFIX; what is there already is not sent again."""
    from corpus_builder.built import Built
    from corpus_builder.release.publish import as_text
    from corpus_builder.release.publish import publish as run

    done = run(Built.open(out), place, read_back=read_back, progress=True)
    if as_json:
        say_json(asdict(done))
    else:
        say(as_text(done))
