"""Documents to MinHash band keys: one sorted run per shard, the map side of the search for duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of, read_groups
from corpus_builder.dedup.minhash import SPECIFICATION, MinHash, text_band_keys
from corpus_builder.dedup.preference import Preference
from corpus_builder.exchange import RUN_GROUP_ROWS

KEYS = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("order", pa.int64(), nullable=False),  # the smaller one wins
        pa.field("number", pa.int64(), nullable=False),  # the id's number within the shard
    ]
)


@dataclass(frozen=True)
class Sign:
    """The stage: one shard per shard of documents whose source takes part."""

    minhash: MinHash
    keep: str  # as `dedup.preference` reads it
    sources: tuple[str, ...]
    name: str = field(default="sign", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of the documents, the hash specification and the order of preference."""
        made_from = {
            "stage": f"{self.name}/{self.version}",
            "settings": digest_of([SPECIFICATION, asdict(self.minhash), self.keep]),
        }
        extract, measure = manifests["extract"], manifests["measure"]
        by_measure = Preference.parse(self.keep).kind == "largest"
        shards = []
        for receipt in extract.receipts:
            if receipt.stats["source"] not in self.sources:
                continue
            made = made_from | {"documents": receipt.tables["documents"].sha256}
            measures = None
            if by_measure:
                made["measures"] = measure.by_shard[receipt.shard].tables["measures"].sha256
                measures = measure.get(receipt.shard, "measures")
            shards.append(Shard(receipt.shard, made, (extract.path(receipt, "documents"), measures)))
        return shards

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a shard's documents; 24 bytes a band stay in memory until all are sorted."""
        out.table("keys", KEYS, group_rows=RUN_GROUP_ROWS)
        parts: list[tuple[npt.NDArray[Any], ...]] = []
        path, measures = shard.task
        preference = Preference.parse(self.keep)
        values = read_groups(measures, list(preference.names)) if measures else None
        for documents in read_groups(path, ["id", "date", "source", "text"]):
            texts = documents.column("text").to_pylist()
            keys, has_shingle = text_band_keys(texts, self.minhash)
            if values is not None:
                order = preference.ranks(next(values).column(0).to_pylist())
            elif preference.kind == "longest":
                order = preference.ranks([len(text) for text in texts])
            else:
                order = preference.ranks(documents.column("source" if preference.kind == "first" else "date").to_pylist())
            numbers = numbers_of(documents.column("id").to_pylist())
            bands = keys.shape[1]
            parts.append(
                (keys[has_shingle].ravel(), np.repeat(order[has_shingle], bands), np.repeat(numbers[has_shingle], bands))
            )
        if parts:
            key, order, number = (np.concatenate(column) for column in zip(*parts, strict=True))
            by_key = np.lexsort((number, key))
            out.write("keys", pa.table([key[by_key], order[by_key], number[by_key]], schema=KEYS))
        out.stats["bands"] = self.minhash.bands


def numbers_of(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number that each id ends with.

    >>> numbers_of(["web.warc.gz/1024"]).tolist()
    [1024]
    """
    return np.array([int(id_.rpartition("/")[2]) for id_ in ids], dtype=np.int64)
