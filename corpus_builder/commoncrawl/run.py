"""From an index to a directory of WARCs that hold only the selected records."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.commoncrawl.fetch import HEAD_BYTES, Fetched, begun, fetch
from corpus_builder.commoncrawl.index import SELECTION, IndexTraffic, Query, as_words, index_files, select
from corpus_builder.commoncrawl.picks import GAP_BYTES, SORT, Pick, picks, ranges, sort_selection
from corpus_builder.errors import CorpusError, InputError, StageError
from corpus_builder.messages.progress import with_progress
from corpus_builder.remote.places import check_scheme, is_remote, joined, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import remote_stat
from corpus_builder.store.apart import keep_apart
from corpus_builder.store.dataset import digest_of
from corpus_builder.store.files import absolute, give_name, json_bytes, make_directory, sync_directory, write_json
from corpus_builder.store.names import SELECTION as SELECTION_FILE
from corpus_builder.store.names import SORTING
from corpus_builder.store.ownership import alone_in, files_named, remove_empty, small_object

BASE = "https://data.commoncrawl.org/"
AT_A_TIME = 4  # ours: Common Crawl asks users to open few connections
STATS_AT_A_TIME = 16


@dataclass(frozen=True)
class CrawlPlan:
    """What is to be fetched, in bytes and requests, compared with whole files; `done_warcs` were fetched by earlier runs."""

    records: int
    record_bytes: int
    warcs: int
    whole_bytes: int
    done_warcs: int
    to_fetch_bytes: int
    to_fetch_requests: int
    to_fetch_whole_bytes: int  # of the files not yet fetched
    index_bytes: int  # read by this run to find the records
    index_requests: int
    index_whole_bytes: int

    @property
    def saved(self) -> float:
        """Share of the whole files' bytes that need not be fetched, 0..1."""
        return 1 - self.to_fetch_bytes / self.to_fetch_whole_bytes if self.to_fetch_whole_bytes else 0.0


@dataclass(frozen=True)
class Crawled:
    """The result: the plan, and what this run fetched."""

    out: Path
    plan: CrawlPlan
    fetched_records: int = 0
    fetched_bytes: int = 0
    requests: int = 0
    retries: int = 0
    missing: tuple[str, ...] = ()  # messages about WARCs that are missing, and so not in the plan
    refused: tuple[str, ...] = ()  # records, of this or an earlier run, that are not where the index says


def crawl(
    index: Sequence[str],
    out: str | Path,
    query: Query | None = None,
    *,
    base: str = BASE,
    gap_bytes: int = GAP_BYTES,
    workers: int = AT_A_TIME,
    plan_only: bool = False,
    progress: bool = False,
    say: Callable[[CrawlPlan], None] = lambda plan: None,
) -> Crawled:
    """Fetch the records that a query selects from a columnar index into `out`; what is already there is not fetched again.

    `index` names Parquet files as for `index_files`; the WARCs that they name are below `base`.  `say` is called with the plan before
    anything is fetched.  Raises InputError if the index cannot be read, and StageError with the WARCs that failed; the others are kept.
    """
    out, query = Path(out), query or Query()
    check_scheme(base)
    here = [Path(name).expanduser() for name in index if not is_remote(name)]
    keep_apart(out, here, [path for path in here if path.is_dir()])
    with alone_in(out, "crawl", ("parts", "receipts", "selection")):
        asked: dict[str, object] = {"index": [shown(one) for one in index], "base": shown(base), "query": asdict(query)}
        _hold_to_one_query(out, asked)
        selection, traffic = _selected(tuple(index), base, query, out, progress)
        done = {pick.name: found for pick in _unique(picks(selection)) if (found := Fetched.read(out, pick))}
        if not is_remote(base):
            keep_apart(out, [_place(base, pick.warc) for pick in picks(selection)])
        stats = _stats([_place(base, pick.warc) for pick in picks(selection) if pick.name not in done], progress)
        plan = _plan(selection, base, out, gap_bytes, done, stats, traffic)
        say(plan)
        if plan_only:
            return Crawled(out, plan, missing=tuple(str(error) for error in stats.values() if isinstance(error, CorpusError)))
        if not (out / "crawl.json").exists():
            write_json(out / "crawl.json", asked, sort_keys=True)
        fetched = _fetch_all(selection, base, out, gap_bytes, workers, done, stats, progress)
    return Crawled(
        out=out,
        plan=plan,
        fetched_records=sum(one.records for one in fetched),
        fetched_bytes=sum(one.traffic.bytes for one in fetched),
        requests=sum(one.traffic.requests for one in fetched),
        retries=sum(one.traffic.retries for one in fetched),
        refused=tuple(sorted(record for one in [*done.values(), *fetched] for record in one.refused)),
    )


def _hold_to_one_query(out: Path, asked: dict[str, object]) -> None:
    """Check `crawl.json`, which records what the directory holds once something was fetched; raises InputError if that is something else."""
    head = out / "crawl.json"
    if head.exists() and _meant(small_object(head) or {}) != _meant(json.loads(json_bytes(asked))):
        raise InputError(
            f"{out} holds the records of another index, base or query (see {head}); choose another directory with --out, "
            "or give the same ones to continue."
        )


def _meant(asked: dict[str, Any]) -> dict[str, Any]:
    """The request with normalized places: regardless of a trailing /, `./`, or relative against absolute paths."""

    def meant(place: object) -> str:
        text = str(place)
        return text.rstrip("/") if is_remote(text) else str(absolute(text))

    index = asked.get("index")
    places = {"index": [*map(meant, index)] if isinstance(index, list) else index, "base": meant(asked.get("base"))}
    return asked | places


def _selected(index: tuple[str, ...], base: str, query: Query, out: Path, progress: bool) -> tuple[Path, IndexTraffic]:
    """The file of all selected rows, sorted; reuses what an earlier run selected from an unchanged index file."""
    directory = out / "selection"
    make_directory(directory)
    traffic, rows, found = IndexTraffic(), 0, []
    files = index_files(index, base, query)
    for number, place in enumerate(with_progress("index", iter(files), len(files), progress, unit="file")):
        if query.limit is not None and rows >= query.limit:
            break
        stat = remote_stat(place)
        left = None if query.limit is None else query.limit - rows
        path = directory / f"{number:05}-{digest_of([shown(place), stat.identity, asdict(query), left])[:16]}.parquet"
        if not path.exists():
            _write_selected(path, select(place, stat, query, traffic), left)
        rows += pq.read_metadata(path).num_rows
        found.append(path)
    if not rows:
        raise InputError(
            f"No record of the index matches: {as_words(query)}. Check the query; --language any selects all languages."
        )
    everything = directory / f"all-{digest_of([path.name for path in found])[:16]}.parquet"
    if not everything.exists():
        sort_selection(found, everything)
    sync_directory(directory)
    for stale in files_named(directory, SELECTION_FILE):
        if stale not in (*found, everything):
            stale.unlink()
    for stale in files_named(directory / SORT, SORTING):  # left by a run that was killed while sorting
        stale.unlink()
    if not (directory / SORT).is_symlink():
        remove_empty(directory / SORT)
    return everything, traffic


def _write_selected(path: Path, tables: Iterator[pa.Table], limit: int | None) -> None:
    temporary = path.with_suffix(".tmp")
    with pq.ParquetWriter(temporary, SELECTION, compression="zstd") as writer:
        left = limit
        for table in tables:
            table = table if left is None else table.slice(0, left)
            writer.write_table(table)
            left = None if left is None else left - table.num_rows
            if left == 0:
                break
    give_name(temporary, path)


def _unique(found: Iterator[Pick]) -> Iterator[Pick]:
    seen: dict[str, str] = {}
    for pick in found:
        if pick.name in seen:
            raise InputError(
                f"The index names two WARCs with the same file name, {seen[pick.name]} and {pick.warc}; ids start with it, so "
                "fetch them into two directories (leave one out with --crawl or other index files)."
            )
        seen[pick.name] = pick.warc
        yield pick


def _place(base: str, warc: str) -> str:
    return joined(base, warc) if is_remote(base) or is_remote(warc) else str(Path(base) / warc)


def _stats(places: list[str], progress: bool) -> dict[str, Stat | CorpusError]:
    """The version of each WARC, or the error: a missing one does not prevent the others from being fetched."""

    def ask(place: str) -> Stat | CorpusError:
        try:
            return remote_stat(place)
        except CorpusError as error:
            return error

    with ThreadPoolExecutor(STATS_AT_A_TIME) as threads:
        try:
            return dict(zip(places, with_progress("ask", threads.map(ask, places), len(places), progress, "file"), strict=True))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _plan(
    selection: Path,
    base: str,
    out: Path,
    gap_bytes: int,
    done: dict[str, Fetched],
    stats: dict[str, Stat | CorpusError],
    traffic: IndexTraffic,
) -> CrawlPlan:
    records = record_bytes = warcs = whole = to_fetch = requests = to_fetch_whole = 0
    for pick in picks(selection):
        warcs += 1
        records += len(pick.offsets)
        record_bytes += int(pick.lengths.sum())
        stat = stats.get(_place(base, pick.warc))
        if pick.name in done:
            whole += done[pick.name].whole_bytes
        elif isinstance(stat, Stat):
            there, head_is_there = begun(out, pick)
            found = ranges(pick.offsets, pick.lengths, gap_bytes, there)
            whole += stat.size
            to_fetch_whole += stat.size
            to_fetch += (0 if head_is_there else min(HEAD_BYTES, stat.size)) + sum(one.end - one.start for one in found)
            requests += (not head_is_there) + len(found)
    return CrawlPlan(
        records, record_bytes, warcs, whole, len(done), to_fetch, requests, to_fetch_whole,
        traffic.bytes, traffic.requests, traffic.whole_bytes,
    )  # fmt: skip


def _fetch_all(
    selection: Path,
    base: str,
    out: Path,
    gap_bytes: int,
    workers: int,
    done: dict[str, Fetched],
    stats: dict[str, Stat | CorpusError],
    progress: bool,
) -> list[Fetched]:
    """Fetch the unfinished picks, a few WARCs at a time; raises StageError for failures once all others are done."""
    stop, fetched, failures = threading.Event(), [], []
    waiting = (pick for pick in picks(selection) if pick.name not in done)

    def one(pick: Pick) -> Fetched:
        stat = stats[_place(base, pick.warc)]
        if isinstance(stat, CorpusError):
            raise stat
        return fetch(pick, _place(base, pick.warc), stat, out, gap_bytes, stop)

    def outcomes() -> Iterator[tuple[str, Future[Fetched]]]:
        with ThreadPoolExecutor(workers) as threads:
            flying: dict[Future[Fetched], str] = {}
            try:
                for pick in waiting:
                    flying[threads.submit(one, pick)] = pick.name
                    if len(flying) >= 2 * workers:  # submitted picks are held in memory
                        first = next(as_completed(flying))
                        yield flying.pop(first), first
                for last in as_completed(flying):
                    yield flying[last], last
            except BaseException:
                stop.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    for name, future in with_progress("fetch", outcomes(), len(stats), progress, unit="WARC"):
        error = future.exception()
        if error is None:
            fetched.append(future.result())
        elif isinstance(error, CorpusError):
            failures.append(f"  {name}: {error}")
        else:
            raise error
    if failures:
        more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
        raise StageError(
            f"{len(failures)} of {len(stats)} WARCs were not fetched; the others are there.\n"
            + "\n".join(failures[:5])
            + more
            + "\n"
            "Fix the cause and run the same command again: it continues where it stopped."
        )
    return fetched


def as_text(plan: CrawlPlan) -> str:
    """The plan as lines for a terminal."""
    lines = [
        f"index:   {plan.index_requests:,} requests, {plan.index_bytes:,} bytes read of {plan.index_whole_bytes:,}"
        if plan.index_requests
        else "index:   read by an earlier run",
        f"wanted:  {plan.records:,} records ({plan.record_bytes:,} bytes) of {plan.warcs:,} WARCs ({plan.whole_bytes:,} bytes)",
        f"done:    {plan.done_warcs:,} WARCs",
        f"to do:   {plan.to_fetch_requests:,} requests, {plan.to_fetch_bytes:,} bytes instead of {plan.to_fetch_whole_bytes:,} "
        f"({100 * plan.saved:.1f} % saved)",
    ]
    return "\n".join(lines)
