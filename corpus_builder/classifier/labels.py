"""Labelled documents: the one form in which labels by hand and by a model enter training and evaluation.

A label file is JSON lines, one document a line:

    {"id": "3f9a...", "host": "example.jp", "source": "web", "text": "...", "labels": {"quality": 1, "topic": "science"}, "by": "hand"}

or a table with tab-separated columns and a header row, as a spreadsheet writes it: `id`, `text`, `host`, `source`, `url`, `by`,
`weight` and `licence` are what they say, every other column is a property, and an empty cell is no label.  A file may leave the texts out if
another one, such as the sample that was labelled, has them under the same ids.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpus_builder.errors import InputError

COLUMNS = ("id", "text", "host", "source", "url", "by", "weight", "licence")
"""Columns of a table that are no property."""

_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
SHOWN = 5  # bad rows that an error or a report quotes


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what was said of it, by property: a number for yes or no (1, 0) and for grades, a name for a category."""

    text: str
    labels: Mapping[str, float | str]
    id: str = ""
    host: str = ""
    source: str = ""
    by: str = ""  # who labelled it: a name, or a policy and a model
    weight: float = 1.0
    licence: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelFiles:
    """What label files hold: the labelled documents, the digest (SHA-256) of each file by its name, and what could not be used."""

    rows: tuple[Labelled, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    bad_rows: int = 0
    unlabelled: int = 0  # texts without any label
    complaints: tuple[str, ...] = ()  # sentences on the first few bad rows

    def with_rows(self, rows: Iterable[Labelled]) -> LabelFiles:
        """These, and more labelled documents."""
        return replace(self, rows=(*self.rows, *rows))


def read_labels(paths: Sequence[Path]) -> LabelFiles:
    """Read label files, JSON lines or tab-separated, told apart by their content.

    A row that cannot be used is counted, not fatal.  Raises InputError if a file cannot be read, or none of its rows can.
    """
    texts: dict[str, Mapping[str, Any]] = {}
    rows: list[tuple[str, dict[str, Any]]] = []
    digests: dict[str, str] = {}
    complaints: list[str] = []
    bad = unlabelled = 0
    for place, path in enumerate(paths):
        content = _content(path)
        same = [one.name for one in paths[:place]].count(path.name)  # not its path, which differs from machine to machine
        digests[f"{path.name} ({same + 1})" if same else path.name] = hashlib.sha256(content).hexdigest()
        usable = 0
        for where, row in _rows(path, content):
            complaint = row if isinstance(row, str) else _complaint(row)
            if isinstance(row, str) or complaint:
                bad += 1
                complaints.append(f"{where}: {complaint}")
                continue
            usable += 1
            if row.get("text") and row.get("id"):
                texts.setdefault(row["id"], row)
            if row["labels"]:
                rows.append((where, row))
            else:
                unlabelled += 1
        if not usable:
            first = f" The first: {complaints[-1]}" if complaints else ""
            raise InputError(f"{path} holds no row that can be used as a label or a sample.{first}")
    found = []
    for where, row in rows:
        sample = texts.get(row.get("id", ""), {})
        if not (text := row.get("text") or sample.get("text")):
            bad += 1
            complaints.append(f"{where}: it has no text, and no file given here has a text under its id {row.get('id')!r}.")
            continue
        found.append(_labelled({**sample, **{name: value for name, value in row.items() if value}}, text))
    if not found:
        raise InputError(
            f"{', '.join(map(str, paths))}: no text with a label. "
            + (complaints[0] if complaints else "Label some of them first, by hand or with `corpus-builder label`.")
        )
    return LabelFiles(tuple(found), digests, bad, unlabelled, tuple(complaints[:SHOWN]))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The labels {path} cannot be read: {error.strerror}.") from error


def _rows(path: Path, content: bytes) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Where each row stands, and the row, or what is wrong with it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"The labels {path} are not UTF-8: {error}.") from error
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    row = f"not JSON ({error})."
                yield f"{path}, line {number}", row if isinstance(row, dict | str) else "a JSON object is wanted."
        return
    yield from _table(path, text)


def _table(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any] | str]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if not {"id", "text"} & set(header) or len(set(header)) < len(header):
            raise InputError(
                f"{path} is neither JSON lines nor a tab-separated table: the first line of a table names the columns, each once, among "
                f"them `id` or `text`; it is {text[:60]!r}."
            )
        for cells in lines:
            where = f"{path}, line {lines.line_num}"
            if len(cells) != len(header):
                if cells:
                    yield where, f"it has {len(cells)} columns where the header has {len(header)}."
                continue
            row: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if name in COLUMNS and cell}
            row["labels"] = {name: cell for name, cell in zip(header, cells, strict=True) if name not in COLUMNS and cell.strip()}
            yield where, row
    except csv.Error as error:
        raise InputError(
            f"{path}, line {lines.line_num}: not a tab-separated table ({error}); a cell that begins with a quotation mark ends with one."
        ) from error


def _complaint(row: dict[str, Any]) -> str:
    """What is wrong with a row; "" for nothing.  Labels and weight are put into the form of `Labelled`."""
    labels = row.setdefault("labels", {}) or {}
    if not isinstance(labels, dict):
        return f"`labels` is {labels!r} where an object of properties is wanted."
    try:
        row["labels"] = {str(name): _value(value) for name, value in labels.items() if value is not None}
        row["weight"] = 1.0 if row.get("weight") in (None, "") else float(row["weight"])
    except (TypeError, ValueError) as error:
        return f"a label or weight cannot be used: {error}."
    if not 0 < row["weight"] < math.inf:
        return f"its weight is {row['weight']}, where a number above 0 is wanted."
    for name in ("id", "text", "host", "source", "url", "by", "licence"):
        if not isinstance(row.get(name, ""), str):
            if name == "id" and isinstance(row["id"], int):
                row["id"] = str(row["id"])
            elif row[name] is None:
                del row[name]
            else:
                return f"`{name}` is {row[name]!r}, not a text."
    return "" if row.get("text") or row.get("id") else "it has neither text nor id."


def _value(value: Any) -> float | str:
    if isinstance(value, bool | int | float):
        number = float(value)
    elif not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is neither a number nor a name")
    else:
        word = value.strip()
        try:
            number = _WORDS[word.lower()] if word.lower() in _WORDS else float(word)
        except ValueError:
            return word
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _labelled(row: Mapping[str, Any], text: str) -> Labelled:
    host = row.get("host") or ""
    if not host and row.get("url"):
        try:
            host = urlsplit(row["url"]).hostname or ""
        except ValueError:
            host = ""
    measures = row.get("measures") if isinstance(row.get("measures"), dict) else {}
    numbers = {str(name): float(value) for name, value in measures.items() if isinstance(value, int | float)}  # type: ignore[union-attr]
    return Labelled(
        text,
        row["labels"],
        row.get("id", ""),
        host.lower(),
        row.get("source", ""),
        row.get("by", ""),
        row["weight"],
        row.get("licence", ""),
        numbers,
    )
