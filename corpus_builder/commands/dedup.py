"""The command that deduplicates the user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import HASHES, PATH, as_json, engine_of, engine_options, from_recipe, hash_options
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import RecipeError

COLUMNS = under(
    "The columns of the files",
    click.option("--text", default="text", show_default=True, help="Column of the text; meta.body is a field in a column."),
    click.option("--id", help="Column of the id.  [default: id; where a row has none, FILE/ROW]"),
    click.option("--date", default="date", show_default=True, help="Column of the date, for newest and oldest."),
    click.option("--source", help="Column of the source, for first:A,B.  [default: A and B are patterns of file names]"),
    click.option("--url-column", help="Column of the URL.  [default: url, where there is one]"),
)


@click.command(cls=Command, short_help="Remove near-duplicates from JSONL or Parquet files.")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, type=PATH, help="Directory to write to.")
@COLUMNS
@under(HASHES, hash_options, from_recipe("seed"))
@under("What counts as a duplicate", from_recipe("url", "verify", "verify_by"))
@under("Which row survives", from_recipe("keep", "groups", "index", "indexed"))
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
    """Remove near-duplicates from FILES, or resume: Parquet or JSON lines, plain or packed, or directories of them.

    OUT/dedup/kept gets each file with fewer rows, OUT/dedup/dropped which rows were dropped, and which survive in their place."""
    from corpus_builder.deduplication import as_text, deduplicate

    for file in files if settings["url"] else ():
        if not file.exists():
            raise RecipeError(
                f"There is no file {file}. If it is the column of the URL, write --url --url-column {file}: --url only switches the rule on."
            )
    with engine_of(engine, workers, address, memory_mib) as where:
        done = deduplicate(files, out, where, task_memory_bytes=memory_mib << 20, progress=True, **settings)
    if as_json:
        say_json(done.as_json())
    else:
        say(as_text(done))
    if not done.kept:
        end_with_nothing(f"no row is kept: {done.rows:,} were read.")
