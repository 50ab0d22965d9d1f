"""Documents to MinHash band keys and sketches: all that the search for duplicates reads, and that an index keeps, of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from corpus_builder.duplicates.signed_files import SIGNED, SignedWriter
from corpus_builder.hashing.minhash import SPECIFICATION, MinHash
from corpus_builder.hashing.preference import Preference
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups


@dataclass(frozen=True)
class Sign(Stage):
    """The stage: one shard per shard of documents whose source is compared."""

    minhash: MinHash
    keep: str  # as `hashing.preference` reads it
    sources: Sequence[str]
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
        return cls(recipe.dedup.minhash, recipe.dedup.keep, recipe.compared)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on these, the hash specification and the order of preference."""
        made_from = {
            "stage": f"{self.name}/{self.version}",
            "settings": digest_of([SPECIFICATION, asdict(self.minhash), self.keep]),
        }
        extract, measure = manifests["extract"], manifests["measure"]
        by_measure = Preference.parse(self.keep).kind == "largest"
        shards = []
        extracted = extract.stats(ExtractStats)
        for receipt in extract.receipts:
            if extracted[receipt.shard].source not in self.sources:
                continue
            made = made_from | {"documents": receipt.tables["documents"].sha256}
            measures = None
            if by_measure:
                made["measures"] = measure.by_shard[receipt.shard].tables["measures"].sha256
                measures = measure.get(receipt.shard, "measures")
            shards.append(Shard(receipt.shard, made, (extract.path(receipt, "documents"), measures)))
        return shards

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a shard's documents, a row group at a time."""
        path, measures = shard.task
        preference = Preference.parse(self.keep)
        values = read_groups(measures, list(preference.names)) if measures else None
        writer = SignedWriter(out, self.minhash)
        for documents in read_groups(path, ["id", "url", "date", "source", "text"]):
            ids, urls, texts = (documents.column(name).to_pylist() for name in ("id", "url", "text"))
            if values is not None:
                ranks = preference.ranks(next(values).column(0).to_pylist())
            elif preference.kind == "longest":
                ranks = preference.ranks([len(text) for text in texts])
            else:
                ranks = preference.ranks(documents.column("source" if preference.kind == "first" else "date").to_pylist())
            writer.write(ids, texts, ranks, urls)
        writer.close()
