"""What the rules read of the documents of a shard: columns of several tables with the same rows, joined a row group at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_builder.quality.catalogue import COPIES
from corpus_builder.quality.host_columns import PREFIX
from corpus_builder.quality.rulebook import DuplicateRule, Rows, RunningRule, on_hosts
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import Manifest, Shard, Stage, digest_of, read_groups
from corpus_builder.store.sidecars import joined_groups, scores_by_shard, scores_digest


def judged_shards(
    stage: Stage, rules: Sequence[RunningRule], manifests: Mapping[str, Manifest], reads: Collection[str] = ()
) -> list[Shard]:
    """A shard per shard of documents, for `judged_rows`; it depends on the rules, and on the columns that they, or others, read."""
    extract, measure, match = manifests["extract"], manifests["measure"], manifests.get("match")
    made_from = {
        "stage": f"{stage.name}/{stage.version}",
        "rules": digest_of([rule.identity for rule in rules]),
    }
    looked_for = any(isinstance(rule, DuplicateRule) for rule in rules)
    of_hosts = on_hosts(rules) or any(name.startswith(PREFIX) for name in reads)
    hosts = manifests.get("hosts") if of_hosts else None
    scores = scores_by_shard(manifests)
    shards = []
    extracted = extract.stats(ExtractStats)
    for receipt in extract.receipts:
        name, source = receipt.shard, extracted[receipt.shard].source
        matched = match.by_shard.get(name) if match and looked_for else None
        scored = scores.get(name, [])
        beside = [manifests["score"].path(one, "scores") for one in scored]
        shards.append(
            Shard(
                name,
                made_from
                | {
                    "source": source,
                    "documents": receipt.tables["documents"].sha256,
                    "measures": measure.by_shard[name].tables["measures"].sha256,
                    "matches": matched.tables["matches"].sha256 if matched else "",
                }
                | ({"scores": scores_digest(scored)} if scored else {})
                | ({"hosts": hosts.by_shard[name].tables["host_columns"].sha256} if hosts else {}),
                {
                    "source": source,
                    "documents": extract.get(name, "documents"),
                    "measures": measure.get(name, "measures"),
                    "matches": match.get(name, "matches") if match and matched else None,
                    "beside": [*beside, *([hosts.get(name, "host_columns")] if hosts else [])],
                },
            )
        )
    return shards


def judged_rows(task: Mapping[str, Any]) -> Iterator[tuple[pa.Table, Rows]]:
    """A shard's ids, URLs and crawls, and its rows, one row group at a time; sidecars have the row groups of the documents."""
    matches: Path | None = task["matches"]
    matched = (group.to_pylist() for group in read_groups(matches)) if matches else None
    documents = read_groups(task["documents"], ["id", "url", "crawl"])
    for document, tables in zip(documents, joined_groups([task["measures"], *task["beside"]]), strict=True):
        yield document, rows_of(document.column("url").to_pylist(), tables, next(matched) if matched else None)


_DETAILS = frozenset(["ng_fraction.detail"])  # a property of a classifier may be called detail, too


def rows_of(urls: list[str], tables: Sequence[pa.Table], matches: list[dict[str, Any]] | None) -> Rows:
    """Rows for the rules, from a piece of the table of measures and the same piece of the tables beside it."""
    numbers, details, verdicts, labels = {}, {}, {}, {}
    for name, column in ((name, table.column(name)) for table in tables for name in table.column_names if name != "id"):
        if name in _DETAILS:
            details[name.removesuffix(".detail")] = column.to_pylist()
        elif pa.types.is_struct(column.type):
            verdicts[name.removeprefix("filter ")] = column.to_pylist()
        elif pa.types.is_string(column.type):
            labels[name] = [label or "" for label in column.to_pylist()]
        else:
            numbers[name] = column.to_numpy()
    copies = [1] * len(urls) if matches is None else [match[COPIES] for match in matches]
    numbers[COPIES] = np.array(copies, dtype=np.int32)
    return Rows(urls, numbers, details, verdicts, matches, labels)
