"""The result of the search for duplicates, in rows beside the documents: each loser's match, their similarity, and the survivor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.duplicates.copies import copies_between
from corpus_builder.duplicates.find import find_duplicates
from corpus_builder.duplicates.index.contents import indexed_of
from corpus_builder.duplicates.losers import SearchResult, Superseded, losers_in
from corpus_builder.duplicates.search import Search, Texts
from corpus_builder.duplicates.signed_files import ROW_BITS, Indexed, SignedShard, keys_digest, split
from corpus_builder.duplicates.summary import MatchStats, stats_of
from corpus_builder.hashing.matching import Matching
from corpus_builder.recipe.models import Recipe
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
        # copies of the document that were compared, itself included: losers and the survivor have the same number, all others 1
        pa.field("duplicates", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class SearchStage(Stage):
    """What the stages share that search for duplicates, in a build or in files: one shard per signed shard.

    `result` is set once the search has run.
    """

    matching: Matching
    indexed: Indexed
    result: SearchResult | None = None
    name: ClassVar[str] = "match"
    stats: ClassVar[type[Any]] = MatchStats

    @abstractmethod
    def texts(self, manifests: Mapping[str, Manifest]) -> Texts:
        """Something that reads the signed texts again."""

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per signed shard, each of which depends on all keys; how the search was split up changes nothing."""
        made_from = {"stage": f"{self.name}/{self.version}"} | self.made_from(manifests)
        return [
            Shard(receipt.shard, made_from, self._task(number))
            for number, receipt in enumerate(manifests["sign"].receipts, start=len(self.indexed.shards))
        ]

    def _task(self, number: int) -> tuple[int, tuple[Path, ...], tuple[Path, ...]]:
        """The number of a signed shard, and the files of its losers and of its survivors' copies."""
        return (number, self.result.files_of(number), self.result.copies_of(number)) if self.result else (number, (), ())

    def made_from(self, manifests: Mapping[str, Manifest]) -> dict[str, str]:
        """What every shard depends on: all keys, and which documents are compared."""
        made_from = {"keys": keys_digest(manifests["sign"]), "settings": digest_of(asdict(self.matching))}
        if "screen" in manifests:
            made_from["screened"] = digest_of([[r.shard, r.tables["live"].sha256] for r in manifests["screen"].receipts])
        return made_from | ({"index": self.indexed.digest} if self.indexed.digest else {})

    @property
    def beside(self) -> tuple[str, ...]:
        """The dataset of the indexed documents that lost, which `prepare` makes."""
        return (Superseded.name,) if self.indexed.shards and self.matching.indexed == "compete" else ()

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Run the search."""
        sign, screen, made_from = manifests["sign"], manifests.get("screen"), self.made_from(manifests)
        shards = [SignedShard.of(sign, one, live=screen.get(one.shard, "live") if screen else None) for one in sign.receipts]
        search = Search(
            (*self.indexed.shards, *shards), self.matching, digest_of(made_from), runner.task_memory_bytes, self.texts(manifests)
        )
        result = find_duplicates(search, runner)
        if self.beside:
            runner.run_beside(Superseded(result, made_from))
        return replace(self, result=result)

    def for_workers(self) -> Self:
        """The stage without the index's shards and the whole result."""
        return replace(self, indexed=Indexed(), result=None)


@dataclass(frozen=True)
class Match(SearchStage):
    """The stage: a row for each document, with the row groups of the documents."""

    version: ClassVar[int] = 5
    tables: ClassVar[tuple[str, ...]] = ("matches",)

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe looks for duplicates."""
        return recipe.dedup is not None

    @classmethod
    def of(cls, running: Running) -> Match:
        """The stage with the documents of the index that the recipe names."""
        dedup = running.recipe.dedup
        assert dedup is not None  # it is wanted
        index = running.recipe.resolve(dedup.index) if dedup.index is not None else None
        return cls(dedup.matching, indexed_of(index, running.out, dedup.minhash, dedup.keep, dedup.indexed))

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Each shard depends on its documents, too."""
        extract = manifests["extract"]
        return [
            Shard(
                shard.name,
                {**shard.made_from, "documents": extract.by_shard[shard.name].tables["documents"].sha256},
                (*shard.task, extract.get(shard.name, "documents")),
            )
            for shard in super().plan(manifests)
        ]

    def texts(self, manifests: Mapping[str, Manifest]) -> Texts:
        """Something that reads the texts of documents again."""
        extract = manifests["extract"]
        return DocumentTexts([extract.path(extract.by_shard[one.shard], "documents") for one in manifests["sign"].receipts])

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write a row for each document, with nulls if it is no duplicate."""
        number, files, copies, documents = shard.task
        losers = losers_in(number, files)
        rows = losers.column("row").to_numpy()
        columns = [losers.column(name) for name in MATCHES.names[1:-1]]
        survivors, counts = copies_between(copies, number << ROW_BITS, (number + 1) << ROW_BITS)
        shared = np.concatenate([rows, survivors & ((1 << ROW_BITS) - 1)])
        counted = np.concatenate([losers.column("duplicates").to_numpy(), counts])
        out.table("matches", MATCHES)
        first = 0
        for group in read_groups(documents, ["id"]):
            ids = group.column("id")
            numbers = np.arange(first, first + len(ids))
            at = np.searchsorted(rows, numbers)
            hit = np.isin(numbers, rows, assume_unique=True)
            take = pa.array(np.where(hit, at, 0), mask=~hit)
            here = (shared >= first) & (shared < first + len(ids))
            duplicates = np.ones(len(ids), dtype=np.int32)
            duplicates[shared[here] - first] = counted[here]
            out.write_group("matches", pa.table([ids, *(column.take(take) for column in columns), duplicates], schema=MATCHES))
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
