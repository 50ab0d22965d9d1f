"""Adds up the numbers of every host, in two scratch steps of bounded memory.

HostTally    a shard's documents -> one row per host of the shard, distributed to buckets by host
HostTotal    one bucket of hosts of every shard -> the table, and the columns that the rules name, distributed to the shards

There are as many buckets as shards of documents, so that a bucket has at most about as many hosts as a shard has documents.  Sums are
added in the order of the documents: how the work is divided changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.hashing.lines import host_keys, text_hashes
from corpus_builder.quality.host_columns import QUANTILES, from_order, truncated
from corpus_builder.quality.hosts import registered_domain, suffixes_digest
from corpus_builder.quality.rulebook import Rows, RunningRule, judge_rows
from corpus_builder.stages.rows import judged_rows, judged_shards
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups, sealed_manifest
from corpus_builder.store.exchange import Columns, buckets_of, read_bucket, write_run

EXAMPLES = 3
LONGEST_NAME = 253
"""The most characters that a host can have in the DNS; longer ones, of broken URLs, are cut."""
BYTES_PER_ROW = {"hosts": 640, "values": 130, "examples": 130}
"""Peak memory of adding up a row, measured: 622 with the numbers of eight measures, and 121."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counting:
    """What is counted of every host."""

    rules: tuple[RunningRule, ...]  # that come before the first one on hosts
    measures: tuple[str, ...]  # whose means and quantiles are wanted
    by: str  # "host" or "domain"

    def settings(self, shards: Sequence[Shard]) -> dict[str, str]:
        """What every count depends on, given the shards of documents that are counted."""
        how = [[rule.identity for rule in self.rules], self.measures, self.by, EXAMPLES]
        how += [suffixes_digest()] if self.by == "domain" else []
        return {"settings": digest_of(how), "counted": digest_of([[shard.name, shard.made_of] for shard in shards])}

    def names(self, hosts: Sequence[str], source: str) -> list[str]:
        """What each document is counted under; those without a URL are counted together under their source."""
        if self.by == "domain":
            hosts = [registered_domain(host) or host for host in hosts]
        return [(host or source)[:LONGEST_NAME] for host in hosts]


def counted_shards(stage: Stage, how: Counting, manifests: Mapping[str, Manifest]) -> list[Shard]:
    """A shard per shard of documents, which depends on everything that is counted of these."""
    before = {name: manifest for name, manifest in manifests.items() if name in ("extract", "measure", "score", "match")}
    lines = manifests.get("lines")
    found = []
    for shard in judged_shards(stage, how.rules, before):
        receipt = lines.by_shard.get(shard.name) if lines else None
        made_from = {**shard.made_from, "lines": receipt.tables["lines"].sha256 if receipt else ""}
        beside = {
            "lines": lines.path(receipt, "lines") if lines and receipt else None,
            "all_matches": manifests["match"].get(shard.name, "matches") if "match" in manifests else None,
        }
        if "match" in manifests and (match := manifests["match"].by_shard.get(shard.name)):
            made_from["matches"] = match.tables["matches"].sha256
        found.append(Shard(shard.name, made_from, shard.task | beside))
    return found


@dataclass(frozen=True)
class HostTally(Stage):
    """The scratch step: one shard per shard of documents.  Runs: `hosts`, `values` and `examples`, by key of the host."""

    how: Counting
    shards: tuple[Shard, ...]
    buckets: int  # the number of shards
    memory_bytes: int
    name: ClassVar[str] = "host_tally"
    version: ClassVar[int] = 1

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One for each shard of documents."""
        own = {"stage": f"{self.name}/{self.version}", "settings": digest_of([self.how.measures, self.how.by])}
        own["buckets"] = str(self.buckets)
        return [Shard(shard.name, {**shard.made_from, **own}, shard.task) for shard in self.shards]

    def for_workers(self) -> HostTally:
        """Without the shards, of which each worker gets its own."""
        return replace(self, shards=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Add up a shard's documents."""
        waiting: dict[str, list[Columns]] = {"hosts": [], "values": [], "examples": []}
        held = 0
        for group in _groups(shard, self.how):
            for name, columns in group.items():
                waiting[name].append(columns)
                held += len(columns["key"]) * BYTES_PER_ROW[name]
            if held > self.memory_bytes:
                waiting = {name: [added(name, parts)] for name, parts in waiting.items()}
                held = 0
        for name, parts in waiting.items():
            columns = added(name, parts) if parts else _nothing(name, self.how.measures)
            where = buckets_of(columns["key"], self.buckets)
            out.close_file(name, write_run(out.open_file(name, ".run"), columns, where, self.buckets))


def _groups(shard: Shard, how: Counting) -> Iterator[dict[str, Columns]]:
    """The numbers of each row group's hosts."""
    task = shard.task
    documents = read_groups(task["documents"], ["host"])
    matched = (
        (group.column("matched") for group in read_groups(task["all_matches"], ["matched"])) if task["all_matches"] else None
    )
    lines = (group.column("lines").to_pylist() for group in read_groups(task["lines"], ["lines"])) if task["lines"] else None
    for group, (known, rows) in zip(documents, judged_rows(task), strict=True):
        names = how.names(group.column("host").to_pylist(), task["source"])
        every = np.ones(len(names), dtype=np.int64)
        numbers = {
            "documents": every,
            "kept": judge_rows(how.rules, task["source"], rows).keep.astype(np.int64),
            "characters": rows.measures["num_letters"].astype(np.int64),
            "duplicates": next(matched).is_valid().to_numpy().astype(np.int64) if matched else 0 * every,
            "repeated_lines": np.array([len(found) for found in next(lines)], dtype=np.int64) if lines else 0 * every,
        }
        yield _counted(names, known.column("id").to_pylist(), numbers, rows, how.measures)


def _counted(
    names: list[str], ids: list[str], numbers: Mapping[str, I64], rows: Rows, measures: Sequence[str]
) -> dict[str, Columns]:
    keys = host_keys(text_hashes(names))
    values: list[Columns] = [_nothing("values", measures)]
    sums: Columns = {}
    for place, name in enumerate(measures):
        column = np.asarray(rows.measures[name], dtype=np.float64)
        known = np.isfinite(column)
        sums[f"count {name}"], sums[f"sum {name}"] = known.astype(np.int64), np.where(known, column, 0.0)
        every = np.ones(int(known.sum()), dtype=np.int64)
        values.append({"key": keys[known], "measure": place * every, "value": truncated(column[known]), "documents": every})
    host = np.array([name.encode("utf-8", "surrogatepass") for name in names], dtype=np.bytes_)
    number = np.array([int(one.rpartition("/")[2]) for one in ids], dtype=np.int64)
    return {
        "hosts": added("hosts", [{"key": keys, "host": host, **numbers, **sums}]),
        "values": added("values", values),
        "examples": added("examples", [{"key": keys, "order": text_hashes(ids), "number": number}]),
    }


_SORTED_BY = {"hosts": ("key",), "values": ("key", "measure", "value"), "examples": ("key", "order")}


def _nothing(name: str, measures: Sequence[str]) -> Columns:
    none, whole = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    if name == "hosts":
        counts = dict.fromkeys(("documents", "kept", "characters", "duplicates", "repeated_lines"), whole)
        sums = {f"{kind} {one}": dtype for one in measures for kind, dtype in (("count", whole), ("sum", whole * 1.0))}
        return {"key": none, "host": np.zeros(0, dtype="S1"), **counts, **sums}
    if name == "values":
        return {"key": none, "measure": whole, "value": none, "documents": whole}
    return {"key": none, "order": none, "number": whole}


def added(name: str, parts: Sequence[Columns]) -> Columns:
    """Rows of `hosts` or `values` with equal keys added up in their order, or the first `EXAMPLES` rows of `examples` of each key."""
    joined = {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}
    by = _SORTED_BY[name]
    order = np.lexsort([joined[column] for column in reversed(by)])
    rows = {column: found[order] for column, found in joined.items()}
    fresh = np.ones(len(order), dtype=np.bool_)
    if len(order):
        fresh[1:] = np.any([rows[column][1:] != rows[column][:-1] for column in (by[:1] if name == "examples" else by)], axis=0)
    first = np.flatnonzero(fresh)
    if name == "examples":
        place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        return {column: found[place < EXAMPLES] for column, found in rows.items()}
    group = np.cumsum(fresh) - 1
    return {
        column: found[first] if column in (*by, "host") else _sums(group, found, len(first)) for column, found in rows.items()
    }


def _sums(group: I64, values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """The sum of each group, added one after the other, so that it has the same bits however the rows are cut."""
    found = np.zeros(count, dtype=values.dtype)
    np.add.at(found, group, values)
    return found


@dataclass(frozen=True)
class HostTotal(Stage):
    """The scratch step: one shard per bucket of hosts.

    Table `hosts`: the rows of the final table.  Runs `columns`, distributed to the shards of documents: key, and the wanted columns.
    """

    tally: HostTally
    tallied: Path
    columns: tuple[str, ...]  # of the table, that rules name
    name: ClassVar[str] = "host_total"
    version: ClassVar[int] = 1

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """As many as there are shards of documents."""
        made_from = {"stage": f"{self.name}/{self.version}", "columns": digest_of(self.columns)}
        made_from |= self.tally.how.settings(self.tally.plan({}))
        count = self.tally.buckets
        return [Shard(f"{number:06}-of-{count:06}", made_from, number) for number in range(count)]

    def for_workers(self) -> HostTotal:
        """Without the shards of documents."""
        return replace(self, tally=self.tally.for_workers())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Add up a bucket's hosts over all shards, and send the wanted columns to the shards that have them."""
        tallied = sealed_manifest(self.tallied)
        runs = [read_bucket([path], shard.task) for path in tallied.paths("hosts")]
        rows = added("hosts", runs)
        table = hosts_table(
            rows,
            added("values", [read_bucket(tallied.paths("values"), shard.task)]),
            added("examples", self._examples(tallied, shard.task)),
            self.tally.how.measures,
            [receipt.shard for receipt in tallied.receipts],
        )
        out.write("hosts", table)
        places = [np.searchsorted(rows["key"], run["key"]) for run in runs]
        place = np.concatenate(places)
        columns = {"key": rows["key"][place]}
        columns |= {name: table.column(name).to_numpy().astype(np.float64)[place] for name in self.columns}
        ranks = np.repeat(np.arange(len(runs)), [len(one) for one in places])
        out.close_file("columns", write_run(out.open_file("columns", ".run"), columns, ranks, len(runs)))

    def _examples(self, tallied: Manifest, bucket: int) -> list[Columns]:
        found = [read_bucket([path], bucket) for path in tallied.paths("examples")]
        return [{**run, "shard": np.full(len(run["key"]), rank, dtype=np.int64)} for rank, run in enumerate(found)]


def hosts_schema(measures: Sequence[str]) -> pa.Schema:
    """Of the table of hosts."""
    fields = [pa.field("host", pa.string(), nullable=False), pa.field("documents", pa.int64(), nullable=False)]
    fields += [pa.field("kept", pa.float64(), nullable=False)]
    fields += [pa.field(name, pa.int64(), nullable=False) for name in ("kept_documents", "characters", "duplicates")]
    fields += [
        pa.field("duplicate_fraction", pa.float64(), nullable=False),
        pa.field("repeated_lines", pa.int64(), nullable=False),
    ]
    fields += [pa.field(f"{name}{part}", pa.float64()) for name in measures for part in ("", *(f".{one}" for one in QUANTILES))]
    return pa.schema([*fields, pa.field("examples", pa.list_(pa.string()), nullable=False)])


def hosts_table(rows: Columns, values: Columns, examples: Columns, measures: Sequence[str], shards: Sequence[str]) -> pa.Table:
    """The table of hosts, in the order of their keys; a measure that no document of a host has is null."""
    documents = rows["documents"]
    columns: dict[str, Any] = {
        "host": [name.decode("utf-8", "replace") for name in rows["host"].tolist()],
        "kept": rows["kept"] / documents,
        "kept_documents": rows["kept"],
        "duplicate_fraction": rows["duplicates"] / documents,
    } | {name: rows[name] for name in ("documents", "characters", "duplicates", "repeated_lines")}
    for place, name in enumerate(measures):
        count, total = rows[f"count {name}"], rows[f"sum {name}"]
        with np.errstate(invalid="ignore", over="ignore"):
            columns[name] = pa.array(np.where(count > 0, total / count, np.nan), from_pandas=True)
        of_measure = {column: found[values["measure"] == place] for column, found in values.items()}
        for part, share in QUANTILES.items():
            columns[f"{name}.{part}"] = pa.array(_quantiles(rows["key"], of_measure, share), from_pandas=True)
    shown: list[list[str]] = [[] for _ in range(len(documents))]
    for host, shard, number in zip(
        np.searchsorted(rows["key"], examples["key"]).tolist(),
        examples["shard"].tolist(),
        examples["number"].tolist(),
        strict=True,
    ):
        shown[host].append(f"{shards[shard]}/{number}")
    return pa.table(columns | {"examples": shown}, schema=hosts_schema(measures))


def _quantiles(keys: U64, values: Columns, share: float) -> npt.NDArray[np.float64]:
    """For each host the least value that at least this share of its documents do not exceed; nan for a host without values."""
    last = np.cumsum(values["documents"])
    first, after = np.searchsorted(values["key"], keys), np.searchsorted(values["key"], keys, side="right")
    before = np.concatenate([[0], last])[first]
    count = np.concatenate([[0], last])[after] - before
    place = np.searchsorted(last, before + np.maximum(np.ceil(share * count), 1))
    found = np.full(len(keys), np.nan)
    there = count > 0
    found[there] = from_order(values["value"][place[there]])
    return found
