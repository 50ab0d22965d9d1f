"""The end of the search for duplicates: one row for each document that is dropped.

A partition's losers -> which document each matched, how similar the two are, and which document survives in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus_builder.duplicates.copies import copies_of, lost_in
from corpus_builder.duplicates.search import I64, Search, Step, concatenated
from corpus_builder.duplicates.signed_files import ids_of, split
from corpus_builder.duplicates.survivors import Files, links_of
from corpus_builder.hashing.pairs import best_links
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage
from corpus_builder.store.exchange import read_bucket
from corpus_builder.store.files import intact
from corpus_builder.store.receipt import Receipt
from corpus_builder.store.shard_files import read_between

GROUP_ROWS = 1 << 14
LOSERS = pa.schema(
    [
        pa.field("shard", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("loser", pa.string(), nullable=False),  # its id, as are survivor and matched
        pa.field("survivor", pa.string(), nullable=False),  # the document that is kept in its place
        pa.field("similarity", pa.float64(), nullable=False),  # Jaccard similarity of `loser` and `matched`, 0..1
        pa.field("matched", pa.string(), nullable=False),  # the document that it was compared with; mostly the survivor
        pa.field("rule", pa.string(), nullable=False),  # url, exact or near
        pa.field("matched_file", pa.string(), nullable=False),  # the shard of `matched`; of an index: its part
        pa.field("matched_row", pa.int64()),  # null in an index, whose rows move
        pa.field("in_index", pa.bool_(), nullable=False),  # whether `matched` is a document of an index
        pa.field("survivor_file", pa.string(), nullable=False),  # the shard of `survivor`, since ids may occur twice
        pa.field("survivor_row", pa.int64(), nullable=False),
        pa.field("duplicates", pa.int64(), nullable=False),  # copies that the survivor stands for, itself included
    ]
)


@dataclass(frozen=True)
class Losers(Step):
    """One row for each document that is dropped."""

    links: Mapping[str, Files]  # the links of `Settle`, by phase
    met: Files  # matches of documents that are losers only because they were hooked
    pointers: Files  # to survivors
    copies: Files  # of `Total`

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write the documents that are dropped, sorted by shard and row."""
        search = self.search
        out.table("losers", LOSERS, group_rows=GROUP_ROWS)
        lost, survivor = lost_in(search, self.pointers[shard.task])
        matched, similarity, rule = self._matched(shard.task, lost)
        for first in range(0, len(lost), search.pairs_at_a_time):
            piece = slice(first, first + search.pairs_at_a_time)
            out.write("losers", self._named(lost[piece], survivor[piece], matched[piece], similarity[piece], rule[piece]))

    def _named(self, lost: I64, survivor: I64, matched: I64, similarity: np.ndarray, rule: I64) -> pa.Table:
        """Rows for some losers, with the ids of the documents."""
        search = self.search
        unknown = np.isnan(similarity)
        similarity[unknown] = search.similarity(lost[unknown], matched[unknown])
        wanted, where = np.unique(np.concatenate([lost, survivor, matched]), return_inverse=True)
        own, kept, met = np.split(np.array(ids_of(search.shards, wanted), dtype=object)[where.ravel()], 3)
        rules = np.array(list(self.links), dtype=object)[rule]
        shards, rows = split(matched)
        files = [s.name.rpartition("/")[0] if s.indexed else s.name for s in (search.shards[shard] for shard in shards.tolist())]
        indexed = matched < search.first_new
        shards, survivor_rows = split(survivor)
        survivor_files = [search.shards[shard].name for shard in shards.tolist()]
        survivors, of = np.unique(survivor, return_inverse=True)
        copies = copies_of(search, self.copies, survivors)[of.ravel()]
        columns = [own, kept, similarity, met, rules, files, pa.array(rows, mask=indexed), indexed, survivor_files, survivor_rows]
        return pa.table([*split(lost), *columns, copies], schema=LOSERS)

    def _matched(self, partition: int, lost: I64) -> tuple[I64, np.ndarray, I64]:
        """The best match of each one, their similarity if it is known, and the phase that found it."""
        links = links_of(self.links, partition)
        names = tuple(links)
        links = best_links(concatenated([links, *(read_bucket([path], partition) for path in self.met)], names))
        at = np.searchsorted(links["loser"], lost)
        return links["matched"][at], links["similarity"][at].copy(), links["phase"][at]


@dataclass(frozen=True)
class SearchResult:
    """What a search found, on disk."""

    search: Search
    manifest: Manifest
    copies: Files

    def files_of(self, shard: int) -> tuple[Path, ...]:
        """The files that hold one shard's losers."""
        return self._of(shard, self.manifest.paths("losers"))

    def copies_of(self, shard: int) -> tuple[Path, ...]:
        """The files that hold the copies of one shard's survivors."""
        return self._of(shard, self.copies)

    def _of(self, shard: int, files: Sequence[Path]) -> tuple[Path, ...]:
        first, last = self.search.partitions_of(np.array([shard << 32, ((shard + 1) << 32) - 1])).tolist()
        return tuple(files[max(first, 0) : last + 1])


def losers_in(shard: int, files: Sequence[Path]) -> pa.Table:
    """One shard's losers, by row."""
    found = [LOSERS.empty_table()]
    for path in files:
        with intact(path):
            found.append(read_between(path, "shard", shard, shard + 1))
    return pa.concat_tables(found)


SUPERSEDED = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("part", "shard")]
    + [f for f in LOSERS if f.name not in ("shard", "survivor_file", "survivor_row", "duplicates")]
)


@dataclass(frozen=True)
class Superseded(Stage):
    """The stage: one shard, the documents of an index that lost to the new ones (indexed = "compete")."""

    result: SearchResult
    made_from: Mapping[str, str]
    name: ClassVar[str] = "superseded"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[str, ...]] = ("superseded",)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard, which depends on everything that the search depends on."""
        indexed = [shard.name for shard in self.result.search.shards if shard.indexed]
        tasks = [(name, self.result.files_of(number)) for number, name in enumerate(indexed)]
        return [Shard("all", {"stage": f"{self.name}/{self.version}"} | dict(self.made_from), tasks)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Gather the indexed documents that lost."""
        out.table("superseded", SUPERSEDED)
        for number, (name, files) in enumerate(shard.task):
            part, _, part_shard = name.rpartition("/")
            losers = losers_in(number, files)
            columns = [losers.column(name) for name in SUPERSEDED.names[2:]]
            names = [pa.array([word] * losers.num_rows, pa.string()) for word in (part, part_shard)]
            out.write("superseded", pa.table([*names, *columns], schema=SUPERSEDED))


def is_of(superseded: Receipt, match: Receipt) -> bool:
    """Whether the same search made both."""
    same = ("keys", "settings", "index", "screened")
    return all(superseded.made_from.get(name) == match.made_from.get(name) for name in same)
