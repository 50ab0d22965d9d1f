"""The differences between two builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.report.tables import query
from corpus_builder.store.dataset import Manifest

EXAMPLES = 3


@dataclass(frozen=True)
class StageDiff:
    """How the shards of one stage differ; `causes` counts which of the things that shards are made from differ."""

    stage: str
    same: int
    only_left: int
    only_right: int
    different: int
    causes: Mapping[str, int]


@dataclass(frozen=True)
class Moved:
    """Documents with different outcomes: the left build's, the right build's, how many, and some ids."""

    left: str
    right: str
    documents: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Diff:
    """All differences between two builds."""

    stages: tuple[StageDiff, ...]
    moved: tuple[Moved, ...]

    @property
    def parted_at(self) -> str | None:
        """The first stage whose output differs; None if the builds are identical."""
        return next((s.stage for s in self.stages if s.only_left or s.only_right or s.different), None)


def diff(left: Mapping[str, Manifest], right: Mapping[str, Manifest]) -> Diff:
    """Compare two builds by their manifests, then their documents by id."""
    names = [*left, *(name for name in right if name not in left)]
    stages = tuple(_stage(name, left.get(name), right.get(name)) for name in names)
    return Diff(stages, tuple(_moved(left, right)))


def _stage(name: str, left: Manifest | None, right: Manifest | None) -> StageDiff:
    ours, theirs = (manifest.by_shard if manifest else {} for manifest in (left, right))
    causes: dict[str, int] = {}
    different = 0
    for shard in ours.keys() & theirs.keys():
        if [t.sha256 for _, t in sorted(ours[shard].tables.items())] == [
            t.sha256 for _, t in sorted(theirs[shard].tables.items())
        ]:
            continue
        different += 1
        for key in ours[shard].made_from.keys() | theirs[shard].made_from.keys():
            if ours[shard].made_from.get(key) != theirs[shard].made_from.get(key):
                causes[key] = causes.get(key, 0) + 1
    shared = len(ours.keys() & theirs.keys())
    return StageDiff(
        name,
        same=shared - different,
        only_left=len(ours) - shared,
        only_right=len(theirs) - shared,
        different=different,
        causes=dict(sorted(causes.items())),
    )


def _fates(side: str) -> str:
    return (
        f"select id, case when keep then 'kept' else reason end as fate from {side}_decisions "
        f"union all select id, reason as fate from {side}_ledger"
    )


def _moved(left: Mapping[str, Manifest], right: Mapping[str, Manifest]) -> list[Moved]:
    tables: dict[str, Any] = {}
    for side, manifests in (("left", left), ("right", right)):
        if "extract" not in manifests or "decide" not in manifests:
            return []
        tables[f"{side}_decisions"] = manifests["decide"].paths("decisions")
        tables[f"{side}_ledger"] = manifests["extract"].paths("ledger")
    rows = query(
        f"with l as ({_fates('left')}), r as ({_fates('right')}) "
        "select coalesce(l.fate, 'not there') as was, coalesce(r.fate, 'not there') as became, count(*) as documents, "
        "list_sort(min(coalesce(l.id, r.id), ?)) as examples "
        "from l full join r on l.id = r.id where was <> became group by was, became order by documents desc, was, became",
        [EXAMPLES],
        **tables,
    )
    return [Moved(row["was"], row["became"], row["documents"], tuple(row["examples"])) for row in rows]


def as_text(found: Diff) -> str:
    """The differences as lines for a terminal."""
    if found.parted_at is None:
        return "The builds are the same, byte for byte."
    lines = [f"The builds part at the stage {found.parted_at!r}."]
    for s in found.stages:
        causes = ", ".join(f"{harmless(cause)} ({count})" for cause, count in s.causes.items())
        lines.append(
            f"  {s.stage:8} {s.same} shards the same, {s.different} different, {s.only_left} only left, {s.only_right} only right"
            + (f"; made from other: {causes}" if causes else "")
        )
    if found.moved:
        lines.append("Pages that fared differently (left -> right):")
    lines += [
        f"  {m.documents:>9,}  {harmless(m.left)} -> {harmless(m.right)}   for example {', '.join(map(harmless, m.examples))}"
        for m in found.moved
    ]
    return "\n".join(lines)
