"""Documents to MinHash band keys and sketches: all that the search for duplicates reads, and that an index keeps, of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.duplicates.signed_files import SIGNED, SignedWriter
from corpus_builder.hashing.minhash import SPECIFICATION, MinHash
from corpus_builder.hashing.preference import Preference
from corpus_builder.quality.rulebook import Column
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups
from corpus_builder.store.sidecars import joined_groups, scores_by_shard, scores_digest


@dataclass(frozen=True)
class Sign(Stage):
    """The stage: one shard per shard of documents whose source is compared."""

    minhash: MinHash
    keep: str  # as `hashing.preference` reads it
    sources: Sequence[str]
    best: Column | None = None  # of which the largest is kept
    name: ClassVar[str] = "sign"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = SIGNED

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe looks for duplicates."""
        return recipe.dedup is not None

    @classmethod
    def of(cls, running: Running) -> Sign:
        """The stage with the hashes and the order of preference of the recipe's table `dedup`."""
        recipe = running.recipe
        assert recipe.dedup is not None  # it is wanted
        preference = recipe.dedup.preference
        best = running.named(preference.names[0], "dedup.keep") if preference.kind == "largest" else None
        return cls(recipe.dedup.minhash, recipe.dedup.keep, recipe.compared, best)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on these, the hash specification and the order of preference."""
        made_from = {
            "stage": f"{self.name}/{self.version}",
            "settings": digest_of(
                [SPECIFICATION, asdict(self.minhash), self.keep, *(self.best.identity[1:] if self.best else ())]
            ),
        }
        extract, measure = manifests["extract"], manifests["measure"]
        scores = scores_by_shard(manifests)
        shards = []
        extracted = extract.stats(ExtractStats)
        for receipt in extract.receipts:
            if extracted[receipt.shard].source not in self.sources:
                continue
            made = made_from | {"documents": receipt.tables["documents"].sha256}
            beside: list[Path] = []
            if self.best:
                measured = measure.by_shard[receipt.shard]
                made["measures"] = measured.tables["measures"].sha256
                beside = [measure.path(measured, "measures")]
                if scored := scores.get(receipt.shard):
                    made["scores"] = scores_digest(scored)
                    beside += [manifests["score"].path(one, "scores") for one in scored]
            shards.append(Shard(receipt.shard, made, (extract.path(receipt, "documents"), beside)))
        return shards

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a shard's documents, a row group at a time."""
        path, beside = shard.task
        preference = Preference.parse(self.keep)
        values = (_best(self.best, tables) for tables in joined_groups(beside)) if self.best else None
        writer = SignedWriter(out, self.minhash)
        for documents in read_groups(path, ["id", "url", "date", "source", "text"]):
            ids, urls, texts = (documents.column(name).to_pylist() for name in ("id", "url", "text"))
            if values is not None:
                ranks = preference.ranks(next(values).tolist())
            elif preference.kind == "longest":
                ranks = preference.ranks([len(text) for text in texts])
            else:
                ranks = preference.ranks(documents.column("source" if preference.kind == "first" else "date").to_pylist())
            writer.write(ids, texts, ranks, urls)
        writer.close()


def _best(column: Column, tables: Sequence[pa.Table]) -> npt.NDArray[np.float64]:
    """The values of a column that needs some of these tables' columns."""
    read = {name: table.column(name) for table in tables for name in table.column_names if name in column.reads}
    labels = {name: values.to_pylist() for name, values in read.items() if pa.types.is_string(values.type)}
    return column.values({name: values.to_numpy() for name, values in read.items() if name not in labels}, labels)
