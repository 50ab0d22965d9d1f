"""From keys to the match of each duplicate, in steps of bounded memory.  Each phase (see `hashing.matching`) takes three:

Spread   a partition of the documents -> its keys, distributed by key
Link     one bucket of keys -> pairs of documents that share a key and count as duplicates, distributed by loser
Settle   a partition's links -> the best match of each loser (components: every pair once), and the documents that the next phases skip

Any number of documents may share a key, such as pages that only ask the reader to log in.  If sharing a key is enough to count, they
all lose to the first of them, so Spread sends only the first of its partition: Link sees at most one document per partition for each
key, and Settle, which learns what that first one matched, gives the others of its partition the same match.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus_builder.duplicates.search import F64, I64, Bools, Step, concatenated, read_whole, write_buckets, write_npy
from corpus_builder.duplicates.signed_files import among, characters_of, estimates, opened, places, sketches_of
from corpus_builder.hashing.minhash import shingle_sets
from corpus_builder.hashing.pairs import (
    BYTES_PER_KEY,
    Columns,
    best_links,
    block_links,
    checked_links,
    distinct_links,
    first_links,
    sharers,
)
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter
from corpus_builder.store.exchange import buckets_of, read_bucket

LINKS = ("loser_rank", "loser", "matched_rank", "matched", "similarity")
FIRST_OF_ALL = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Spread(Step):
    """Distribute the keys of one phase, which is the label."""

    before: tuple[Manifest, ...]  # of `Settle` in the phases before

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Distribute the keys of the documents that no phase has dropped yet."""
        search, partition = self.search, shard.task
        lost = [opened(settled.path(settled.receipts[partition], "lost")) for settled in self.before]
        pieces = [self._keys(number, first, last, lost) for number, first, last in search.partitions[partition]]
        none = {"key": np.zeros(0, np.uint64), "rank": np.zeros(0, np.int64), "document": np.zeros(0, np.int64)}
        columns = {name: np.concatenate([none[name], *(piece.pop(name) for piece in pieces)]) for name in none}
        if not search.checks(self.label):
            columns = self._firsts(columns, out)
        count = search.buckets(self.label)
        write_buckets(out, "keys", columns, buckets_of(columns["key"], count), count)

    def _firsts(self, columns: Columns, out: ShardWriter) -> Columns:
        """The first document with each key in this partition; the others that share the key are written for `Settle`."""
        rows, starts = sharers(columns["key"], columns["rank"], columns["document"])
        write_buckets(out, "sharers", {name: column[rows] for name, column in columns.items()})
        heads = np.zeros(len(columns["key"]), dtype=np.bool_)
        heads[rows[starts[:-1]]] = True
        stays = np.ones(len(heads), dtype=np.bool_)
        stays[rows] = heads[rows]
        del rows, starts
        if stays.all():
            return columns | {"heads": heads}
        return {name: columns.pop(name)[stays] for name in tuple(columns)} | {"heads": heads[stays]}

    def _keys(self, shard: int, first: int, last: int, lost: Sequence[I64]) -> Columns:
        search = self.search
        signed = search.shards[shard]
        rows = opened(signed.keys)[first:last]
        keys = {"url": rows["url"], "exact": rows["digest"], "near": rows["keys"]}[self.label]
        live = rows["url" if self.label == "url" else "digest"] != 0
        live &= signed.live_rows(first, last)
        documents = places(shard, np.arange(first, last))
        for gone in lost:
            live &= ~among(gone, documents)
        keys, documents, rank = keys[live], documents[live], rows["rank"][live]
        if signed.indexed and search.matching.indexed == "stay":
            rank = np.full_like(rank, FIRST_OF_ALL)
        each = keys.shape[1] if keys.ndim > 1 else 1
        return {"key": keys.ravel(), "rank": np.repeat(rank, each), "document": np.repeat(documents, each)}


@dataclass(frozen=True)
class Link(Step):
    """Find the pairs of one phase: one shard for each bucket of keys."""

    keys: Manifest

    @property
    def shards(self) -> int:
        """One for each bucket."""
        return self.search.buckets(self.label)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Find the pairs of one bucket that share a key, and keep those that count."""
        search, checks = self.search, self.search.checks(self.label)
        columns = read_bucket(self.keys.paths("keys"), shard.task)
        rows, starts = sharers(columns["key"], columns["rank"], columns["document"])
        rank, document = columns["rank"][rows], columns["document"][rows]
        if checks:
            del columns, rows
            loser, matched, similarity = self._checked(document, starts)
        else:
            loser, matched = first_links(document, starts)
            similarity = np.full(len(loser), 1.0 if self.label == "exact" else np.nan)
        links = dict(zip(LINKS, (rank[loser], document[loser], rank[matched], document[matched], similarity), strict=True))
        if not checks:
            links |= {"key": columns["key"][rows[loser]], "heads": columns["heads"][rows[loser]]}
        if search.matching.groups == "first":
            links = best_links(links) if checks else _best_and_heads(links)
        write_buckets(out, "links", links, search.partitions_of(links["loser"]), len(search.partitions))

    def _checked(self, document: I64, starts: I64) -> tuple[I64, I64, F64]:
        """The pairs that are similar enough, some keys at a time."""
        search = self.search
        matching, share = search.matching, search.memory_bytes // 4
        stays = (document < search.first_new) & search.indexed_lose_nothing
        ends = self._weights(document)[starts] if len(starts) > 1 else np.zeros(1, dtype=np.int64)
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        first = 0
        while first < len(starts) - 1:
            last = int(np.searchsorted(ends, ends[first] + share, side="right")) - 1
            piece = slice(starts[first], starts[max(last, first + 1)])
            if last > first:
                content, contents = self._contents(document[piece])
                here = starts[first : last + 1] - starts[first]
                links = checked_links(here, content, *contents, matching.verify or 0.0, self.spanning, stays[piece])
            else:
                last = first + 1
                links = self._in_blocks(document[piece], stays[piece])
            found.append((links[0] + starts[first], links[1] + starts[first], links[2]))
            first = last
        loser, matched, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
        return loser, matched, similarity

    def _in_blocks(self, document: I64, stays: Bools) -> tuple[I64, I64, F64]:
        """The same for one key whose contents do not fit in memory: each block is compared with itself and the blocks before it."""
        sums, limit = self._weights(document), self.search.memory_bytes // 8
        edges = [0]
        while edges[-1] < len(document):
            edges.append(max(edges[-1] + 1, int(np.searchsorted(sums, sums[edges[-1]] + limit, side="right")) - 1))
        settled, parents = stays.copy(), np.arange(len(document) if self.spanning else 0)
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        blocks = list(itertools.pairwise(edges))
        for number, own in enumerate(blocks):
            for earlier in blocks[: number + 1]:
                if settled[slice(*own)].all():
                    break
                here, there = document[slice(*own)], document[slice(*earlier)]
                content, contents = self._contents(np.concatenate([here, there]))
                pair = content[: len(here)], content[len(here) :]
                threshold = self.search.matching.verify or 0.0
                found.append(block_links(own, earlier, pair, *contents, threshold, self.spanning, settled, parents))
        loser, matched, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
        return loser, matched, similarity

    @property
    def spanning(self) -> bool:
        """Whether documents that matches connect must also be connected by links."""
        return self.search.matching.groups == "components"

    def _contents(self, document: I64) -> tuple[I64, tuple[Any, I64, F64]]:
        """The number of each row's content, and all contents, as `checked_links` takes them."""
        search, minhash = self.search, self.search.matching.minhash
        distinct, content = np.unique(document, return_inverse=True)
        if search.matching.verify_by == "text":
            assert search.texts is not None  # the settings were checked
            return content.ravel(), (*shingle_sets(search.texts.read(distinct), minhash.ngram), np.zeros(0))
        sketches = sketches_of(search.shards, distinct)
        edges = np.arange(len(distinct) + 1) * sketches.shape[1]
        return content.ravel(), (sketches.ravel(), edges, estimates(minhash.hashes))

    def _weights(self, document: I64) -> I64:
        """Bytes that the contents of all rows before each row take; last, those of all rows."""
        weights = np.full(len(document), self.search.matching.minhash.hashes + 40, dtype=np.int64)
        if self.search.matching.verify_by == "text":
            distinct, where = np.unique(document, return_inverse=True)
            weights += 16 * characters_of(self.search.shards, distinct)[where.ravel()]
        sums = np.zeros(len(document) + 1, dtype=np.int64)
        np.cumsum(weights, out=sums[1:])
        return sums


def _best_and_heads(links: Columns) -> Columns:
    """One link per loser, and all links that the others of the loser's partition need (see `Settle`)."""
    heads = links["heads"]
    best = best_links({name: column[~heads] for name, column in links.items()})
    return concatenated([best, {name: column[heads] for name, column in links.items()}], tuple(links))


@dataclass(frozen=True)
class Settle(Step):
    """Gather the links of each loser of one phase."""

    keys: Manifest
    links: Manifest

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Gather the links of a partition's losers, some at a time."""
        search = self.search
        reduced = best_links if search.matching.groups == "first" else distinct_links
        links = {name: np.zeros(0, np.float64 if name == "similarity" else np.int64) for name in LINKS}
        waiting: list[Columns] = []
        for part in self._parts(shard.task):
            waiting.append(part)
            if sum(len(part["loser"]) for part in waiting) >= search.memory_bytes // (2 * BYTES_PER_KEY):
                links, waiting = reduced(concatenated([links, *waiting], LINKS)), []
        links = reduced(concatenated([links, *waiting], LINKS))
        lost: I64 = np.unique(links["loser"])
        write_npy(out, "lost", lost[lost >= search.first_new] if search.matching.indexed == "stay" else lost)
        write_buckets(out, "links", links)

    def _parts(self, partition: int) -> Iterator[Columns]:
        """The links of the documents that Link saw, then those of the documents that share a key with them."""
        answers: list[Columns] = []
        for path in self.links.paths("links"):
            links = read_bucket([path], partition)
            yield self._counted({name: links[name] for name in LINKS})
            if not self.search.checks(self.label):
                heads = links["heads"]
                answers.append({name: links[name][heads] for name in ("key", "matched_rank", "matched")})
        if answers:
            receipt = self.keys.receipts[partition]
            yield from self._sharers(self.keys.path(receipt, "sharers"), concatenated(answers, tuple(answers[0])))

    def _sharers(self, path: Path, answers: Columns) -> Iterator[Columns]:
        """Links of documents that share a key with an earlier one of their partition: to its match or, if it has none, to it."""
        order = np.argsort(answers["key"])
        answers = {name: column[order] for name, column in answers.items()}
        rows = read_whole(path)
        key, rank, document = rows["key"], rows["rank"], rows["document"]
        starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(key)), np.bool_), key[1:] != key[:-1]]))
        size = max(1, self.search.memory_bytes // (8 * BYTES_PER_KEY))
        for first in range(0, len(key), size):
            row = np.arange(first, min(first + size, len(key)))
            head = starts[np.searchsorted(starts, row, side="right") - 1]
            matched_rank, matched = rank[head], document[head]
            if len(order):
                at = np.minimum(np.searchsorted(answers["key"], key[row]), len(order) - 1)
                lost = answers["key"][at] == key[row]
                matched_rank = np.where(lost, answers["matched_rank"][at], matched_rank)
                matched = np.where(lost, answers["matched"][at], matched)
            others = (row != head) & (document[row] != matched)
            similarity = np.full(len(row), 1.0 if self.label == "exact" else np.nan)
            columns = (rank[row], document[row], matched_rank, matched, similarity)
            yield self._counted({name: column[others] for name, column in zip(LINKS, columns, strict=True)})

    def _counted(self, links: Columns) -> Columns:
        """The links without those of indexed documents that stay; components need these, too, to find what is connected."""
        if not self.search.indexed_lose_nothing:
            return links
        new = links["loser"] >= self.search.first_new
        return {name: column[new] for name, column in links.items()}
