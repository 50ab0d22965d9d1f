"""The command that deduplicates the user's own files: words to calls, no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import HASHES, PATH, as_json, engine_of, engine_options, hash_options
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import RecipeError

COLUMNS = under(
    "The columns of the files",
    click.option("--text", default="text", show_default=True, help="Column of the text; meta.body within others."),
    click.option("--id", help="Column of the id.  [default: id; where a row has none, FILE/ROW]"),
    click.option("--date", default="date", show_default=True, help="Column of the date, for newest and oldest."),
    click.option("--source", help="Column of the source, for first:A,B.  [default: A and B are patterns of file names]"),
    click.option("--url-column", help="Column of the URL.  [default: url, where there is one]"),
)
COUNTS = under(
    "What counts as a duplicate",
    click.option("--url", is_flag=True, help="Rows with the same URL are duplicates, whatever their texts."),
    click.option(
        "--verify",
        type=click.FloatRange(0, 1),
        help="A candidate counts from this Jaccard similarity on.  [default: 0.75, less for a low --similarity, none for swallow]",
    ),
    click.option(
        "--no-verify", is_flag=True, help="Every candidate counts: texts of one template fall, the more the more there are."
    ),
    click.option(
        "--verify-by",
        type=click.Choice(["signature", "text"]),
        default="signature",
        show_default=True,
        help="Estimated or exact.",
    ),
)
SURVIVES = under(
    "Who survives",
    click.option(
        "--keep", default="newest", show_default=True, help="Who survives: newest, oldest, longest, largest:COLUMN or first:A,B."
    ),
    click.option(
        "--groups",
        type=click.Choice(["first", "components"]),
        default="first",
        show_default=True,
        help="Drop what matches a better one, or all but the best of what hangs together.",
    ),
    click.option("--index", type=PATH, help="Index of earlier documents to hold the rows against."),
    click.option(
        "--elders",
        type=click.Choice(["stay", "compete"]),
        default="stay",
        show_default=True,
        help="Documents of the index always stay, or compete with the rows by --keep.",
    ),
)


@click.command(cls=Command, short_help="Drop near-duplicates of JSONL or Parquet files.")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, type=PATH, help="Directory to write to.")
@COLUMNS
@hash_options
@under(
    HASHES,
    click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=0, show_default=True, help="Seed of the hashes."),
)
@COUNTS
@SURVIVES
@engine_options
@as_json
def dedup(
    files: tuple[Path, ...],
    out: Path,
    as_json: bool,
    engine: str,
    workers: int | None,
    address: str | None,
    memory_mib: int,
    **settings: Any,
) -> None:
    """Drop near-duplicates of FILES, or go on with it: Parquet or JSON lines, plain or packed, or directories of them.

    OUT/dedup/kept gets each file with fewer rows, OUT/dedup/dropped who was dropped and who survives instead."""
    from corpus_builder.deduplication import as_text, deduplicate

    for file in files if settings["url"] else ():
        if not file.exists():
            raise RecipeError(
                f"There is no file {file}. If it is the column of the URL, write --url --url-column {file}: --url is the rule alone."
            )
    if settings.pop("no_verify"):
        if settings["verify"] is not None:
            raise RecipeError("--verify and --no-verify contradict each other; leave one of them out.")
        settings["verify"] = False
    with engine_of(engine, workers, address, memory_mib) as where:
        done = deduplicate(files, out, where, task_memory_bytes=memory_mib << 20, progress=True, **settings)
    if as_json:
        say_json(done.as_json())
    else:
        say(as_text(done))
    if not done.kept:
        end_with_nothing(f"no row is kept: {done.rows:,} were read.")
