"""Writes docs/commands.md and docs/measures.md from the command line and the measures themselves.

python docs/make_docs.py [DIRECTORY]
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from corpus_builder.commands.headings import options_of
from corpus_builder.commands.main import EXIT_CODES, main
from corpus_builder.quality.measures import MEASURES

HEAD = "<!-- Written by `make docs`; a test holds it against the code. -->\n"


def commands() -> str:
    """Every command with its arguments and options, in the order of `--help`."""
    parts = [HEAD, "# The command line\n", " ".join(EXIT_CODES.removeprefix("\b").split()) + "\n"]
    for heading, names in main.headings.items():
        parts.append(f"## {heading}\n")
        for name, command in (found for first in names for found in _named(first, main.commands[first])):
            context = click.Context(command, info_name=f"corpus-builder {name}", help_option_names=[])
            arguments = " ".join(p.make_metavar(context) for p in command.params if isinstance(p, click.Argument))
            parts += [f"### corpus-builder {name} {arguments}".rstrip() + "\n", inspect.cleandoc(command.help or "") + "\n"]
            for about, options in options_of(command, context):
                rows = [f"| `{_cell(flags)}` | {_cell(text)} |" for flags, text in options]
                parts.append("\n".join([f"| {about} | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _named(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command by its name; a group is followed by its commands."""
    yield name, command
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _named(f"{name} {inner.name}", inner)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def measures() -> str:
    """Every built-in measure."""
    rows = [f"| `{info.name}` | {_cell(info.definition)} | {info.unit} | {_cell(info.source)} |" for info in MEASURES.values()]
    text = (
        "# The built-in measures\n\nEach is exact on every text: the batch kernel and the plain definition in "
        "`corpus_builder/quality/reference.py` give the same numbers, and empty texts give 0. A recipe that names `ng_words` "
        "has the measure `ng_fraction`, too: letters within listed words over `num_japanese_letters`.\n"
    )
    return "\n".join([HEAD, text, "| name | definition | unit | source |", "|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (directory / "commands.md").write_text(commands(), encoding="utf-8")
    (directory / "measures.md").write_text(measures(), encoding="utf-8")
