"""The funnel: every page that entered, and where it went, in pages and characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.release.mixture import Capped
from corpus_builder.report.tables import extracted
from corpus_builder.store.dataset import Manifest


@dataclass(frozen=True)
class Step:
    """One line of the funnel.

    `kind` is "in", "drop", "stand" (what stands after a stage) or "cut" (pages that go on, less some text) or "note" (a sentence without numbers).  `size` counts characters, or bytes where no text exists yet.
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
        """Pages that came through as far as the build has come."""
        return next((step.pages for step in reversed(self.steps) if step.kind == "stand"), 0)

    @property
    def accounted(self) -> bool:
        """Does every page that entered stand at the end, or in a drop?"""
        return self.entered == sum(step.pages for step in self.steps if step.kind == "drop") + self.stands


def funnels(manifests: Mapping[str, Manifest], sources: Iterable[str], capped: Iterable[Capped] = ()) -> list[Funnel]:
    """One funnel for each source, then one for all together if there is more than one; `capped` are shares to speak of."""
    notes = {one.source: str(one) for one in capped}
    each = [_funnel(manifests, {source}, source, notes) for source in sources]
    return each if len(each) == 1 else [*each, _funnel(manifests, {funnel.source for funnel in each}, "all", {})]


def _funnel(manifests: Mapping[str, Manifest], sources: set[str], name: str, notes: Mapping[str, str]) -> Funnel:
    extract = [r.stats for r in extracted(manifests).receipts if r.stats["source"] in sources]
    pages = sum(s["documents"] for s in extract)
    characters = sum(s["characters"] for s in extract)
    lost = _sum(s["dropped"] for s in extract)
    steps = [Step("extract", "in", "pages read", pages + sum(c["pages"] for c in lost.values()), 0, "")]
    steps += [
        Step("extract", "drop", reason, c["pages"], c["bytes"], "bytes" if c["bytes"] else "")
        for reason, c in _largest(lost, "pages")
    ]
    steps.append(Step("extract", "stand", "Japanese documents", pages, characters))
    if "decide" in manifests:
        decide = [r.stats for r in manifests["decide"].receipts if r.stats["source"] in sources]
        dropped = _sum(s["dropped"] for s in decide)
        steps += [Step("decide", "drop", reason, c["documents"], c["characters"]) for reason, c in _largest(dropped, "documents")]
        kept = _sum([{"kept": s["kept"]} for s in decide]).get("kept", {"documents": 0, "characters": 0})
        steps.append(Step("decide", "stand", "kept", kept["documents"], kept["characters"]))
    if name in notes:
        steps.append(Step("release", "note", notes[name], 0, 0, ""))
    if "release" in manifests:
        release = [r.stats for r in manifests["release"].receipts]
        cut = _sum({"cut": s["cut"][source]} for s in release for source in sources if source in s.get("cut", {})).get("cut")
        if cut:
            steps.append(Step("release", "cut", "repeated lines cut", cut["documents"], cut["characters"]))
        gone = _sum(s["dropped"].get(source, {}) for s in release for source in sources)
        steps += [Step("release", "drop", reason, c["documents"], c["characters"]) for reason, c in _largest(gone, "documents")]
        out = _sum({"released": s["released"][source]} for s in release for source in sources if source in s["released"])
        total = out.get("released", {"distinct": 0, "characters": 0})
        steps.append(Step("release", "stand", "released", total["distinct"], total["characters"]))
    return Funnel(name, tuple(steps))


def without_yield(found: Sequence[Funnel]) -> list[str]:
    """A sentence on each source of which nothing came through, or one on a corpus that is empty."""
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
    for receipt in manifests["extract"].receipts:
        for kind, count in receipt.stats["records"].items():
            total[kind] = total.get(kind, 0) + count
    return dict(sorted(total.items()))


def copies(manifests: Mapping[str, Manifest], source: str) -> int:
    """Released documents of a source, every copy counted."""
    return sum(r.stats["released"].get(source, {}).get("documents", 0) for r in manifests["release"].receipts)


def _sum(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        for key, counts in part.items():
            into = total.setdefault(key, {})
            for name, count in counts.items():
                into[name] = into.get(name, 0) + count
    return total


def _largest(counts: Mapping[str, dict[str, int]], by: str) -> list[tuple[str, dict[str, int]]]:
    return sorted(counts.items(), key=lambda item: (-item[1][by], item[0]))


def as_text(funnel: Funnel) -> str:
    """The funnel as lines for a terminal."""
    lines = []
    for step in funnel.steps:
        if step.kind == "note":
            lines.append(f"  ! {step.label}")
            continue
        mark = {"in": "", "drop": "  - ", "cut": "  ~ ", "stand": "= "}[step.kind]
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
