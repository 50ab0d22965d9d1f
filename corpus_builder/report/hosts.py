"""The hosts of a build, ordered by a column of their table, for the command `hosts` and for the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_builder.errors import InputError, did_you_mean
from corpus_builder.messages.terminal import harmless
from corpus_builder.quality.host_columns import COUNTS, QUANTILES
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.tables import Table, database, readable

SHOWN = 30
BATCH_ROWS = 10_000


@dataclass(frozen=True)
class TopHosts:
    """Some hosts, in order; `measures` are the names of the means that they have."""

    hosts: int  # in all
    measures: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


def top_hosts(manifests: Mapping[str, Manifest]) -> TopHosts | None:
    """The hosts with the most documents; None if the build has no table of hosts yet."""
    manifest = manifests.get("hosts")
    if manifest is None:
        return None
    table = Table.of([manifest], "hosts")
    if not table.files:
        return TopHosts(0, (), ())
    names = table.dataset().schema.names
    measures = tuple(
        name for name in names if name not in ("host", "kept_documents", "examples", *COUNTS) and not _is_quantile(name)
    )
    return TopHosts(manifest.rows("hosts"), measures, tuple(ordered(table, "documents", limit=SHOWN)))


def ordered(table: Table, by: str, ascending: bool = False, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows of the table of hosts by a column, the greatest first, then by name; hosts without a number come last.

    Raises InputError if there is no such column.
    """
    names = table.dataset().schema.names
    if by not in names or by == "examples":
        raise InputError(f"The table of hosts has no column {by!r}{did_you_mean(by, names)} (columns: {', '.join(names[:-1])}).")
    way = "asc" if ascending else "desc"
    with readable(), database({"hosts": table}) as connection:
        most = "" if limit is None else f" limit {int(limit)}"
        cursor = connection.execute(f'select * from hosts order by "{by}" {way} nulls last, host{most}')
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _is_quantile(name: str) -> bool:
    return name.rpartition(".")[2] in QUANTILES


def as_text(rows: Sequence[Mapping[str, Any]], hosts: int, by: str) -> str:
    """Hosts as lines for a terminal, with the column that orders them."""
    usual = ("documents", "kept", "duplicate_fraction", "characters")
    columns = [*usual, *([by] if by not in (*usual, "host") else [])]
    lines = [f"{'host':40}" + "".join(f" {name:>{_width(name)}}" for name in columns)]
    for row in rows:
        lines.append(f"{harmless(row['host']):40}" + "".join(f" {shown(row[name], name):>{_width(name)}}" for name in columns))
    return "\n".join([*lines, *([f"and {hosts - len(rows):,} more (--csv or --json prints all)"] if hosts > len(rows) else [])])


def _width(name: str) -> int:
    return max(len(name), 10)


def shown(value: Any, name: str) -> str:
    """A cell for people: shares as percentages."""
    if value is None:
        return "–"
    if name in ("kept", "duplicate_fraction"):
        return f"{100 * value:.1f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
