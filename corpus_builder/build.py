"""The whole main job, from top to bottom.  Read this first.

`stages_of` lists the stages in order; `build` runs what is not yet done of each, shard by shard, and seals it; `plan` says
what `build` would run, and why.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus_builder.counts import expected_counts
from corpus_builder.custom import own_modules
from corpus_builder.dataset import FORMAT, Manifest, Stage, read_manifest
from corpus_builder.engine import Engine, Ray, engine_of
from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.files import absolute, write_atomically
from corpus_builder.index.contents import elders_of
from corpus_builder.inputs import find_inputs, input_files, keep_inputs_apart, read_keywords, reading_of
from corpus_builder.ownership import alone_in, clear_stages
from corpus_builder.progress import say
from corpus_builder.quality.rulebook import DuplicateRule
from corpus_builder.recipe import Recipe
from corpus_builder.redact import shareable
from corpus_builder.release.edits import named_edit
from corpus_builder.report.diff import Diff, diff
from corpus_builder.report.duplicates import Duplicates, duplicates_of
from corpus_builder.report.funnel import Funnel, funnels
from corpus_builder.report.mixture import capped, foretold, wanted
from corpus_builder.report.page import write_report
from corpus_builder.report.verification import Verification, verify_build
from corpus_builder.report.why import Story, why
from corpus_builder.run import SCRATCH, TASK_MEMORY_BYTES, run_stage
from corpus_builder.searches import count_lines, find_duplicates, is_found
from corpus_builder.signed import SignedShard
from corpus_builder.stages.decide import Decide, Screen
from corpus_builder.stages.extract import Extract, settings_digest
from corpus_builder.stages.input_file import InputFile
from corpus_builder.stages.lines import Lines
from corpus_builder.stages.match import Match
from corpus_builder.stages.release import Release
from corpus_builder.stages.rules import measure_stage, running_rules, user_functions
from corpus_builder.stages.sign import Sign

STAGES = ("extract", "measure", "sign", "screen", "match", "lines", "decide", "release")


def stage_names(recipe: Recipe) -> list[str]:
    """The stages that a recipe has; others may stand in its directory, of a recipe that was built there before."""
    rules = recipe.quality.rules
    has = {"sign": recipe.dedup is not None, "match": recipe.dedup is not None, "lines": recipe.lines is not None}
    has["screen"] = recipe.dedup is not None and not rules[0].duplicates
    return [name for name in STAGES if has.get(name, True)]


logger = logging.getLogger(__name__)


def stages_of(recipe: Recipe, inputs: Sequence[InputFile], out: Path) -> Iterator[Stage]:
    """The stages of a recipe, in order."""
    settings = recipe.page_settings
    rules = running_rules(recipe)
    release = recipe.release

    yield Extract(tuple(inputs), settings)  # pages -> gate -> charset -> text -> Japanese?
    yield measure_stage(recipe)  # text -> numbers
    if recipe.dedup is not None:
        place = next(i for i, rule in enumerate(rules) if isinstance(rule, DuplicateRule))
        yield Sign(recipe.dedup.minhash, recipe.dedup.keep, rules[place].sources)  # text -> MinHash band keys, sketches
        if place > 0:
            yield Screen(rules[:place])  # filter first: who stands up for the match
        yield Match(recipe.dedup.matching, *_elders(recipe, out))  # band keys -> who lost to whom, see searches.py
    if recipe.lines is not None:
        yield Lines(recipe.lines.repeats, recipe.lines.sources or recipe.source_names)  # text -> lines that many texts share
    yield Decide(rules)  # numbers, matches, hosts -> keep or drop, and why
    yield Release(  # edits, mixture, shuffle -> the corpus
        seed=recipe.seed,
        part_characters=release.part_characters,
        edits=release.edits,
        footer_keywords=read_keywords(recipe),
        prepend_title=release.prepend_title,
        cut_lines=recipe.lines is not None and recipe.lines.action == "remove",
        mixture=wanted(recipe),
    )


def opened(recipe: Recipe, out: Path) -> list[Stage]:
    """The stages, still without input files, with every list, table, model, function and index that the recipe names read.

    Before the first page is: one that is missing or damaged costs a second, not a day.
    """
    expected_counts(recipe)
    stages = list(stages_of(recipe, (), out))
    for source in recipe.sources:
        settings_digest(reading_of(recipe, source).settings(recipe.page_settings))  # reads the models
    for name in {name for names in recipe.release.edits.values() for name in names}:
        named_edit(name, footer_keywords=read_keywords(recipe))
    return stages


def given(inputs: Sequence[InputFile], stages: Sequence[Stage]) -> list[Stage]:
    """The stages with the input files."""
    return [replace(stage, inputs=tuple(inputs)) if isinstance(stage, Extract) else stage for stage in stages]


def _elders(recipe: Recipe, out: Path) -> tuple[tuple[SignedShard, ...], str]:
    """The documents of the index that the recipe names, and their digest."""
    dedup = recipe.dedup
    if dedup is None or dedup.index is None:
        return (), ""
    return elders_of(recipe.resolve(dedup.index), out, dedup.minhash, dedup.keep, dedup.elders)


@dataclass(frozen=True)
class Built:
    """A finished build: where it lies, its recipe, and the sealed manifest of every stage, in order."""

    out: Path
    recipe: Recipe
    manifests: Mapping[str, Manifest]

    @classmethod
    def open(cls, out: str | Path) -> Built:
        """A build that stands on disk, as far as it has come; the URLs of its recipe are without logins, as nothing is fetched."""
        out = Path(out)
        try:
            recipe = Recipe.of(json.loads((out / "build.json").read_bytes())["recipe"], where=str(out / "build.json"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"There is no build in {out} (no build.json); `corpus-builder build` makes one.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{out / 'build.json'} is damaged ({error}); `corpus-builder build` writes it anew.") from error
        found = {stage: read_manifest(out / stage) for stage in stage_names(recipe)}
        return cls(out, recipe, {stage: manifest for stage, manifest in found.items() if manifest is not None})

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


def build(
    recipe: Recipe,
    out: str | Path,
    engine: Engine | None = None,
    *,
    task_memory_bytes: int = TASK_MEMORY_BYTES,
    progress: bool = False,
) -> Built:
    """Build the corpus of a recipe into a directory; what is done already is not done again.

    `engine` defaults to a Ray of our own on this machine; the caller's stays open.  StageError names the shards that failed; those
    that went well stay.
    """
    out = absolute(out)
    found = list(find_inputs(recipe))
    keep_inputs_apart(recipe, out, found)
    stages = opened(recipe, out)
    with (
        alone_in(out, "build", (*STAGES, "superseded")),
        engine_of(engine, lambda: Ray(task_memory_bytes=task_memory_bytes)) as engine,
    ):
        engine.carry(own_modules(*user_functions(recipe)))
        inputs = input_files(recipe, out, engine, progress, found)
        manifests: dict[str, Manifest] = {}
        _write_head(recipe, out)
        for stage in given(inputs, stages):
            if isinstance(stage, Match | Lines) and not is_found(stage, manifests, out):
                how = (manifests, task_memory_bytes, out / SCRATCH, engine, progress)
                stage = find_duplicates(stage, *how) if isinstance(stage, Match) else count_lines(stage, *how)
            manifests[stage.name] = run_stage(stage, stage.plan(manifests), out, engine, progress)
            if isinstance(stage, Extract):
                for line in foretold(manifests["extract"], recipe):
                    say(line, progress)
            if isinstance(stage, Match | Lines):
                clear_stages(out / SCRATCH)
    built = Built(out, recipe, manifests)
    for warning in duplicates.warnings if (duplicates := built.duplicates()) else ():
        logger.warning(warning)
    return built


# The directory


def _write_head(recipe: Recipe, out: Path) -> None:
    """`build.json`: the recipe without logins and queries of URLs, so that a build can be read without its recipe file."""
    head = {"format": FORMAT, "recipe": shareable(recipe.model_dump(mode="json", exclude_defaults=True))}
    write_atomically(out / "build.json", (json.dumps(head, ensure_ascii=False, indent=1) + "\n").encode())
