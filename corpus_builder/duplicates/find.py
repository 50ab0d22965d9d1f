"""The search for duplicates: several passes over all documents.

It writes scratch files, step by step and shard by shard, so that an interrupted search can be resumed.
"""

from __future__ import annotations

import itertools

from corpus_builder.duplicates.copies import Tally, Total
from corpus_builder.duplicates.links import Link, Settle, Spread
from corpus_builder.duplicates.losers import Losers, SearchResult
from corpus_builder.duplicates.search import Search
from corpus_builder.duplicates.survivors import Changes, Files, Hook, Join, Jump, Meet, Point
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.run import Runner


def find_duplicates(search: Search, runner: Runner) -> SearchResult:
    """keys ─► Spread ─► Link ─► Settle ─► (next phase) ... ─► Point ─► Jump ... (─► Hook ─► Join ─► Jump ...) ─► Tally ─► Total ─► Losers."""
    run = runner.run_step
    settled: dict[str, Manifest] = {}
    for phase in search.matching.phases:
        keys = run(Spread(search, phase, tuple(settled.values())))
        settled[phase] = run(Settle(search, phase, keys, run(Link(search, phase, keys))))
    links = {phase: tuple(manifest.paths("links")) for phase, manifest in settled.items()}
    jumps, rounds = itertools.count(), itertools.count()

    def roots(table: Files) -> Files:
        while True:
            jumped = run(Jump(search, f"{next(jumps):03}", table))
            table = tuple(jumped.paths("pointers"))
            if not _changes(jumped):
                return table

    first = tuple(run(Point(search, "", links)).paths("pointers"))
    last = roots(first)
    met: Files = ()
    if search.matching.groups == "components":
        while _changes(found := run(Hook(search, number := f"{next(rounds):03}", links, last))):
            last = roots(tuple(run(Join(search, number, last, tuple(found.paths("hooks")))).paths("pointers")))
        met = tuple(run(Meet(search, "", links, first, last)).paths("met"))
    copies = tuple(run(Total(search, "", tuple(run(Tally(search, "", last)).paths("counts")))).paths("copies"))
    return SearchResult(search, run(Losers(search, "", links, met, last, copies)), copies)


def _changes(manifest: Manifest) -> bool:
    return any(changes.documents for changes in manifest.stats(Changes).values())
