"""Tables beside the documents: the same rows in the same row groups, in shards of the same names, or one per classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from corpus_builder.store.dataset import Manifest, digest_of, read_groups
from corpus_builder.store.receipt import Receipt


def scored_shard(classifier: str, shard: str) -> str:
    """Name of the shard with a classifier's scores of a shard of documents."""
    return f"{classifier}/{shard}"


def scores_by_shard(manifests: Mapping[str, Manifest]) -> dict[str, list[Receipt]]:
    """The receipts of scores by shard of documents, one for each classifier; nothing if the build has no classifiers."""
    found: dict[str, list[Receipt]] = {}
    for receipt in manifests["score"].receipts if "score" in manifests else ():
        found.setdefault(receipt.shard.partition("/")[2], []).append(receipt)
    return found


def scores_digest(scored: Sequence[Receipt]) -> str:
    """Digest of the scores of a shard of documents."""
    return digest_of([[one.shard, one.tables["scores"].sha256] for one in scored])


def joined_groups(paths: Sequence[Path]) -> Iterator[list[pa.Table]]:
    """The row groups of tables beside each other: at each step, one of each table."""
    for tables in zip(*map(read_groups, paths), strict=True):
        yield list(tables)
