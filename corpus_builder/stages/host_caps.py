"""Which documents of a host are within its cap: the best by a score, or drawn by the seed, exactly, in two scratch steps.

HostRanks    a shard's documents that the rules keep -> their host, and their place in the order, distributed to buckets by host
HostCuts     one bucket of hosts of every shard -> the place of the last document within the cap, for hosts that exceed it, distributed to
             the shards

A document of a host that exceeds its cap is dropped if it comes after that place.  A task holds at most as many documents of a host as
its cap allows, so the largest host does not decide how much memory is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.hashing.lines import host_keys, text_hashes
from corpus_builder.quality.host_columns import PREFIX
from corpus_builder.quality.rulebook import Column, Rows, RunningRule, judge_rows
from corpus_builder.quality.selection import ranks
from corpus_builder.release.mixture import keyed_number
from corpus_builder.stages.host_counts import Counting
from corpus_builder.stages.rows import judged_rows
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, sealed_manifest
from corpus_builder.store.exchange import Columns, buckets_of, read_bucket, write_run
from corpus_builder.store.stats import Count

BYTES_PER_ROW = 150
"""Peak memory for a document: 24 bytes for three columns, plus what joining and sorting them needs, as in `line_counts`."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Caps:
    """The most documents of a host, as a number and as a share of all documents that the rules keep."""

    documents: int | None
    share: float | None
    score: Column | None  # of which the greatest stay
    seed: int
    rules: tuple[RunningRule, ...]  # all rules of the recipe
    sources: tuple[str, ...]  # whose documents are counted and dropped

    @property
    def identity(self) -> list[Any]:
        """Everything besides the rows that the caps depend on."""
        score = self.score.identity if self.score else None
        return [self.documents, self.share, score, self.seed, [rule.identity for rule in self.rules], self.sources]

    def limit(self, kept: int) -> int:
        """The most documents of a host, given how many the rules keep in all.  A share of less than one document is one.

        >>> [Caps(9, 0.29, None, 0, (), ()).limit(kept) for kept in (100, 10, 1)]
        [9, 2, 1]
        """
        most = [] if self.documents is None else [self.documents]
        most += [] if self.share is None else [max(1, int(Fraction(str(self.share)) * kept))]
        return min(most)

    def order(self, ids: Sequence[str], rows: Rows, at: I64) -> Columns:
        """The place of some documents in the order, the best first: the rank of the score, then a number drawn for each.  (n,) uint64 each"""
        rank = ranks(self.score.of(rows)[at]) if self.score else np.zeros(len(at), dtype=np.uint64)
        return {
            "rank": rank,
            "tie": np.array([keyed_number(self.seed, "select", ids[row]) for row in at.tolist()], dtype=np.uint64),
        }


@dataclass(frozen=True)
class RanksStats:
    """The documents of a shard that the rules keep, of any source."""

    kept: Count


@dataclass(frozen=True)
class HostRanks(Stage):
    """The scratch step: one shard per shard of documents.  Columns of its runs: key of the host, rank, tie."""

    caps: Caps
    how: Counting
    shards: tuple[Shard, ...]
    buckets: int
    totals: Path  # the output of `HostTotal`
    columns: tuple[str, ...]  # of the hosts, with the prefix, that rules and the score read
    name: ClassVar[str] = "host_ranks"
    version: ClassVar[int] = 1
    stats: ClassVar[type[Any]] = RanksStats

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each shard of documents; hosts are counted over all of them."""
        made_from = {"stage": f"{self.name}/{self.version}", "caps": digest_of([self.caps.identity, self.columns, self.buckets])}
        made_from |= self.how.settings(self.shards)
        return [Shard(shard.name, made_from, {**shard.task, "rank": rank}) for rank, shard in enumerate(self.shards)]

    def for_workers(self) -> HostRanks:
        """Without the shards, of which each worker gets its own."""
        return replace(self, shards=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Order a shard's documents."""
        found: list[Columns] = [_nothing("rank", "tie")]
        kept, source = 0, shard.task["source"]
        of_hosts = HostLookup.read(self.totals, shard.task["rank"])
        for keys, known, rows in with_hosts(shard.task, self.how, of_hosts, self.columns):
            keep = judge_rows(self.caps.rules, source, rows).keep
            kept += int(keep.sum())
            if source in self.caps.sources:
                at = np.flatnonzero(keep & np.array([bool(host) for host in known.column("host").to_pylist()], dtype=np.bool_))
                found.append({"key": keys[at], **self.caps.order(known.column("id").to_pylist(), rows, at)})
        joined = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        where = buckets_of(joined["key"], self.buckets)
        out.close_file("ranks", write_run(out.open_file("ranks", ".run"), joined, where, self.buckets))
        out.stats = RanksStats(kept)


@dataclass(frozen=True)
class HostCuts(Stage):
    """The scratch step: one shard per bucket.  Columns of its runs, distributed to the shards of documents: key, rank, tie, documents."""

    ranks: HostRanks
    ranked: Path
    memory_bytes: int
    name: ClassVar[str] = "host_cuts"
    version: ClassVar[int] = 1

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """As many as there are buckets."""
        made_from = {**self.ranks.plan({})[0].made_from, "stage": f"{self.name}/{self.version}"} if self.ranks.shards else {}
        limit = self.ranks.caps.limit(kept_in(self.ranked))
        return [Shard(f"{number:06}", made_from, (number, limit)) for number in range(self.ranks.buckets)]

    def for_workers(self) -> HostCuts:
        """Without the shards of documents."""
        return replace(self, ranks=self.ranks.for_workers())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Find where the hosts of a bucket are cut."""
        number, limit = shard.task
        runs = [read_bucket([path], number, ["key"])["key"] for path in sealed_manifest(self.ranked).paths("ranks")]
        hosts, documents = np.unique(np.concatenate(runs), return_counts=True)
        cuts = self._cuts(number, limit)
        cuts["documents"] = documents[np.searchsorted(hosts, cuts["key"])]
        parts, where = [_nothing("rank", "tie") | {"documents": np.zeros(0, np.int64)}], [np.zeros(0, dtype=np.int64)]
        for rank, keys in enumerate(runs):
            there = np.isin(cuts["key"], keys)
            parts.append({name: column[there] for name, column in cuts.items()})
            where.append(np.full(int(there.sum()), rank, dtype=np.int64))
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        out.close_file("cuts", write_run(out.open_file("cuts", ".run"), joined, np.concatenate(where), len(runs)))

    def _cuts(self, number: int, limit: int) -> Columns:
        """The last document within the cap, of each host that has more than its cap; holds the best ones of each host so far."""
        held = _nothing("rank", "tie")
        waiting, count = [held], 0
        for path in sealed_manifest(self.ranked).paths("ranks"):
            waiting.append(read_bucket([path], number))
            count += len(waiting[-1]["key"])
            if count * BYTES_PER_ROW > self.memory_bytes:
                waiting, count = [best(waiting, limit + 1)], 0
        rows = best(waiting, limit + 1)
        last = np.flatnonzero(_place_in_host(rows["key"]) == limit) - 1  # the one before the first that is too many
        return {name: column[last] for name, column in rows.items()}


def best(parts: Sequence[Columns], most: int) -> Columns:
    """The first rows of each key, by rank and tie; in the order of keys."""
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((joined["tie"], joined["rank"], joined["key"]))
    order = order[_place_in_host(joined["key"][order]) < most]
    return {name: column[order] for name, column in joined.items()}


def _place_in_host(keys: U64) -> I64:
    """For sorted keys: how many equal ones come before each."""
    fresh = np.ones(len(keys), dtype=np.bool_)
    fresh[1:] = keys[1:] != keys[:-1]
    first = np.flatnonzero(fresh)
    return np.arange(len(keys)) - np.repeat(first, np.diff(first, append=len(keys)))


def _nothing(*names: str) -> Columns:
    return {name: np.zeros(0, dtype=np.uint64) for name in ("key", *names)}


def kept_in(ranked: Path) -> int:
    """How many documents the rules keep, before the caps."""
    return sum(stats.kept for stats in sealed_manifest(ranked).stats(RanksStats).values())


def cap_reason(limit: int, documents: int | None) -> str:
    """The cap that a limit comes from, given the one that is a number of documents."""
    return "host_documents_cap" if limit == documents else "host_share_cap"


@dataclass(frozen=True)
class HostLookup:
    """Numbers by key of the host, for the hosts of one shard."""

    columns: Columns
    order: I64

    @classmethod
    def read(cls, root: Path, rank: int, table: str = "columns") -> HostLookup:
        """What a step's runs have for one shard of documents."""
        columns = read_bucket(sealed_manifest(root).paths(table), rank)
        return cls(columns, np.argsort(columns["key"], kind="stable"))

    def places(self, keys: U64) -> I64:
        """The row of each key; -1 where there is none."""
        known = self.columns["key"][self.order]
        at = np.searchsorted(known, keys)
        there = at < len(known)
        there[there] = known[at[there]] == keys[there]
        return np.where(there, self.order[np.minimum(at, len(known) - 1)] if len(known) else -1, -1)


def with_hosts(
    task: Mapping[str, Any], how: Counting, of_hosts: HostLookup, columns: Sequence[str]
) -> Iterator[tuple[U64, pa.Table, Rows]]:
    """The row groups of a shard: keys of the hosts, a table of ids and hosts, and the rows with the columns of the hosts."""
    for group, (_, rows) in zip(read_groups(task["documents"], ["id", "host"]), judged_rows(task), strict=True):
        keys = host_keys(text_hashes(how.names(group.column("host").to_pylist(), task["source"])))
        at = of_hosts.places(keys)
        added = {name: of_hosts.columns[name.removeprefix(PREFIX)][at] for name in columns}
        yield keys, group, replace(rows, measures={**rows.measures, **added})
