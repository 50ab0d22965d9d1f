"""From documents and decisions to the corpus: edits, mixture, and a global shuffle in bounded memory.

The unit of the shuffle is a row group of kept documents: units are assigned to parts in the order of a keyed digest, and within a
part documents are ordered by a keyed digest of their own.  So a part contains documents from all over the corpus, and any machine
can make it independently.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from corpus_builder.document import LEDGER, OWN_DOCUMENT
from corpus_builder.hashing.lines import without_lines
from corpus_builder.recipe.running import Running, wanted
from corpus_builder.release.edits import edit_version, named_edit
from corpus_builder.release.mixture import Wanted, drawn, keyed_number, settle
from corpus_builder.stages.decide import DecideStats, KeptOfGroup, kept_characters
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_groups
from corpus_builder.store.stats import Count, Documents

CORPUS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        pa.field("crawl", pa.string(), nullable=False),
        pa.field("copy", pa.int32(), nullable=False),  # 0 for the first time that a document appears
        pa.field("text", pa.string(), nullable=False),
    ]
)

OWN_COLUMNS = ("own_id", "extra")
"""Additional columns of a corpus if any of its sources has rows of the user's own data."""

OWN_CORPUS = pa.schema([*CORPUS, *(OWN_DOCUMENT.field(name) for name in OWN_COLUMNS)])
TIER = pa.field("tier", pa.string(), nullable=False)
"""One more column of a corpus whose recipe has tiers."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One copy of the kept documents of one row group; those of a tier that is repeated appear in more copies than the others."""

    shard: str
    group: int
    copy: int
    epochs: float  # of the source; a document is released `epochs` times its repeat
    characters: float


@dataclass(frozen=True)
class Released:
    """The documents of one source in a part of the corpus."""

    documents: Count
    distinct: Count  # of these: copies of the same one count once
    characters: Count


class UnitOfPart(NamedTuple):
    """A row group of kept documents that went into a part."""

    shard: str
    group: Count
    copy: Count  # 0 for the first time


@dataclass(frozen=True)
class ReleaseStats:
    """A part of the corpus."""

    released: dict[str, Released]  # by source
    dropped: dict[str, dict[str, Documents]]  # by source and reason; before any edit
    cut: dict[str, Documents]  # by source: documents that lost repeated lines, and the characters of these
    tiers: dict[str, dict[str, Released]]  # by source and tier; empty if the recipe has no tiers
    units: tuple[UnitOfPart, ...]


@dataclass(frozen=True)
class Release(Stage):
    """The stage: one shard per part of the corpus."""

    seed: int
    part_characters: int
    edits: Mapping[str, Sequence[str]]  # by source
    footer_keywords: tuple[str, ...]
    prepend_title: Sequence[str]
    cut_lines: bool  # whether to cut those found by the stage `lines`
    mixture: Wanted
    tiered: bool = False  # whether the corpus says of which tier a document is
    name: ClassVar[str] = "release"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[str, ...]] = ("corpus", "ledger")
    stats: ClassVar[type[Any]] = ReleaseStats

    @classmethod
    def of(cls, running: Running) -> Release:
        """The stage as set by the recipe's table `release`."""
        recipe, release = running.recipe, running.recipe.release
        return cls(
            seed=recipe.seed,
            part_characters=release.part_characters,
            edits=release.edits,
            footer_keywords=running.footer_keywords,
            prepend_title=release.prepend_title,
            cut_lines=recipe.lines is not None and recipe.lines.action == "remove",
            mixture=wanted(recipe),
            tiered=recipe.select is not None and bool(recipe.select.tiers),
        )

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Distribute the units to parts of about `part_characters`."""
        extract, decide = manifests["extract"], manifests["decide"]
        lines = manifests["lines"].by_shard if self.cut_lines else {}
        settings = digest_of(
            [
                self.seed,
                {s: [[name, edit_version(name)] for name in names] for s, names in self.edits.items()},
                self.footer_keywords,
                self.prepend_title,
            ]
        )
        own = {receipt.shard for receipt in extract.receipts if "own_ids" in receipt.tables}
        decided = decide.stats(DecideStats)
        digests = {
            receipt.shard: [
                decided[receipt.shard].source,
                extract.by_shard[receipt.shard].tables["documents"].sha256,
                decided[
                    receipt.shard
                ].keep,  # not the decisions' digest: another reason to drop the same document changes nothing here
                *([lines[receipt.shard].tables["lines"].sha256] if receipt.shard in lines else []),
            ]
            for receipt in decide.receipts
        }
        shards = []
        for number, units in enumerate(self._parts(decide)):
            made = [[*digests[unit.shard], unit.shard, unit.group, unit.copy, unit.epochs] for unit in units]
            names = sorted({unit.shard for unit in units})
            shards.append(
                Shard(
                    f"part-{number:05}",
                    {"stage": f"{self.name}/{self.version}", "settings": settings, "units": digest_of(made)}
                    | ({"columns": " ".join(OWN_CORPUS.names)} if own else {})
                    | ({"tiers": "in a column"} if self.tiered else {}),
                    {
                        "units": units,
                        "sources": {name: decided[name].source for name in names},
                        "documents": {name: extract.get(name, "documents") for name in names},
                        "decisions": {name: decide.get(name, "decisions") for name in names},
                        "lines": {name: manifests["lines"].get(name, "lines") for name in names if name in lines},
                        "own": own & set(names) if own else None,
                    },
                )
            )
        return shards

    def _parts(self, decide: Manifest) -> Iterator[list[Unit]]:
        settled = settle(kept_characters(decide, self.mixture.max_epochs), self.mixture)
        for capped in settled.capped:
            if capped.source in self.mixture.strict:
                raise capped.refused()
        epochs = settled.epochs
        units = [
            Unit(shard, group, copy, times, characters_of(kept, times, copy))
            for shard, decided in decide.stats(DecideStats).items()
            for times in [epochs[decided.source]]
            for group, kept in enumerate(decided.groups)
            if kept.documents
            for copy in range(math.ceil(times * max((repeat for repeat, _ in kept.repeats), default=1.0)))
        ]
        units.sort(key=lambda unit: (keyed_number(self.seed, "unit", unit.shard, unit.group, unit.copy), unit.shard, unit.group))
        part: list[Unit] = []
        held = 0.0
        for unit in units:
            if part and held + unit.characters > self.part_characters:
                yield part
                part, held = [], 0.0
            part.append(unit)
            held += unit.characters
        if part or not units:
            yield part

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Make one part, which is sorted in memory."""
        schema = CORPUS if shard.task["own"] is None else OWN_CORPUS
        schema = schema.append(TIER) if self.tiered else schema
        out.table("corpus", schema)
        out.table("ledger", LEDGER)
        released: dict[str, Counter[str]] = {}
        dropped: dict[str, dict[str, Counter[str]]] = {}
        cut: dict[str, Counter[str]] = {}
        tiers: dict[str, dict[str, Counter[str]]] = {}
        ledger = []
        rows: list[tuple[int, dict[str, Any]]] = []
        for unit in shard.task["units"]:
            source = shard.task["sources"][unit.shard]
            counts = released.setdefault(source, Counter(documents=0, distinct=0, characters=0))
            edit = self._editor(source)
            for row, repeated, tier, repeat in _kept(unit, shard.task):
                if unit.copy and unit.copy >= unit.epochs * repeat:
                    continue
                is_drawn = drawn(self.seed, row["id"], unit.copy, unit.epochs * repeat)
                rest = without_lines(row["text"], repeated)
                text = edit(rest, row["title"]) if is_drawn and rest else ""
                if not text.strip():
                    if unit.copy == 0:
                        reason = "not_drawn" if not is_drawn else "empty_after_edits" if rest else "only_repeated_lines"
                        ledger.append({"id": row["id"], "url": row["url"], "reason": reason, "detail": ""})
                        gone = dropped.setdefault(source, {}).setdefault(reason, Counter())
                        gone["documents"] += 1
                        gone["characters"] += len(row["text"])
                    continue
                if repeated and unit.copy == 0:
                    lost = cut.setdefault(source, Counter())
                    lost["documents"] += 1
                    lost["characters"] += len(row["text"]) - len(rest)
                of_tier = (
                    tiers.setdefault(source, {}).setdefault(tier, Counter(documents=0, distinct=0, characters=0))
                    if tier
                    else Counter()
                )
                for count in (counts, of_tier):
                    count["documents"] += 1
                    count["distinct"] += unit.copy == 0
                    count["characters"] += len(text)
                place = keyed_number(self.seed, "row", row["id"], unit.copy)
                rows.append((place, row | {"text": text, "copy": unit.copy, "tier": tier}))
        rows.sort(key=lambda pair: (pair[0], pair[1]["id"], pair[1]["copy"]))
        out.write("corpus", pa.Table.from_pylist([row for _, row in rows], schema=schema))
        out.write("ledger", pa.Table.from_pylist(ledger, schema=LEDGER))
        out.stats = ReleaseStats(
            {source: Released(**counts) for source, counts in released.items()},
            {source: {reason: Documents(**counts) for reason, counts in gone.items()} for source, gone in dropped.items()},
            {source: Documents(**counts) for source, counts in cut.items()},
            {source: {tier: Released(**counts) for tier, counts in sorted(found.items())} for source, found in tiers.items()},
            tuple(UnitOfPart(unit.shard, unit.group, unit.copy) for unit in shard.task["units"]),
        )

    def _editor(self, source: str) -> Any:
        edits = [named_edit(name, footer_keywords=self.footer_keywords) for name in self.edits.get(source, ())]
        titled = source in self.prepend_title

        def edit(text: str, title: str) -> str:
            for change in edits:
                text = change(text)
            return f"{title}\n{text}" if titled and title and text.strip() else text

        return edit


def characters_of(kept: KeptOfGroup, times: float, copy: int) -> float:
    """Characters of one copy of a row group whose source is released `times` times."""
    repeats = kept.repeats or ((1.0, kept.characters),)
    return sum(characters * min(1.0, max(0.0, times * repeat - copy)) for repeat, characters in repeats)


def _kept(unit: Unit, task: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[int], str, float]]:
    """The kept documents of a unit, the numbers of the lines to cut from each, its tier, and how often it is released."""
    (keep,) = read_groups(task["decisions"][unit.shard], ["keep", "tier", "repeat"], [unit.group])
    tiers, repeats = (keep.filter(keep.column("keep")).column(name).to_pylist() for name in ("tier", "repeat"))
    own = task["own"] or ()
    columns = [name for name in (OWN_CORPUS if unit.shard in own else CORPUS).names if name != "copy"]
    (table,) = read_groups(task["documents"][unit.shard], columns, [unit.group])
    rows: list[dict[str, Any]] = table.filter(keep.column("keep")).to_pylist()
    if task["own"] is not None and unit.shard not in own:
        rows = [row | dict.fromkeys(OWN_COLUMNS, "") for row in rows]
    repeated: list[list[int]] = [[] for _ in rows]
    if unit.shard in task["lines"]:
        (lines,) = read_groups(task["lines"][unit.shard], ["lines"], [unit.group])
        repeated = lines.filter(keep.column("keep")).column("lines").to_pylist()
    return zip(rows, repeated, tiers, repeats, strict=True)
