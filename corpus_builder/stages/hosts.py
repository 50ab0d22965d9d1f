"""The table of hosts of the whole corpus, and beside each document the numbers of its host that rules name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from corpus_builder.hashing.lines import host_keys, text_hashes
from corpus_builder.quality.host_columns import PREFIX
from corpus_builder.quality.rulebook import before_hosts
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.host_counts import Counting, HostTally, HostTotal, counted_shards, hosts_schema
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, sealed_manifest
from corpus_builder.store.exchange import read_bucket
from corpus_builder.store.run import Runner


@dataclass(frozen=True)
class Hosts(Stage):
    """The stage: one shard per shard of documents.

    Table `host_columns`: the columns of the documents' hosts that rules name, as `host.NAME`.  Table `hosts`: a row per host; each
    shard has those of a range of keys.  `totals` is the output of `HostTotal`, once there is one.
    """

    how: Counting
    columns: tuple[str, ...]  # that rules name, with the prefix
    totals: Path | None = None
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
        recipe = running.recipe
        by = recipe.hosts.by if recipe.hosts else "host"
        return cls(Counting(tuple(before_hosts(running.rules)), running.summed_up, by), recipe.host_columns)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents; each depends on all documents, since all are counted."""
        shards = counted_shards(self, self.how, manifests)
        made_from = {"stage": f"{self.name}/{self.version}", "columns": digest_of(self.columns)} | self.how.settings(shards)
        return [
            Shard(
                shard.name,
                made_from | {"documents": shard.made_from["documents"]},
                {**shard.task, "rank": rank, "count": len(shards)},
            )
            for rank, shard in enumerate(shards)
        ]

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Add up the numbers of every host: documents ─► HostTally ─► HostTotal."""
        shards = tuple(counted_shards(self, self.how, manifests))
        tally = HostTally(self.how, shards, len(shards), runner.task_memory_bytes)
        wanted = tuple(name.removeprefix(PREFIX) for name in self.columns)
        total = HostTotal(tally, runner.run_step(tally, manifests).root, wanted)
        return replace(self, totals=runner.run_step(total, manifests).root)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Look up the hosts of a shard's documents, and copy a part of the table."""
        assert self.totals is not None  # counted before any shard is run
        manifest = sealed_manifest(self.totals)
        out.table("hosts", hosts_schema(self.how.measures))
        for group in read_groups(manifest.paths("hosts")[shard.task["rank"]]):
            out.write("hosts", group)
        columns = read_bucket(manifest.paths("columns"), shard.task["rank"])
        order = np.argsort(columns["key"], kind="stable")
        schema = pa.schema(
            [pa.field("id", pa.string(), nullable=False), *(pa.field(name, pa.float64()) for name in self.columns)]
        )
        out.table("host_columns", schema)
        for group in read_groups(shard.task["documents"], ["id", "host"]):
            names = self.how.names(group.column("host").to_pylist(), shard.task["source"])
            place = order[np.searchsorted(columns["key"], host_keys(text_hashes(names)), sorter=order)]
            found: dict[str, Any] = {"id": group.column("id")}
            found |= {name: columns[name.removeprefix(PREFIX)][place] for name in self.columns}
            out.write_group("host_columns", pa.table(found, schema=schema))
