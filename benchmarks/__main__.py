"""The comparisons with other tools, each a command:   python -m benchmarks NAME ...

They need the extra `bench`.  Those that end in --write put their tables into docs/.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.main import Sentences
from corpus_builder.commands.options import PATH, as_json, memory
from corpus_builder.commands.printing import say, say_json

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "samples" / "web-sample.warc.gz"

scratch = click.option("--scratch", type=PATH, help="Directory for the synthetic documents.  [default: the system's]")
write = click.option("--write", is_flag=True, help="Put the tables into docs/.")
unpacked = click.argument("packages", type=PATH)
extra = click.option("--extra", type=PATH, help="Directory of texts that are in no package.")


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Compare corpus_builder with other tools, on the same input in the same run."""


@main.command(short_help="Time every step, compared with a straightforward composition.")
@click.argument("warc", type=PATH, default=SAMPLE)
@click.option("--pages", type=click.IntRange(1), default=2000, show_default=True, help="Stop after this many responses.")
@as_json
def steps(warc: Path, pages: int, as_json: bool) -> None:
    """Time every step on WARC (by default the sample), on one core, and a straightforward composition of the usual libraries."""
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


@main.command(short_help="Speed, recall, memory and time of deduplication.")
@click.argument("files", nargs=-1, type=PATH)
@click.option("--documents", callback=_sizes, default="100000", show_default=True, help="Sizes, with commas between them.")
@click.option("--preset", default="fineweb", show_default=True, help="Hashes of the runs at these sizes.")
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="Tasks at a time; 0: without Ray.")
@memory
@scratch
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
    """Measure deduplication: speed compared with datasketch and rensa, and recall and precision against exact similarity, on the documents
    of FILES (WARC or HTML; by default synthetic ones); then time, disk and memory of whole runs at some sizes, on synthetic documents."""
    from benchmarks.dedup import as_text, run
    from corpus_builder.store.apart import keep_file_apart
    from corpus_builder.store.files import write_atomically

    if out is not None:
        keep_file_apart(out, files)
    found = run(files, documents, preset=preset, workers=workers, task_memory_bytes=memory_mib << 20, directory=scratch)
    if out is not None:
        write_atomically(out, f"{as_text(found)}\n".encode())
    if as_json:
        say_json(asdict(found))
    else:
        say(as_text(found))


@main.command(short_help="How many pages of one template are dropped, by number of pages.")
@click.option(
    "--documents", callback=_sizes, default="1000,2000,5000,10000,20000,50000", show_default=True, help="Sizes of a family."
)
@scratch
@as_json
def families(documents: tuple[int, ...], scratch: Path | None, as_json: bool) -> None:
    """Count how many pages of one template are dropped as duplicates though none is a copy, by preset, with and without verification."""
    from benchmarks.families import as_text, run

    found = run(documents, directory=scratch)
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        say(as_text(found))


@main.command(short_help="What each group of measures costs.")
def measures() -> None:
    """Time each group of measures, all together, and their plain definitions, on 2,000 characters of each page of the sample."""
    from benchmarks.measures import run

    say(run())


@main.command("whatif", short_help="How long `whatif` takes for many documents.")
@click.option("--documents", callback=_sizes, default="1000000", show_default=True, help="Sizes, with commas between them.")
@scratch
def whatif(documents: tuple[int, ...], scratch: Path | None) -> None:
    """Time `whatif` with changes of the sample's recipe, on made-up tables of a build of so many documents."""
    from benchmarks.whatif import as_text, run

    for count in documents:
        say(as_text(*run(count, ROOT / "pipelines" / "sample.toml", scratch), count))


@main.command(short_help="Main text of pages: quality and speed of extractors.")
@click.argument("files", nargs=-1, type=PATH)
@write
def extraction(files: tuple[Path, ...], write: bool) -> None:
    """Compare extractors on pages whose main text is known: the test half of data/gold, or FILES with {"html": ..., "text": ...} a line."""
    from benchmarks.extraction import run, written

    text = run(files)
    say(text)
    if write:
        document = ROOT / "docs" / "extractor.md"
        document.write_text(written(document.read_text(encoding="utf-8"), text), encoding="utf-8")


@main.command(short_help="Japanese against other languages: detectors.")
@unpacked
@extra
@write
def detection(packages: Path, extra: Path | None, write: bool) -> None:
    """Compare detectors of Japanese on the texts of PACKAGES; material.py says which.

    fastText is the extra `classifier`, CLD2 is `pip install pycld2`; either may be missing."""
    from benchmarks.detection import run

    _tables(run(packages, extra), "detection.md", write)


@main.command(short_help="Encodings of Japanese pages, and the gate.")
@unpacked
@extra
@click.option("--pages", type=click.IntRange(1), default=100, show_default=True, help="Of each kind, at most.")
@write
def charset(packages: Path, extra: Path | None, pages: int, write: bool) -> None:
    """Compare detectors of encodings on the pages of PACKAGES, and count what the gate lets pass; material.py says which.

    charset-normalizer and chardet may be missing."""
    from benchmarks.charset import run

    _tables(run(packages, extra, pages), "charset.md", write)


def _tables(text: str, page: str, write: bool) -> None:
    say(text)
    if write:
        (ROOT / "docs" / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
