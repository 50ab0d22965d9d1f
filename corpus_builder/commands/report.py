"""The commands that look at a build."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_funnels, say_json


@click.command(cls=Command, short_help="Write OUT/report.html and print the funnel.")
@click.argument("out", type=PATH)
@as_json
def report(out: Path, as_json: bool) -> None:
    """Write OUT/report.html, one file that works offline, and print the funnel."""
    from corpus_builder.built import Built

    say_funnels(built := Built.open(out), as_json)
    if not as_json:
        say(f"\nThe report: {built.out / 'report.html'}")


@click.command(cls=Command, short_help="Tell the whole story of a URL or an id.")
@click.argument("out", type=PATH)
@click.argument("page")
@as_json
def why(out: Path, page: str, as_json: bool) -> None:
    """Tell the whole story of PAGE, a URL or an id, in the build OUT; or of a row's id in what `dedup` wrote to OUT."""
    from corpus_builder.built import Built
    from corpus_builder.report.why import as_text
    from corpus_builder.report.why_row import is_deduplicated, why_row

    stories = why_row(out, page) if is_deduplicated(out) else Built.open(out).why(page)
    if as_json:
        say_json([asdict(story) for story in stories])
    else:
        say("\n\n".join(as_text(story) for story in stories))


@click.command(cls=Command, short_help="Check a build's files against its manifests.")
@click.argument("out", type=PATH)
@as_json
def verify(out: Path, as_json: bool) -> None:
    """Read every file of the build OUT again and check it against its manifests."""
    from corpus_builder.built import Built
    from corpus_builder.report.verification import as_text

    found = Built.open(out).verify(progress=True)
    if as_json:
        say_json(asdict(found))
    else:
        say(as_text(found))
    if found.problems:
        sys.exit(5)


@click.command(cls=Command, short_help="Show where two builds differ, and why.")
@click.argument("left", type=PATH)
@click.argument("right", type=PATH)
@as_json
def diff(left: Path, right: Path, as_json: bool) -> None:
    """Show where two builds differ: the first stage that does, the causes, and the documents."""
    from corpus_builder.built import Built
    from corpus_builder.report.diff import as_text

    found = Built.open(left).diff(Built.open(right))
    if as_json:
        say_json({"parted_at": found.parted_at, **asdict(found)})
    else:
        say(as_text(found))
    if found.parted_at is not None:
        sys.exit(1)
