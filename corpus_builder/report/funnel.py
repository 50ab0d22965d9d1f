"""The funnel: how many pages entered, and where they went, in pages and characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.release.mixture import Capped
from corpus_builder.report.tables import extracted
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.decide import DecideStats, KeptOfTier
from corpus_builder.stages.release import ReleaseStats
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.stats import Documents


@dataclass(frozen=True)
class Step:
    """One line of the funnel.

    `kind` is "in", "drop", "stand" (what remains after a stage), "cut" (pages that remain, with less text), "tier" (a part of those that remain) or "note" (a sentence
    without numbers).  `size` counts characters, or bytes if there is no text yet.
    """

    stage: str
    kind: str
    label: str
    pages: int
    size: int
    unit: str = "characters"


@dataclass(frozen=True)
class Funnel:
    """The funnel of one source, or of all."""

    source: str
    steps: tuple[Step, ...]

    @property
    def entered(self) -> int:
        """Pages that entered."""
        return self.steps[0].pages

    @property
    def stands(self) -> int:
        """Pages that remain after the last finished stage."""
        return next((step.pages for step in reversed(self.steps) if step.kind == "stand"), 0)

    @property
    def accounted(self) -> bool:
        """Whether every page that entered either remains at the end or is in a drop."""
        return self.entered == sum(step.pages for step in self.steps if step.kind == "drop") + self.stands


def funnels(manifests: Mapping[str, Manifest], sources: Iterable[str], capped: Iterable[Capped] = ()) -> list[Funnel]:
    """One funnel for each source, then one for all together if there is more than one; `capped` are the capped shares to note."""
    notes = {one.source: str(one) for one in capped}
    each = [_funnel(manifests, {source}, source, notes) for source in sources]
    return each if len(each) == 1 else [*each, _funnel(manifests, {funnel.source for funnel in each}, "all", {})]


def _funnel(manifests: Mapping[str, Manifest], sources: set[str], name: str, notes: Mapping[str, str]) -> Funnel:
    extract = [stats for stats in extracted(manifests).stats(ExtractStats).values() if stats.source in sources]
    documents, characters = (sum(getattr(stats, name) for stats in extract) for name in ("documents", "characters"))
    lost = _largest_first((reason, gone.pages, gone.bytes) for stats in extract for reason, gone in stats.dropped.items())
    steps = [Step("extract", "in", "pages read", documents + sum(pages for _, pages, _ in lost), 0, "")]
    steps += [Step("extract", "drop", reason, pages, size, "bytes" if size else "") for reason, pages, size in lost]
    steps.append(Step("extract", "stand", "Japanese documents", documents, characters))
    if "decide" in manifests:
        decide = [stats for stats in manifests["decide"].stats(DecideStats).values() if stats.source in sources]
        steps += _drops("decide", (stats.dropped for stats in decide))
        steps.append(_stands("decide", "stand", "kept", (stats.kept for stats in decide)))
        steps += _tiers(decide)
    if name in notes:
        steps.append(Step("release", "note", notes[name], 0, 0, ""))
    if "release" in manifests:
        release = [(stats, source) for stats in manifests["release"].stats(ReleaseStats).values() for source in sources]
        cut = [stats.cut[source] for stats, source in release if source in stats.cut]
        if cut:
            steps.append(_stands("release", "cut", "repeated lines cut", cut))
        steps += _drops("release", (stats.dropped.get(source, {}) for stats, source in release))
        out = [stats.released[source] for stats, source in release if source in stats.released]
        steps.append(_stands("release", "stand", "released", (Documents(one.distinct, one.characters) for one in out)))
    return Funnel(name, tuple(steps))


def without_yield(found: Sequence[Funnel]) -> list[str]:
    """A message about each source of which nothing is kept, or one about an empty corpus."""
    if not found[-1].stands:
        return [_nothing_of(found[-1], "the corpus is empty")]
    return [_nothing_of(one, f"nothing of the source {one.source!r} is in the corpus") for one in found if not one.stands]


def _nothing_of(funnel: Funnel, what: str) -> str:
    drops = sorted((step for step in funnel.steps if step.kind == "drop"), key=lambda step: -step.pages)
    why = f"; most went as {drops[0].label} ({drops[0].pages:,})" if drops and drops[0].pages else ""
    return f"{what}: of {funnel.entered:,} pages that were read, none was kept{why}."


def records(manifests: Mapping[str, Manifest]) -> dict[str, int]:
    """How many WARC records of each kind were read, over all sources."""
    total: dict[str, int] = {}
    for stats in manifests["extract"].stats(ExtractStats).values():
        for kind, count in stats.records.items():
            total[kind] = total.get(kind, 0) + count
    return dict(sorted(total.items()))


def _stands(stage: str, kind: str, label: str, counts: Iterable[Documents]) -> Step:
    """A step of all counts together."""
    found = list(counts)
    return Step(stage, kind, label, sum(one.documents for one in found), sum(one.characters for one in found))


def _tiers(decided: Iterable[DecideStats]) -> list[Step]:
    """A step for each tier, the most repeated first."""
    found: dict[tuple[float, str], list[KeptOfTier]] = {}
    for stats in decided:
        for name, tier in stats.tiers.items():
            found.setdefault((-tier.repeat, name), []).append(tier)
    return [
        Step(
            "decide",
            "tier",
            f"tier {name}" + ("" if repeat == -1 else f", {-repeat:g} times"),
            sum(one.documents for one in tiers),
            sum(one.characters for one in tiers),
        )
        for (repeat, name), tiers in sorted(found.items())
    ]


def _drops(stage: str, dropped: Iterable[Mapping[str, Documents]]) -> list[Step]:
    """A step for each reason."""
    counts = ((reason, gone.documents, gone.characters) for by_reason in dropped for reason, gone in by_reason.items())
    return [Step(stage, "drop", *total) for total in _largest_first(counts)]


def _largest_first(counts: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Counts and sizes summed by reason, the most frequent reason first."""
    total: dict[str, tuple[int, int]] = {}
    for reason, count, size in counts:
        before = total.get(reason, (0, 0))
        total[reason] = (before[0] + count, before[1] + size)
    return sorted(((reason, *both) for reason, both in total.items()), key=lambda one: (-one[1], one[0]))


def as_text(funnel: Funnel) -> str:
    """The funnel as lines for a terminal."""
    lines = []
    for step in funnel.steps:
        if step.kind == "note":
            lines.append(f"  ! {step.label}")
            continue
        mark = {"in": "", "drop": "  - ", "cut": "  ~ ", "tier": "  = ", "stand": "= "}[step.kind]
        size = f"{step.size:>15,} {step.unit}" if step.unit else ""
        share = f"{100 * step.pages / funnel.entered:5.1f} %" if funnel.entered else "      –"
        lines.append(f"  {mark + harmless(step.label):34} {step.pages:>11,}  {share} {size}".rstrip())
    return f"{funnel.source}\n" + "\n".join(lines)


def as_json(funnel: Funnel) -> dict[str, Any]:
    """The funnel as JSON values."""
    steps = [
        {"stage": s.stage, "kind": s.kind, "label": s.label, "pages": s.pages, "size": s.size, "unit": s.unit}
        for s in funnel.steps
    ]
    return {"source": funnel.source, "accounted": funnel.accounted, "steps": steps}
