"""What became of the pages of a build."""

from __future__ import annotations

from corpus_builder.built import Built
from corpus_builder.store.dataset import read_table


def reasons(done: Built) -> dict[str, str]:
    """What became of every page, by id."""
    found = {}
    for path in done.manifests["extract"].paths("ledger"):
        found |= {row["id"]: row["reason"] for row in read_table(path).to_pylist()}
    for path in done.manifests["decide"].paths("decisions"):
        found |= {row["id"]: row["reason"] for row in read_table(path).to_pylist()}
    return found


def decisions(done: Built) -> list[dict[str, object]]:
    return [row for path in done.manifests["decide"].paths("decisions") for row in read_table(path).to_pylist()]


def corpus(done: Built) -> list[dict[str, object]]:
    return [row for path in done.manifests["release"].paths("corpus") for row in read_table(path).to_pylist()]
