"""The table of hosts of the whole corpus, and beside each document the numbers of its host that rules name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from corpus_builder.quality.host_columns import PREFIX
from corpus_builder.quality.rulebook import HOST_CAP, FilterRule, Rows, before_hosts
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.host_caps import (
    BYTES_PER_ROW,
    U64,
    Caps,
    HostCuts,
    HostLookup,
    HostRanks,
    cap_reason,
    kept_in,
    with_hosts,
)
from corpus_builder.stages.host_counts import Counting, HostTally, HostTotal, counted_shards, hosts_schema
from corpus_builder.stages.measure import VERDICT
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, sealed_manifest
from corpus_builder.store.exchange import bucket_count
from corpus_builder.store.run import Runner


@dataclass(frozen=True)
class Hosts(Stage):
    """The stage: one shard per shard of documents.

    Table `host_columns`: the columns of the documents' hosts that rules name, as `host.NAME`.  Table `hosts`: a row per host; each
    shard has those of a range of keys.  `totals` is the output of `HostTotal`, once there is one.
    """

    how: Counting
    columns: tuple[str, ...]  # that rules name, with the prefix
    caps: Caps | None = None
    totals: Path | None = None
    cuts: Path | None = None  # the output of `HostCuts`, once there is one
    limit: int = 0  # the most documents of a host
    name: ClassVar[str] = "hosts"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("hosts", "host_columns")

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe has a table `hosts`, or a rule on hosts."""
        return recipe.hosts is not None or bool(recipe.host_columns)

    @classmethod
    def of(cls, running: Running) -> Hosts:
        """The stage with the rules before the first one on hosts, and the measures that the recipe names."""
        recipe, hosts = running.recipe, running.recipe.hosts
        how = Counting(tuple(before_hosts(running.rules)), running.summed_up, hosts.by if hosts else "host")
        if hosts is None or not hosts.capped:
            return cls(how, recipe.host_columns)
        name = hosts.score or (recipe.select.score if recipe.select else None)
        score = running.named(name, "hosts.score") if name is not None else None
        rules = tuple(rule for rule in running.rules if not (isinstance(rule, FilterRule) and rule.name == HOST_CAP))
        caps = Caps(hosts.max_documents, hosts.max_share, score, recipe.seed, rules, tuple(hosts.sources or recipe.source_names))
        return cls(how, recipe.host_columns, caps)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents; each depends on all documents, since all are counted."""
        shards = counted_shards(self, self.how, manifests)
        made_from = {"stage": f"{self.name}/{self.version}", "columns": digest_of(self.columns)} | self.how.settings(shards)
        made_from |= {"caps": digest_of(self.caps.identity)} if self.caps else {}
        return [
            Shard(
                shard.name,
                made_from | {"documents": shard.made_from["documents"]},
                {**shard.task, "rank": rank, "count": len(shards)},
            )
            for rank, shard in enumerate(shards)
        ]

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Add up the numbers of every host: documents ─► HostTally ─► HostTotal; where there are caps, ─► HostRanks ─► HostCuts."""
        shards = tuple(counted_shards(self, self.how, manifests))
        tally = HostTally(self.how, shards, len(shards), runner.task_memory_bytes)
        total = HostTotal(
            tally, runner.run_step(tally, manifests).root, tuple(name.removeprefix(PREFIX) for name in self.columns)
        )
        ready = replace(self, totals=(totals := runner.run_step(total, manifests).root))
        if self.caps is None:
            return ready
        buckets = bucket_count(manifests["extract"].rows("documents"), BYTES_PER_ROW, runner.task_memory_bytes)
        ranks = HostRanks(self.caps, self.how, shards, buckets, totals, self.columns)
        ranked = runner.run_step(ranks, manifests).root
        cuts = runner.run_step(HostCuts(ranks, ranked, runner.task_memory_bytes), manifests).root
        return replace(ready, cuts=cuts, limit=self.caps.limit(kept_in(ranked)))

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Look up the hosts of a shard's documents, and copy a part of the table."""
        assert self.totals is not None  # counted before any shard is run
        rank = shard.task["rank"]
        out.table("hosts", hosts_schema(self.how.measures))
        for group in read_groups(sealed_manifest(self.totals).paths("hosts")[rank]):
            out.write("hosts", group)
        fields = [pa.field("id", pa.string(), nullable=False), *(pa.field(name, pa.float64()) for name in self.columns)]
        schema = pa.schema([*fields, *([pa.field(f"filter {HOST_CAP}", VERDICT)] if self.caps else [])])
        out.table("host_columns", schema)
        of_hosts = HostLookup.read(self.totals, rank)
        cuts = HostLookup.read(self.cuts, rank, "cuts") if self.cuts else None
        for keys, group, rows in with_hosts(shard.task, self.how, of_hosts, self.columns):
            found: dict[str, Any] = {"id": group.column("id")} | {name: rows.measures[name] for name in self.columns}
            if cuts is not None:
                found[f"filter {HOST_CAP}"] = self._verdicts(keys, group, rows, cuts, shard.task["source"])
            out.write_group("host_columns", pa.table(found, schema=schema))

    def _verdicts(self, keys: U64, group: pa.Table, rows: Rows, cuts: HostLookup, source: str) -> list[dict[str, Any] | None]:
        """Of each document, how its host's cap drops it."""
        assert self.caps is not None  # there are cuts
        found: list[dict[str, Any] | None] = [None] * len(keys)
        known = np.array(group.column("host").to_pylist(), dtype=object) != ""
        cut = cuts.places(keys)
        at = np.flatnonzero((cut >= 0) & known)
        if not len(at) or source not in self.caps.sources:
            return found
        ids = group.column("id").to_pylist()
        order, last = self.caps.order(ids, rows, at), {name: column[cut[at]] for name, column in cuts.columns.items()}
        after = (order["rank"] > last["rank"]) | ((order["rank"] == last["rank"]) & (order["tie"] > last["tie"]))
        names = self.how.names(group.column("host").to_pylist(), source)
        reason = cap_reason(self.limit, self.caps.documents)
        for row, documents in zip(at[after].tolist(), last["documents"][after].tolist(), strict=True):
            found[row] = {"reason": reason, "value": float(documents), "threshold": float(self.limit), "detail": names[row]}
        return found
