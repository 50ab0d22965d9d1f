"""Checks whether a build's files match its manifests, and every page is accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from corpus_builder.duplicates.losers import Superseded
from corpus_builder.errors import IntegrityError
from corpus_builder.messages.progress import with_progress
from corpus_builder.recipe.models import Recipe
from corpus_builder.report.funnel import funnels
from corpus_builder.store.dataset import Kind, Manifest, read_manifest
from corpus_builder.store.verification import verify


@dataclass(frozen=True)
class Verification:
    """What was read again, and the messages about problems."""

    stages: int
    files: int
    size_bytes: int
    documents: int
    problems: tuple[str, ...]


def verify_build(
    manifests: Mapping[str, Manifest], recipe: Recipe, kinds: Mapping[str, Kind], progress: bool = False
) -> Verification:
    """Read every file again; hold its digest and rows against its manifest, manifests against the `kinds` of stages that the recipe wants,
    and the funnel against itself."""
    problems: list[str] = []
    manifests, kinds = dict(manifests), dict(kinds)
    if "match" in manifests and _competed(manifests["match"], recipe):
        kinds[Superseded.name] = Superseded
        if (superseded := read_manifest(manifests["match"].root.parent / Superseded.name)) is not None:
            manifests[Superseded.name] = superseded
    for name in kinds:
        if name not in manifests:
            problems.append(f"The stage {name!r} is not sealed; run `corpus-builder build` again.")
    problems += _unlike_the_stage_before(manifests)
    for manifest in with_progress("verify", iter(manifests.values()), len(manifests), progress, unit="stage"):
        problems += verify(manifest, kinds[manifest.stage])
    released = 0
    with suppress(IntegrityError):  # which the problems tell already
        for funnel in funnels(manifests, recipe.source_names) if "extract" in manifests else ():
            if not funnel.accounted:
                problems.append(f"Of the {funnel.entered:,} pages of {funnel.source!r} some are neither kept nor in a drop.")
        released = manifests["release"].rows("corpus") if "release" in manifests else 0
    files = [table for manifest in manifests.values() for r in manifest.receipts for table in r.tables.values()]
    return Verification(len(manifests), len(files), sum(f.size_bytes for f in files), released, tuple(problems))


def _unlike_the_stage_before(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """Messages about stages whose shards are not exactly those of the previous stage."""
    for name, before in {"measure": "extract", "match": "sign", "screen": "extract", "decide": "extract"}.items():
        if name in manifests and before in manifests:
            found, wanted = ([receipt.shard for receipt in manifests[one].receipts] for one in (name, before))
            if found != wanted:
                yield (
                    f"{manifests[name].root / 'manifest.json'} names {len(found):,} shards, and not the {len(wanted):,} of the stage "
                    f"{before!r}; build again."
                )


def _competed(match: Manifest, recipe: Recipe) -> bool:
    """Whether documents were compared with those of an index that competes."""
    competes = recipe.dedup is not None and recipe.dedup.indexed == "compete"
    return competes and any(receipt.made_from.get("index") for receipt in match.receipts)


def as_text(found: Verification) -> str:
    """The result as lines for a terminal."""
    if found.problems:
        return "\n".join(found.problems)
    return (
        f"All is well: {found.files} files of {found.stages} stages ({found.size_bytes:,} bytes) are what their manifests say, "
        f"every page is accounted for, {found.documents:,} documents are released."
    )
