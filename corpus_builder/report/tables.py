"""SQL over the tables that a manifest names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_builder.errors import InputError
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.tables import Table, database, readable


def extracted(manifests: Mapping[str, Manifest]) -> Manifest:
    """The manifest of the first stage; InputError where the build has not come that far."""
    if "extract" not in manifests:
        raise InputError("The build has not come through its first stage yet; run `corpus-builder build` again.")
    return manifests["extract"]


def query(sql: str, values: Sequence[Any] = (), **tables: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of a query; every keyword argument is a table of Parquet files, whose names the query may use.

    A table without files is an error of the caller: no schema is known of it.
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
