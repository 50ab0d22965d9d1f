"""The search for duplicates: band keys to pairs of documents, in steps of bounded memory.

Each phase (see `dedup.matching`) takes three steps, all of which write scratch, since how the work is cut depends on the memory that a
task may use; nothing else does:

Spread   a group of shards -> its keys, dealt out by key
Link     one bucket of keys -> who shares a key with whom, and counts; dealt out by loser
Settle   a group's links -> one winner for each loser (components: every pair once), and who is out of the next phases

`stages.verdicts` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from corpus_builder.dataset import Manifest, Shard, ShardWriter
from corpus_builder.dedup.matching import (
    BYTES_PER_KEY,
    Columns,
    Matching,
    best_links,
    checked_links,
    distinct_links,
    first_links,
    in_company,
)
from corpus_builder.dedup.minhash import shingle_sets
from corpus_builder.dedup.stars import both_ways
from corpus_builder.exchange import bucket_count, buckets_of, read_bucket, spans, write_run
from corpus_builder.signed import SignedShard, among, characters_of, estimates, opened, places, sketches_of

LINKS = ("loser_rank", "loser", "winner_rank", "winner", "similarity")
PAIRS_AT_A_TIME = 1 << 14
FIRST_OF_ALL = np.iinfo(np.int64).min
I64 = npt.NDArray[np.int64]


class Texts(Protocol):
    """Reads texts again, for exact similarities."""

    def read(self, documents: I64) -> list[str]:
        """The texts of documents, sorted by their place, of one search."""


@dataclass(frozen=True)
class Search:
    """What all steps of one search share.  Elders come first in `shards`, so that they win ties.

    `made` is a digest of all that the result depends on.
    """

    shards: tuple[SignedShard, ...]
    matching: Matching
    made: str
    memory_bytes: int
    texts: Texts | None = None

    @cached_property
    def groups(self) -> list[list[tuple[int, int, int]]]:
        """Neighbouring shards, or parts of one, whose keys a task can hold: (shard, first row, row after the last)."""
        rows = max(1, self.memory_bytes // (BYTES_PER_KEY * self.matching.minhash.bands))
        return spans([shard.rows for shard in self.shards], rows)

    @cached_property
    def _edges(self) -> I64:
        return np.array([(group[0][0] << 32) | group[0][1] if group else 0 for group in self.groups], dtype=np.int64)

    def groups_of(self, documents: I64) -> I64:
        """The group that each document is in."""
        return np.searchsorted(self._edges, documents, side="right").astype(np.int64) - 1

    @cached_property
    def first_new(self) -> int:
        """The place behind the last elder."""
        return sum(shard.elder for shard in self.shards) << 32

    def buckets(self, phase: str) -> int:
        """Into how many buckets the keys of a phase are dealt."""
        keys = self.matching.minhash.bands if phase == "near" else 1
        return bucket_count(sum(shard.rows for shard in self.shards) * keys, BYTES_PER_KEY, self.memory_bytes)

    def tasks(self, stage: str, version: int, count: int) -> list[Shard]:
        """Shards 0 to count - 1 of a step, each made of everything."""
        cut = f"{self.made} by {self.memory_bytes}"
        made_from = {"stage": f"{stage}/{version}", "search": cut}
        return [Shard(f"{number:06}-of-{count:06}", made_from, number) for number in range(count)]

    def similarity(self, left: I64, right: I64) -> npt.NDArray[np.float64]:
        """Estimated similarity of pairs of documents, 0..1; 0 where one has no text."""
        wanted, where = np.unique(np.concatenate([left, right]), return_inverse=True)
        sketches = sketches_of(self.shards, wanted)
        here, there = where[: len(left)], where[len(left) :]
        some = np.asarray(sketches.any(axis=1))
        same = np.zeros(len(left), dtype=np.int64)
        for first in range(0, len(left), PAIRS_AT_A_TIME):
            piece = slice(first, first + PAIRS_AT_A_TIME)
            same[piece] = (sketches[here[piece]] == sketches[there[piece]]).sum(axis=1)
        found: npt.NDArray[np.float64] = estimates(sketches.shape[1])[same] * (some[here] & some[there])
        return found


@dataclass(frozen=True)
class Spread:
    """The scratch step: one shard per group of signed shards."""

    search: Search
    phase: str
    before: tuple[Manifest, ...]  # of `Settle` in the phases before
    version: int = field(default=1, init=False)

    @property
    def name(self) -> str:
        """Name of the step."""
        return f"spread-{self.phase}"

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each group."""
        return self.search.tasks(self.name, self.version, len(self.search.groups))

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Deal out the keys of the documents that still stand."""
        search, group = self.search, shard.task
        lost = [opened(settled.path(settled.receipts[group], "lost")) for settled in self.before]
        parts = [self._part(place, first, last, lost) for place, first, last in search.groups[group]]
        none = {"key": np.zeros(0, np.uint64), "rank": np.zeros(0, np.int64), "document": np.zeros(0, np.int64)}
        columns = {name: np.concatenate([none[name], *(part.pop(name) for part in parts)]) for name in none}
        count = search.buckets(self.phase)
        write_columns(out, "keys", columns, buckets_of(columns["key"], count), count)

    def _part(self, place: int, first: int, last: int, lost: Sequence[I64]) -> Columns:
        search = self.search
        signed = search.shards[place]
        rows = opened(signed.keys)[first:last]
        keys = {"url": rows["url"], "exact": rows["digest"], "near": rows["keys"]}[self.phase]
        stands = rows["url" if self.phase == "url" else "digest"] != 0
        stands &= signed.standing(first, last)
        documents = places(place, np.arange(first, last))
        for gone in lost:
            stands &= ~among(gone, documents)
        keys, documents, rank = keys[stands], documents[stands], rows["rank"][stands]
        if signed.elder and search.matching.elders == "stay":
            rank = np.full_like(rank, FIRST_OF_ALL)
        each = keys.shape[1] if keys.ndim > 1 else 1
        return {"key": keys.ravel(), "rank": np.repeat(rank, each), "document": np.repeat(documents, each)}


@dataclass(frozen=True)
class Link:
    """The scratch step: one shard per bucket of keys."""

    search: Search
    phase: str
    keys: Manifest
    version: int = field(default=1, init=False)

    @property
    def name(self) -> str:
        """Name of the step."""
        return f"link-{self.phase}"

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each bucket."""
        return self.search.tasks(self.name, self.version, self.search.buckets(self.phase))

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Find the pairs of one bucket that share a key, and keep those that count."""
        search = self.search
        columns = read_bucket(self.keys.paths("keys"), shard.task)
        rows, starts = in_company(columns["key"], columns["rank"], columns["document"])
        rank, document = columns["rank"][rows], columns["document"][rows]
        del columns, rows
        if self.phase == "near" and search.matching.verify is not None:
            loser, winner, similarity = self._checked(document, starts)
        else:
            loser, winner = first_links(document, starts)
            similarity = np.full(len(loser), 1.0 if self.phase == "exact" else np.nan)
        if search.matching.elders == "stay":
            new = document[loser] >= search.first_new
            loser, winner, similarity = loser[new], winner[new], similarity[new]
        links = dict(zip(LINKS, (rank[loser], document[loser], rank[winner], document[winner], similarity), strict=True))
        if search.matching.groups == "first":
            links = best_links(links)
        write_columns(out, "links", links, search.groups_of(links["loser"]), len(search.groups))

    def _checked(self, document: I64, starts: I64) -> tuple[I64, I64, npt.NDArray[np.float64]]:
        matching = self.search.matching
        by_text = matching.verify_by == "text"
        stays = (document < self.search.first_new) & (matching.elders == "stay")
        found = []
        for first, last in self._pieces(document, starts):
            piece = slice(starts[first], starts[last])
            distinct, content = np.unique(document[piece], return_inverse=True)
            contents: Any
            if by_text:
                assert self.search.texts is not None  # the settings were checked
                contents, content_starts = shingle_sets(self.search.texts.read(distinct), matching.minhash.ngram)
                value_of = np.zeros(0)
            else:
                sketches = sketches_of(self.search.shards, distinct)
                contents, content_starts = sketches.ravel(), np.arange(len(distinct) + 1) * sketches.shape[1]
                value_of = estimates(matching.minhash.hashes)
            loser, winner, similarity = checked_links(
                starts[first : last + 1] - starts[first],
                content.ravel(),
                contents,
                content_starts,
                value_of,
                matching.verify or 0.0,
                matching.groups == "components",
                stays[piece],
            )
            found.append((loser + starts[first], winner + starts[first], similarity))
        none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        loser, winner, similarity = (np.concatenate(column) for column in zip(none, *found, strict=True))
        return loser, winner, similarity

    def _pieces(self, document: I64, starts: I64) -> Iterator[tuple[int, int]]:
        """Runs of whole groups whose contents fit in memory; a group that does not fit by itself is a piece of its own."""
        weight: I64 = np.full(len(document), self.search.matching.minhash.hashes + 40, dtype=np.int64)
        if self.search.matching.verify_by == "text":
            distinct, where = np.unique(document, return_inverse=True)
            weight += 16 * characters_of(self.search.shards, distinct)[where.ravel()]
        sums = np.concatenate([[0], np.cumsum(weight)])[starts] if len(starts) > 1 else np.zeros(1, dtype=np.int64)
        del weight
        first = 0
        while first < len(starts) - 1:
            last = int(np.searchsorted(sums, sums[first] + self.search.memory_bytes // 4, side="right")) - 1
            last = max(last, first + 1)
            yield first, last
            first = last


@dataclass(frozen=True)
class Settle:
    """The scratch step: one shard per group of signed shards."""

    search: Search
    phase: str
    links: Manifest
    version: int = field(default=1, init=False)

    @property
    def name(self) -> str:
        """Name of the step."""
        return f"settle-{self.phase}"

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each group."""
        return self.search.tasks(self.name, self.version, len(self.search.groups))

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Gather the links of a group's losers, a few buckets at a time."""
        search = self.search
        reduced = best_links if search.matching.groups == "first" else distinct_links
        limit = max(1, search.memory_bytes // (2 * BYTES_PER_KEY))
        links: Columns = {}
        waiting: list[Columns] = []
        held = 0
        paths = self.links.paths("links")
        for path in paths:
            waiting.append(read_bucket([path], shard.task))
            held += len(waiting[-1]["loser"])
            if held >= limit or path == paths[-1]:
                links = reduced(_joined([links, *waiting] if links else waiting))
                waiting, held = [], 0
        lost = np.unique(links["loser"])
        write_npy(out, "lost", lost)
        edges = {"u_rank": links["loser_rank"], "u": links["loser"], "v_rank": links["winner_rank"], "v": links["winner"]}
        edges = both_ways(edges) | {"similarity": np.tile(links["similarity"], 2)}
        write_columns(out, "edges", edges, search.groups_of(edges["u"]), len(search.groups))


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in LINKS}


def write_columns(out: ShardWriter, table: str, columns: Columns, buckets: I64, count: int) -> None:
    """Write one run."""
    out.close_file(table, write_run(out.open_file(table, ".run"), columns, buckets, count))


def write_npy(out: ShardWriter, table: str, rows: I64) -> None:
    """Write a NumPy file.  `numpy.save` would do, but its error on a full disk does not say that the disk is full."""
    file = out.open_file(table, ".npy")
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(rows))
    file.write(rows.tobytes())
    out.close_file(table, len(rows))
