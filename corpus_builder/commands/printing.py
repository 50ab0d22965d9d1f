"""How commands print: everything is made harmless for a terminal, and logins are removed."""

from __future__ import annotations

import csv
import logging
import sys
import traceback
from collections.abc import Iterable
from typing import Any, TextIO

import click

from corpus_builder.errors import NOTHING
from corpus_builder.messages.redact import without_known_secrets, without_secrets
from corpus_builder.messages.terminal import Formatter, as_json, harmless_lines


def say(text: str, err: bool = False) -> None:
    """Print lines for people; on standard error, without the logins of places that they name."""
    stream = sys.stderr if err else sys.stdout
    shown = harmless_lines(without_known_secrets(text) if err else text)
    if not _takes_all(stream):
        shown = shown.encode(stream.encoding, "backslashreplace").decode(stream.encoding)
    click.echo(shown, err=err)


def end_with_nothing(*sentences: str) -> None:
    """Print these sentences on what came out empty, and end the command with its exit code; without sentences, do nothing."""
    for sentence in sentences:
        say(f"corpus-builder: {sentence}", err=True)
    if sentences:
        sys.exit(NOTHING)


def say_json(value: Any, indent: int | None = 1, allow_nan: bool = True) -> None:
    """Print a JSON value for programs, on one line if `indent` is None."""
    click.echo(as_json(value, indent, allow_nan, ascii_only=not _takes_all(sys.stdout)))


def say_csv(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print rows as CSV; the items of a list are separated by spaces."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([" ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in row] for row in rows)


def say_funnels(built: Any, as_json: bool, **more: Any) -> Any:
    """Write the report of a build; print its funnels and the summary of its duplicates, with `more` in JSON."""
    from corpus_builder.duplicates import summary as duplicates
    from corpus_builder.report import funnel

    page, found = built.report(), built.funnels()
    if as_json:
        more |= {"report": str(page), "funnels": [funnel.as_json(one) for one in found]}
        say_json(more | duplicates.in_json(built.duplicates()))
    else:
        say("\n\n".join([*map(funnel.as_text, found), *duplicates.in_text(built.duplicates())]))
    return found


def _takes_all(stream: TextIO) -> bool:
    """Whether a stream takes every character; one that claims to be ASCII is set up wrongly, and click writes UTF-8 to it."""
    return (stream.encoding or "utf-8").lower().replace("_", "-") in (
        "utf-8",
        "utf8",
        "ascii",
        "us-ascii",
        "ansi-x3.4-1968",
        "646",
    )


def say_trace() -> None:
    """Print the traceback of an unexpected error."""
    say(without_secrets(traceback.format_exc()), err=True)


def log_to_stderr(level: int) -> None:
    """Print log messages on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
