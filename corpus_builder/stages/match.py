"""Band keys to (loser, winner): the reduce side of the search for duplicates, in two steps of bounded memory.

`Collide` takes one range of keys from every run and finds who shares a key with whom; how many ranges there are depends on
the memory a task may use, so what it writes is scratch, removed when `Match` is sealed.  `Match` gathers one shard's pairs
from all ranges and puts the best winner beside each document.  No graph is built: a document that shares a band with an
earlier one loses, whatever becomes of the earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of, read_groups, read_table, sealed_manifest
from corpus_builder.dedup.matching import Pairs, best_winner, keep_first
from corpus_builder.exchange import RUN_GROUP_ROWS, ranges, read_range
from corpus_builder.stages.sign import numbers_of

BYTES_PER_KEY = 120
"""Peak memory of `Collide.run` for each row of the runs: 28 bytes of columns, and what sorting them needs; measured."""

MATCHES = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("winner", pa.string())])
_COLUMNS = ("loser_shard", "loser_number", "winner_order", "winner_shard", "winner_number")
_PAIRS = pa.schema([pa.field(name, pa.int32() if name.endswith("shard") else pa.int64(), nullable=False) for name in _COLUMNS])


def _made_from(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    """Whether a document has an earlier duplicate depends on every run, and on which documents stand up for the match."""
    made_from = {"keys": digest_of([[r.shard, r.tables["keys"].sha256] for r in manifests["sign"].receipts])}
    if "screen" in manifests:
        made_from["screened"] = digest_of([[r.shard, r.tables["alive"].sha256] for r in manifests["screen"].receipts])
    return made_from


@dataclass(frozen=True)
class Collide:
    """The scratch stage: one shard per range of keys."""

    memory_bytes: int
    name: str = field(default="collide", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """As many ranges as it takes to hold one in memory."""
        sign, screen = manifests["sign"], manifests.get("screen")
        made_from = {"stage": f"{self.name}/{self.version}"} | _made_from(manifests)
        cuts = ranges(sign.rows("keys"), BYTES_PER_KEY, self.memory_bytes)
        return [
            Shard(
                f"range-{number:05}-of-{len(cuts):05}",
                made_from,
                (sign.root, screen.root if screen else None, low, high),
            )
            for number, (low, high) in enumerate(cuts)
        ]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Find the pairs of one range of keys."""
        sign_root, screen_root, low, high = shard.task
        screen = sealed_manifest(screen_root) if screen_root else None
        out.table("pairs", _PAIRS, group_rows=RUN_GROUP_ROWS)
        columns: list[tuple[npt.NDArray[Any], ...]] = []
        sign = sealed_manifest(sign_root)
        for rank, receipt in enumerate(sign.receipts):
            rows = read_range(sign.path(receipt, "keys"), "key", low, high)
            key, order, number = (rows.column(name).to_numpy() for name in ("key", "order", "number"))
            alive = screen.get(receipt.shard, "alive") if screen else None
            if alive is not None:
                standing = np.isin(number, read_table(alive).column("number").to_numpy())
                key, order, number = key[standing], order[standing], number[standing]
            columns.append((key, order, np.full(len(key), rank, dtype=np.int32), number))
        if columns:
            pairs = best_winner(keep_first(*(np.concatenate(column) for column in zip(*columns, strict=True))))
            out.write("pairs", pa.table([getattr(pairs, name) for name in _COLUMNS], schema=_PAIRS))


@dataclass(frozen=True)
class Match:
    """The stage: one shard per shard of documents that was signed."""

    scratch: Path
    name: str = field(default="match", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of all the keys; the ranges through which they are compared change nothing."""
        extract, sign = manifests["extract"], manifests["sign"]
        made_from = {"stage": f"{self.name}/{self.version}"} | _made_from(manifests)
        return [
            Shard(
                receipt.shard,
                made_from | {"documents": extract.by_shard[receipt.shard].tables["documents"].sha256},
                (self.scratch, sign.root, rank, extract.get(receipt.shard, "documents")),
            )
            for rank, receipt in enumerate(sign.receipts)
        ]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Put the winner's id, or null, beside each document's."""
        scratch, sign_root, rank, documents = shard.task
        names = [receipt.shard for receipt in sealed_manifest(sign_root).receipts]
        found = [read_range(path, "loser_shard", rank, rank + 1) for path in sealed_manifest(scratch).paths("pairs")]
        rows = pa.concat_tables(found) if found else _PAIRS.empty_table()
        pairs = best_winner(Pairs(*(rows.column(name).to_numpy() for name in _COLUMNS)))
        winners = {
            loser: f"{names[winner_shard]}/{winner}"
            for loser, winner_shard, winner in zip(
                pairs.loser_number.tolist(), pairs.winner_shard.tolist(), pairs.winner_number.tolist(), strict=True
            )
        }
        out.table("matches", MATCHES)
        for group in read_groups(documents, ["id"]):
            ids = group.column("id")
            winner = [winners.get(number) for number in numbers_of(ids.to_pylist()).tolist()]
            out.write_group("matches", pa.table([ids, winner], schema=MATCHES))
        out.stats["losers"] = len(winners)
