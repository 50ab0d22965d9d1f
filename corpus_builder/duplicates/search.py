"""What all steps of the search for duplicates share: the documents, how the work is split, and the files between the steps.

Every step writes scratch files, since how the work is split depends on the memory that a task may use; nothing else does.

links      keys -> what each document matched, in each phase
survivors  matches -> the survivor of each loser
copies     how many copies each survivor had
losers     one row for each loser, with ids and similarity
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from corpus_builder.duplicates.signed_files import SignedShard, estimates, sketches_of
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.pairs import BYTES_PER_KEY, Columns
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage
from corpus_builder.store.exchange import bucket_count, read_bucket, spans, write_run

MOST_PAIRS = 1 << 18
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Texts(Protocol):
    """Reads texts again, for exact similarities."""

    def read(self, documents: I64) -> list[str]:
        """The texts of some documents of one search, which are sorted by their place."""


@dataclass(frozen=True)
class Search:
    """What all steps of one search share.  Indexed shards come first in `shards`, so that their documents win ties.

    `made` is a digest of everything that the result depends on.
    """

    shards: tuple[SignedShard, ...]
    matching: Matching
    made: str
    memory_bytes: int
    texts: Texts | None = None

    @cached_property
    def partitions(self) -> list[list[tuple[int, int, int]]]:
        """Neighbouring shards, or parts of one, whose keys a task can hold: (shard, first row, row after the last)."""
        rows = max(1, self.memory_bytes // (BYTES_PER_KEY * self.matching.minhash.bands))
        return spans([shard.rows for shard in self.shards], rows)

    @cached_property
    def _edges(self) -> I64:
        return np.array([(one[0][0] << 32) | one[0][1] if one else 0 for one in self.partitions], dtype=np.int64)

    def partitions_of(self, documents: I64) -> I64:
        """The partition that each document is in."""
        return np.searchsorted(self._edges, documents, side="right").astype(np.int64) - 1

    @cached_property
    def first_new(self) -> int:
        """The number after those of all indexed documents."""
        return sum(shard.indexed for shard in self.shards) << 32

    @property
    def indexed_lose_nothing(self) -> bool:
        """Whether the matches of an indexed document with better ones are ignored.  Components need them, though indexed documents that
        stay are not dropped."""
        return self.matching.indexed == "stay" and self.matching.groups == "first"

    def buckets(self, phase: str) -> int:
        """How many buckets the keys of a phase are distributed to."""
        keys = self.matching.minhash.bands if phase == "near" else 1
        return bucket_count(sum(shard.rows for shard in self.shards) * keys, BYTES_PER_KEY, self.memory_bytes)

    def checks(self, phase: str) -> bool:
        """Whether documents that share a key count as duplicates only if they are similar enough."""
        return phase == "near" and self.matching.verify is not None

    @property
    def pairs_at_a_time(self) -> int:
        """Pairs whose ids and sketches a task holds together: both sketches, and three of their size to compare them byte by byte.

        The more there are, the fewer passes are made over the files of all documents.
        """
        return min(MOST_PAIRS, max(1, self.memory_bytes // (16 * (self.matching.minhash.hashes + 100))))

    def similarity(self, left: I64, right: I64) -> npt.NDArray[np.float64]:
        """Estimated similarity of pairs of documents, at most `pairs_at_a_time`, 0..1; 0 if one of the two has no text."""
        wanted, where = np.unique(np.concatenate([left, right]), return_inverse=True)
        sketches = sketches_of(self.shards, wanted)
        here, there = where[: len(left)], where[len(left) :]
        some = np.asarray(sketches.any(axis=1))
        same = (sketches[here] == sketches[there]).sum(axis=1)
        found: npt.NDArray[np.float64] = estimates(sketches.shape[1])[same] * (some[here] & some[there])
        return found


@dataclass(frozen=True)
class Step(Stage):
    """A step of a search, which writes scratch files: one shard for each partition of the documents, unless it says otherwise.

    `label` distinguishes steps of one kind: the phase, or the number of the round.
    """

    search: Search
    label: str
    version: ClassVar[int] = 5

    @property
    def name(self) -> str:
        """The kind of step and its label."""
        return "-".join(filter(None, [type(self).__name__.lower(), self.label]))

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self.search.partitions)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Numbered shards, each of which depends on everything."""
        cut = f"{self.search.made} by {self.search.memory_bytes}"
        made_from = {"stage": f"{self.name}/{self.version}", "search": cut}
        return [Shard(f"{number:06}-of-{self.shards:06}", made_from, number) for number in range(self.shards)]


def write_buckets(out: ShardWriter, table: str, columns: Columns, buckets: I64 | None = None, count: int = 1) -> None:
    """Write one run of rows that are distributed to `count` buckets."""
    out.close_file(table, write_run(out.open_file(table, ".run"), columns, buckets, count))


def read_whole(path: Path) -> Columns:
    """The rows of a run that has one bucket."""
    return read_bucket([path], 0)


def write_npy(out: ShardWriter, table: str, rows: I64) -> None:
    """Write a NumPy file.  `numpy.save` would do, but its error on a full disk does not say that the disk is full."""
    file = out.open_file(table, ".npy")
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(rows))
    file.write(rows.tobytes())
    out.close_file(table, rows.shape[-1])


def concatenated(parts: Sequence[Columns], names: Sequence[str]) -> Columns:
    """The named columns of several tables, one table after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
