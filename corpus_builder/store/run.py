"""Runs a stage: its shards without receipts, on an engine, and then seals it."""

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
from corpus_builder.messages.surrogates import surrogates_escaped
from corpus_builder.messages.terminal import harmless
from corpus_builder.store.dataset import Dataset, Manifest, Shard, Stage, is_whole, read_manifest
from corpus_builder.store.files import full_disk, write_atomically
from corpus_builder.store.names import TABLE
from corpus_builder.store.ownership import clear_stages, refuse_links
from corpus_builder.store.receipt import Receipt, lost_files

log = logging.getLogger(__name__)

TASK_MEMORY_BYTES = 1 << 30
SCRATCH = ".scratch"
MANY_FAILURES = 100


@dataclass(frozen=True)
class Runner:
    """Runs stages, each into its own subdirectory; holds only settings of the machine, so nothing here changes the bytes."""

    out: Path
    engine: Engine
    task_memory_bytes: int = TASK_MEMORY_BYTES
    progress: bool = False

    def run(self, stage: Stage, manifests: Mapping[str, Manifest] | None = None) -> Manifest:
        """Run a stage: prepare it unless all its shards exist, run the missing shards, and seal it."""
        manifests = manifests or {}
        dataset = Dataset.of(stage, self.out)
        shards = stage.plan(manifests)
        receipts = _receipts(dataset, shards)
        beside = [read_manifest(self.out / name) for name in stage.beside]
        if None in receipts.values() or not all(one and is_whole(one) for one in beside):
            ready = stage.prepare(manifests, self)
            if ready is not stage:
                sealed = self._run_missing(ready, dataset, ready.plan(manifests), receipts)
                self.clear_scratch()
                return sealed
        return self._run_missing(stage, dataset, shards, receipts)

    def clear_scratch(self) -> None:
        """Remove the steps of a preparation whose stage is sealed.  A later stage's must stay: a run that was killed resumes from them."""
        clear_stages(self.out / SCRATCH)

    def run_step(self, step: Stage, manifests: Mapping[str, Manifest] | None = None) -> Manifest:
        """Run a step of a stage's preparation, into the scratch directory, which a killed run can resume from and which is removed once the stage is sealed."""
        return self._run_in(self.out / SCRATCH, step, step.plan(manifests or {}))

    def run_beside(self, stage: Stage) -> Manifest:
        """Run a dataset that a stage names in `beside` while it prepares; it stays, like the stage's own."""
        return self._run_in(self.out, stage, stage.plan({}))

    def _run_in(self, parent: Path, stage: Stage, shards: Sequence[Shard]) -> Manifest:
        dataset = Dataset.of(stage, parent)
        return self._run_missing(stage, dataset, shards, _receipts(dataset, shards))

    def _run_missing(
        self, stage: Stage, dataset: Dataset, shards: Sequence[Shard], receipts: dict[str, Receipt | None]
    ) -> Manifest:
        """Run the shards of a stage that have no receipt, then seal it.

        A failure is reported when it happens.  The stage stops early if the disk is full, or once `MANY_FAILURES` shards have failed
        and fewer succeeded: a common cause is better fixed at once.
        """
        missing = [shard for shard in shards if receipts[shard.name] is None]
        failures: list[tuple[Shard, Failure]] = []
        done, early = 0, ""
        started = time.monotonic()
        made = self.engine.map(partial(_make, stage.for_workers(), dataset), missing)
        outcomes = with_progress(stage.name, made, len(missing), self.progress)
        for outcome in outcomes:
            shard = missing[outcome.index]
            if isinstance(outcome, Done) and (lost := lost_files(dataset.root, outcome.value)):
                outcome = _not_there(outcome, lost)
            if isinstance(outcome, Done):
                done += 1
                receipts[shard.name] = outcome.value
                continue
            failures.append((shard, outcome))
            say(f"{stage.name}: {_words(shard, outcome)}", self.progress)
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


def _receipts(dataset: Dataset, shards: Sequence[Shard]) -> dict[str, Receipt | None]:
    """The receipts of the shards that exist, by name; None for the others."""
    refuse_links(dataset.root.parent, [dataset.stage])
    refuse_links(dataset.root, filter(TABLE.fullmatch, os.listdir(dataset.root) if dataset.root.is_dir() else ()))
    return {shard.name: dataset.receipt(shard) for shard in shards}


def _not_there(outcome: Done[Receipt], lost: Sequence[Path]) -> Failure:
    """The failure of a shard that its worker committed, but whose files this process does not see."""
    where = f"the machine {outcome.node}" if outcome.node else "the process that made them"
    error = StageError(
        f"{lost[0]} is not there, or not whole, though {where} says that it wrote it; the output must lie on a disk that all "
        "machines share, and that keeps what is written"
    )
    return Failure(outcome.index, error, str(error), outcome.node)


def _is_full(error: BaseException) -> bool:
    return isinstance(error, FullDiskError) or (isinstance(error, OSError) and full_disk(error, Path()) is not None)


def _make(stage: Stage, dataset: Dataset, shard: Shard) -> Receipt:
    """Make one shard and commit it; runs in an engine's worker."""
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
    """The error for some failed shards; their traces are written to a file."""
    traces = "\n".join(f"{shard.name}\n{failure.trace}" for shard, failure in failures)
    trace_file = root.parent / ".failures" / f"{stage.name}.txt"
    try:
        write_atomically(trace_file, surrogates_escaped(without_secrets(traces)).encode())
        where = f"The traces are in {trace_file}. "
    except StageError:  # the disk is full, too
        where = ""
    shown = "\n".join(f"  {_words(shard, failure)}" for shard, failure in failures[:5])
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    others = f"{untried} were not tried, as {early}; the others" if early and untried else "the others"
    return StageError(
        f"{len(failures)} of {shards} shards of the stage {stage.name!r} failed; {others} are committed.\n"
        f"{shown}{more}\n{where}Fix the cause and run the same command again: it continues where it stopped."
    )
