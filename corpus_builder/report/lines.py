"""The repeated lines of a build: their number, and the most frequent ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from corpus_builder.recipe.models import Recipe
from corpus_builder.report.tables import query
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.lines import LinesStats
from corpus_builder.store.dataset import Manifest

SHOWN = 40
SHARDS = 50
"""The most frequent lines are taken from at most this many shards, so that the report of a large corpus does not read all of it."""


@dataclass(frozen=True)
class Repeated:
    """Counts for each source, and the lines with the most characters: host, place, line, documents, hosts, lines, characters."""

    sources: tuple[tuple[str, int, int, int], ...]  # name, documents with repeated lines, lines, characters
    lines: tuple[Mapping[str, Any], ...]


def repeated_lines(manifests: Mapping[str, Manifest], recipe: Recipe) -> Repeated | None:
    """What the stage `lines` found; None if it is not sealed."""
    lines = manifests.get("lines")
    if lines is None:
        return None
    extract = manifests["extract"].stats(ExtractStats)
    sources = []
    for source in recipe.source_names:
        found = [
            stats for shard, stats in lines.stats(LinesStats).items() if shard in extract and extract[shard].source == source
        ]
        if found:
            documents, number, characters = (sum(column) for column in zip(*map(astuple, found), strict=True))
            sources.append((source, documents, number, characters))
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
