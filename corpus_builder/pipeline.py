"""The whole pipeline, from top to bottom.  Read this first.

`STAGES` lists the stages in order; `build` runs the unfinished shards of each stage and seals it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from corpus_builder.built import HEAD, Built
from corpus_builder.duplicates.losers import Superseded
from corpus_builder.duplicates.match import Match
from corpus_builder.duplicates.sign import Sign
from corpus_builder.engine import Engine, Ray, engine_of
from corpus_builder.engine.user_code import own_modules
from corpus_builder.messages.progress import say
from corpus_builder.messages.redact import shareable
from corpus_builder.recipe.counts import expected_counts
from corpus_builder.recipe.inputs import find_inputs, input_files, keep_inputs_apart, reading_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.recipe.running import Running
from corpus_builder.release.edits import named_edit
from corpus_builder.report.mixture import foretold
from corpus_builder.stages.decide import Decide, Screen
from corpus_builder.stages.extract import Extract, settings_digest
from corpus_builder.stages.lines import Lines
from corpus_builder.stages.measure import Measure
from corpus_builder.stages.release import Release
from corpus_builder.store import dataset as store
from corpus_builder.store.dataset import FORMAT, Manifest, Stage
from corpus_builder.store.files import absolute, write_json
from corpus_builder.store.ownership import alone_in
from corpus_builder.store.run import TASK_MEMORY_BYTES, Runner

logger = logging.getLogger(__name__)


class Kind(store.Kind, Protocol):
    """A kind of stages."""

    @property
    def name(self) -> str:
        """Their name."""

    def of(self, running: Running) -> Stage | None:
        """The stage as configured by a recipe; None if the recipe does not use it."""


STAGES: tuple[Kind, ...] = (
    Extract,  # pages -> gate -> charset -> text -> Japanese?
    Measure,  # text -> numbers
    Sign,  # text -> MinHash band keys, sketches
    Screen,  # the rules before the search for duplicates -> which documents are compared
    Match,  # band keys -> which documents are duplicates of which
    Lines,  # text -> lines shared by many texts
    Decide,  # numbers, matches, hosts -> keep or drop, and why
    Release,  # edits, mixture, shuffle -> the corpus
)
DATASETS: dict[str, store.Kind] = {kind.name: kind for kind in STAGES} | {Superseded.name: Superseded}
"""All that may lie in the directory of a build, by name; `Match` makes the last one, of an index's documents that lost to new ones."""


def stages_of(recipe: Recipe, out: Path) -> tuple[Extract, list[Stage]]:
    """The first stage, with no input files yet, and the others, with every list, table, model, function and index that the
    recipe names already read.

    They are read before the first page: a missing or damaged one costs a second, not a day.
    """
    expected_counts(recipe)
    running = Running(recipe, out)
    stages = [stage for kind in STAGES[1:] if (stage := kind.of(running)) is not None]
    for source in recipe.sources:
        settings_digest(reading_of(recipe, source).settings(recipe.page_settings))  # reads the models
    for name in {name for names in recipe.release.edits.values() for name in names}:
        named_edit(name, footer_keywords=running.footer_keywords)
    return Extract.of(running), stages


def build(
    recipe: Recipe,
    out: str | Path,
    engine: Engine | None = None,
    *,
    task_memory_bytes: int = TASK_MEMORY_BYTES,
    progress: bool = False,
) -> Built:
    """Build the corpus of a recipe into a directory; finished work is not repeated.

    `engine` defaults to a new Ray instance on this machine; an engine that is passed in stays open.  Raises StageError with the
    shards that failed; successful ones are kept.
    """
    out = absolute(out)
    found = list(find_inputs(recipe))
    keep_inputs_apart(recipe, out, found)
    extract, others = stages_of(recipe, out)
    with (
        alone_in(out, "build", tuple(DATASETS)),
        engine_of(engine, lambda: Ray(task_memory_bytes=task_memory_bytes)) as engine,
    ):
        engine.carry(own_modules(*Running(recipe, out).functions))
        extract = replace(extract, inputs=tuple(input_files(recipe, out, engine, progress, found)))
        _write_head(recipe, out, [extract, *others])
        manifests: dict[str, Manifest] = {}
        runner = Runner(out, engine, task_memory_bytes, progress)
        manifests[extract.name] = runner.run(extract, manifests)
        for line in foretold(manifests[extract.name], recipe):
            say(line, progress)
        for stage in others:
            manifests[stage.name] = runner.run(stage, manifests)
    built = Built(out, recipe.by_names(), manifests)
    for warning in duplicates.warnings if (duplicates := built.duplicates()) else ():
        logger.warning(warning)
    return built


def _write_head(recipe: Recipe, out: Path, stages: Sequence[Stage]) -> None:
    """Write what makes a build readable without its recipe file: the recipe, without logins and queries of URLs, and the names of its stages."""
    head = {
        "format": FORMAT,
        "recipe": shareable(as_data(recipe)),
        "stages": [stage.name for stage in stages],
    }
    write_json(out / HEAD, head)
