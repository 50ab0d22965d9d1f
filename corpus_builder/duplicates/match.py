"""What the search for duplicates found, beside the documents: what each loser matched, how alike they are, and which document survives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.duplicates.find import find_duplicates
from corpus_builder.duplicates.index.contents import indexed_of
from corpus_builder.duplicates.losers import SearchResult, Superseded, losers_in
from corpus_builder.duplicates.search import Search
from corpus_builder.duplicates.signed_files import SignedShard, keys_digest, split
from corpus_builder.duplicates.summary import MatchStats, stats_of
from corpus_builder.hashing.matching import Matching
from corpus_builder.recipe.running import Running
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups
from corpus_builder.store.run import Runner

MATCHES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("survivor", pa.string()),  # the document that is kept in its place; null where the document is no duplicate
        pa.field("matched", pa.string()),  # the document that it matched; mostly the survivor
        pa.field("similarity", pa.float64()),  # Jaccard similarity of the document and `matched`, 0..1
        pa.field("rule", pa.string()),  # url, exact or near
        pa.field("in_index", pa.bool_()),  # whether `matched` is a document of an index
    ]
)


@dataclass(frozen=True)
class Match(Stage):
    """The stage: one shard per shard of documents that was signed.  `result` is there once the search was run."""

    matching: Matching
    indexed: tuple[SignedShard, ...] = ()
    index_digest: str = ""
    result: SearchResult | None = None
    name: ClassVar[str] = "match"
    version: ClassVar[int] = 4
    tables: ClassVar[tuple[str, ...]] = ("matches",)
    stats: ClassVar[type[Any]] = MatchStats

    @classmethod
    def of(cls, running: Running) -> Match | None:
        """Where the recipe looks for duplicates; with the documents of the index that it names."""
        dedup = running.recipe.dedup
        if dedup is None:
            return None
        index = running.recipe.resolve(dedup.index) if dedup.index is not None else None
        return cls(dedup.matching, *indexed_of(index, running.out, dedup.minhash, dedup.keep, dedup.indexed))

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of all the keys; how the search was cut changes nothing."""
        extract, sign = manifests["extract"], manifests["sign"]
        made_from = {"stage": f"{self.name}/{self.version}"} | self.made_from(manifests)
        shards = []
        for place, receipt in enumerate(sign.receipts, start=len(self.indexed)):
            documents = extract.by_shard[receipt.shard].tables["documents"].sha256
            files = self.result.files_of(place) if self.result else ()
            task = (place, files, extract.get(receipt.shard, "documents"))
            shards.append(Shard(receipt.shard, made_from | {"documents": documents}, task))
        return shards

    def made_from(self, manifests: Mapping[str, Manifest]) -> dict[str, str]:
        """Whether a document has a better duplicate depends on every key, and on which documents are compared."""
        sign = manifests["sign"]
        made_from = {
            "keys": keys_digest(sign),
            "settings": digest_of(asdict(self.matching)),
        }
        if "screen" in manifests:
            made_from["screened"] = digest_of([[r.shard, r.tables["live"].sha256] for r in manifests["screen"].receipts])
        if self.index_digest:
            made_from["index"] = self.index_digest
        return made_from

    def search(self, manifests: Mapping[str, Manifest], memory_bytes: int) -> Search:
        """The search that this stage needs the verdicts of."""
        extract, sign, screen = manifests["extract"], manifests["sign"], manifests.get("screen")
        shards = [
            SignedShard.of(sign, receipt, live=screen.get(receipt.shard, "live") if screen else None) for receipt in sign.receipts
        ]
        texts = DocumentTexts(tuple(extract.path(extract.by_shard[r.shard], "documents") for r in sign.receipts))
        made = digest_of(self.made_from(manifests))
        return Search((*self.indexed, *shards), self.matching, made, memory_bytes, texts)

    @property
    def beside(self) -> tuple[str, ...]:
        """The indexed documents that lost are a dataset of their own, which `prepare` makes."""
        return (Superseded.name,) if self.indexed and self.matching.indexed == "compete" else ()

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Run the search."""
        result = find_duplicates(self.search(manifests, runner.task_memory_bytes), runner)
        if self.beside:
            runner.run_beside(Superseded(result, self.made_from(manifests)))
        return replace(self, result=result)

    def for_workers(self) -> Self:
        """Without the index's shards and the whole result."""
        return replace(self, indexed=(), result=None)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write a row beside each document, with nulls where it is no duplicate."""
        place, files, documents = shard.task
        losers = losers_in(place, files)
        rows = losers.column("row").to_numpy()
        columns = [losers.column(name) for name in MATCHES.names[1:]]
        out.table("matches", MATCHES)
        first = 0
        for group in read_groups(documents, ["id"]):
            ids = group.column("id")
            numbers = np.arange(first, first + len(ids))
            at = np.searchsorted(rows, numbers)
            hit = np.isin(numbers, rows, assume_unique=True)
            take = pa.array(np.where(hit, at, 0), mask=~hit)
            out.write_group("matches", pa.table([ids, *(column.take(take) for column in columns)], schema=MATCHES))
            first += len(ids)
        out.stats = stats_of(losers)


@dataclass(frozen=True)
class DocumentTexts:
    """Reads the texts of documents again, a row group at a time."""

    paths: Sequence[Path]

    def read(self, documents: npt.NDArray[np.int64]) -> list[str]:
        """The texts of documents, sorted by their place."""
        found: list[Any] = []
        shards, rows = split(documents)
        for shard in np.unique(shards).tolist():
            wanted = rows[shards == shard]
            with pq.ParquetFile(self.paths[shard]) as file:
                sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
                edges = np.concatenate([[0], np.cumsum(sizes)])
                groups = np.searchsorted(edges, wanted, side="right") - 1
                for group in np.unique(groups).tolist():
                    texts = file.read_row_group(group, columns=["text"]).column("text")
                    found += texts.take(pa.array(wanted[groups == group] - edges[group])).to_pylist()
        return found
