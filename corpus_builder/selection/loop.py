"""Once round the loop: build, sample, label, train, build again with the classifier, and see what changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpus_builder.built import Built, build
from corpus_builder.classifier.labels import Labelled, read_labels
from corpus_builder.classifier.load import load_classifier
from corpus_builder.classifier.model import columns_of
from corpus_builder.engine import Engine, Ray, engine_of
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.toml import as_toml
from corpus_builder.release.mixture import keyed_number
from corpus_builder.selection.compared import as_page
from corpus_builder.selection.evaluate import Evaluation, evaluate, refuse_unclear
from corpus_builder.selection.label import label
from corpus_builder.selection.moved import at_home_anywhere, begin_with
from corpus_builder.selection.patch import Change, patched
from corpus_builder.selection.policy import Policy
from corpus_builder.selection.sample import Among, sample, write_new
from corpus_builder.selection.training import train_classifier
from corpus_builder.store.files import absolute, digest_file, json_bytes, write_atomically
from corpus_builder.store.ownership import alone_in, small_object
from corpus_builder.store.run import TASK_MEMORY_BYTES

HOLD_OUT = 0.2
"""Ours: share of the hosts whose labels are kept back from training, to be measured on."""


@dataclass(frozen=True)
class Loop:
    """What one round made: both builds, the model, the recipe of the second, and what changed."""

    base: Built
    better: Built
    model: Path
    recipe: Path
    report: Path
    trained_on: int  # labelled documents
    held_out: int
    evaluation: Evaluation


@dataclass(frozen=True)
class Drawing:
    """How documents are drawn for labelling; the fields are the arguments of `sample`."""

    count: int = 500
    by: tuple[str, ...] = ("random",)
    seed: int = 0
    among: Among = "kept"
    per_host: int | None = None


def loop(
    recipe: Recipe,
    out: str | Path,
    engine: Engine | None = None,
    *,
    labels: Sequence[str | Path] = (),
    policy: str | Path = "",
    endpoint: str | None = None,
    model: str = "",
    drawing: Drawing = Drawing(),
    name: str = "edu",
    property: str = "",
    good: str = "",
    select: Sequence[str | Change] = ("select.top=0.15",),
    task_memory_bytes: int = TASK_MEMORY_BYTES,
    say: Callable[[str], None] = lambda line: None,
) -> Loop:
    """Go once round the loop in a directory, or go on where an earlier run stopped: nothing is built, asked or trained twice.

    Documents of a first build are drawn, and labelled: by the model `model` behind `endpoint`, after `policy`; or by `labels`, files in
    which they are labelled already, and then no endpoint is asked.  A classifier `name` learns `property`, the only one of the labels if none is
    named; a second build has it, and `select`, changes of the recipe such as "select.top=0.15".  A fifth of the hosts is kept back from
    training: the report compares the builds on these, where `good` says what is good ("educational>=3"; labels of 0 and 1 say it themselves).

    The directory gets base/, sample.jsonl, labels.jsonl, train.jsonl, test.jsonl, NAME.model, recipe.toml, better/ and report.html.  With the
    same labels, all bytes are the same on any engine.  Raises RecipeError and InputError as the steps do.
    """
    if bool(labels) == bool(policy):
        raise RecipeError("Labels come either from files, or from a model with a policy: give labels, or policy and endpoint.")
    out = absolute(out)
    data = at_home_anywhere(recipe, out)
    changes = [one if isinstance(one, Change) else Change.parse(one) for one in select]
    _second(data, out, name, name, changes)  # before a long build: is it a recipe?
    if policy:
        _check_policy(policy, property, good)
    with alone_in(out, "loop", ("base", "better")), engine_of(engine, lambda: Ray(task_memory_bytes=task_memory_bytes)) as engine:
        say("1 of 6: the first build")
        base = build(recipe, out / "base", engine, task_memory_bytes=task_memory_bytes, progress=True)
        say("2 of 6: a sample")
        drawn = sample(base, drawing.count, by=drawing.by, seed=drawing.seed, among=drawing.among, per_host=drawing.per_host)
        write_new(out / "sample.jsonl", drawn.jsonl())
        if drawn.missing:
            say(f"only {len(drawn.documents):,} of the {drawing.count:,} documents asked for exist, and are drawn")
        say("3 of 6: labels")
        given = [Path(one) for one in labels]
        if policy:
            given = [out / "labels.jsonl"]
            label(out / "sample.jsonl", policy, endpoint, model, given[0], say=say)
        found_labels = read_labels([*given, out / "sample.jsonl"])
        if found_labels.bad_rows:
            say(f"{found_labels.bad_rows:,} rows cannot be used, and are left out. The first: {found_labels.complaints[0]}")
        learned, held = _parted(found_labels.rows, drawing.seed, property)
        property = _property(learned, property)
        refuse_unclear(good or property, [*learned, *held])
        for file, rows in (("train.jsonl", learned), ("test.jsonl", held)):
            write_atomically(out / file, b"".join(_line(row) for row in rows))
        say(f"4 of 6: a classifier, from {len(learned):,} labelled documents; {len(held):,} are kept back")
        trained = _train(out, name, property)
        say("5 of 6: the second build")
        path = _write_recipe(out, data, name, trained, property, changes)
        begin_with(out / "base", out / "better")
        better = build(Recipe.load(path), out / "better", engine, task_memory_bytes=task_memory_bytes, progress=True)
        say("6 of 6: what changed")
        found = evaluate(
            base, better, labels=[out / "test.jsonl"] if held else (), good=good or property, scores=_scores(name, trained)
        )
        found = replace(found, left="base", right="better")
        notes = [
            f"The classifier learned {property} from {len(learned):,} labelled documents; the labels below are of {len(held):,} others, of other hosts."
        ]
        write_atomically(
            out / "report.html", as_page(found, f"{recipe.name}: once round the loop", notes).encode("utf-8", "replace")
        )
    return Loop(base, better, trained, path, out / "report.html", len(learned), len(held), found)


def _parted(rows: Sequence[Labelled], seed: int, property: str) -> tuple[list[Labelled], list[Labelled]]:
    """The labelled documents to learn from, and those to measure on: of hosts drawn by a keyed digest; a document without a host stands alone."""
    rows = [row for row in rows if not property or property in row.labels]
    edge = HOLD_OUT * 2.0**64
    held = [keyed_number(seed, "hold out", row.host or row.id) < edge for row in rows]
    return [row for row, out in zip(rows, held, strict=True) if not out], [
        row for row, out in zip(rows, held, strict=True) if out
    ]


def _check_policy(policy: str | Path, property: str, good: str) -> None:
    """Raise an error before anything is built and a model paid for, if it is not said what is learned from its labels, and which are good."""
    highest = {
        one.name: one.values[-1] if one.kind == "category" else float(one.values[-1]) for one in Policy.load(policy).properties
    }
    row = Labelled("", highest)
    refuse_unclear(good or _property([row], property), [row])


def _property(rows: Sequence[Labelled], wanted: str) -> str:
    known = sorted({name for row in rows for name in row.labels})
    if not wanted and len(known) == 1:
        return known[0]
    if wanted not in known:
        raise InputError(
            f"The labels say {', '.join(known) or 'nothing'}; --property names which of these the classifier learns."
        )
    return wanted


def _line(row: Labelled) -> bytes:
    value = {name: one for name, one in asdict(row).items() if one not in ("", {})}
    return json_bytes(value, indent=None)


def _train(out: Path, name: str, property: str) -> Path:
    """The model; it is trained unless it was from the same labels."""
    path, note = out / f"{name}.model", out / f"{name}.json"
    made_from = {"labels": digest_file(out / "train.jsonl"), "property": property, "version": version("corpus-builder")}
    last = small_object(note) or {}
    if not (path.is_file() and last == {**made_from, "model": digest_file(path)}):
        train_classifier([out / "train.jsonl"], path, properties=[property])
        write_atomically(note, json_bytes({**made_from, "model": sha256(path.read_bytes()).hexdigest()}))
    return path


def _scores(name: str, model: Path) -> list[str]:
    """The classifier's columns that are numbers."""
    return [column for column, one in columns_of(name, load_classifier(model)).items() if one.kind != "category"]


def _second(data: dict[str, Any], out: Path, name: str, score: str, changes: Sequence[Change]) -> dict[str, Any]:
    """The data of the second recipe: that of the first with the classifier, and the selection by its score unless a change names another."""
    quality = data.get("quality", {})
    data = data | {"quality": quality | {"classifiers": {**quality.get("classifiers", {}), name: {"model": f"{name}.model"}}}}
    if any(change.path[0] == "select" for change in changes):
        data = data | {"select": {**data.get("select", {}), "score": score}}
    data = patched(data, changes)
    Recipe.of(data, base=out, where="The recipe of the second build")
    return data


def _write_recipe(out: Path, data: dict[str, Any], name: str, model: Path, property: str, changes: Sequence[Change]) -> Path:
    """The recipe of the second build, in a file."""
    data = _second(data, out, name, next(iter(_scores(name, model)), name), changes)
    path = out / "recipe.toml"
    head = f"# Written by `corpus-builder loop`: the recipe of base/ with the classifier {name}, which learned {property} from train.jsonl.\n\n"
    write_atomically(path, f"{head}{as_toml(json.loads(json.dumps(data)))}".encode())
    return path


def as_json(found: Loop) -> dict[str, Any]:
    """What one round made, as JSON values."""
    from corpus_builder.selection import compared

    places = {name: str(getattr(found, name)) for name in ("model", "recipe", "report")}
    builds = {name: str(getattr(found, name).out) for name in ("base", "better")}
    counts = {"trained_on": found.trained_on, "held_out": found.held_out}
    return {**builds, **places, **counts, "evaluation": compared.as_json(found.evaluation)}
