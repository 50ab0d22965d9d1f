"""Rows of Parquet files; the text column may have any Arrow type that holds text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus_builder.document import Drop
from corpus_builder.errors import FormatError, InputError
from corpus_builder.remote.places import is_remote, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.window import RangeFile
from corpus_builder.sources.columns import NAME_IT, USUAL, Columns, Row, no_column, row_of
from corpus_builder.sources.formats import MAX_LINE_BYTES

BATCH_ROWS = 1_000
BATCH_BYTES = 32 << 20  # ours: rows of long texts come in smaller batches

DAMAGE = (OSError, pa.ArrowException)
_NO_VALUE = (ValueError, OverflowError, NotImplementedError, KeyError)
"""What Arrow raises for a value that Python cannot represent; UnicodeDecodeError is a ValueError, an unknown time zone a KeyError."""

_TEXT = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
    pa.types.is_null,
)


def read_parquet(path: str | Path, stat: Stat | None = None, columns: Columns = USUAL) -> Iterator[Row]:
    """The rows of a file, numbered from 0; each with its text or the reason why it has none.

    `path` may be an https:// or s3:// address; `stat` then pins the version.  Raises InputError if there is no such file, and
    FormatError if it is not Parquet, lacks a needed column, or has a text column of another type.
    """
    with opened_parquet(path, stat) as file:
        schema = file.schema_arrow
        for name in columns.needed:
            if way_to(schema, name) is None:
                raise FormatError(f"{shown(path)} has {no_column(name, names_of(schema))}. {NAME_IT}")
        check_text(path, schema, columns.text)
        if not file.metadata.num_rows:
            yield Row(0, drop=Drop("empty_file"))
        first = 0
        for group in range(file.num_row_groups):
            number = first
            try:
                for batch in batches(file, group):
                    yield from _rows(number, batch, columns)
                    number += batch.num_rows
            except DAMAGE as error:
                yield Row(number, drop=Drop("damaged_file", detail=str(error)[:200]))
            first += file.metadata.row_group(group).num_rows


def _rows(first: int, batch: pa.RecordBatch, columns: Columns) -> Iterator[Row]:
    texts, broken = texts_of(column_of(batch, columns.text))
    names = batch.schema.names
    values = [plain_values(column) for column in batch.columns]
    for number, value in enumerate(zip(*values, strict=True)):
        row = row_of(first + number, dict(zip(names, value, strict=True)), columns, len(texts[number] or ""), texts[number])
        if number in broken:
            row = Row(row.number, row.id, "", row.url, row.title, row.date, row.size_bytes, Drop("bad_utf8"))
        elif len(row.text) > MAX_LINE_BYTES:
            drop = Drop("text_too_long", len(row.text), MAX_LINE_BYTES)
            row = Row(row.number, row.id, "", row.url, row.title, row.date, row.size_bytes, drop)
        yield row


@contextmanager
def opened_parquet(path: str | Path, stat: Stat | None = None) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, local or remote.  Raises InputError if there is no such file, and FormatError if its footer cannot be read."""
    try:
        file = pq.ParquetFile(RangeFile(str(path), stat) if is_remote(path) else path)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except DAMAGE as error:
        raise FormatError(f"{shown(path)} is not a valid Parquet file ({error}); download it again, or leave it out.") from error
    with file:
        yield file


def batches(file: pq.ParquetFile, group: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a row group in batches that fit into memory; uses no Arrow compute function, so any column type will do."""
    about = file.metadata.row_group(group)
    each = about.total_byte_size // max(about.num_rows, 1)
    rows = max(min(BATCH_ROWS, BATCH_BYTES // max(each, 1)), 1)
    yield from file.iter_batches(rows, row_groups=[group], columns=None if columns is None else list(columns))


def names_of(schema: pa.Schema | pa.StructType, before: str = "") -> list[str]:
    """The dotted paths of all columns; the fields of a struct are listed one level deep, in its place."""
    found = []
    for column in schema:
        if pa.types.is_struct(column.type) and not before and column.type.num_fields:
            found += names_of(column.type, f"{column.name}.")
        else:
            found.append(f"{before}{column.name}")
    return found


def way_to(schema: pa.Schema | pa.StructType, path: str) -> tuple[str, ...] | None:
    """A column's dotted path as a tuple of names; None if there is no such column.  A name that itself contains a dot takes precedence."""
    names = [column.name for column in schema]
    if path in names:
        return (path,)
    dot = path.find(".")
    while dot > 0:
        if path[:dot] in names:
            inner = schema.field(names.index(path[:dot])).type
            if pa.types.is_struct(inner) and (found := way_to(inner, path[dot + 1 :])) is not None:
                return (path[:dot], *found)
        dot = path.find(".", dot + 1)
    return None


def column_of(batch: pa.RecordBatch, path: str) -> pa.Array | None:
    """A column by its dotted path; None if there is none."""
    way = way_to(batch.schema, path)
    if way is None:
        return None
    found = batch.column(batch.schema.names.index(way[0]))
    return pc.struct_field(found, list(way[1:])) if len(way) > 1 else found


def type_of(schema: pa.Schema, path: str) -> pa.DataType:
    """The type of a column, which must exist."""
    way = way_to(schema, path)
    assert way is not None
    kind = schema.field(schema.names.index(way[0])).type
    for name in way[1:]:
        kind = kind.field(name).type
    return kind


def check_text(path: str | Path, schema: pa.Schema, name: str) -> None:
    """Raise FormatError if a column, which must exist, does not hold text."""
    if not is_text(type_of(schema, name)):
        raise FormatError(
            f"The column {name!r} of {shown(path)} does not hold text: its type is {type_of(schema, name)}; name the text column "
            f"(the file has {', '.join(names_of(schema))})."
        )


def is_text(kind: pa.DataType) -> bool:
    """Whether a type holds text; dictionary and extension types are judged by their value type."""
    while True:
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        elif isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        else:
            return any(is_kind(kind) for is_kind in _TEXT)


def texts_of(column: pa.Array) -> tuple[list[str | None], set[int]]:
    """A text column as strings, and the indices of the rows that are not UTF-8."""
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = [_bytes(one) for one in column]
    broken: set[int] = set()
    for row, value in enumerate(values):
        if isinstance(value, bytes):
            try:
                values[row] = value.decode()
            except UnicodeDecodeError:
                values[row] = None
                broken.add(row)
    return values, broken


def plain_values(column: pa.Array) -> list[Any]:
    """A column as Python values; what Python cannot represent (nanoseconds, years before 1, strings that are not UTF-8) is written as text."""
    try:
        return list(column.to_pylist())
    except _NO_VALUE:
        return [_plain(one) for one in column]


def _plain(one: pa.Scalar) -> Any:
    kind = one.type
    if pa.types.is_timestamp(kind) and one.is_valid:
        one = one.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        return one.as_py()
    except _NO_VALUE:
        if pa.types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType):
            return _plain(one.value)
        if pa.types.is_struct(kind):
            return {name: _plain(inner) for name, inner in one.items()}
        if pa.types.is_nested(kind):
            return (
                [tuple(inner.values()) for inner in map(_plain, one.values)]
                if pa.types.is_map(kind)
                else plain_values(one.values)
            )
        found = _bytes(one)
        return found.decode("utf-8", "backslashreplace") if found is not None else _spelled(one)


def _spelled(one: pa.Scalar) -> str:
    if pa.types.is_timestamp(one.type):  # perhaps only the time zone is unknown
        one = one.cast(pa.timestamp(one.type.unit))
    return str(one.cast(pa.string()).as_py())


def _bytes(one: pa.Scalar) -> bytes | None:
    if pa.types.is_dictionary(one.type):
        one = one.value
    buffer = one.as_buffer() if hasattr(one, "as_buffer") else None
    return None if buffer is None else bytes(buffer)
