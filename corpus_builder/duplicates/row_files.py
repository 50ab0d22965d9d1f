"""Rows of JSON lines and Parquet files as they are: some columns in batches, and copies of a file with fewer rows.

The kind of a file is detected from its bytes.  A row's number is its place in the file, from 0; empty lines are numbered, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.errors import InputError
from corpus_builder.sources import formats
from corpus_builder.sources.columns import MISSING, names_in, no_column, pick
from corpus_builder.sources.formats import BOM, PACKINGS, UNPACKING_ERRORS, format_of, lines_of, opened_unpacked, packed_into
from corpus_builder.sources.parquet import (
    DAMAGE,
    batches,
    check_text,
    column_of,
    is_text,
    names_of,
    opened_parquet,
    plain_values,
    texts_of,
    way_to,
)
from corpus_builder.store.dataset import ShardWriter

BATCH_ROWS = 1_000
BATCH_BYTES = 16 << 20  # ours: rows of long texts come in smaller batches
MAX_LINE_BYTES = 256 << 20  # ours: a line is held in memory a few times
JSONL = (".jsonl", ".ndjson", ".json")
_NAMES = (*PACKINGS.values(), ".zstd")
_REMEDY = "Say which one is meant with --text, --id, --date, --source, --url-column or --keep largest:NAME."


@dataclass(frozen=True)
class Batch:
    """Some rows: the first one's number and the columns; None if a row lacks the value.  `broken` rows are not JSON objects."""

    first: int
    rows: int
    columns: dict[str, list[Any]]
    broken: tuple[int, ...] = ()


def is_rows(path: Path, named: bool = False) -> bool:
    """Whether a file holds rows: by its bytes or, if these do not say (it is empty, or damaged), by its name.

    `named`: the file was named itself, rather than found in a directory, where a `.json` file mostly describes the data.
    """
    content = format_of(path).content
    suffixes = [suffix.lower() for suffix in path.suffixes]
    plain = suffixes[:-1] if suffixes[-1:] and suffixes[-1] in _NAMES else suffixes
    says = plain[-1] if plain else ""
    if content in (formats.EMPTY, formats.TEXT, formats.ARRAY, formats.DAMAGED, formats.BINARY):
        if says == ".parquet":
            return not named  # a directory's is refused, not left out
        return says in JSONL and (named or says != ".json")
    if content == formats.ONE_OBJECT:
        return named or (says in JSONL and says != ".json")
    return content == formats.PARQUET or (content == formats.JSONL and (named or says != ".json"))


def read_rows(path: Path, columns: Sequence[str], needed: Sequence[str], text: str | None = None) -> Iterator[Batch]:
    """Some columns of a file, by name or by path (`meta.url`).

    Raises InputError if no row has a needed column, if the column of the text holds no text, or if the file is damaged.
    """
    if format_of(path).content == formats.PARQUET:
        yield from _parquet_rows(path, columns, needed, text)
        return
    seen: set[str] = set()
    number = broken_lines = 0
    first: list[str] = []
    for lines in _line_batches(path):
        values, broken = _objects(lines)
        found = {name: [value[name] if name in value else pick(value, name) for value in values] for name in columns}
        seen.update(name for name, inner in found.items() if any(one is not MISSING for one in inner))
        first = first or next((list(names_in(value)) for value in values if value), [])
        plain = {name: [None if one is MISSING else one for one in inner] for name, inner in found.items()}
        yield Batch(number, len(lines), plain, tuple(broken))
        number += len(lines)
        broken_lines += len(broken)
    if number and broken_lines == number:
        raise InputError(
            f"No line of {path} is a JSON object; JSONL has one object a line, and this is {format_of(path)}. Convert it, or leave it out."
        )
    missing = [name for name in needed if name not in seen]
    if missing and first:
        raise InputError(f"{path} has {no_column(missing[0], first)}. {_REMEDY}")


def _parquet_rows(path: Path, columns: Sequence[str], needed: Sequence[str], text: str | None) -> Iterator[Batch]:
    with opened_parquet(path) as file:
        schema = file.schema_arrow
        for name in needed:
            if way_to(schema, name) is None:
                raise InputError(f"{path} has {no_column(name, names_of(schema))}. {_REMEDY}")
        if text is not None:
            check_text(path, schema, text)
        number = 0
        here = [".".join(way) for name in columns if (way := way_to(schema, name)) is not None]
        try:
            for group in range(file.num_row_groups):
                for batch in batches(file, group, here):
                    yield Batch(number, batch.num_rows, {name: _values(batch, name) for name in columns})
                    number += batch.num_rows
        except DAMAGE as error:
            raise InputError(f"{path} cannot be read to its end ({error}); fetch it again, or leave it out.") from error


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    column = column_of(batch, name)
    if column is None:
        return [None] * batch.num_rows
    return texts_of(column)[0] if is_text(column.type) else plain_values(column)


def _line_batches(path: Path) -> Iterator[list[bytes]]:
    waiting: list[bytes] = []
    held = number = 0
    try:
        with opened_unpacked(path) as (file, _):
            for number, line in enumerate(lines_of(file, MAX_LINE_BYTES), 1):
                if len(line) > MAX_LINE_BYTES:
                    raise InputError(
                        f"Line {number} of {path} has more than {MAX_LINE_BYTES >> 20} MiB; JSON lines have one document a line. "
                        "Cut it, or leave the file out."
                    )
                waiting.append(line)
                held += len(line)
                if len(waiting) == BATCH_ROWS or held >= BATCH_BYTES:
                    yield waiting
                    waiting, held = [], 0
    except UNPACKING_ERRORS as error:
        raise InputError(f"{path} cannot be read to its end ({error}); fetch it again, or leave it out.") from error
    if waiting:
        yield waiting


def _objects(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], list[int]]:
    values: list[dict[str, Any]] = []
    broken = []
    for place, line in enumerate(lines):
        value: Any = {}
        if not line.isspace():
            try:
                value = json.loads(line.removeprefix(BOM))
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, dict):
            broken.append(place)
            value = {}
        values.append(value)
    return values, broken


def copy_rows(path: Path, out: ShardWriter, table: str, keep: Callable[[int, int], npt.NDArray[np.bool_]]) -> int:
    """Copy the rows that `keep(first, count)` selects, every column and line unchanged; returns how many.

    Parquet keeps its schema and metadata; JSON lines keep their packing, line for line.
    """
    found = format_of(path)
    if found.content == formats.PARQUET:
        return _copy_parquet(path, out, table, keep)
    kept = number = 0
    usual = PACKINGS.get(found.packing, "")
    suffix = ".zstd" if found.packing == "zstd" and path.suffix.lower() == ".zstd" else usual
    stream = packed_into(out.open_file(table, f".jsonl{suffix}"), found.packing)
    for lines in _line_batches(path):
        chosen = [line for line, stays in zip(lines, keep(number, len(lines)).tolist(), strict=True) if stays]
        stream.write(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in chosen))
        number, kept = number + len(lines), kept + len(chosen)
    stream.close()  # writes the packing's end
    out.close_file(table, kept)
    return kept


def _copy_parquet(path: Path, out: ShardWriter, table: str, keep: Callable[[int, int], npt.NDArray[np.bool_]]) -> int:
    kept = number = 0
    with opened_parquet(path) as file:
        out.table(table, file.schema_arrow)
        try:
            for group in range(file.num_row_groups):
                for batch in batches(file, group):
                    rows = chosen_rows(batch, keep(number, batch.num_rows))
                    out.write(table, rows.replace_schema_metadata(file.schema_arrow.metadata))
                    number, kept = number + batch.num_rows, kept + rows.num_rows
        except pa.ArrowException as error:
            raise InputError(f"{path} cannot be copied ({error}); fetch it again, or leave it out.") from error
    return kept


def chosen_rows(batch: pa.RecordBatch, stays: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows of a batch that stay.  Arrow cannot select rows of views yet, so these are converted to plain columns and back."""
    table, mask = pa.Table.from_batches([batch]), pa.array(stays)
    if not any(_has_views(column.type) for column in table.schema):
        return table.filter(mask)
    plain = pa.schema([column.with_type(_plain(column.type)) for column in table.schema])
    return table.cast(plain).filter(mask).combine_chunks().cast(table.schema)


def _has_views(kind: pa.DataType) -> bool:
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return True
    if pa.types.is_dictionary(kind):
        return _has_views(kind.value_type)
    return any(_has_views(kind.field(number).type) for number in range(kind.num_fields)) if pa.types.is_nested(kind) else False


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_struct(kind):
        return pa.struct([inner.with_type(_plain(inner.type)) for inner in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), kind.item_field.with_type(_plain(kind.item_type)))
    return kind
