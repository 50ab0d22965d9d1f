"""Counts exactly how many documents and hosts share each line, in two scratch steps of bounded memory.

Tally    a shard's documents -> its keys with counts, distributed to buckets by key
Total    one bucket of keys of every shard -> the frequent keys, distributed to the shards that have them

A key stands for a host and a block of lines (see `hashing.lines`), for a host alone, to count its documents, or, across hosts,
for a block.  Keys have 64 bits: among 2 * 10^11 distinct ones about a thousand pairs collide.  The division of the work
depends on the memory of a task; the result does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.hashing.lines import SPECIFICATION, Repeats, candidates, host_keys, text_hashes
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, sealed_manifest
from corpus_builder.store.exchange import Columns, bucket_count, buckets_of, read_bucket, write_run

BYTES_PER_KEY = 140
"""Peak memory of a task in bytes for each key that it holds, measured: 12 to 20 for columns, plus what joining and sorting them needs."""

CHARACTERS_PER_LINE = 20
"""Assumed lines per document, for the number of buckets if every line counts.  Documentation has 29 to 88; buckets that are too large are split again."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CountedShard:
    """A shard whose lines are counted."""

    shard: str
    documents: Path
    matches: Path | None
    rows: int
    characters: int
    digest: str  # of the documents, and of the matches


def counted_shards(manifests: Mapping[str, Manifest], sources: Sequence[str]) -> list[CountedShard]:
    """The shards of some sources, in order."""
    extract, match = manifests["extract"], manifests.get("match")
    found = []
    extracted = extract.stats(ExtractStats)
    for receipt in extract.receipts:
        if extracted[receipt.shard].source in sources:
            table = receipt.tables["documents"]
            matched = match.by_shard.get(receipt.shard) if match else None
            digest = digest_of([receipt.shard, table.sha256, matched.tables["matches"].sha256 if matched else ""])
            matches = match.path(matched, "matches") if match and matched else None
            characters = extracted[receipt.shard].characters
            found.append(CountedShard(receipt.shard, extract.path(receipt, "documents"), matches, table.rows, characters, digest))
    return found


def settings_of(how: Repeats, parts: Sequence[CountedShard]) -> dict[str, str]:
    """What every count depends on."""
    return {"settings": digest_of([SPECIFICATION, asdict(how)]), "counted": digest_of([part.digest for part in parts])}


@dataclass(frozen=True)
class LiveDocuments:
    """The documents of a row group that are not duplicates: their indices, hosts and texts."""

    ids: pa.ChunkedArray  # of all documents of the row group
    places: I64
    hosts: list[str]
    texts: list[str]

    @property
    def host_hashes(self) -> U64:
        """The hash of each document's host."""
        return text_hashes(self.hosts)


def live_documents(documents: Path, matches: Path | None) -> Iterator[LiveDocuments]:
    """The row groups of a shard, without duplicates, as near-copies of a document would make all its lines repeated.

    For documents without a URL, the source serves as the host.
    """
    matched = (group.column("matched") for group in read_groups(matches, ["matched"])) if matches else None
    for group in read_groups(documents, ["id", "source", "host", "text"]):
        ids = group.column("id")
        stands = next(matched).is_null().to_numpy() if matched else np.ones(len(ids), dtype=np.bool_)
        group = group.filter(pa.array(stands))
        hosts, sources = group.column("host").to_pylist(), group.column("source").to_pylist()
        known = [host or source for host, source in zip(hosts, sources, strict=True)]
        yield LiveDocuments(ids, np.flatnonzero(stands), known, group.column("text").to_pylist())


@dataclass(frozen=True)
class Tally(Stage):
    """The scratch step: one shard per shard of documents.

    Columns of its runs: key; documents; where it is counted across hosts, too, host: the host's hash, or 0 in keys of one host.
    """

    how: Repeats
    parts: tuple[CountedShard, ...]
    memory_bytes: int
    name: ClassVar[str] = "tally"
    version: ClassVar[int] = 2

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each shard."""
        made_from = {"stage": f"{self.name}/{self.version}", "memory": str(self.memory_bytes)}
        made_from |= settings_of(self.how, self.parts)
        return [Shard(part.shard, made_from, part) for part in self.parts]

    @property
    def buckets(self) -> int:
        """Number of buckets for the keys: enough for every line of every document."""
        documents = sum(part.rows for part in self.parts)
        if self.how.where == "edges":
            lines = 2 * self.how.edge * documents
        else:
            lines = sum(part.characters for part in self.parts) // CHARACTERS_PER_LINE
        rows = lines * (self.how.by_host + self.how.by_corpus) + documents
        return bucket_count(rows, BYTES_PER_KEY, self.memory_bytes)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Count a shard's lines, each once per document; a run is written when memory is full, and at the end."""
        limit = max(1, self.memory_bytes // BYTES_PER_KEY)
        waiting: list[Columns] = []
        held = runs = 0
        for group in live_documents(shard.task.documents, shard.task.matches):
            waiting.append(self._keys(group))
            held += len(waiting[-1]["key"])
            if held > limit:
                waiting = [added_up(waiting)]
                held = len(waiting[0]["key"])
                if held > limit // 2:
                    self._write(out, runs, waiting[0])
                    waiting, held, runs = [], 0, runs + 1
        self._write(out, runs, added_up(waiting))

    def _keys(self, group: LiveDocuments) -> Columns:
        hosts = group.host_hashes
        found = candidates(group.texts, self.how)
        order = np.lexsort((found.block, found.document))
        block, document = found.block[order], found.document[order]
        again = (np.diff(block, prepend=block[:1] ^ np.uint64(1)) == 0) & (np.diff(document, prepend=-1) == 0)
        once = np.zeros(len(order), dtype=np.bool_)
        once[order] = ~again  # a refrain, or the same line at both edges of a text, counts once
        keys, parts = [host_keys(hosts)], [np.zeros(len(hosts), dtype=np.uint64)]
        if self.how.by_host:
            keys.append(found.keys(hosts)[once])
            parts.append(np.zeros(once.sum(), dtype=np.uint64))
        if self.how.by_corpus:
            keys.append(found.corpus_keys()[once])
            parts.append(hosts[found.document[once]] | np.uint64(1))
        key = np.concatenate(keys)
        return {"key": key, "host": np.concatenate(parts), "documents": np.ones(len(key), dtype=np.uint32)}

    def _write(self, out: ShardWriter, number: int, columns: Columns) -> None:
        table = f"keys-{number:04}"
        columns = columns | {"documents": columns["documents"].astype(np.uint32)}  # of one shard
        if not self.how.by_corpus:
            columns = {name: column for name, column in columns.items() if name != "host"}  # all zeros
        rows = write_run(out.open_file(table, ".run"), columns, buckets_of(columns["key"], self.buckets), self.buckets)
        out.close_file(table, rows)


def added_up(waiting: Sequence[Columns]) -> Columns:
    """The rows of several pieces, sorted, with those of the same key and part summed."""
    none: Columns = {"key": np.zeros(0, np.uint64), "host": np.zeros(0, np.uint64), "documents": np.zeros(0, np.int64)}
    joined = {name: np.concatenate([empty, *(piece[name] for piece in waiting)]) for name, empty in none.items()}
    order = np.lexsort((joined["host"], joined["key"]))
    key, host = joined["key"][order], joined["host"][order]
    first = np.flatnonzero(_differs(key) | _differs(host))
    documents: npt.NDArray[Any] = none["documents"]
    if len(first):
        documents = np.add.reduceat(joined["documents"][order], first, dtype=np.int64)
    return {"key": key[first], "host": host[first], "documents": documents}


def _differs(values: U64) -> npt.NDArray[np.bool_]:
    """Which of the sorted values differ from the previous one."""
    found = np.ones(len(values), dtype=np.bool_)
    found[1:] = values[1:] != values[:-1]
    return found


@dataclass(frozen=True)
class Total(Stage):
    """The scratch step: one shard per bucket of keys, or per piece of a bucket that does not fit into memory.

    Columns of its runs, distributed to the shards of `Tally`: key; documents and hosts over all shards.
    """

    tally: Tally
    tallied: Path
    name: ClassVar[str] = "total"
    version: ClassVar[int] = 1

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """As many shards as needed to hold the keys of one in memory."""
        rows = sum(table.rows for receipt in sealed_manifest(self.tallied).receipts for table in receipt.tables.values())
        pieces = bucket_count(-(-rows // self.tally.buckets), BYTES_PER_KEY, self.tally.memory_bytes)
        count = self.tally.buckets * pieces
        made_from = {"stage": f"{self.name}/{self.version}", "memory": str(self.tally.memory_bytes)}
        made_from |= settings_of(self.tally.how, self.tally.parts)
        return [Shard(f"{number:06}-of-{count:06}", made_from, (number, pieces)) for number in range(count)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sum the counts of each key, then send the frequent keys to the shards that have them."""
        number, pieces = shard.task
        total = _totals(self._runs(number, pieces), self.tally.memory_bytes // BYTES_PER_KEY)
        frequent = {name: column[self._frequent(total)] for name, column in total.items()}
        said: list[Columns] = []
        ranks = []
        for rank, runs in groupby(self._runs(number, pieces), key=itemgetter(0)):
            keys = np.unique(np.concatenate([columns["key"] for _, columns in runs]))
            where = np.searchsorted(frequent["key"], keys)
            there = where < len(frequent["key"])
            there[there] = frequent["key"][where[there]] == keys[there]
            said.append({name: column[where[there]] for name, column in frequent.items() if name != "across"})
            ranks.append(np.full(int(there.sum()), rank, dtype=np.int64))
        of_shard = np.concatenate([np.zeros(0, np.int64), *ranks])
        columns = {name: np.concatenate([frequent[name][:0], *(one[name] for one in said)]) for name in _TOTALS}
        out.close_file("totals", write_run(out.open_file("totals", ".run"), columns, of_shard, len(self.tally.parts)))

    def _runs(self, number: int, pieces: int) -> Iterator[tuple[int, Columns]]:
        """The keys of one piece, run by run, with the index of their shard."""
        manifest = sealed_manifest(self.tallied)
        for rank, receipt in enumerate(manifest.receipts):
            for table in sorted(receipt.tables):
                columns = read_bucket([manifest.path(receipt, table)], number // pieces)
                if pieces > 1:
                    here = buckets_of(columns["key"], self.tally.buckets * pieces) == number
                    columns = {name: column[here] for name, column in columns.items()}
                yield rank, {"host": np.zeros(len(columns["key"]), dtype=np.uint64), **columns}

    def _frequent(self, total: Columns) -> npt.NDArray[np.bool_]:
        how = self.tally.how
        found: npt.NDArray[np.bool_] = np.where(total["across"], total["hosts"] >= how.hosts, total["documents"] >= how.documents)
        return found


_TOTALS = ("key", "documents", "hosts")


def _totals(runs: Iterator[tuple[int, Columns]], limit: int) -> Columns:
    """For each key: documents, hosts, and whether it is counted across hosts.  Memory grows with the distinct keys, not the rows."""
    waiting: list[Columns] = []
    held = 0
    for _, columns in runs:
        waiting.append(columns)
        held += len(columns["key"])
        if held > limit:
            waiting = [added_up(waiting)]
            held = 0
    rows: Any = added_up(waiting)
    first = np.flatnonzero(_differs(rows["key"]))
    documents = np.add.reduceat(rows["documents"], first, dtype=np.int64) if len(first) else np.zeros(0, np.int64)
    hosts = np.diff(first, append=len(rows["key"]))
    return {"key": rows["key"][first], "documents": documents, "hosts": hosts, "across": rows["host"][first] != 0}
