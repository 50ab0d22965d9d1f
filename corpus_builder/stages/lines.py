"""Marks the template lines of each document in a sidecar table; `release` cuts them, or the report only shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.hashing.lines import PLACES, Repeats, candidates, host_keys, repeated_rows
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.stages.line_counts import LiveDocuments, Tally, Total, counted_shards, live_documents, settings_of
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, sealed_manifest
from corpus_builder.store.exchange import Columns, read_bucket
from corpus_builder.store.run import Runner
from corpus_builder.store.stats import Count

SHOWN_CHARACTERS = 200

LINES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("lines", pa.list_(pa.int32()), nullable=False),  # their line numbers, from 0
        pa.field("characters", pa.int32(), nullable=False),  # of these lines
    ]
)
TEMPLATES = pa.schema(
    [
        pa.field("host", pa.string(), nullable=False),
        pa.field("place", pa.string(), nullable=False),  # start, end, anywhere
        pa.field("line", pa.string(), nullable=False),  # its first SHOWN_CHARACTERS characters
        pa.field("documents", pa.int64(), nullable=False),  # of the host that have it there; 0: too few to count
        pa.field("hosts", pa.int64(), nullable=False),  # that have it there; 0: too few to count
        pa.field("lines", pa.int64(), nullable=False),  # occurrences in this shard
        pa.field("characters", pa.int64(), nullable=False),  # of these lines in this shard
    ]
)


@dataclass(frozen=True)
class LinesStats:
    """The documents of a shard that have template lines."""

    documents: Count
    lines: Count  # how many they have
    characters: Count  # of these lines


@dataclass(frozen=True)
class Lines(Stage):
    """The stage: one shard per shard of documents of the sources concerned.  `totals` is the output of `Total`, once there is one."""

    how: Repeats
    sources: Sequence[str]
    totals: Path | None = None
    name: ClassVar[str] = "lines"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[str, ...]] = ("lines", "templates")
    stats: ClassVar[type[Any]] = LinesStats

    @classmethod
    def wanted(cls, recipe: Recipe) -> bool:
        """Whether the recipe has a table `lines`."""
        return recipe.lines is not None

    @classmethod
    def of(cls, running: Running) -> Lines:
        """The stage as set by the recipe's table `lines`."""
        recipe = running.recipe
        assert recipe.lines is not None  # it is wanted
        return cls(recipe.lines.repeats, recipe.lines.sources or recipe.source_names)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per shard of documents; each depends on all documents of these sources, since all are counted."""
        parts = counted_shards(manifests, self.sources)
        made_from = {"stage": f"{self.name}/{self.version}"} | settings_of(self.how, parts)
        return [Shard(part.shard, made_from | {"documents": part.digest}, (part, rank)) for rank, part in enumerate(parts)]

    def prepare(self, manifests: Mapping[str, Manifest], runner: Runner) -> Self:
        """Count how many documents begin or end with the same lines: documents ─► Tally ─► Total."""
        tally = Tally(self.how, tuple(counted_shards(manifests, self.sources)), runner.task_memory_bytes)
        total = Total(tally, runner.run_step(tally, manifests).root)
        return replace(self, totals=runner.run_step(total, manifests).root)

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Look up a shard's lines among the frequent keys."""
        part, rank = shard.task
        assert self.totals is not None  # counted before any shard is run
        totals = _sorted(read_bucket(sealed_manifest(self.totals).paths("totals"), rank))
        out.table("lines", LINES)
        out.table("templates", TEMPLATES)
        seen = _Seen()
        for group in live_documents(part.documents, part.matches):
            found = self._repeated(group, totals)
            lines: list[list[int]] = [[] for _ in range(len(group.ids))]
            characters = [0] * len(lines)
            for document, marked in found.items():
                place = int(group.places[document])
                lines[place] = sorted(marked)
                characters[place] = seen.add(group.hosts[document], group.texts[document], marked)
            out.write_group("lines", pa.table([group.ids, lines, characters], schema=LINES))
        out.write("templates", seen.table())
        out.stats = LinesStats(seen.documents, seen.lines, seen.characters)

    def _repeated(self, group: LiveDocuments, totals: Columns) -> dict[int, dict[int, Mark]]:
        """The template lines of each text that has any: line number -> mark."""
        found = candidates(group.texts, self.how)
        hosts = group.host_hashes
        of_host = of_corpus = np.zeros(len(found.block), dtype=np.int64)
        if self.how.by_host:
            of_host = _looked_up(found.keys(hosts), totals, "documents")
            all_documents = _looked_up(host_keys(hosts), totals, "documents")[found.document]
            of_host = np.where(of_host >= self.how.share * all_documents, of_host, 0)
        if self.how.by_corpus:
            of_corpus = _looked_up(found.corpus_keys(), totals, "hosts")
        rows = repeated_rows(found, (of_host > 0) | (of_corpus > 0))
        marked: dict[int, dict[int, Mark]] = {}
        for row in rows.tolist():
            mark = Mark(int(found.place[row]), int(of_host[row]), int(of_corpus[row]))
            marked.setdefault(int(found.document[row]), {}).setdefault(int(found.line[row]), mark)
        return marked


class Mark(NamedTuple):
    """Why a line is template text: its place, and how many documents of its host, or how many hosts, have it there (0: too few)."""

    place: int
    documents: int
    hosts: int


@dataclass
class _Seen:
    """The totals of a shard's template lines."""

    documents: int = 0
    lines: int = 0
    characters: int = 0
    rows: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)

    def add(self, host: str, text: str, marked: Mapping[int, Mark]) -> int:
        """Count the template lines of one text; returns the number of their characters."""
        split = text.split("\n")
        characters = 0
        for line, (place, documents, hosts) in marked.items():
            row = self.rows.setdefault((host, place, split[line].strip()[:SHOWN_CHARACTERS]), [0, 0, 0, 0])
            row[:] = [max(row[0], documents), max(row[1], hosts), row[2] + 1, row[3] + len(split[line])]
            characters += len(split[line])
        self.documents += 1
        self.lines += len(marked)
        self.characters += characters
        return characters

    def table(self) -> pa.Table:
        """A row for each line and place, most frequent first."""
        found = sorted(self.rows.items(), key=lambda item: (-item[1][3], item[0]))
        columns = zip(*((host, PLACES[place], line, *counts) for (host, place, line), counts in found), strict=True)
        return pa.table(list(columns), schema=TEMPLATES) if found else TEMPLATES.empty_table()


def _sorted(totals: Columns) -> Columns:
    order = np.argsort(totals["key"], kind="stable")
    return {name: column[order] for name, column in totals.items()}


def _looked_up(keys: npt.NDArray[np.uint64], totals: Columns, name: str) -> npt.NDArray[np.int64]:
    """The total of each key; 0 if it is not frequent."""
    found = np.zeros(len(keys), dtype=np.int64)
    where = np.searchsorted(totals["key"], keys)
    there = where < len(totals["key"])
    there[there] = totals["key"][where[there]] == keys[there]
    found[there] = totals[name][where[there]]
    return found
