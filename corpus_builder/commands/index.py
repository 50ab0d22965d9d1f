"""The commands of an index of documents."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from corpus_builder.commands.headings import Group
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import InputError
from corpus_builder.messages.terminal import harmless

INDEX = click.argument("index", type=PATH)


@click.group(cls=Group, short_help="Documents of earlier crawls, to compare later ones with.")
def index() -> None:
    """Keep hashes and ids of documents, without their texts, to compare later crawls with."""


@index.command(short_help="Add what a build or `dedup` kept.")
@INDEX
@click.argument("out", type=PATH)
@click.option("--name", help="Name of the part.  [default: the recipe's, or the directory's]")
def add(index: Path, out: Path, name: str | None) -> None:
    """Add the documents that survived the build or `dedup` in OUT to INDEX; create INDEX if it does not exist."""
    from corpus_builder.duplicates.index import add, as_text

    changed = add(index, out, name, progress=True)
    say(as_text(found := changed.summary()))
    own = changed.own(out.absolute())
    if own and not any(part.documents for part in found.parts if part.name == own.name):
        end_with_nothing(f"no document of {out} survived, so the part {own.name!r} of the index is empty.")


@index.command(short_help="Remove documents, by id or URL.")
@INDEX
@click.option("--id", "ids", multiple=True, help="Id of a document.")
@click.option("--url", "urls", multiple=True, help="URL, as crawled; all documents with it.")
@click.option("--ids", "id_files", multiple=True, type=PATH, help="File with one id per line.")
@click.option("--urls", "url_files", multiple=True, type=PATH, help="File with one URL per line.")
@as_json
def remove(
    index: Path,
    ids: tuple[str, ...],
    urls: tuple[str, ...],
    id_files: tuple[Path, ...],
    url_files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Remove documents from INDEX: from then on, no later document loses to them, and `add` leaves out whatever has their id or URL."""
    from corpus_builder.duplicates.index import remove

    ids, urls = (*ids, *_lines(id_files)), (*urls, *_lines(url_files))
    if not ids and not urls:
        raise click.UsageError("Say what to remove: --id, --url, --ids FILE or --urls FILE.")
    done = remove(index, ids, urls)
    if as_json:
        say_json({"documents": done.documents, "unknown": done.unknown})
    else:
        say(f"{done.documents:,} documents removed.")
    for one in done.unknown:
        say(f"not in the index, and kept out of it from now on: {harmless(one)}", err=True)
    if not done.documents:
        end_with_nothing("no document was removed.")


@index.command(short_help="Free the space of removed documents.")
@INDEX
def compact(index: Path) -> None:
    """Rewrite the parts of INDEX from which documents were removed, without them."""
    from corpus_builder.duplicates.index import as_text, compact

    say(as_text(compact(index, progress=True).summary()))


@index.command(short_help="Check the index's files against their digests.")
@INDEX
@as_json
def verify(index: Path, as_json: bool) -> None:
    """Read every file of INDEX and check it against its digest."""
    from corpus_builder.duplicates.index import check

    problems = check(index)
    if as_json:
        say_json({"problems": problems})
    else:
        say("\n".join(problems) or "All is well.")
    if problems:
        sys.exit(5)


@index.command(short_help="Show what the index holds.")
@INDEX
@as_json
def show(index: Path, as_json: bool) -> None:
    """Show what INDEX holds."""
    from corpus_builder.duplicates.index import Index, as_text

    found = Index.open(index).summary()
    if as_json:
        say_json(found.as_json())
    else:
        say(as_text(found))


def _lines(files: tuple[Path, ...]) -> list[str]:
    found: list[str] = []
    for path in files:
        try:
            found += [line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read ({error}); give a UTF-8 text file with one entry per line.") from error
    return found
