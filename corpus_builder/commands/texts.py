"""The commands that try parts of a build on texts and pages."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import wraps
from math import isinf
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import InputError


@click.command(cls=Command, short_help="Try rules, or a filter of your own, on one text.")
@click.option("--recipe", type=PATH, help="Apply every rule of this recipe.")
@click.option("--filter", "filter_name", metavar="MODULE:FUNCTION", help="Apply only this filter.")
@click.option("--text", help="The text.  [default: read from FILE or standard input]")
@click.option("--url", default="", help="URL of the document, for host rules.")
@click.option("--source", default="", help="Source of the document: only rules that judge it are applied.")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@as_json
def judge(
    recipe: Path | None, filter_name: str | None, text: str | None, url: str, source: str, file: Any, as_json: bool
) -> None:
    """Try rules, or a filter of your own, on one text."""
    from corpus_builder.document import Document
    from corpus_builder.engine.own_functions import answers, load_function
    from corpus_builder.preview.judge import as_text, judge
    from corpus_builder.quality.hosts import host_of
    from corpus_builder.quality.rules import apply_filter
    from corpus_builder.recipe.models import Recipe

    if (recipe is None) == (filter_name is None):
        raise click.UsageError("Give either --recipe or --filter.")
    own = load_function(filter_name, Path.cwd()) if filter_name else None
    how = wraps(own.call)(lambda one: next(answers([(own, apply_filter)], lambda: [one]))) if own else Recipe.load(recipe or "")
    try:
        content = text if text is not None else (file or sys.stdin).read()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"The text cannot be read: {error}; it must be UTF-8.") from error
    judged = judge(how, Document(text=content, id="text", url=url, host=host_of(url), source=source))
    if as_json:
        say_json([asdict(one) for one in judged])
    elif judged:
        say(as_text(judged))
    if not judged:
        end_with_nothing("the recipe has no rule that can be tried on this text, so nothing was judged.")


@click.command(cls=Command, short_help="Print pages as JSON lines, as the pipeline sees them.")
@click.argument("files", nargs=-1, required=True)
@click.option("--recipe", type=PATH, help="Take the extraction settings from this recipe.")
@click.option("--text-only", is_flag=True, help="Leave out pages that do not become documents.")
def extract(files: tuple[str, ...], recipe: Path | None, text_only: bool) -> None:
    """Print the pages of HTML files, WARCs, ARCs or WETs (paths or URLs) as JSON lines, as the pipeline sees them.

    Each has id, url, charset, verdict, reason and text; a dropped page has the meaning of its reason, too."""
    from corpus_builder.pages.page import PageSettings
    from corpus_builder.preview.extraction import extracted_lines
    from corpus_builder.recipe.models import Recipe

    settings = Recipe.load(recipe).page_settings if recipe else PageSettings()
    some = False
    for path in files:
        for line in extracted_lines(path, settings):
            if line["verdict"] == "document" or not text_only:
                some = True
                say_json(line, indent=None, allow_nan=False)
    if not some:
        end_with_nothing(f"no page of the files {'is Japanese text' if text_only else 'was found'}, so nothing is printed.")


@click.command(cls=Command, short_help="Print the measures of the texts of a JSONL file.")
@click.argument("file", type=PATH)
def measure(file: Path) -> None:
    """Measure the texts of a JSONL FILE (- for standard input); print JSON lines with `id` and `measures`."""
    from corpus_builder.stages.measure import measured_lines

    some = False
    for line in measured_lines(Path("/dev/stdin") if str(file) == "-" else file):
        some |= "measures" in line
        say_json(line, indent=None)
    if not some:
        end_with_nothing("there is no text in the file, so nothing was measured.")


@click.command(cls=Command, short_help="List the built-in measures with their sources and costs.")
@as_json
def measures(as_json: bool) -> None:
    """List the built-in measures by group, with their definitions, units, ranges, sources and costs.

    The cost of a group is that of a document of 2,000 characters, on one core.
    """
    from corpus_builder.quality.catalogue import GROUPS

    if as_json:
        say_json(
            [
                asdict(info)
                | {"high": None if isinf(info.high) else info.high}
                | {"group": group.name, "when": group.when, "microseconds": group.microseconds}
                for group in GROUPS
                for info in group.measures
            ]
        )
        return
    for group in GROUPS:
        say(f"{group.name}: {group.when} Microseconds: {group.microseconds}.\n")
        for info in group.measures:
            say(f"{info.name}  ({info.unit}, {info.range}, {info.dtype})\n    {info.definition}\n    Source: {info.source}")
        say("")
