"""A finished build in hand: what became of every page, and where it lies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus_builder.duplicates.summary import Duplicates, duplicates_of
from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.recipe.models import Recipe
from corpus_builder.report.diff import Diff, diff
from corpus_builder.report.funnel import Funnel, funnels
from corpus_builder.report.mixture import capped
from corpus_builder.report.page import write_report
from corpus_builder.report.verification import Verification, verify_build
from corpus_builder.report.why import Story, why
from corpus_builder.store.dataset import Manifest, read_manifest

HEAD = "build.json"


@dataclass(frozen=True)
class Built:
    """A finished build: where it lies, its recipe, and the sealed manifest of every stage, in order."""

    out: Path
    recipe: Recipe
    manifests: Mapping[str, Manifest]

    @classmethod
    def open(cls, out: str | Path) -> Built:
        """A build that stands on disk, as far as it has come; the URLs of its recipe are without logins, as nothing is fetched."""
        head = Path(out) / HEAD
        try:
            said = json.loads(head.read_bytes())
            recipe = Recipe.of(said["recipe"], where=str(head))
            found = {str(stage): read_manifest(Path(out) / str(stage)) for stage in said["stages"]}
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"There is no build in {out} (no {HEAD}); `corpus-builder build` makes one.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{head} is damaged ({error}); `corpus-builder build` writes it anew.") from error
        return cls(Path(out), recipe, {stage: manifest for stage, manifest in found.items() if manifest is not None})

    def funnels(self) -> list[Funnel]:
        """How many pages and characters came through each stage, and why the others did not; per source, then for all."""
        return funnels(self.manifests, self.recipe.source_names, capped(self.manifests, self.recipe))

    def report(self) -> Path:
        """Write OUT/report.html."""
        return write_report(self.manifests, self.recipe, self.out)

    def duplicates(self) -> Duplicates | None:
        """How alike the near duplicates are; None where the recipe or the build has none yet."""
        match, dedup = self.manifests.get("match"), self.recipe.dedup
        return duplicates_of(match, dedup.matching, match.rows("matches")) if match and dedup else None

    def why(self, page: str) -> list[Story]:
        """The whole story of every page with this URL or id."""
        return why(self.manifests, self.recipe, page)

    def verify(self, *, progress: bool = False) -> Verification:
        """Read every file again and hold it against its manifest."""
        return verify_build(self.manifests, self.recipe, progress)

    def diff(self, other: Built) -> Diff:
        """Where this build and another part."""
        return diff(self.manifests, other.manifests)
