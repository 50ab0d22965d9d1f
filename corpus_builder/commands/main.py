"""The command line: words to calls, no logic."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import Any

import click

from corpus_builder import __version__
from corpus_builder.commands import bench as cli_bench
from corpus_builder.commands import dedup as cli_dedup
from corpus_builder.commands import index as cli_index
from corpus_builder.commands import remote as cli_remote
from corpus_builder.commands.printing import end_with_nothing, log_to_stderr, say, say_json, say_trace
from corpus_builder.errors import CorpusError, InputError
from corpus_builder.messages.redact import without_secrets

EXIT_CODES = """\b
Exit codes: 0 all is well; 1 `diff` found a difference, or the run was interrupted; 2 the recipe or an option
is wrong; 3 an input is missing or unreadable; 4 shards of a stage failed; 5 data on disk is not what its
manifest says; 6 an optional package is missing; 7 all was done, but the corpus is empty, or a source or file gave nothing."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where work runs; they never change the output's bytes."""
    options = [
        click.option(
            "--engine", type=click.Choice(["ray", "serial"]), default="ray", show_default=True, help="Where shards run."
        ),
        click.option("--workers", type=click.IntRange(1), help="Shards at a time.  [default: the number of cores]"),
        click.option("--address", help="Ray cluster to run on, for example auto.  [default: a Ray of our own, on this machine]"),
        click.option(
            "--memory", "memory_mib", type=click.IntRange(16), default=1024, show_default=True, help="MiB a task may use."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


_OF_A_PATH = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EROFS, errno.ENOTDIR, errno.EISDIR)


class _Sentences(click.Group):
    """A group whose commands end in a sentence and an exit code, never in a traceback of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CorpusError as error:
            say(f"corpus-builder: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            say("corpus-builder: interrupted; run the same command again, it goes on where it stopped.", err=True)
            sys.exit(1)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except (click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.filename is None or error.errno not in _OF_A_PATH:
                say_trace()
                sys.exit(1)
            say(f"corpus-builder: {os.fsdecode(error.filename)} cannot be used: {error.strerror}.", err=True)
            sys.exit(InputError.exit_code)
        except click.ClickException as error:  # quotes what was typed, such as names of files
            error.show(shown := StringIO())
            say(without_secrets(shown.getvalue().rstrip("\n")), err=True)
            sys.exit(error.exit_code)
        except Exception:  # a fault of ours; its traceback may quote what servers and files say
            say_trace()
            sys.exit(1)


@click.group(cls=_Sentences, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="corpus-builder")
@click.option("-v", "--verbose", is_flag=True, help="Log what each stage did and how long it took.")
def main(verbose: bool) -> None:
    """Build a Japanese web corpus from Common Crawl WARCs."""
    log_to_stderr(logging.INFO if verbose else logging.WARNING)


@main.command(short_help="Build the corpus of a recipe, or go on with it.")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the build.  [default: data/corpus/NAME]")
@engine_options
@as_json
def build(recipe: Path, out: Path | None, as_json: bool, **machine: Any) -> None:
    """Build the corpus of RECIPE, or go on with it; what is done is not done again."""
    from corpus_builder.duplicates import summary as duplicates
    from corpus_builder.pipeline import build
    from corpus_builder.recipe.models import Recipe
    from corpus_builder.report import funnel

    loaded = Recipe.load(recipe)
    out = out or Path("data/corpus") / loaded.name
    with _engine(**machine) as engine:
        built = build(loaded, out, engine, task_memory_bytes=machine["memory_mib"] << 20, progress=True)
    page, found = built.report(), built.funnels()
    if as_json:
        told = {"out": str(out), "report": str(page), "funnels": [funnel.as_json(one) for one in found]}
        say_json(told | duplicates.in_json(built.duplicates()))
    else:
        say("\n\n".join([*map(funnel.as_text, found), *duplicates.in_text(built.duplicates())]))
        say(
            f"\nThe corpus:         {out}/release/corpus/*.parquet\n"
            f"The report:         {out / 'report.html'}\n"
            f"Why was it dropped: corpus-builder why {out} URL-OR-ID\n"
            f"Is it all there:    corpus-builder verify {out}"
        )
    end_with_nothing(*funnel.without_yield(found))


@main.command(short_help="Say what `build` would run, and why.")
@click.argument("recipe", type=click.Path(path_type=Path), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the build.  [default: data/corpus/NAME]")
@cli_dedup.forecast_options
@as_json
def plan(recipe: Path | None, out: Path | None, as_json: bool, **settings: Any) -> None:
    """Say what `build` would run of RECIPE and why, how likely pairs of documents are to be found as duplicates, and what that takes.

    Without RECIPE only the latter two, for the hashes that the options name."""
    from corpus_builder.hashing import forecast
    from corpus_builder.preview.plan import as_text, plan
    from corpus_builder.recipe.models import Recipe

    loaded = Recipe.load(recipe) if recipe else None
    dedup = cli_dedup.planned(loaded, settings)
    plans = plan(loaded, out or Path("data/corpus") / loaded.name) if loaded else []
    if as_json:
        say_json(
            {
                **({"stages": [one.as_json() for one in plans]} if loaded else {}),
                **({"dedup": forecast.as_json(*dedup)} if dedup else {}),
            }
        )
    else:
        say("\n\n".join([*([as_text(plans)] if loaded else []), *([forecast.as_text(*dedup)] if dedup else [])]))


@main.command(short_help="Write OUT/report.html and print the funnel.")
@click.argument("out", type=click.Path(path_type=Path))
@as_json
def report(out: Path, as_json: bool) -> None:
    """Write OUT/report.html, one file that works offline, and print the funnel."""
    from corpus_builder.built import Built
    from corpus_builder.duplicates import summary as duplicates
    from corpus_builder.report import funnel

    built = Built.open(out)
    page, found = built.report(), built.funnels()
    if as_json:
        told = {"report": str(page), "funnels": [funnel.as_json(one) for one in found]}
        say_json(told | duplicates.in_json(built.duplicates()))
    else:
        say("\n\n".join([*map(funnel.as_text, found), *duplicates.in_text(built.duplicates()), f"The report: {page}"]))


@main.command(short_help="Tell the whole story of a URL or an id.")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("page")
@as_json
def why(out: Path, page: str, as_json: bool) -> None:
    """Tell the whole story of PAGE, a URL or an id, in the build OUT; or of a row's id in what `dedup` wrote to OUT."""
    from corpus_builder.built import Built
    from corpus_builder.report.why import as_text
    from corpus_builder.report.why_row import is_deduplicated, why_row

    stories = why_row(out, page) if is_deduplicated(out) else Built.open(out).why(page)
    if as_json:
        say_json([asdict(story) for story in stories])
    else:
        say("\n\n".join(as_text(story) for story in stories))


@main.command()
@click.option("--recipe", type=click.Path(path_type=Path), help="Ask every rule of this recipe.")
@click.option("--filter", "filter_name", metavar="MODULE:FUNCTION", help="Ask this filter alone.")
@click.option("--text", help="The text.  [default: read from FILE or standard input]")
@click.option("--url", default="", help="URL of the document, for host rules.")
@click.option("--source", default="", help="Source of the document: only rules that judge it are asked.")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@as_json
def judge(
    recipe: Path | None, filter_name: str | None, text: str | None, url: str, source: str, file: Any, as_json: bool
) -> None:
    """Try rules, or a filter of your own, on one text."""
    from corpus_builder.document import Document
    from corpus_builder.engine.user_code import answers, load_function
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


@main.command(short_help="List the built-in measures and their sources.")
@as_json
def measures(as_json: bool) -> None:
    """List the built-in measures with their definitions, units and sources."""
    from corpus_builder.quality.measures import MEASURES

    if as_json:
        say_json([asdict(info) for info in MEASURES.values()])
        return
    for info in MEASURES.values():
        say(f"{info.name}  ({info.unit}, {info.dtype})\n    {info.definition}\n    Source: {info.source}")


@main.command(short_help="Pages to JSON lines, as the pipeline sees them.")
@click.argument("files", nargs=-1, required=True)
@click.option("--recipe", type=click.Path(path_type=Path), help="Take the extraction settings from this recipe.")
@click.option("--text-only", is_flag=True, help="Leave out pages that do not become documents.")
def extract(files: tuple[str, ...], recipe: Path | None, text_only: bool) -> None:
    """Pages of HTML files, WARCs, ARCs or WETs (paths or URLs) to JSON lines, as the pipeline sees them.

    Each has id, url, charset, verdict, reason and text."""
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


@main.command(short_help="Train the extractor on pages of yours.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write the model.")
def train_extractor(files: tuple[Path, ...], out: Path) -> None:
    """Train the model of the extractor on FILES of JSON lines with `html` and `text`, the main text with a block a line.

    A recipe takes the model as extract.model."""
    from corpus_builder.extractor.training import read_examples, train
    from corpus_builder.store.ownership import keep_file_apart

    keep_file_apart(out, files)
    if out.is_dir() or not out.parent.is_dir():
        raise InputError(f"The model cannot be written to {out}: name a file in a directory that is there.")
    examples = (example for path in files for example in read_examples(path))
    train(examples, lambda line: say(line, err=True)).save(out)


@main.command(short_help="Texts of a JSONL file to their measures.")
@click.argument("file", type=click.Path(path_type=Path))
def measure(file: Path) -> None:
    """Texts of a JSONL FILE (- for standard input) to JSON lines with `id` and `measures`."""
    from corpus_builder.stages.measure import measured_lines

    some = False
    for line in measured_lines(Path("/dev/stdin") if str(file) == "-" else file):
        some |= "measures" in line
        say_json(line, indent=None)
    if not some:
        end_with_nothing("there is no text in the file, so nothing was measured.")


@main.command(short_help="Hold a build's files against its manifests.")
@click.argument("out", type=click.Path(path_type=Path))
@as_json
def verify(out: Path, as_json: bool) -> None:
    """Read every file of the build OUT again and hold it against its manifests."""
    from corpus_builder.built import Built
    from corpus_builder.report.verification import as_text

    found = Built.open(out).verify(progress=True)
    if as_json:
        say_json(asdict(found))
    else:
        say(as_text(found))
    if found.problems:
        sys.exit(5)


@main.command(short_help="Say where two builds part, and by what cause.")
@click.argument("left", type=click.Path(path_type=Path))
@click.argument("right", type=click.Path(path_type=Path))
@as_json
def diff(left: Path, right: Path, as_json: bool) -> None:
    """Say where two builds part: by stage, by cause, and by document."""
    from corpus_builder.built import Built
    from corpus_builder.report.diff import as_text

    found = Built.open(left).diff(Built.open(right))
    if as_json:
        say_json({"parted_at": found.parted_at, **asdict(found)})
    else:
        say(as_text(found))
    if found.parted_at is not None:
        sys.exit(1)


@main.command(short_help="Drop near-duplicates of JSONL or Parquet files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Directory to write to.")
@cli_dedup.options
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
    from corpus_builder.deduplication import as_text

    with _engine(engine, workers, address, memory_mib) as where:
        done = cli_dedup.run(files, out, where, memory_mib, settings)
    if as_json:
        say_json(done.as_json())
    else:
        say(as_text(done))
    if not done.kept:
        end_with_nothing(f"no row is kept: {done.rows:,} were read.")


@main.command("train-detector", short_help="Train a model for the language detector.")
@click.option("--japanese", multiple=True, required=True, type=click.Path(path_type=Path), help="Text file of Japanese examples.")
@click.option("--other", multiple=True, required=True, type=click.Path(path_type=Path), help="Text file of other examples.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write the model.")
def train_detector(japanese: tuple[Path, ...], other: tuple[Path, ...], out: Path) -> None:
    """Train a model for the language detector from text files with one example a line; both options can be repeated.

    The same files give the same bytes.
    """
    from corpus_builder.japanese.train_detector import train_files
    from corpus_builder.store.files import write_atomically
    from corpus_builder.store.ownership import keep_file_apart

    keep_file_apart(out, (*japanese, *other))
    model = train_files(japanese, other).to_bytes()
    write_atomically(out, model)
    say(f'{out}: {len(model):,} bytes. A recipe uses it by detector = "ngrams:{out}" under [extract].')


def _engine(engine: str, workers: int | None, address: str | None, memory_mib: int) -> Any:
    from corpus_builder.engine import Ray, Serial

    if engine == "serial":
        if workers not in (None, 1) or address:
            raise InputError("--engine serial runs in this process; leave --workers and --address out.")
        return Serial()
    return Ray(workers, address, memory_mib << 20)


main.add_command(cli_bench.bench)
main.add_command(cli_index.index)
main.add_command(cli_remote.crawl)
main.add_command(cli_remote.publish)
