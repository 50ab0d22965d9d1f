"""How many copies each document had: the losers that a survivor stands for, and itself.

Tally   counts the losers of each survivor within a partition of the losers, and distributes the counts by the survivor's partition
Total   adds the counts up, a partition of the survivors at a time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus_builder.duplicates.search import I64, Search, Step, concatenated, write_buckets, write_npy
from corpus_builder.duplicates.signed_files import opened
from corpus_builder.duplicates.survivors import Files
from corpus_builder.hashing.pairs import Columns
from corpus_builder.store.dataset import Shard, ShardWriter
from corpus_builder.store.exchange import read_bucket

COUNTS = ("survivor", "losers")


@dataclass(frozen=True)
class Tally(Step):
    """Count the losers of each survivor within a partition of the losers."""

    pointers: Files  # to survivors

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Count, and distribute."""
        _, survivor = lost_in(self.search, self.pointers[shard.task])
        found = _added({"survivor": survivor, "losers": np.ones(len(survivor), dtype=np.int64)})
        write_buckets(out, "counts", found, self.search.partitions_of(found["survivor"]), len(self.search.partitions))


@dataclass(frozen=True)
class Total(Step):
    """Add up the counts of a partition's survivors."""

    counts: Files  # runs whose buckets hold the counts of a partition's survivors

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write each survivor and its number of copies, itself included.  (2, n) int64, sorted by survivor"""
        found: Columns = {name: np.zeros(0, np.int64) for name in COUNTS}
        for path in self.counts:
            found = _added(concatenated([found, read_bucket([path], shard.task)], COUNTS))
        write_npy(out, "copies", np.stack([found["survivor"], found["losers"] + 1]))


def lost_in(search: Search, pointers: Path) -> tuple[I64, I64]:
    """The documents of a partition that are dropped, and the survivor of each."""
    lost, _, survivor = opened(pointers)
    if search.matching.indexed == "stay":  # a document that matches two indexed ones connects them, yet both stay
        new = lost >= search.first_new
        lost, survivor = lost[new], survivor[new]
    return lost, survivor


def copies_of(search: Search, files: Files, survivors: I64) -> I64:
    """The number of copies of some survivors, sorted by their place."""
    copies = np.zeros(len(survivors), dtype=np.int64)
    partitions = search.partitions_of(survivors)
    for partition in np.unique(partitions).tolist():
        here = partitions == partition
        known, counts = opened(files[partition])
        copies[here] = counts[np.searchsorted(known, survivors[here])]
    return copies


def copies_between(files: Sequence[Path], first: int, last: int) -> tuple[I64, I64]:
    """The survivors from a place up to another, sorted, and their copies."""
    found = [opened(path) for path in files]
    table = np.concatenate(found, axis=1) if found else np.zeros((2, 0), dtype=np.int64)
    low, high = np.searchsorted(table[0], [first, last]).tolist()
    return table[0, low:high], table[1, low:high]


def _added(counts: Columns) -> Columns:
    """One row for each survivor, sorted."""
    survivor, where = np.unique(counts["survivor"], return_inverse=True)
    losers = np.zeros(len(survivor), dtype=np.int64)
    np.add.at(losers, where.ravel(), counts["losers"])
    return {"survivor": survivor, "losers": losers}
