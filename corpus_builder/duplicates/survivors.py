"""From what each document matched to its survivor (see `hashing.pointers`), a partition of the documents at a time.

Point   every loser of any phase points to the best document that it matched
Jump    every pointer moves on to where its target points; repeated until no pointer changes
Hook    components: finds roots that a match connects, and hooks the later one (by which they are distributed) onto the best before it

For `groups = "first"`, whose links are each loser's best match, the roots are the survivors as soon as no pointer changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from corpus_builder.duplicates.search import I64, Search, Step, concatenated, read_whole, write_buckets, write_npy
from corpus_builder.duplicates.signed_files import opened
from corpus_builder.hashing.pairs import Columns, best_links
from corpus_builder.hashing.pointers import Pointers, hooked, hooks, pointers, targets_of
from corpus_builder.store.dataset import Shard, ShardWriter
from corpus_builder.store.exchange import read_bucket
from corpus_builder.store.stats import Count

HOOKS = ("loser_rank", "loser", "matched_rank", "matched")
Files = tuple[Path, ...]


@dataclass(frozen=True)
class Changes:
    """What a step changed in a partition; the rounds end when no partition changes any more."""

    documents: Count  # whose pointer changed, or will change


@dataclass(frozen=True)
class Point(Step):
    """Each loser points to the best document that it matched."""

    links: Mapping[str, Files]  # of `Settle`, by phase: a file for each partition

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Take each loser's best link."""
        write_npy(out, "pointers", pointers(links_of(self.links, shard.task)))


@dataclass(frozen=True)
class Jump(Step):
    """Each document points to where its target points."""

    pointers: Files  # a file for each partition
    stats: ClassVar[type[Any]] = Changes

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Point to where the target points; count the pointers that changed."""
        documents, rank, place = opened(self.pointers[shard.task])
        new_rank, new_place = ends_of(self.search, self.pointers, rank, place)
        out.stats = Changes(int((new_place != place).sum()))
        write_npy(out, "pointers", np.stack([documents, new_rank, new_place]))


@dataclass(frozen=True)
class Hook(Step):
    """Find the roots that a match connects."""

    links: Mapping[str, Files]
    pointers: Files  # to roots
    stats: ClassVar[type[Any]] = Changes

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Find the roots that the links of a partition connect; count them."""
        links = links_of(self.links, shard.task)
        u_rank, u = ends_of(self.search, self.pointers, links["loser_rank"], links["loser"])
        v_rank, v = ends_of(self.search, self.pointers, links["matched_rank"], links["matched"])
        del links
        found = hooks({"u_rank": u_rank, "u": u, "v_rank": v_rank, "v": v})
        out.stats = Changes(len(found["loser"]))
        write_buckets(out, "hooks", found, self.search.partitions_of(found["loser"]), len(self.search.partitions))


@dataclass(frozen=True)
class Join(Step):
    """Hooked roots point to those that they are hooked onto."""

    pointers: Files
    hooks: Files  # runs whose buckets hold the hooks of a partition's roots

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Change the pointers of the roots that were hooked."""
        found: Columns = {name: np.zeros(0, np.int64) for name in HOOKS}
        for path in self.hooks:
            found = best_links(concatenated([found, read_bucket([path], shard.task)], HOOKS))
        write_npy(out, "pointers", hooked(opened(self.pointers[shard.task]), found))


@dataclass(frozen=True)
class Meet(Step):
    """The matches of losers that are losers only because they were hooked.

    Such a document matches only documents that come after it; its match is the best of these.
    """

    links: Mapping[str, Files]
    first: Files  # pointers of `Point`: of documents that matched a better one
    last: Files  # pointers of all losers

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Reverse the links to such documents, and keep the best one of each."""
        links = links_of(self.links, shard.task)
        matched = np.unique(links["matched"])
        lost, _, _ = _targets(self.search, self.last, matched)
        had, _, _ = _targets(self.search, self.first, matched)
        met = (lost & ~had)[np.searchsorted(matched, links["matched"])]
        names = {"loser": "matched", "loser_rank": "matched_rank", "matched": "loser", "matched_rank": "loser_rank"}
        found = {name: links[names.get(name, name)][met] for name in links}
        found = best_links(found)
        write_buckets(out, "met", found, self.search.partitions_of(found["loser"]), len(self.search.partitions))


def links_of(links: Mapping[str, Files], partition: int) -> Columns:
    """The links of a partition's losers, and the number of their phase."""
    parts = [read_whole(files[partition]) for files in links.values()]
    found = concatenated(parts, tuple(parts[0]))
    return found | {"phase": np.repeat(np.arange(len(parts)), [len(part["loser"]) for part in parts])}


def ends_of(search: Search, files: Files, rank: I64, document: I64) -> tuple[I64, I64]:
    """Rank and place of the documents that some documents point to; its own for one that points nowhere."""
    wanted, where = np.unique(document, return_inverse=True)
    found, ranks, ends = (column[where.ravel()] for column in _targets(search, files, wanted))
    return np.where(found, ranks, rank), np.where(found, ends, document)


def _targets(search: Search, files: Files, documents: I64) -> tuple[np.ndarray, I64, I64]:
    """Which of some documents, sorted by their place, point to another, and that one's rank and place."""
    found, rank, end = np.zeros(len(documents), np.bool_), np.zeros_like(documents), np.zeros_like(documents)
    partitions = search.partitions_of(documents)
    edges = np.flatnonzero(np.diff(partitions, prepend=-1, append=-1))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        piece = slice(first, last)
        table: Pointers = opened(files[int(partitions[first])])
        found[piece], rank[piece], end[piece] = targets_of(table, documents[piece])
    return found, rank, end
