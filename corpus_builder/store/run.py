"""Run a stage: the shards that have no receipt, on an engine, then the seal."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpus_builder.engine import Done, Engine, Failure
from corpus_builder.errors import CorpusError, FullDiskError, StageError, words_of
from corpus_builder.messages.progress import say, with_progress
from corpus_builder.messages.redact import without_secrets
from corpus_builder.messages.terminal import harmless
from corpus_builder.store.dataset import Dataset, Manifest, Receipt, Shard, Stage, is_whole, lost_files, read_manifest
from corpus_builder.store.files import full_disk, write_atomically
from corpus_builder.store.names import TABLE
from corpus_builder.store.ownership import clear_stages, refuse_links

log = logging.getLogger(__name__)

TASK_MEMORY_BYTES = 1 << 30
SCRATCH = ".scratch"
MANY_FAILURES = 100


@dataclass(frozen=True)
class Scratch:
    """Where a stage that needs several passes over all documents runs their steps; it is cleared once the stage is sealed."""

    root: Path
    memory_bytes: int  # of a task
    engine: Engine
    progress: bool

    def run(self, step: Stage, manifests: Mapping[str, Manifest] | None = None) -> Manifest:
        """Run a step into the scratch."""
        return run_stage(step, step.plan(manifests or {}), self.root, self.engine, self.progress)

    def run_beside(self, stage: Stage) -> Manifest:
        """Run a dataset that stays, beside the stage's own."""
        return run_stage(stage, stage.plan({}), self.root.parent, self.engine, self.progress)


def run_whole(stage: Stage, manifests: Mapping[str, Manifest], out: Path, scratch: Scratch) -> Manifest:
    """Run a stage into a directory: first what it has to prepare, unless all its shards are there, then its shards."""
    prepare = getattr(stage, "prepare", None)
    if prepare is None:
        return run_stage(stage, stage.plan(manifests), out, scratch.engine, scratch.progress)
    beside = [read_manifest(out / name) for name in getattr(stage, "beside", ())]
    if missing(stage, stage.plan(manifests), out) or not all(one and is_whole(one) for one in beside):
        stage = prepare(manifests, scratch)
    sealed = run_stage(stage, stage.plan(manifests), out, scratch.engine, scratch.progress)
    clear_stages(scratch.root)
    return sealed


def run_stage(stage: Stage, shards: Sequence[Shard], parent: Path, engine: Engine, progress: bool) -> Manifest:
    """Run the shards of a stage that have no receipt, then seal it.

    A failure is told when it happens.  The stage stops early where the disk is full, or once `MANY_FAILURES` shards failed and fewer
    went well: a cause that they share is better mended at once.
    """
    dataset = Dataset(parent / stage.name, stage.name, stage.version)
    refuse_links(parent, [stage.name])
    refuse_links(dataset.root, filter(TABLE.fullmatch, os.listdir(dataset.root) if dataset.root.is_dir() else ()))
    receipts = {shard.name: dataset.receipt(shard) for shard in shards}
    missing = [shard for shard in shards if receipts[shard.name] is None]
    failures: list[tuple[Shard, Failure]] = []
    done, early = 0, ""
    started = time.monotonic()
    outcomes = with_progress(
        stage.name, engine.map(partial(_make, _for_workers(stage), dataset), missing), len(missing), progress
    )
    for outcome in outcomes:
        shard = missing[outcome.index]
        if isinstance(outcome, Done) and (lost := lost_files(dataset.root, outcome.value)):
            outcome = _not_there(outcome, lost)
        if isinstance(outcome, Done):
            done += 1
            receipts[shard.name] = outcome.value
            continue
        failures.append((shard, outcome))
        say(f"{stage.name}: {_words(shard, outcome)}", progress)
        if _is_full(outcome.error):
            early = "the disk is full"
        elif len(failures) >= MANY_FAILURES and len(failures) > done:
            early = "more fail than go well"
        if early:
            outcomes.close()
            break
    log.info("%s: %d of %d shards run in %.1f s", stage.name, done, len(shards), time.monotonic() - started)
    if failures:
        raise _sentence(stage, failures, len(shards), len(missing) - done - len(failures), early, dataset.root)
    return dataset.seal([receipt for receipt in receipts.values() if receipt is not None])


def _for_workers(stage: Stage) -> Stage:
    """The stage as it travels to workers: without what only its plan needs, as all the other shards' inputs."""
    lean = getattr(stage, "for_workers", None)
    return lean() if lean is not None else stage


def _not_there(outcome: Done[Receipt], lost: Sequence[Path]) -> Failure:
    """A shard whose worker says that it is committed, and whose files this process does not see."""
    where = f"the machine {outcome.node}" if outcome.node else "the process that made them"
    error = StageError(
        f"{lost[0]} is not there, or not whole, though {where} says that it wrote it; the output must lie on a disk that all "
        "machines share, and that keeps what is written"
    )
    return Failure(outcome.index, error, str(error), outcome.node)


def _is_full(error: BaseException) -> bool:
    return isinstance(error, FullDiskError) or (isinstance(error, OSError) and full_disk(error, Path()) is not None)


def missing(stage: Stage, shards: Sequence[Shard], parent: Path) -> list[Shard]:
    """The shards of a stage that have no receipt."""
    dataset = Dataset(parent / stage.name, stage.name, stage.version)
    return [shard for shard in shards if dataset.receipt(shard) is None]


def _make(stage: Stage, dataset: Dataset, shard: Shard) -> Receipt:
    """Make one shard and commit it; this is what an engine's worker does."""
    with dataset.writer(shard) as out:
        stage.run(shard, out)
        return out.commit()


def _words(shard: Shard, failure: Failure) -> str:
    """Shard, machine and cause."""
    error = failure.error
    text = str(error) if isinstance(error, CorpusError) else without_secrets(words_of(error))
    return f"{harmless(shard.name)}{f', on {failure.node}' if failure.node else ''}: {text}"


def _sentence(
    stage: Stage, failures: Sequence[tuple[Shard, Failure]], shards: int, untried: int, early: str, root: Path
) -> StageError:
    """One sentence for some failed shards; the traces go to a file."""
    traces = "\n".join(f"{shard.name}\n{failure.trace}" for shard, failure in failures)
    trace_file = root.parent / ".failures" / f"{stage.name}.txt"
    try:
        write_atomically(trace_file, without_secrets(traces).encode("utf-8", "replace"))
        where = f"The traces are in {trace_file}. "
    except StageError:  # the disk is full, too
        where = ""
    shown = "\n".join(f"  {_words(shard, failure)}" for shard, failure in failures[:5])
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    others = f"{untried} were not tried, as {early}; the others" if early and untried else "the others"
    return StageError(
        f"{len(failures)} of {shards} shards of the stage {stage.name!r} failed; {others} are committed.\n"
        f"{shown}{more}\n{where}Mend the cause and run the same command again: it goes on where it stopped."
    )
