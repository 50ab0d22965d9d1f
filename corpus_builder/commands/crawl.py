"""The command that fetches records of a crawl."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from corpus_builder.commands.headings import Command, later, under
from corpus_builder.commands.options import PATH, as_json
from corpus_builder.commands.printing import end_with_nothing, say, say_json
from corpus_builder.errors import StageError
from corpus_builder.messages.terminal import harmless


def _lower(_: Any, __: Any, hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(host.lower() for host in hosts)


def _query() -> list[click.Option]:
    from corpus_builder.commoncrawl.index import Query

    usual = Query()
    return [
        click.Option(
            ["--language", "languages"],
            multiple=True,
            default=usual.languages,
            show_default=True,
            help="ISO 639-3 code that content_languages holds; or any.",
        ),
        click.Option(
            ["--status", "statuses"],
            multiple=True,
            type=int,
            default=usual.statuses,
            show_default=True,
            help="HTTP status of the record.",
        ),
        click.Option(
            ["--mime", "mime_types"],
            multiple=True,
            default=usual.mime_types,
            show_default=True,
            help="Type that the crawler detected; or any.",
        ),
        click.Option(["--host", "hosts"], multiple=True, callback=_lower, help="Host, with its subdomains.  [default: all]"),
        click.Option(
            ["--crawl", "crawls"], multiple=True, metavar="CC-MAIN-...", help="Only files of this crawl.  [default: all]"
        ),
        click.Option(["--limit"], type=click.IntRange(1), help="Take only the first records of the index, this many."),
    ]


def _fetching() -> list[click.Option]:
    from corpus_builder.commoncrawl.picks import GAP_BYTES
    from corpus_builder.commoncrawl.run import AT_A_TIME, BASE

    return [
        click.Option(
            ["--base"],
            default=BASE,
            show_default=True,
            help="Where the crawl's files are: a URL, s3://commoncrawl/ or a directory.",
        ),
        click.Option(
            ["--gap", "gap_kib"],
            type=click.IntRange(0),
            default=GAP_BYTES >> 10,
            show_default=True,
            help="Records at most this many KiB apart are fetched by one request.",
        ),
        click.Option(["--workers"], type=click.IntRange(1, 64), default=AT_A_TIME, show_default=True, help="WARCs at a time."),
        click.Option(["--plan-only"], is_flag=True, help="Show what would be fetched, and stop."),
    ]


@click.command(cls=Command, short_help="Fetch only the Japanese records of a crawl.")
@click.argument("index", nargs=-1, required=True)
@click.option("--out", type=PATH, required=True, help="Directory to write the WARCs to.")
@under("Which records", later(_query))
@under("How they are fetched", later(_fetching))
@as_json
def crawl(
    index: tuple[str, ...],
    out: Path,
    base: str,
    gap_kib: int,
    workers: int,
    plan_only: bool,
    as_json: bool,
    limit: int | None,
    **wanted: tuple[Any, ...],
) -> None:
    """Fetch the records that a query selects from the columnar index INDEX, or resume fetching.

    INDEX are Parquet files of Common Crawl's cc-index: paths, directories, https:// or s3:// URLs (globs, too), or a list such as
    cc-index-table.paths.gz. OUT gets a .warc.gz for each WARC of the crawl, with those records only; a source of the kind
    "commoncrawl" reads them, and its ids are those of the whole WARCs.
    """
    from corpus_builder.commoncrawl.index import Query
    from corpus_builder.commoncrawl.run import as_text
    from corpus_builder.commoncrawl.run import crawl as run

    query = Query(**{name: () if "any" in values else values for name, values in wanted.items()}, limit=limit)
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
            f"{len(done.missing)} WARCs cannot be asked for, and are not in the plan; --base says where the crawl's files are.\n"
            + "\n".join(f"  {one}" for one in done.missing[:5])
            + more
        )
    if not plan_only and len(done.refused) >= done.plan.records:
        end_with_nothing("none of the records is where the index says, so nothing was fetched.")
