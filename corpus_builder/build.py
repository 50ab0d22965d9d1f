"""The whole main job, from top to bottom.  Read this first.

`stages_of` lists the stages in order; `build` runs what is not yet done of each, shard by shard, and seals it; `plan` says
what `build` would run, and why.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from corpus_builder.custom import own_modules
from corpus_builder.dataset import FORMAT, Dataset, Manifest, Receipt, Shard, Stage, read_manifest
from corpus_builder.engine import Engine, Failure, Ray
from corpus_builder.errors import CorpusError, InputError, IntegrityError, StageError
from corpus_builder.files import alone_in, write_atomically
from corpus_builder.inputs import input_files, read_keywords
from corpus_builder.progress import with_progress
from corpus_builder.quality.rulebook import DuplicateRule
from corpus_builder.recipe import Recipe
from corpus_builder.report.diff import Diff, diff
from corpus_builder.report.funnel import Funnel, funnels
from corpus_builder.report.page import write_report
from corpus_builder.report.verification import Verification, verify_build
from corpus_builder.report.why import Story, why
from corpus_builder.stages.decide import Decide, Screen
from corpus_builder.stages.extract import Extract, InputFile
from corpus_builder.stages.line_counts import Total
from corpus_builder.stages.lines import Lines
from corpus_builder.stages.match import Collide, Match
from corpus_builder.stages.release import Release
from corpus_builder.stages.rules import measure_stage, running_rules, user_functions
from corpus_builder.stages.sign import Sign

log = logging.getLogger(__name__)

TASK_MEMORY_BYTES = 1 << 30
SCRATCH = ".scratch"
STAGES = ("extract", "measure", "sign", "screen", "match", "lines", "decide", "release")


def stages_of(recipe: Recipe, inputs: Sequence[InputFile], out: Path) -> Iterator[Stage]:
    """The stages of a recipe, in order."""
    settings = recipe.page_settings
    rules = running_rules(recipe)
    release = recipe.release

    yield Extract(tuple(inputs), settings)  # pages -> gate -> charset -> text -> Japanese?
    yield measure_stage(recipe)  # text -> numbers
    if recipe.dedup is not None:
        place = next(i for i, rule in enumerate(rules) if isinstance(rule, DuplicateRule))
        yield Sign(recipe.dedup.minhash, recipe.dedup.keep, rules[place].sources)  # text -> MinHash band keys
        if place > 0:
            yield Screen(rules[:place])  # filter first: who stands up for the match
        yield Match(out / SCRATCH / "collide")  # band keys -> who lost to whom
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
        epochs={source: mix.epochs for source, mix in release.mixture.items() if mix.epochs is not None},
        shares={source: mix.share for source, mix in release.mixture.items() if mix.share is not None},
        max_epochs={
            name: mix.max_epochs if (mix := release.mixture.get(name)) is not None else 1.0 for name in recipe.source_names
        },
    )


@dataclass(frozen=True)
class Built:
    """A finished build: where it lies, its recipe, and the sealed manifest of every stage, in order."""

    out: Path
    recipe: Recipe
    manifests: Mapping[str, Manifest]

    @classmethod
    def open(cls, out: str | Path) -> Built:
        """A build that stands on disk, as far as it has come."""
        out = Path(out)
        try:
            recipe = Recipe.of(json.loads((out / "build.json").read_bytes())["recipe"], where=str(out / "build.json"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"There is no build in {out} (no build.json); `corpus-builder build` makes one.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{out / 'build.json'} is damaged ({error}); `corpus-builder build` writes it anew.") from error
        found = {stage: read_manifest(out / stage) for stage in STAGES}
        return cls(out, recipe, {stage: manifest for stage, manifest in found.items() if manifest is not None})

    def funnels(self) -> list[Funnel]:
        """How many pages and characters came through each stage, and why the others did not; per source, then for all."""
        return funnels(self.manifests, self.recipe.source_names)

    def report(self) -> Path:
        """Write OUT/report.html."""
        return write_report(self.manifests, self.recipe, self.out)

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

    `engine` defaults to a Ray of our own on this machine.  StageError names the shards that failed; those that went well stay.
    """
    out = Path(out)
    with alone_in(out), closing(engine or Ray()) as engine:
        engine.carry(own_modules(*user_functions(recipe)))
        inputs = input_files(recipe, out, engine, progress)
        manifests: dict[str, Manifest] = {}
        _write_head(recipe, out)
        for stage in stages_of(recipe, inputs, out):
            shards = stage.plan(manifests)
            if isinstance(stage, Match) and _missing(stage, out, shards):
                collide = Collide(task_memory_bytes)
                run_stage(collide, collide.plan(manifests), out / SCRATCH, engine, progress)
            if isinstance(stage, Lines) and _missing(stage, out, shards):
                tally = stage.tally(manifests, task_memory_bytes)
                tallied = run_stage(tally, tally.plan(manifests), out / SCRATCH, engine, progress)
                total = Total(tally, tallied.root)
                stage = replace(stage, totals=run_stage(total, total.plan(manifests), out / SCRATCH, engine, progress).root)
            manifests[stage.name] = run_stage(stage, shards, out, engine, progress)
            if isinstance(stage, Match | Lines):
                shutil.rmtree(out / SCRATCH, ignore_errors=True)
    return Built(out, recipe, manifests)


def run_stage(stage: Stage, shards: Sequence[Shard], parent: Path, engine: Engine, progress: bool) -> Manifest:
    """Run the shards of a stage that have no receipt, then seal it."""
    dataset = Dataset(parent / stage.name, stage.name, stage.version)
    receipts = {shard.name: dataset.receipt(shard) for shard in shards}
    missing = [shard for shard in shards if receipts[shard.name] is None]
    failures: list[tuple[Shard, Failure]] = []
    started = time.monotonic()
    for outcome in with_progress(stage.name, engine.map(partial(_make, stage, dataset), missing), len(missing), progress):
        if isinstance(outcome, Failure):
            failures.append((missing[outcome.index], outcome))
        else:
            receipts[missing[outcome.index].name] = outcome.value
    log.info("%s: %d of %d shards run in %.1f s", stage.name, len(missing), len(shards), time.monotonic() - started)
    if failures:
        raise _sentence(stage, failures, len(shards), dataset.root)
    return dataset.seal([receipt for receipt in receipts.values() if receipt is not None])


def _make(stage: Stage, dataset: Dataset, shard: Shard) -> Receipt:
    """Make one shard and commit it; this is what an engine's worker does."""
    with dataset.writer(shard) as out:
        stage.run(shard, out)
        return out.commit()


def _missing(stage: Stage, out: Path, shards: Sequence[Shard]) -> list[Shard]:
    dataset = Dataset(out / stage.name, stage.name, stage.version)
    return [shard for shard in shards if dataset.receipt(shard) is None]


def _sentence(stage: Stage, failures: Sequence[tuple[Shard, Failure]], shards: int, root: Path) -> StageError:
    """One sentence for some failed shards; the traces go to a file."""
    traces = "\n".join(f"{shard.name}\n{failure.trace}" for shard, failure in failures)
    trace_file = root.parent / ".failures" / f"{stage.name}.txt"
    try:
        write_atomically(trace_file, traces.encode("utf-8", "replace"))
        where = f"The traces are in {trace_file}. "
    except StageError:  # the disk is full, too
        where = ""
    shown = []
    for shard, failure in failures[:5]:
        error = failure.error
        text = str(error) if isinstance(error, CorpusError) else f"{type(error).__name__}: {error}"
        shown.append(f"  {shard.name}: {text}")
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    return StageError(
        f"{len(failures)} of {shards} shards of the stage {stage.name!r} failed; the others are committed.\n"
        + "\n".join(shown)
        + f"{more}\n{where}Mend the cause and run the same command again: it goes on where it stopped."
    )


# The directory


def _write_head(recipe: Recipe, out: Path) -> None:
    """`build.json`: the recipe, so that a build can be read without its recipe file."""
    head = {"format": FORMAT, "recipe": recipe.model_dump(mode="json", exclude_defaults=True)}
    write_atomically(out / "build.json", (json.dumps(head, ensure_ascii=False, indent=1) + "\n").encode())
