"""From measures, matches and hosts to decisions: applies the rules in the recipe's order, without reading any text.

`Screen` applies the first part of the same rules, if the recipe filters before it looks for duplicates: it decides which documents
take part in the search.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from corpus_builder.document import DECISION
from corpus_builder.quality.rulebook import DuplicateRule, Rows, RunningRule, Verdicts, judge_rows, on_hosts
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups
from corpus_builder.store.stats import Count, Digest, Documents

LIVE = pa.schema([pa.field("row", pa.int64(), nullable=False)])


class KeptOfGroup(NamedTuple):
    """The kept documents of a row group."""

    documents: Count
    characters: Count


@dataclass(frozen=True)
class DecideStats:
    """The documents of a shard."""

    source: str
    kept: Documents
    dropped: dict[str, Documents]  # by reason
    groups: tuple[KeptOfGroup, ...]  # in order; a large corpus has millions
    keep: Digest  # of which rows are kept


@dataclass(frozen=True)
class Decide(Stage):
    """The stage: one shard per shard of documents."""

    rules: tuple[RunningRule, ...]
    name: ClassVar[str] = "decide"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("decisions",)
    stats: ClassVar[type[Any]] = DecideStats

    @classmethod
    def of(cls, running: Running) -> Decide:
        """The stage with all rules."""
        return cls(running.rules)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on the rules and on the columns that they read."""
        return judged_shards(self, self.rules, manifests)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Judge a shard's documents."""
        source = shard.task["source"]
        out.table("decisions", DECISION)
        documents: Counter[str] = Counter()  # by reason; "" if kept
        letters: Counter[str] = Counter()
        groups = []
        keep = hashlib.sha256()
        for ids, rows in judged_rows(shard.task):
            verdicts = judge_rows(self.rules, source, rows)
            out.write_group("decisions", _decisions(ids, verdicts))
            keep.update(np.packbits(verdicts.keep).tobytes())
            characters = rows.measures["num_letters"].astype(np.int64)
            for reason in np.unique(verdicts.reason):
                documents[str(reason)] += int((verdicts.reason == reason).sum())
                letters[str(reason)] += int(characters[verdicts.reason == reason].sum())
            groups.append(KeptOfGroup(int(verdicts.keep.sum()), int(characters[verdicts.keep].sum())))
        dropped = {reason: Documents(documents[reason], letters[reason]) for reason in documents if reason}
        out.stats = DecideStats(source, Documents(documents[""], letters[""]), dropped, tuple(groups), keep.hexdigest()[:32])


@dataclass(frozen=True)
class Screen(Stage):
    """The stage: the rules before the search for duplicates."""

    rules: tuple[RunningRule, ...]
    name: ClassVar[str] = "screen"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("live",)

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe filters before it looks for duplicates."""
        return recipe.dedup is not None and not recipe.quality.rules[0].duplicates

    @classmethod
    def of(cls, running: Running) -> Screen:
        """The stage with the rules before the search."""
        return cls(running.before_duplicates)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents, which depends on the rules and on the columns that they read."""
        return judged_shards(self, self.rules, {name: manifests[name] for name in ("extract", "measure")})

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write which rows no rule dropped."""
        out.table("live", LIVE)
        first = 0
        for ids, rows in judged_rows(shard.task):
            keep = judge_rows(self.rules, shard.task["source"], rows).keep
            out.write("live", pa.table([first + np.flatnonzero(keep)], schema=LIVE))
            first += len(ids)


def judged_shards(stage: Stage, rules: Sequence[RunningRule], manifests: Mapping[str, Manifest]) -> list[Shard]:
    """A shard per shard of documents, for `judged_rows`; it depends on the rules and on the columns that they read."""
    extract, measure, match = manifests["extract"], manifests["measure"], manifests.get("match")
    made_from = {
        "stage": f"{stage.name}/{stage.version}",
        "rules": digest_of([rule.identity for rule in rules]),
    }
    looked_for = any(isinstance(rule, DuplicateRule) for rule in rules)
    hosts = manifests.get("hosts") if on_hosts(rules) else None
    shards = []
    extracted = extract.stats(ExtractStats)
    for receipt in extract.receipts:
        name, source = receipt.shard, extracted[receipt.shard].source
        matched = match.by_shard.get(name) if match and looked_for else None
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
                | ({"hosts": hosts.by_shard[name].tables["host_columns"].sha256} if hosts else {}),
                {
                    "source": source,
                    "documents": extract.get(name, "documents"),
                    "measures": measure.get(name, "measures"),
                    "matches": match.get(name, "matches") if match and matched else None,
                    "beside": [hosts.get(name, "host_columns")] if hosts else [],
                },
            )
        )
    return shards


def judged_rows(task: Mapping[str, Any]) -> Iterator[tuple[pa.ChunkedArray, Rows]]:
    """A shard's ids and rows, one row group at a time; sidecars have the row groups of the documents."""
    matches: Path | None = task["matches"]
    matched = (group.to_pylist() for group in read_groups(matches)) if matches else None
    documents = read_groups(task["documents"], ["id", "url"])
    beside = map(read_groups, task["beside"])
    for document, *tables in zip(documents, read_groups(task["measures"]), *beside, strict=True):
        found = next(matched) if matched else None
        columns = {name: table.column(name) for table in tables for name in table.column_names}
        yield document.column("id"), rows_of(document.column("url").to_pylist(), pa.table(columns), found)


def rows_of(urls: list[str], measures: pa.Table, matches: list[dict[str, Any]] | None) -> Rows:
    """Rows for the rules, from a piece of the measures table."""
    numbers, details, verdicts = {}, {}, {}
    for name in measures.column_names:
        column = measures.column(name)
        if name.endswith(".detail"):
            details[name.removesuffix(".detail")] = column.to_pylist()
        elif pa.types.is_struct(column.type):
            verdicts[name.removeprefix("filter ")] = column.to_pylist()
        elif name != "id":
            numbers[name] = column.to_numpy()
    return Rows(urls, numbers, details, verdicts, matches)


def _decisions(ids: pa.ChunkedArray, verdicts: Verdicts) -> pa.Table:
    return pa.table(
        [
            ids,
            verdicts.keep,
            verdicts.reason,
            pa.array(verdicts.value, from_pandas=True),
            pa.array(verdicts.threshold, from_pandas=True),
            verdicts.detail,
        ],
        schema=DECISION,
    )


def kept_characters(decide: Manifest, sources: Iterable[str]) -> dict[str, int]:
    """Number of characters of the kept documents, by source."""
    found = dict.fromkeys(sources, 0)
    for decided in decide.stats(DecideStats).values():
        found[decided.source] += decided.kept.characters
    return found
