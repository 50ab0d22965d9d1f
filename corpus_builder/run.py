"""Run a stage: the shards that have no receipt, on an engine, then the seal."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from corpus_builder.dataset import Dataset, Manifest, Receipt, Shard, Stage
from corpus_builder.engine import Engine, Failure
from corpus_builder.errors import CorpusError, StageError
from corpus_builder.files import write_atomically
from corpus_builder.progress import with_progress

log = logging.getLogger(__name__)

TASK_MEMORY_BYTES = 1 << 30
SCRATCH = ".scratch"


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


def missing(stage: Stage, shards: Sequence[Shard], parent: Path) -> list[Shard]:
    """The shards of a stage that have no receipt."""
    dataset = Dataset(parent / stage.name, stage.name, stage.version)
    return [shard for shard in shards if dataset.receipt(shard) is None]


def _make(stage: Stage, dataset: Dataset, shard: Shard) -> Receipt:
    """Make one shard and commit it; this is what an engine's worker does."""
    with dataset.writer(shard) as out:
        stage.run(shard, out)
        return out.commit()


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
