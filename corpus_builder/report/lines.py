"""The repeated lines of a build: how much they are, and the most frequent ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpus_builder.recipe.models import Recipe
from corpus_builder.report.tables import query
from corpus_builder.store.dataset import Manifest

SHOWN = 40
SHARDS = 50
"""The most frequent lines come from this many shards at most, so that the report of a large corpus does not read all of it."""


@dataclass(frozen=True)
class Repeated:
    """Counts of each source, and the lines with most characters: host, place, line, documents, hosts, lines, characters."""

    sources: tuple[tuple[str, int, int, int], ...]  # name, documents with repeated lines, lines, characters
    lines: tuple[Mapping[str, Any], ...]


def repeated_lines(manifests: Mapping[str, Manifest], recipe: Recipe) -> Repeated | None:
    """What the stage `lines` found; None where it is not sealed."""
    lines = manifests.get("lines")
    if lines is None:
        return None
    source_of = {receipt.shard: receipt.stats["source"] for receipt in manifests["extract"].receipts}
    sources = []
    for source in recipe.source_names:
        stats = [receipt.stats for receipt in lines.receipts if source_of.get(receipt.shard) == source]
        if stats:
            documents, found, characters = (sum(one[name] for one in stats) for name in ("documents", "lines", "characters"))
            sources.append((source, documents, found, characters))
    paths = lines.paths("templates")[:SHARDS]
    if not paths:
        return Repeated(tuple(sources), ())
    rows = query(
        "select host, place, line, max(documents) as documents, max(hosts) as hosts, sum(lines)::bigint as lines, "
        "sum(characters)::bigint as characters from files group by host, place, line "
        "order by characters desc, host, place, line limit ?",
        [SHOWN],
        files=paths,
    )
    return Repeated(tuple(sources), tuple(rows))
