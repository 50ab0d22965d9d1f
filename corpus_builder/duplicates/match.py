"""What the search for duplicates found, beside the documents: whom each one lost to, and how alike they are."""

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
from corpus_builder.duplicates.index.contents import elders_of
from corpus_builder.duplicates.losers import Found, Superseded, verdicts_on
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
        pa.field("winner", pa.string()),  # the document that it matched; null where it lost to none
        pa.field("survivor", pa.string()),  # the document that is kept in its place; mostly the same
        pa.field("similarity", pa.float64()),  # Jaccard similarity of the document and `winner`, 0..1
        pa.field("rule", pa.string()),  # url, exact or near
        pa.field("in_index", pa.bool_()),  # whether `winner` is a document of an index
    ]
)


@dataclass(frozen=True)
class Match(Stage):
    """The stage: one shard per shard of documents that was signed.  `found` is there once the search was run."""

    matching: Matching
    elders: tuple[SignedShard, ...] = ()
    elders_digest: str = ""
    found: Found | None = None
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
        return cls(dedup.matching, *elders_of(index, running.out, dedup.minhash, dedup.keep, dedup.elders))

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of all the keys; how the search was cut changes nothing."""
        extract, sign = manifests["extract"], manifests["sign"]
        made_from = {"stage": f"{self.name}/{self.version}"} | self.made_from(manifests)
        shards = []
        for place, receipt in enumerate(sign.receipts, start=len(self.elders)):
            documents = extract.by_shard[receipt.shard].tables["documents"].sha256
            files = self.found.files_of(place) if self.found else ()
            task = (place, files, extract.get(receipt.shard, "documents"))
            shards.append(Shard(receipt.shard, made_from | {"documents": documents}, task))
        return shards

    def made_from(self, manifests: Mapping[str, Manifest]) -> dict[str, str]:
        """Whether a document has a better duplicate depends on every key, and on which documents stand up for the match."""
        sign = manifests["sign"]
        made_from = {
            "keys": keys_digest(sign),
            "settings": digest_of(asdict(self.matching)),
        }
        if "screen" in manifests:
            made_from["screened"] = digest_of([[r.shard, r.tables["alive"].sha256] for r in manifests["screen"].receipts])
        if self.elders_digest:
            made_from["index"] = self.elders_digest
        return made_from

    def search(self, manifests: Mapping[str, Manifest], memory_bytes: int) -> Search:
        """The search that this stage needs the verdicts of."""
        extract, sign, screen = manifests["extract"], manifests["sign"], manifests.get("screen")
        shards = [
            SignedShard.of(sign, receipt, alive=screen.get(receipt.shard, "alive") if screen else None)
            for receipt in sign.receipts
        ]
        texts = DocumentTexts(tuple(extract.path(extract.by_shard[r.shard], "documents") for r in sign.receipts))
        made = digest_of(self.made_from(manifests))
        return Search((*self.elders, *shards), self.matching, made, memory_bytes, texts)

    @property
    def beside(self) -> tuple[str, ...]:
        """Who of the index lost is a dataset of its own, which `prepare` makes."""
        return (Superseded.name,) if self.elders and self.matching.elders == "compete" else ()

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Search: who of the documents that were signed is dropped, and for whom."""
        found = find_duplicates(self.search(manifests, runner.task_memory_bytes), runner)
        if self.beside:
            runner.run_beside(Superseded(found, self.made_from(manifests)))
        return replace(self, found=found)

    def for_workers(self) -> Self:
        """Without the index's shards and what was found of the others."""
        return replace(self, elders=(), found=None)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Put whom it lost to, or null, beside each document."""
        place, files, documents = shard.task
        verdicts = verdicts_on(place, files)
        rows = verdicts.column("row").to_numpy()
        columns = [verdicts.column(name) for name in ("matched", "survivor", "similarity", "rule", "in_index")]
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
        out.stats = stats_of(verdicts)


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
