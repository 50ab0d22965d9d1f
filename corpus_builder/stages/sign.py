"""Documents to MinHash band keys: one sorted run per shard, the map side of the search for duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of, read_groups
from corpus_builder.dedup.minhash import SPECIFICATION, MinHash, text_band_keys
from corpus_builder.exchange import RUN_GROUP_ROWS

KEYS = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("order", pa.int64(), nullable=False),  # the smaller one wins
        pa.field("number", pa.int64(), nullable=False),  # the id's number within the shard
    ]
)
UNKNOWN_DATE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Sign:
    """The stage: one shard per shard of documents whose source takes part."""

    minhash: MinHash
    keep: Literal["newest", "oldest"]
    sources: tuple[str, ...]
    name: str = field(default="sign", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of the documents, the hash specification and the order of preference."""
        made_from = {
            "stage": f"{self.name}/{self.version}",
            "settings": digest_of([SPECIFICATION, asdict(self.minhash), self.keep]),
        }
        extract = manifests["extract"]
        return [
            Shard(
                receipt.shard,
                made_from | {"documents": receipt.tables["documents"].sha256},
                extract.path(receipt, "documents"),
            )
            for receipt in extract.receipts
            if receipt.stats["source"] in self.sources
        ]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a shard's documents; 24 bytes a band stay in memory until all are sorted."""
        out.table("keys", KEYS, group_rows=RUN_GROUP_ROWS)
        parts: list[tuple[npt.NDArray[Any], ...]] = []
        for documents in read_groups(shard.task, ["id", "date", "text"]):
            keys, has_shingle = text_band_keys(documents.column("text").to_pylist(), self.minhash)
            order = orders(documents.column("date").to_pylist(), self.keep)
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


def orders(dates: Sequence[str], keep: Literal["newest", "oldest"]) -> npt.NDArray[np.int64]:
    """Rank of each date, the smaller the better; a date that is unknown or no date loses against every known one.

    >>> orders(["2024-12-01T00:00:00Z", "2024-12-02T00:00:00Z", ""], "newest").argsort().tolist()
    [1, 0, 2]
    """
    ranks = np.full(len(dates), UNKNOWN_DATE, dtype=np.int64)
    for place, date in enumerate(dates):
        try:
            moment = datetime.fromisoformat(date)
        except ValueError:
            continue
        days = moment.toordinal() * 86_400_000_000
        within = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
        offset = moment.utcoffset()
        microseconds = days + within - (int(offset.total_seconds()) * 1_000_000 if offset else 0)
        ranks[place] = -microseconds if keep == "newest" else microseconds
    return ranks


def numbers_of(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number that each id ends with.

    >>> numbers_of(["web.warc.gz/1024"]).tolist()
    [1024]
    """
    return np.array([int(id_.rpartition("/")[2]) for id_ in ids], dtype=np.int64)
