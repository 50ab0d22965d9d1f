"""Rows of JSONL and Parquet files as they are: some columns in batches, and copies of a file with fewer rows.

A row's number is its place in the file, from 0; a line of JSONL that is empty has a number, too.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.dataset import ShardWriter
from corpus_builder.errors import InputError

BATCH_ROWS = 1_000
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
JSONL = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class Batch:
    """Some rows: the first one's number and the columns; None where a row lacks the value.  `broken` rows are no JSON objects."""

    first: int
    rows: int
    columns: dict[str, list[Any]]
    broken: tuple[int, ...] = ()


def file_kind(path: Path) -> str | None:
    """ "parquet", "jsonl", or None for a file that is neither, by its name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".parquet"]:
        return "parquet"
    plain = suffixes[:-1] if suffixes[-1:] and suffixes[-1] in COMPRESSIONS else suffixes
    return "jsonl" if plain[-1:] and plain[-1] in JSONL else None


def read_rows(path: Path, columns: Sequence[str], needed: Sequence[str]) -> Iterator[Batch]:
    """Some columns of a file; InputError if a needed one is nowhere in it, or if the file is damaged."""
    if file_kind(path) == "parquet":
        yield from _parquet_rows(path, columns, needed)
        return
    seen: set[str] = set()
    number = broken_lines = 0
    first: list[str] = []
    for lines in _line_batches(path):
        values, broken = _objects(lines)
        seen.update(name for name in columns for value in values if name in value)
        first = first or next((list(value) for value in values if value), [])
        yield Batch(number, len(lines), {name: [v.get(name) for v in values] for name in columns}, tuple(broken))
        number += len(lines)
        broken_lines += len(broken)
    if number and broken_lines == number:
        raise InputError(f"No line of {path} is a JSON object; JSONL has one object a line. Convert it, or leave it out.")
    missing = [name for name in needed if name not in seen]
    if missing and first:
        raise _no_column(path, missing[0], first)


def _no_column(path: Path, name: str, known: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return InputError(
        f"{path} has no column {name!r}{hint} (it has {', '.join(known)}). Say which one is meant with --text, --id, --date, --source, --url-column or --keep largest:NAME."
    )


def _parquet_rows(path: Path, columns: Sequence[str], needed: Sequence[str]) -> Iterator[Batch]:
    with _opened(path) as file:
        known = file.schema_arrow.names
        for name in needed:
            if name not in known:
                raise _no_column(path, name, known)
        number = 0
        here = [name for name in columns if name in known]
        for batch in file.iter_batches(BATCH_ROWS, columns=here):
            found = {name: batch.column(name).to_pylist() for name in here}
            nothing = [None] * batch.num_rows
            yield Batch(number, batch.num_rows, {name: found.get(name, nothing) for name in columns})
            number += batch.num_rows


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is no sound Parquet file ({error}); fetch it again, or leave it out.") from error


def _line_batches(path: Path) -> Iterator[list[bytes]]:
    waiting: list[bytes] = []
    try:
        with pa.OSFile(str(path)) as raw:
            packing = COMPRESSIONS.get(path.suffix.lower())
            with pa.CompressedInputStream(raw, packing) if packing else raw as stream:
                rest = b""
                while block := stream.read(1 << 20):
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        waiting.append(line + b"\n")
                        if len(waiting) == BATCH_ROWS:
                            yield waiting
                            waiting = []
                if rest:
                    waiting.append(rest)
    except OSError as error:
        raise InputError(f"{path} cannot be read to its end ({error}); fetch it again, or leave it out.") from error
    if waiting:
        yield waiting


def _objects(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], list[int]]:
    values: list[dict[str, Any]] = []
    broken = []
    for place, line in enumerate(lines):
        value: Any = {}
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, dict):
            broken.append(place)
            value = {}
        values.append(value)
    return values, broken


def copy_rows(path: Path, out: ShardWriter, table: str, keep: Callable[[int, int], npt.NDArray[np.bool_]]) -> int:
    """Copy the rows that `keep(first, count)` says, every column and line as it was; how many there are.

    Parquet stays Parquet with its schema and metadata; JSONL stays JSONL under the same compression, line for line.
    """
    kept = number = 0
    if file_kind(path) == "parquet":
        with _opened(path) as file:
            out.table(table, file.schema_arrow)
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group]):
                    rows = pa.Table.from_batches([batch]).filter(pa.array(keep(number, batch.num_rows)))
                    out.write(table, rows.replace_schema_metadata(file.schema_arrow.metadata))
                    number, kept = number + batch.num_rows, kept + rows.num_rows
        return kept
    packing = COMPRESSIONS.get(path.suffix.lower())
    suffix = ".jsonl" + (path.suffix.lower() if packing else "")
    raw = pa.PythonFile(out.open_file(table, suffix), "w")
    stream = pa.CompressedOutputStream(raw, packing) if packing else raw
    for lines in _line_batches(path):
        chosen = [line for line, stays in zip(lines, keep(number, len(lines)).tolist(), strict=True) if stays]
        stream.write(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in chosen))
        number, kept = number + len(lines), kept + len(chosen)
    stream.close() if packing else stream.flush()  # closing the stream writes its end
    out.close_file(table, kept)
    return kept
