"""The whole pipeline, from top to bottom.  Read this first.

`STAGES` lists the stages in order; `build` in built.py runs the unfinished shards of each and seals it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from corpus_builder.duplicates.losers import Superseded
from corpus_builder.duplicates.match import Match
from corpus_builder.duplicates.sign import Sign
from corpus_builder.recipe.counts import expected_counts
from corpus_builder.recipe.inputs import reading_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.running import Running
from corpus_builder.release.edits import named_edit
from corpus_builder.stages.decide import Decide, Screen
from corpus_builder.stages.extract import Extract, settings_digest
from corpus_builder.stages.hosts import Hosts
from corpus_builder.stages.lines import Lines
from corpus_builder.stages.measure import Measure
from corpus_builder.stages.release import Release
from corpus_builder.stages.score import Score
from corpus_builder.stages.select import Select
from corpus_builder.store import dataset as store
from corpus_builder.store.dataset import Stage


class Kind(store.Kind, Protocol):
    """The class of a stage."""

    @property
    def name(self) -> str:
        """The name of the stage."""

    def wanted(self, recipe: Recipe) -> bool:
        """Whether a build with this recipe has the stage."""

    def of(self, running: Running) -> Stage:
        """The stage as configured by a recipe that wants it."""


STAGES: tuple[Kind, ...] = (
    Extract,  # pages -> gate -> charset -> text -> Japanese?
    Measure,  # text -> numbers
    Score,  # text -> what classifiers say
    Sign,  # text -> MinHash band keys, sketches
    Screen,  # the rules before the search for duplicates -> which documents are compared
    Match,  # band keys -> which documents are duplicates of which
    Lines,  # text -> lines shared by many texts
    Hosts,  # numbers, matches, lines -> what is known of each host
    Select,  # numbers of all documents -> where the best share ends
    Decide,  # numbers, matches, hosts -> keep or drop, and why
    Release,  # edits, mixture, shuffle -> the corpus
)
DATASETS: dict[str, store.Kind] = {kind.name: kind for kind in STAGES} | {Superseded.name: Superseded}
"""All datasets that a build may have, by name; `Match` makes the last, of documents of an index that lost to new ones."""


def wanted_by(recipe: Recipe) -> list[Kind]:
    """The kinds of stages that a build with this recipe has, in order; reads no file."""
    return [kind for kind in STAGES if kind.wanted(recipe)]


def stages_of(recipe: Recipe, out: Path) -> tuple[Extract, list[Stage]]:
    """The first stage, with no input files yet, and the others, with every list, table, model, function and index that the
    recipe names already read.

    They are read before the first page: a missing or damaged one costs a second, not a day.
    """
    expected_counts(recipe)
    running = Running(recipe, out)
    others = [kind.of(running) for kind in wanted_by(recipe)[1:]]
    for source in recipe.sources:
        settings_digest(reading_of(recipe, source).settings(recipe.page_settings))  # reads the models
    for name in {name for names in recipe.release.edits.values() for name in names}:
        named_edit(name, footer_keywords=running.footer_keywords)
    return Extract.of(running), others
