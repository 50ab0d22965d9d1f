"""What `build` would run, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.pipeline import stages_of
from corpus_builder.recipe.inputs import NOT_READ, find_inputs, input_files, keep_inputs_apart
from corpus_builder.recipe.models import Recipe
from corpus_builder.report.mixture import capped, foretold
from corpus_builder.report.selected import asked
from corpus_builder.store.dataset import Dataset, Manifest, Shard, Stage
from corpus_builder.store.ownership import check_owned
from corpus_builder.store.receipt import Receipt
from corpus_builder.store.shard_files import TableFile
from corpus_builder.store.stats import stats_as_json

SHOWN = 5
NOT_YET_MADE = "not yet made"


@dataclass(frozen=True)
class StagePlan:
    """What `build` would do in a stage: how many shards are done, and which would run and why."""

    stage: str
    done: int
    todo: tuple[tuple[str, str], ...] = field(default=())  # (shard, why)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)


class StagePlans(list[StagePlan]):
    """The plans of all stages, shown as `corpus-builder plan` prints them."""

    def __repr__(self) -> str:
        return as_text(self)


def plan(recipe: Recipe, out: str | Path) -> StagePlans:
    """What `build` would run, and why, as far as this is known beforehand, without reading the inputs.

    An input whose size or modification time changed counts as possibly changed.  Everything else that the recipe names is opened, as by `build`.
    """
    out = Path(out)
    found = list(find_inputs(recipe))
    keep_inputs_apart(recipe, out, found)
    check_owned(out, "build")
    extract, others = stages_of(recipe, out)
    extract = replace(extract, inputs=tuple(input_files(recipe, out, None, progress=False, found=found)))
    manifests: dict[str, Manifest] = {}
    plans = StagePlans()
    unknown = False
    for stage in (extract, *others):
        if stage is others[-1] and unknown:
            notes = [
                "parts are planned once the decisions are made",
                *([] if plans[0].todo else foretold(manifests["extract"], recipe)),
            ]
            plans.append(StagePlan(stage.name, 0, note="; ".join(notes)))
            continue
        dataset = Dataset.of(stage, out)
        shards = stage.plan(manifests)
        standing = {shard.name: dataset.receipt(shard) for shard in shards}
        todo = tuple((shard.name, _why(dataset, shard)) for shard in shards if standing[shard.name] is None)
        receipts = [standing[shard.name] or _not_yet_made(stage, shard) for shard in shards]
        unknown = unknown or bool(todo)
        manifests[stage.name] = Manifest(stage.name, stage.version, dataset.root, tuple(receipts))
        note = "; ".join(f"{one.source}: {one}" for one in capped(manifests, recipe)) if stage is others[-1] else ""
        if stage.name == "select" and recipe.select is not None:
            note = asked(recipe.select)
        plans.append(StagePlan(stage.name, len(shards) - len(todo), todo, note))
    return plans


def _not_yet_made(stage: Stage, shard: Shard) -> Receipt:
    """A placeholder receipt for a shard that would run, for planning later stages: its tables have an impossible digest."""
    tables = {table: TableFile(f"{table}/{NOT_YET_MADE}", 0, 0, NOT_YET_MADE) for table in stage.tables}
    return Receipt(shard.name, shard.made_from, tables, stats_as_json(stage.stats_before(shard)))


def _why(dataset: Dataset, shard: Shard) -> str:
    """Which of the things that a shard is made from changed."""
    last = dataset.last_receipt(shard.name)
    if last is None:
        return "new"
    changed = [name for name, value in shard.made_from.items() if last.made_from.get(name) != value]
    later = [name for name in changed if NOT_YET_MADE in shard.made_from[name] or NOT_READ in shard.made_from[name]]
    if not changed:
        return "its receipt is damaged" if dataset.problem(last) else "its files are gone"
    return ", ".join(f"{name} may change" if name in later else f"{name} changed" for name in changed)


def as_text(plans: list[StagePlan]) -> str:
    """The plan as lines for a terminal."""
    lines = []
    for one in plans:
        say = [f"{len(one.todo)} to run"] if one.todo else [] if one.note and not one.done else ["nothing to do"]
        lines.append(f"{one.stage:8} {one.done:>7,} done, {'; '.join([*say, *filter(None, [one.note])])}")
        lines += [f"           {harmless(shard)}: {harmless(reason)}" for shard, reason in one.todo[:SHOWN]]
        if len(one.todo) > SHOWN:
            lines.append(f"           and {len(one.todo) - SHOWN:,} more (--json lists them)")
    return "\n".join(lines)
