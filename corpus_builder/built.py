"""Build a corpus, and work with the result: its tables, its report, and the story of every page."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from corpus_builder.duplicates.summary import Duplicates, duplicates_in
from corpus_builder.engine import Engine, Ray, engine_of
from corpus_builder.engine.own_functions import own_modules
from corpus_builder.errors import InputError, IntegrityError, did_you_mean
from corpus_builder.messages.progress import say
from corpus_builder.messages.redact import shareable
from corpus_builder.pipeline import DATASETS, STAGES, stages_of, wanted_by
from corpus_builder.recipe.inputs import find_inputs, input_files, keep_inputs_apart
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.recipe.running import Running
from corpus_builder.report import brief
from corpus_builder.report.diff import Diff, diff
from corpus_builder.report.funnel import Funnel, as_text, funnels
from corpus_builder.report.mixture import capped, foretold
from corpus_builder.report.page import write_report
from corpus_builder.report.selected import tied
from corpus_builder.report.verification import Verification, verify_build
from corpus_builder.report.why import Story, why
from corpus_builder.stages.hosts import Hosts
from corpus_builder.store.dataset import FORMAT, Manifest, read_manifest
from corpus_builder.store.files import absolute, write_json
from corpus_builder.store.ownership import alone_in
from corpus_builder.store.run import TASK_MEMORY_BYTES, Runner
from corpus_builder.store.sidecars import scored_shard
from corpus_builder.store.tables import Table, add_joined, database

if TYPE_CHECKING:
    import duckdb
    import pyarrow.dataset as ds

logger = logging.getLogger(__name__)

HEAD = "build.json"

TABLES = {
    table: tuple(kind.name for kind in STAGES if table in kind.tables)
    for table in ("documents", "measures", "scores", "matches", "hosts", "cuts", "decisions", "ledger", "corpus")
}
"""The tables of a build, and the stages that write them."""


@dataclass(frozen=True)
class Built:
    """A build: its directory, its recipe, and the sealed manifests of its stages so far, in order."""

    out: Path
    recipe: Recipe
    manifests: Mapping[str, Manifest]

    @classmethod
    def open(cls, out: str | Path) -> Built:
        """Open a build on disk, finished or not.  Raises InputError if there is none.

        The URLs in its recipe have no logins, as nothing is fetched.
        """
        head = Path(out) / HEAD
        try:
            recipe = Recipe.of(json.loads(head.read_bytes())["recipe"], where=str(head))
            found = {kind.name: read_manifest(Path(out) / kind.name) for kind in wanted_by(recipe)}
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"There is no build in {out} (no {HEAD}); `corpus-builder build` makes one.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{head} is damaged ({error}); `corpus-builder build` writes it again.") from error
        return cls(Path(out), recipe, {stage: manifest for stage, manifest in found.items() if manifest is not None})

    def documents(self) -> ds.Dataset:
        """Every extracted document, with the user's own ids and columns if a source has any, as an Arrow dataset."""
        return self._dataset("documents")

    def measures(self) -> ds.Dataset:
        """Every measure of every document, and the verdicts of the user's filters, as an Arrow dataset."""
        return self._dataset("measures")

    def scores(self, classifier: str | None = None) -> ds.Dataset:
        """The scores of every document by a classifier of the recipe, which may be left out if there is only one, as an Arrow dataset."""
        names = sorted(self.recipe.quality.classifiers)
        if classifier not in names and not (classifier is None and len(names) == 1):
            said = f"The recipe has no classifier {classifier!r}" if classifier is not None else "Say by which classifier"
            raise InputError(f"{said}{did_you_mean(classifier or '', names)}; its classifiers are {', '.join(names) or 'none'}.")
        return self._scores(classifier or names[0]).dataset()

    def matches(self) -> ds.Dataset:
        """For every document that was compared, the document that it duplicates, if any, as an Arrow dataset."""
        return self._dataset("matches")

    def hosts(self) -> ds.Dataset:
        """For every host its documents, what is kept of them, and means and quantiles of measures, as an Arrow dataset."""
        return self._dataset("hosts")

    def cuts(self) -> ds.Dataset:
        """Where each share that the recipe selects ends: the value that it became, and what it takes, as an Arrow dataset."""
        return self._dataset("cuts")

    def decisions(self) -> ds.Dataset:
        """For every document, whether it is kept and, if not, why, as an Arrow dataset."""
        return self._dataset("decisions")

    def ledger(self) -> ds.Dataset:
        """Why pages did not become documents, and why kept documents are not in the corpus, as an Arrow dataset."""
        return self._dataset("ledger")

    def corpus(self) -> ds.Dataset:
        """The released corpus, as an Arrow dataset."""
        return self._dataset("corpus")

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Run a query over the tables `documents`, `measures`, `scores`, `matches`, `hosts`, `cuts`, `decisions`, `ledger` and `corpus`, those that exist.

        The result displays itself as a table, and returns its rows by `.df()`, `.pl()`, `.to_arrow_table()` or `.fetchall()`.  Files
        are read as rows are requested, within DuckDB's memory limit: nothing is copied into memory first.  Raises InputError for a query
        that DuckDB does not understand.
        """
        import duckdb

        existing = [name for name, stages in TABLES.items() if stages[0] in self.manifests] or [
            "documents"
        ]  # which says that it is not there yet
        tables = database({name: self.table(name) for name in existing if name != "scores"})
        if "scores" in existing:
            add_joined(tables, "scores", [self._scores(name) for name in sorted(self.recipe.quality.classifiers)], "id")
        try:
            found = tables.sql(query)
        except duckdb.Error as error:
            raise InputError(
                f"The query failed: {str(error).rstrip()}\nThe tables of this build are {', '.join(existing)}; "
                f"`built.{existing[0]}().schema` shows the columns of one."
            ) from error
        if found is None:
            raise InputError(f"The query {query!r} returns no rows; write, for example, select * from {existing[0]} limit 5.")
        return found

    def _scores(self, classifier: str) -> Table:
        self.table("scores")  # if there are none yet, it says so
        score = self.manifests["score"]
        files = [score.path(one, "scores") for one in score.receipts if one.shard.startswith(scored_shard(classifier, ""))]
        return Table(tuple(files), tuple(files[:1]))

    def table(self, name: str) -> Table:
        """The files of one of these tables; raises InputError if the build does not have it."""
        manifests = [self.manifests[stage] for stage in TABLES[name] if stage in self.manifests]
        if TABLES[name][0] not in self.manifests:
            if name == "matches" and self.recipe.dedup is None:
                raise InputError("There is no table of matches: the recipe looks for no duplicates.")
            if name == "hosts" and not Hosts.wanted(self.recipe):
                raise InputError("There is no table of hosts: the recipe has no table [hosts], and no rule on hosts.")
            if name == "cuts" and self.recipe.select is None:
                raise InputError("There is no table of cuts: the recipe has no table [select].")
            if name == "scores" and not self.recipe.quality.classifiers:
                raise InputError("There is no table of scores: the recipe names no classifier.")
            raise InputError(f"The build has not come as far as the table of {name} yet; run `corpus-builder build` again.")
        return Table.of(manifests, name)

    def _dataset(self, name: str) -> ds.Dataset:
        return self.table(name).dataset()

    def __repr__(self) -> str:
        if "extract" not in self.manifests:
            return f"{self._title}: not yet extracted"
        return f"{self._title}\n{as_text(brief.shortened(self.funnels()[-1]))}"

    def _repr_html_(self) -> str | None:
        if "extract" not in self.manifests:
            return None
        return brief.as_html(self._title, brief.shortened(self.funnels()[-1]))

    @property
    def _title(self) -> str:
        return f"The build {self.recipe.name} in {self.out}"

    def funnels(self) -> list[Funnel]:
        """How many pages and characters passed each stage, and why the others did not; per source, then for all."""
        return funnels(self.manifests, self.recipe.source_names, capped(self.manifests, self.recipe))

    def report(self) -> Path:
        """Write OUT/report.html."""
        return write_report(self.manifests, self.recipe, self.out)

    def duplicates(self) -> Duplicates | None:
        """A summary of the similarities of near duplicates; None if the recipe does not look for them, or the build has none yet."""
        return duplicates_in(self.manifests, self.recipe)

    def why(self, page: str) -> list[Story]:
        """The whole story of every page with this URL or id."""
        return why(self.manifests, self.recipe, page)

    def verify(self, *, progress: bool = False) -> Verification:
        """Read every file again and compare it with its manifest."""
        return verify_build(self.manifests, self.recipe, {kind.name: kind for kind in wanted_by(self.recipe)}, progress)

    def diff(self, other: Built) -> Diff:
        """The differences between this build and another."""
        return diff(self.manifests, other.manifests)


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
        # The recipe, without logins and queries of URLs, makes a build readable without its file.
        write_json(out / HEAD, {"format": FORMAT, "recipe": shareable(as_data(recipe))})
        manifests: dict[str, Manifest] = {}
        runner = Runner(out, engine, task_memory_bytes, progress)
        manifests[extract.name] = runner.run(extract, manifests)
        for line in foretold(manifests[extract.name], recipe):
            say(line, progress)
        for stage in others:
            manifests[stage.name] = runner.run(stage, manifests)
        runner.clear_scratch()
    built = Built(out, recipe.by_names(), manifests)
    duplicates = built.duplicates()
    for warning in (*(duplicates.warnings if duplicates else ()), *tied(manifests, recipe)):
        logger.warning(warning)
    return built
