"""Searches that take several passes over all documents: duplicates, and lines that many documents share.

A search writes scratch, step by step and shard by shard, so that one that broke off goes on.  It returns the stage that asked for it,
ready to run; that stage copies what was found to where it belongs, and whoever runs it removes the scratch.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from corpus_builder.dataset import Manifest, Stage, lost_files, read_manifest
from corpus_builder.engine import Engine
from corpus_builder.run import missing, run_stage
from corpus_builder.stages.dedup_rows import MatchRows
from corpus_builder.stages.line_counts import Total
from corpus_builder.stages.lines import Lines
from corpus_builder.stages.links import Link, Settle, Spread
from corpus_builder.stages.match import Match
from corpus_builder.stages.search import Search
from corpus_builder.stages.trees import Files, Hook, Join, Jump, Meet, Point
from corpus_builder.stages.verdicts import Found, Superseded, Verdicts

AnyMatch = TypeVar("AnyMatch", Match, MatchRows)


def find_duplicates(
    stage: AnyMatch, manifests: Mapping[str, Manifest], memory_bytes: int, scratch: Path, engine: Engine, progress: bool
) -> AnyMatch:
    """Who of the documents that were signed is dropped, and for whom; who of an index lost to them is a dataset of its own."""
    found = verdicts_of(stage.search(manifests, memory_bytes), scratch, engine, progress)
    if stage.elders and stage.matching.elders == "compete":
        superseded = Superseded(found, stage.made_from(manifests))
        run_stage(superseded, superseded.plan({}), scratch.parent, engine, progress)
    return replace(stage, found=found)


def is_found(stage: Match | MatchRows | Lines, manifests: Mapping[str, Manifest], out: Path) -> bool:
    """Whether a stage has all its shards already, and what goes with them, so that nothing has to be searched."""
    if missing(stage, stage.plan(manifests), out):
        return False
    if isinstance(stage, Lines) or not stage.elders or stage.matching.elders != "compete":
        return True
    superseded = read_manifest(out / "superseded")
    return superseded is not None and not any(lost_files(superseded.root, receipt) for receipt in superseded.receipts)


def verdicts_of(search: Search, scratch: Path, engine: Engine, progress: bool = False) -> Found:
    """keys ─► Spread ─► Link ─► Settle ─► (next phase) ... ─► Point ─► Jump ... (─► Hook ─► Join ─► Jump ...) ─► Verdicts."""

    def run(step: Stage) -> Manifest:
        return run_stage(step, step.plan({}), scratch, engine, progress)

    settled: dict[str, Manifest] = {}
    for phase in search.matching.phases:
        keys = run(Spread(search, phase, tuple(settled.values())))
        settled[phase] = run(Settle(search, phase, keys, run(Link(search, phase, keys))))
    links = {phase: tuple(manifest.paths("links")) for phase, manifest in settled.items()}
    jumps, rounds = itertools.count(), itertools.count()

    def roots(table: Files) -> Files:
        while True:
            jumped = run(Jump(search, next(jumps), table))
            table = tuple(jumped.paths("pointers"))
            if not _sum(jumped, "moved"):
                return table

    first = tuple(run(Point(search, links)).paths("pointers"))
    last = roots(first)
    met: Files = ()
    if search.matching.groups == "components":
        while _sum(found := run(Hook(search, number := next(rounds), links, last)), "hooked"):
            last = roots(tuple(run(Join(search, number, last, tuple(found.paths("hooks")))).paths("pointers")))
        met = tuple(run(Meet(search, links, first, last)).paths("met"))
    return Found(search, run(Verdicts(search, links, met, last)))


def _sum(manifest: Manifest, name: str) -> int:
    return sum(receipt.stats[name] for receipt in manifest.receipts)


def count_lines(
    stage: Lines, manifests: Mapping[str, Manifest], memory_bytes: int, scratch: Path, engine: Engine, progress: bool
) -> Lines:
    """How many documents begin or end with the same lines: documents ─► Tally ─► Total."""
    tally = stage.tally(manifests, memory_bytes)
    tallied = run_stage(tally, tally.plan(manifests), scratch, engine, progress)
    total = Total(tally, tallied.root)
    return replace(stage, totals=run_stage(total, total.plan(manifests), scratch, engine, progress).root)
