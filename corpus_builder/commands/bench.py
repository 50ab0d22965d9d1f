"""The commands that measure: words to calls, no logic."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Group
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import say, say_json


@click.group(cls=Group, short_help="Time what a build does, beside other tools.")
def bench() -> None:
    """Time what a build does, on this machine, beside other tools on the same input."""


@bench.command(short_help="Time every step, beside a plain composition.")
@click.argument("warc", type=PATH)
@click.option("--pages", type=click.IntRange(1), default=2000, show_default=True, help="Stop after this many responses.")
@as_json
def build(warc: Path, pages: int, as_json: bool) -> None:
    """Time every stage on WARC, on one core, beside a straightforward composition of the same libraries."""
    from benchmarks.steps import as_text, run

    found = run(warc, pages, progress=True)
    if as_json:
        say_json(asdict(found))
    else:
        say(as_text(found))


def _sizes(_: Any, __: Any, words: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(float(word)) for word in words.split(",") if word.strip())
    except (ValueError, OverflowError):
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise click.BadParameter("give numbers of documents with commas between them, for example 100000,1000000.")
    return sizes


@bench.command(short_help="Speed, recall, memory and time of deduplication.")
@click.argument("files", nargs=-1, type=PATH)
@click.option("--documents", callback=_sizes, default="100000", show_default=True, help="Sizes, with commas between them.")
@click.option("--preset", default="fineweb", show_default=True, help="Hashes of the runs at these sizes.")
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="Tasks at a time; 0: without Ray.")
@click.option("--memory", "memory_mib", type=click.IntRange(16), default=1024, show_default=True, help="MiB a task may use.")
@click.option("--scratch", type=PATH, help="Directory for the invented documents.  [default: the system's]")
@click.option("--out", type=PATH, help="File to write the tables to, too.")
@as_json
def dedup(
    files: tuple[Path, ...],
    documents: tuple[int, ...],
    preset: str,
    workers: int,
    memory_mib: int,
    scratch: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure deduplication: speed beside datasketch and rensa, and recall and precision against exact similarity, on the documents
    of FILES (WARC or HTML; by default invented ones); then time, disk and memory of the whole at sizes, on invented documents."""
    from benchmarks.dedup import as_text, run
    from corpus_builder.store.files import write_atomically
    from corpus_builder.store.ownership import keep_file_apart

    if out is not None:
        keep_file_apart(out, files)
    found = run(files, documents, preset=preset, workers=workers, task_memory_bytes=memory_mib << 20, directory=scratch)
    if out is not None:
        write_atomically(out, f"{as_text(found)}\n".encode())
    if as_json:
        say_json(asdict(found))
    else:
        say(as_text(found))


@bench.command(short_help="Pages of one template that fall, as they grow.")
@click.option(
    "--documents", callback=_sizes, default="1000,2000,5000,10000,20000,50000", show_default=True, help="Sizes of a family."
)
@click.option("--scratch", type=PATH, help="Directory for the invented documents.  [default: the system's]")
@as_json
def families(documents: tuple[int, ...], scratch: Path | None, as_json: bool) -> None:
    """Count how many pages of one template fall as duplicates though none is a copy, by preset, with and without verification."""
    from benchmarks.families import as_text, run

    found = run(documents, directory=scratch)
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        say(as_text(found))
