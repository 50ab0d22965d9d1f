"""The command that times this machine."""

from __future__ import annotations

from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_json


@click.command(cls=Command, short_help="Time every step on one WARC; estimate core-hours for many.")
@click.argument("warc", type=PATH)
@click.option("--pages", type=click.IntRange(1), default=2000, show_default=True, help="Stop after this many responses.")
@click.option(
    "--warcs", type=click.IntRange(1), default=90_000, show_default=True, help="Estimate the time for this many such WARCs."
)
@as_json
def bench(warc: Path, pages: int, warcs: int, as_json: bool) -> None:
    """Time every step of a build on the first pages of WARC, on one core of this machine, and estimate what many such WARCs take.

    A crawl of Common Crawl has about 90,000 WARCs."""
    from corpus_builder.preview.speed import as_text, speed

    found = speed(warc, pages)
    if as_json:
        say_json(found.as_json(warcs))
    else:
        say(as_text(found, warcs))
