"""Keys of the user's rows to fates and files: links are found range by range, settled at once, then the files are copied.

`LinkRows` writes scratch, as the ranges depend on the memory that a task may use.  `SettleRows` is one task, which holds every
link in memory (about 300 bytes each at the peak, and the ids).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of, read_groups, read_table, sealed_manifest
from corpus_builder.dedup.links import EXACT, NEAR, RULES, URL, Links, link, resolve
from corpus_builder.dedup.minhash import shingle_sets
from corpus_builder.exchange import RUN_GROUP_ROWS, ranges, read_range
from corpus_builder.rows import copy_rows, read_rows
from corpus_builder.stages.sign_rows import RowFile, RowSettings, clean

BYTES_PER_KEY = 120  # as in stages.match
_NAMES = [f.name for f in fields(Links)]
LINKS = pa.schema([pa.field(n, pa.float64() if n == "similarity" else pa.int64(), nullable=False) for n in _NAMES])
DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("survivor", pa.string(), nullable=False),  # the document that is kept in its place
        pa.field("similarity", pa.float64(), nullable=False),  # Jaccard similarity of `id` and `matched`
        pa.field("matched", pa.string(), nullable=False),  # the document that it was compared with; mostly the survivor
        pa.field("rule", pa.string(), nullable=False),  # near, exact or url
        pa.field("row", pa.int64(), nullable=False),  # its place in the file, from 0
    ]
)
LOST = pa.schema([pa.field("shard", pa.int64(), nullable=False), *DROPPED])


def _compared(settings: RowSettings, sign: Manifest) -> dict[str, str]:
    return {
        "keys": digest_of([[r.shard, {name: table.sha256 for name, table in r.tables.items()}] for r in sign.receipts]),
        "settings": digest_of([settings.verify, settings.verify_by, settings.groups, asdict(settings.minhash)]),
    }


@dataclass(frozen=True)
class LinkRows:
    """The scratch stage: one shard per range of keys, of bands and of URLs."""

    settings: RowSettings
    files: tuple[RowFile, ...]
    memory_bytes: int
    name: str = field(default="link", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """As many ranges as it takes to hold one in memory."""
        sign = manifests["sign"]
        made_from = {"stage": f"{self.name}/{self.version}"} | _compared(self.settings, sign)
        shards = []
        for table in ("keys", "urls"):
            cuts = ranges(sign.rows(table), BYTES_PER_KEY, self.memory_bytes)
            for number, (low, high) in enumerate(cuts):
                shards.append(Shard(f"{table}-{number:05}-of-{len(cuts):05}", made_from, (sign.root, table, low, high)))
        return shards

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Compare the documents that share a key of the range, as many groups at a time as fit."""
        root, table, low, high = shard.task
        sign = sealed_manifest(root)
        out.table("links", LINKS, group_rows=RUN_GROUP_ROWS)
        parts = []
        for rank, receipt in enumerate(sign.receipts):
            rows = read_range(sign.path(receipt, table), "key", low, high)
            key, order, number = (rows.column(name).to_numpy() for name in ("key", "order", "number"))
            parts.append((key, order, np.full(len(key), rank, dtype=np.int64), number))
        key, order, shards, number = (np.concatenate(column) for column in zip(*parts, strict=True))
        by_rank = np.lexsort((number, shards, order, key))
        by_rank = by_rank[_in_company(key[by_rank])]
        key, order, shards, number = key[by_rank], order[by_rank], shards[by_rank], number[by_rank]
        found = []
        for first, last in self._pieces(key, shards, number, sign):
            piece = slice(first, last)
            found.append(self._links(table, sign, key[piece], order[piece], shards[piece], number[piece]))
        links = Links.joined(found)
        if self.settings.groups == "first":
            links = links.best()
        out.write("links", pa.table([getattr(links, name) for name in _NAMES], schema=LINKS))

    def _pieces(self, key: Any, shards: Any, number: Any, sign: Manifest) -> Iterator[tuple[int, int]]:
        """Runs of whole groups whose contents fit in memory; a group that does not fit by itself is a piece of its own."""
        weight = np.full(len(key), 4 * self.settings.minhash.hashes + 100, dtype=np.int64)
        if self.settings.verify_by == "text":
            marks = _marks(sign, shards, number, ["number", "characters"])
            for rows, table in marks.values():
                weight[rows] += 16 * _at(table, number[rows], "characters").to_numpy()
        edges = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1], [True]])) if len(key) else np.zeros(0, np.int64)
        first, total = 0, 0
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            more = int(weight[low:high].sum())
            if total and total + more > self.memory_bytes // 2:
                yield first, low
                first, total = low, 0
            total += more
        if first < len(key):
            yield first, len(key)

    def _links(self, table: str, sign: Manifest, key: Any, order: Any, shards: Any, number: Any) -> Links:
        places, document = np.unique(np.stack([shards, number]), axis=1, return_inverse=True)
        document = document.ravel()
        digests = np.zeros(places.shape[1], dtype=np.uint64)
        by_text = self.settings.verify_by == "text"
        width = self.settings.minhash.hashes
        signs = np.zeros((places.shape[1], width), dtype=np.uint32)
        signed = np.zeros(places.shape[1], dtype=np.bool_)
        wanted = ["number", "digest"] if by_text else ["number", "digest", "signature"]
        for rows, marks in _marks(sign, places[0], places[1], wanted).values():
            digests[rows] = _at(marks, places[1][rows], "digest").to_numpy()
            if not by_text:
                values = _at(marks, places[1][rows], "signature").to_pylist()
                for row, value in zip(rows.tolist(), values, strict=True):
                    if value is not None:
                        signs[row], signed[row] = np.frombuffer(value, dtype=np.uint32), True
        contents: Any
        if by_text:
            contents, content_starts = shingle_sets(self._texts(places), self.settings.minhash.ngram)
        else:
            contents = signs[signed].ravel()
            content_starts = np.concatenate([[0], np.cumsum(signed * width)]).astype(np.int64)
        starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1], [True]])).astype(np.int64)
        threshold = (self.settings.verify or 0.0) if table == "keys" else 0.0
        losers, winners, similarity = link(
            starts, document, contents, content_starts, by_text, threshold, self.settings.groups == "components"
        )
        same = (digests[document[losers]] == digests[document[winners]]) & (digests[document[losers]] != 0)
        rule = np.where(same, EXACT, NEAR if table == "keys" else URL).astype(np.int64)
        return Links(shards[losers], number[losers], order[winners], shards[winners], number[winners], similarity, rule)

    def _texts(self, places: Any) -> list[str]:
        texts = [""] * places.shape[1]
        for rank in np.unique(places[0]).tolist():
            wanted = {int(places[1][row]): int(row) for row in np.flatnonzero(places[0] == rank)}
            for batch in read_rows(self.files[rank].place, [self.settings.text], []):
                for row, text in enumerate(batch.columns[self.settings.text]):
                    if (place := wanted.get(batch.first + row)) is not None:
                        texts[place] = clean(text)
        return texts


@dataclass(frozen=True)
class SettleRows:
    """The stage: one shard, the fate of every row that is dropped."""

    settings: RowSettings
    scratch: Path
    name: str = field(default="settle", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of all the keys, and of what counts as a duplicate."""
        made_from = {"stage": f"{self.name}/{self.version}"} | _compared(self.settings, manifests["sign"])
        return [Shard("all", made_from, manifests["sign"].root)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Gather the links of all ranges and those within files, and write who lost to whom by their ids."""
        sign = sealed_manifest(shard.task)
        found = [_as_links(read_table(path)) for path in sealed_manifest(self.scratch).paths("links")]
        for rank, receipt in enumerate(sign.receipts):
            same = read_table(sign.path(receipt, "same"))
            loser, order, winner = (same.column(name).to_numpy() for name in same.column_names)
            here = np.full(len(loser), rank, dtype=np.int64)
            found.append(Links(here, loser, order, here, winner, np.ones(len(loser)), np.full(len(loser), EXACT)))
        fates = resolve(Links.joined(found), self.settings.groups == "components")
        count = len(fates.shard)
        shards = np.concatenate([fates.shard, fates.survivor_shard, fates.matched_shard])
        numbers = np.concatenate([fates.number, fates.survivor_number, fates.matched_number])
        ids = np.full(len(shards), "", dtype=object)
        for rows, marks in _marks(sign, shards, numbers, ["number", "id"]).values():
            ids[rows] = _at(marks, numbers[rows], "id").to_pylist()
        lost, survivor, matched = ids[:count], ids[count : 2 * count], ids[2 * count :]
        rules = [RULES[rule] for rule in fates.rule.tolist()]
        out.write("lost", pa.table([fates.shard, lost, survivor, fates.similarity, matched, rules, fates.number], schema=LOST))


@dataclass(frozen=True)
class CopyRows:
    """The stage: one shard per file, its rows that are kept and a table of those that are not."""

    files: tuple[RowFile, ...]
    name: str = field(default="dedup", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of the file and the fates."""
        settle = manifests["settle"]
        (receipt,) = settle.receipts
        made_from = {"stage": f"{self.name}/{self.version}", "lost": receipt.tables["lost"].sha256}
        path = settle.path(receipt, "lost")
        return [Shard(f.name, made_from | {"file": f.digest}, (f, rank, path)) for rank, f in enumerate(self.files)]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Copy what is kept, as it was."""
        file, rank, path = shard.task
        lost = read_range(path, "shard", rank, rank + 1).drop_columns(["shard"])
        numbers = lost.column("row").to_numpy()
        kept = copy_rows(
            file.place, out, "kept", lambda first, count: ~np.isin(np.arange(first, first + count), numbers, assume_unique=True)
        )
        out.table("dropped", DROPPED)
        out.write("dropped", lost.cast(DROPPED))
        counts = {rule: lost.column("rule").to_pylist().count(rule) for rule in RULES}
        out.stats.update(kept=kept, dropped=counts)


def _in_company(keys: Any) -> Any:
    """Which of some sorted keys stand there more than once."""
    same = keys[1:] == keys[:-1]
    return np.concatenate([[False], same]) | np.concatenate([same, [False]]) if len(keys) else np.zeros(0, dtype=np.bool_)


def _marks(sign: Manifest, shards: Any, numbers: Any, columns: list[str]) -> dict[int, tuple[Any, pa.Table]]:
    """For each shard that is asked for: which of the places lie in it, and the rows of its marks that they need."""
    found = {}
    for rank in np.unique(shards).tolist():
        rows = np.flatnonzero(shards == rank)
        wanted = np.unique(numbers[rows])
        pieces = []
        for piece in read_groups(sign.path(sign.receipts[rank], "marks"), columns):
            pieces.append(piece.filter(pa.array(np.isin(piece.column("number").to_numpy(), wanted))))
        found[rank] = (rows, pa.concat_tables(pieces))
    return found


def _at(table: pa.Table, numbers: Any, column: str) -> pa.ChunkedArray:
    """A column at some numbers; the table has each of them once, in order."""
    return table.column(column).take(pa.array(np.searchsorted(table.column("number").to_numpy(), numbers)))


def _as_links(table: pa.Table) -> Links:
    return Links(*(table.column(name).to_numpy() for name in _NAMES))
