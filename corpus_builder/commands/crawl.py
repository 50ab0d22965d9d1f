"""The command that fetches records of a crawl: arguments to calls, no logic."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpus_builder.commands.headings import Command, under
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import StageError
from corpus_builder.messages.terminal import harmless

BASE = "https://data.commoncrawl.org/"


@click.command(cls=Command, short_help="Fetch only the Japanese records of a crawl.")
@click.argument("index", nargs=-1, required=True)
@click.option("--out", type=PATH, required=True, help="Directory for the WARCs that are made.")
@under(
    "Which records",
    click.option(
        "--language",
        multiple=True,
        default=("jpn",),
        show_default=True,
        help="ISO 639-3 code that content_languages holds; or any.",
    ),
    click.option("--status", multiple=True, type=int, default=(200,), show_default=True, help="HTTP status of the record."),
    click.option(
        "--mime",
        multiple=True,
        default=("text/html", "application/xhtml+xml"),
        show_default=True,
        help="Type that the crawler detected; or any.",
    ),
    click.option("--host", multiple=True, help="Host, with its subdomains.  [default: all]"),
    click.option("--crawl", "crawls", multiple=True, metavar="CC-MAIN-...", help="Only files of this crawl.  [default: all]"),
    click.option("--limit", type=click.IntRange(1), help="Take only the first records of the index, this many."),
)
@under(
    "How they are fetched",
    click.option(
        "--base", default=BASE, show_default=True, help="Where the crawl's files lie: a URL, s3://commoncrawl/ or a directory."
    ),
    click.option(
        "--gap",
        "gap_kib",
        type=click.IntRange(0),
        default=64,
        show_default=True,
        help="Records at most this many KiB apart are fetched by one request.",
    ),
    click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="WARCs at a time."),
    click.option("--plan-only", is_flag=True, help="Say what would be fetched, and stop."),
)
@as_json
def crawl(
    index: tuple[str, ...],
    out: Path,
    base: str,
    language: tuple[str, ...],
    status: tuple[int, ...],
    mime: tuple[str, ...],
    host: tuple[str, ...],
    crawls: tuple[str, ...],
    limit: int | None,
    gap_kib: int,
    workers: int,
    plan_only: bool,
    as_json: bool,
) -> None:
    """Fetch the records that a query selects from the columnar index INDEX, or resume fetching.

    INDEX are Parquet files of Common Crawl's cc-index: paths, directories, https:// or s3:// URLs (globs, too), or a list such as
    cc-index-table.paths.gz. OUT gets a .warc.gz for each WARC of the crawl, with those records only; a source of the kind
    "commoncrawl" reads them, and its ids are those of the whole WARCs.
    """
    from corpus_builder.commoncrawl.index import Query
    from corpus_builder.commoncrawl.run import as_text
    from corpus_builder.commoncrawl.run import crawl as run

    query = Query(
        languages=() if "any" in language else language,
        statuses=status,
        mime_types=() if "any" in mime else mime,
        hosts=tuple(one.lower() for one in host),
        crawls=crawls,
        limit=limit,
    )
    done = run(
        index,
        out,
        query,
        base=base,
        gap_bytes=gap_kib << 10,
        workers=workers,
        plan_only=plan_only,
        progress=True,
        say=lambda plan: say(as_text(plan), err=as_json),
    )
    if as_json:
        say_json(asdict(done))
    for record in done.refused[:5]:
        say(f"not where the index says: {harmless(record)}", err=as_json)
    if not plan_only and not as_json:
        say(
            f"fetched: {done.fetched_records:,} records in {done.requests:,} requests ({done.retries:,} of them repeated), "
            f"{done.fetched_bytes:,} bytes\n"
            f'In a recipe: kind = "commoncrawl", paths = ["{out.resolve()}/*.warc.gz"]'
        )
    if done.missing:
        more = f"\n  and {len(done.missing) - 5} more" if len(done.missing) > 5 else ""
        raise StageError(
            f"{len(done.missing)} WARCs cannot be asked for, and are not in the plan; --base says where the crawl's files lie.\n"
            + "\n".join(f"  {one}" for one in done.missing[:5])
            + more
        )
    if not plan_only and len(done.refused) >= done.plan.records:
        end_with_nothing("none of the records is where the index says, so nothing was fetched.")
