"""Writes docs/commands.md, measures.md, reasons.md and recipe.md from the command line, the measures, the reasons and the recipe's models.

python docs/make_docs.py [DIRECTORY]
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from corpus_builder.commands.headings import options_of
from corpus_builder.commands.main import EXIT_CODES, main
from corpus_builder.quality.catalogue import GROUPS
from corpus_builder.quality.hosts import UT1_V1_CATEGORIES
from corpus_builder.reasons import DOCUMENT, LACKS, REASONS, SIDES, UNWANTED, Reason
from corpus_builder.recipe import models
from corpus_builder.recipe.part import Part
from corpus_builder.release import edits

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
    """Every built-in measure, by group."""
    text = (
        "# The built-in measures\n\nThose that are always there are exact on every text: the batch kernel and the plain definition in "
        "`corpus_builder/quality/reference.py` give the same numbers. Empty texts give 0. A recipe that names `ng_words` "
        "has the measure `ng_fraction`, too: letters within listed words over `num_japanese_letters`. The cost of a group is in "
        "microseconds for a document of 2,000 characters on one core; `python -m benchmarks measures` measures it. "
        "Limits in square brackets are those of others, for whom they were chosen.\n\nOf FineWeb-2's Japanese thresholds "
        "(configs/jpn_Jpan.yml), "
        "the limits here are those of commit d331bee. Commits c7004ff and baedee4, which seem to be earlier, have duplicate lines 0.375, line punctuation 0.167, newlines per word 0.162, word length 1 to 5, most "
        "frequent 2- to 4-grams 0.121, 0.129 and 0.145, repeated 5- to 10-grams 0.307, 0.283, 0.264, 0.248, 0.234 and 0.223.\n\nWhat the sentence measures are for: in the sample corpus the rule avg_sentence_length <= 90 "
        "drops 18 pages. 17 of them are sections of handbooks with the English original between the paragraphs, whose full stops v1 does "
        "not know; their `sentence_mean_ems` is 43 to 64. The other one is a single sentence of 108. `japanese_among_letters_fraction` tells "
        "such pages, which have .26 to .41, from others; v1 keeps one with .24.\n"
    )
    parts = [HEAD, text, "| group | when | cost | measures |", "|---|---|---|---|"]
    parts += [f"| {one.name} | {_cell(one.when)} | {one.microseconds} | {len(one.measures)} |" for one in GROUPS]
    for group in GROUPS:
        parts += [
            f"\n## {group.name[0].upper()}{group.name[1:]}\n",
            "| name | definition | unit | range | source |",
            "|---|---|---|---|---|",
        ]
        parts += [
            f"| `{info.name}` | {_cell(info.definition)} | {info.unit} | {info.range} | {_cell(info.source)} |"
            for info in group.measures
        ]
    return "\n".join(parts) + "\n"


def recipe() -> str:
    """Every table and key of a recipe."""
    edit_rows = [f"| `{name}` | {_cell(_prose(getattr(edits, name)))} |" for name in edits.EDITS]
    after = {
        "[[quality.rules]]": f"The categories that are read without `ut1_categories`: {', '.join(UT1_V1_CATEGORIES)}.\n",
        "[release]": "\n".join(["| edit | what it does |", "|---|---|", *edit_rows]) + "\n",
    }
    parts = [HEAD, "# The recipe\n", _linked(inspect.getdoc(models) or "") + "\n"]
    for heading, part in _tables("", models.Recipe):
        if heading:
            parts += [f"## {heading}\n", f"{_linked(inspect.getdoc(part) or '')}\n\nIn Python: `{part.__name__}`.\n"]
        rows = [_key_row(name, field) for name, field in part.model_fields.items() if not field.exclude]
        parts.append("\n".join(["| key | meaning | value | default | example |", "|---|---|---|---|---|", *rows]) + "\n")
        parts += [after[heading]] if heading in after else []
    return "\n".join(parts)


def _tables(heading: str, part: type[Part]) -> Iterator[tuple[str, type[Part]]]:
    """A part and those within it, each with its heading in TOML; the recipe itself has none."""
    yield heading, part
    for name, field in part.model_fields.items():
        inner = _part_in(field.annotation)
        if inner is not None:
            path = ".".join(filter(None, [heading.strip("[]"), name]))
            kinds = {get_origin(one) for one in (field.annotation, *get_args(field.annotation))}
            yield from _tables(
                f"[[{path}]]"
                if Sequence in kinds
                else f"[{path}.{_KEYS.get(path, 'NAME')}]"
                if Mapping in kinds
                else f"[{path}]",
                inner,
            )


_KEYS = {"release.mixture": "SOURCE"}


def _part_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_in(inner))), None)


def _key_row(name: str, field: FieldInfo) -> str:
    meaning, _, default = (field.description or "").partition("[default: ")
    if not default and not field.is_required():
        value = field.get_default(call_default_factory=True)
        default = "" if value is None or isinstance(value, Part) or value in ((), {}) else f"`{_toml(value)}`"
    examples = " or ".join(f"`{name} = {_toml(example)}`" for example in field.examples or ())
    value = ", ".join(dict.fromkeys(filter(None, [*_kinds(field.annotation), *map(_limit, field.metadata)])))
    cells = [_linked(meaning), value, "*required*" if field.is_required() else default.strip().removesuffix("]"), examples]
    return f"| `{name}` | {' | '.join(_cell(' '.join(cell.split())) for cell in cells)} |"


def _kinds(annotation: Any) -> Iterator[str]:
    """What may stand behind a key, in words."""
    plain = {str: "string", int: "whole number", float: "number", bool: "true or false"}
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in plain:
        yield plain[annotation]
    elif origin is Callable:
        yield "in Python a function"
    elif origin is Literal:
        yield " or ".join(f"`{_toml(value)}`" for value in inner)
    elif _part_in(annotation) is not None:
        yield "table" if origin is not Sequence else "tables"
    elif origin is Sequence:
        yield "list of numbers" if "number" in _kinds(inner[0]) else "list of strings"
    elif origin is Mapping:
        yield "table"
    else:  # a union, or a type with limits
        for one in inner:
            yield from _kinds(one) if get_origin(one) or (isinstance(one, type) and one is not NoneType) else [_limit(one)]


def _limit(limit: Any) -> str:
    """A limit of a field, such as `Ge(ge=1)`, in words; "" where it says nothing to people."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = ((sign, getattr(limit, name, None)) for name, sign in signs.items())
    return " ".join(f"{sign} {'2^63' if number == 1 << 63 else f'{number:g}'}" for sign, number in found if number is not None)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name} = {_toml(inner)}' for name, inner in value.items())} }}"
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list | tuple) else json.dumps(value, ensure_ascii=False)


def _prose(thing: object) -> str:
    """A docstring without its doctests, on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition(">>>")[0].split())


def _linked(text: str) -> str:
    """Names of pages become links from docs/."""
    text = re.sub(r"\bdocs/([\w-]+\.md)", r"[docs/\1](\1)", text)
    return re.sub(r"\b(data/(?:\w+/)*README\.md)", r"[\1](../\1)", text)


def reasons() -> str:
    """Every reason, by what it speaks of."""
    parts = [
        HEAD,
        "# Why a page is left out\n\nEvery page, row and document that is not in the corpus has a reason: in the ledger of the stage "
        "`extract`, in the decisions of `decide` or in the ledger of `release`, with the columns `value`, `threshold` and `detail`. "
        "`corpus-builder why OUT URL-OR-ID` tells it. From Python they stand in `corpus_builder.reasons.REASONS`.\n",
    ]
    by: dict[tuple[str, str], list[Reason]] = {}
    for reason in REASONS.values():
        by.setdefault((reason.stage, reason.of), []).append(reason)
    for (stage, of), found in by.items():
        parts.append(f"## {stage}: {of}\n\n| reason | meaning | value | threshold |\n|---|---|---|---|")
        parts += [f"| `{one.name}` | {_cell(one.meaning)} | {_cell(one.value)} | {_cell(one.threshold)} |" for one in found]
        if of == DOCUMENT:
            limit = "the measure is {} a limit of a rule | the measure | the limit |"
            parts += [f"| *measure*`_{side}` | {limit.format(where)}" for side, where in SIDES.items()]
            parts.append(f"| *measure*`_{LACKS}` | the measure, of which a rule has a limit, says nothing of the document | | |")
            unwanted = "the category is not one that a rule keeps; the detail is the category | its probability, 0 to 1 | |"
            parts.append(f"| *measure*`_{UNWANTED}` | {unwanted}")
            parts.append("| any other | a filter of yours gave it | as the filter says | as the filter says |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for written in (commands, measures, reasons, recipe):
        (directory / f"{written.__name__}.md").write_text(written(), encoding="utf-8")
