"""Options that several commands have, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import under
from corpus_builder.errors import InputError

PATH = click.Path(path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
memory = click.option(
    "--memory", "memory_mib", type=click.IntRange(16), default=1024, show_default=True, help="MiB a task may use."
)
build_directory = click.option("--out", type=PATH, help="Directory of the build.  [default: data/corpus/NAME]")
engine_options = under(
    "The machine (the output's bytes are the same on any)",
    click.option("--engine", type=click.Choice(["ray", "serial"]), default="ray", show_default=True, help="Where shards run."),
    click.option("--workers", type=click.IntRange(1), help="Shards at a time.  [default: the number of cores]"),
    click.option("--address", help="Ray cluster to run on, for example auto.  [default: a Ray of our own, on this machine]"),
    memory,
)
HASHES = "How texts are hashed"
hash_options = under(
    HASHES,
    click.option("--preset", help="Bands and rows by name: swallow (40 x 20), fineweb (14 x 8) or japanese (20 x 7)."),
    click.option("--ngram", type=click.IntRange(1, 64), help="Characters of a shingle.  [default: 5]"),
    click.option("--bands", type=click.IntRange(1, 1024), help="Bands of a signature.  [default: 14]"),
    click.option("--rows", type=click.IntRange(1, 256), help="Minima of a band.  [default: 8]"),
    click.option("--similarity", type=float, help="Choose bands and rows to find pairs of this Jaccard similarity."),
    click.option("--recall", type=float, help="Share of them to find, with --similarity.  [default: 0.95]"),
    click.option(
        "--bytes-per-document",
        type=click.IntRange(1),
        help="Bytes of keys that may be moved for each document, with --similarity.  [default: 480]",
    ),
)


def engine_of(engine: str, workers: int | None, address: str | None, memory_mib: int) -> Any:
    """The engine that the options of `engine_options` name."""
    from corpus_builder.engine import Ray, Serial

    if engine == "serial":
        if workers not in (None, 1) or address:
            raise InputError("--engine serial runs in this process; leave --workers and --address out.")
        return Serial()
    return Ray(workers, address, memory_mib << 20)
