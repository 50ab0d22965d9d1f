"""SQL over the tables that a manifest names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.tables import Table, database, readable


def extracted(manifests: Mapping[str, Manifest]) -> Manifest:
    """The manifest of the first stage; raises InputError if that is not finished."""
    if "extract" not in manifests:
        raise InputError("The build has not come through its first stage yet; run `corpus-builder build` again.")
    return manifests["extract"]


def query(sql: str, values: Sequence[Any] = (), **tables: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of a query; every keyword argument is a list of Parquet files that form the table of that name.

    A table without files is a caller's error, as its schema is unknown.
    """
    with readable(), database({name: Table(tuple(paths), tuple(paths[:1])) for name, paths in tables.items()}) as connection:
        cursor = connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def examples(files: Sequence[Path], count: int) -> dict[str, list[dict[str, Any]]]:
    """Up to `count` rows, by id, for every reason in a table with `id` and `reason`."""
    if not files:
        return {}
    rows = query(
        "select * exclude place from (select *, row_number() over (partition by reason order by id) as place from files) "
        "where place <= ? and reason <> '' order by reason, id",
        [count],
        files=files,
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["reason"], []).append(row)
    return found
