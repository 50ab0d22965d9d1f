"""Find duplicates among signed documents, whichever command asked for it: the steps in order.

keys ─► Spread ─► Link ─► Settle ─► (next phase) ─► LargeStar, SmallStar ─► Verdicts

Everything is written to scratch, step by step and shard by shard, so a search that broke off goes on; whoever asked copies the verdicts
to where they belong and removes the scratch.
"""

from __future__ import annotations

from pathlib import Path

from corpus_builder.dataset import Manifest, Stage
from corpus_builder.engine import Engine
from corpus_builder.run import run_stage
from corpus_builder.stages.search import Link, Search, Settle, Spread
from corpus_builder.stages.verdicts import Found, LargeStar, SmallStar, Verdicts


def find_duplicates(search: Search, scratch: Path, engine: Engine, progress: bool = False) -> Found:
    """Who of a search's documents is dropped, and for whom."""

    def run(stage: Stage) -> Manifest:
        return run_stage(stage, stage.plan({}), scratch, engine, progress)

    settled: dict[str, Manifest] = {}
    for phase in search.matching.phases:
        keys = run(Spread(search, phase, tuple(settled.values())))
        links = run(Link(search, phase, keys))
        settled[phase] = run(Settle(search, phase, links))
    edges = {phase: tuple(manifest.paths("edges")) for phase, manifest in settled.items()}
    stars = tuple(path for paths in edges.values() for path in paths)
    number = 0
    while _unsettled(large := run(LargeStar(search, number, stars))):
        small = run(SmallStar(search, number, tuple(large.paths("edges"))))
        stars = tuple(small.paths("edges"))
        number += 1
    return Found(search, run(Verdicts(search, edges, stars)))


def _unsettled(manifest: Manifest) -> int:
    return sum(receipt.stats["unsettled"] for receipt in manifest.receipts)
