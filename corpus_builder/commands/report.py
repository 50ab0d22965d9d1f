"""The commands that look at a build."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_csv, say_funnels, say_json


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


@click.command(cls=Command, short_help="Print the table of hosts, ordered by a column.")
@click.argument("out", type=PATH)
@click.option("--by", default="documents", show_default=True, help="Column that orders the hosts, the greatest first.")
@click.option("--ascending", is_flag=True, help="The least first.")
@click.option("--limit", type=click.IntRange(1), help="Most hosts.  [default: 30, with --csv and --json all]")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with the names of the columns first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, one a host.")
def hosts(out: Path, by: str, ascending: bool, limit: int | None, as_csv: bool, as_json: bool) -> None:
    """Print the hosts of the build OUT with their documents, what is kept of them, duplicates, and means and quantiles of measures.

    docs/hosts.md describes the columns."""
    from corpus_builder.built import Built
    from corpus_builder.report.hosts import SHOWN, as_text, ordered

    if as_csv and as_json:
        raise click.UsageError("Give --csv or --json, not both.")
    table = Built.open(out).table("hosts")
    rows = ordered(table, by, ascending, limit or (None if as_csv or as_json else SHOWN))
    if as_json:
        for row in rows:
            say_json(row, indent=None, allow_nan=False)
    elif as_csv:
        say_csv(table.dataset().schema.names, (row.values() for row in rows))
    else:
        say(as_text(list(rows), table.dataset().count_rows(), by))


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
