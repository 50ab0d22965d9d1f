"""Draw documents for labelling from a build: at random, or so many from each stratum."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from corpus_builder.built import Built
from corpus_builder.classifier.labels import COLUMNS
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.release.mixture import keyed_number
from corpus_builder.selection.columns import Columns, Group
from corpus_builder.selection.draw import Candidate, Lot, Tally, allot
from corpus_builder.selection.strata import BINS, Strata
from corpus_builder.store.files import write_atomically

Among = Literal["all", "kept", "dropped"]
RANDOM = "random"
CELL_CHARACTERS = 32_000
"""Spreadsheets cut a cell off after 32,767."""


@dataclass(frozen=True)
class Drawn:
    """A document to label; `weight` is how many documents of the build it stands for, which add up to all that could be drawn."""

    id: str
    source: str
    host: str
    url: str
    stratum: str
    weight: float
    text: str
    measures: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """The document as a line of a file of labels, without labels."""
        return asdict(self)


@dataclass(frozen=True)
class Sample:
    """The documents of a sample in random order, so that the first so many are a sample, too; and how many each stratum has."""

    asked: int
    documents: tuple[Drawn, ...]
    strata: dict[str, int]

    @property
    def missing(self) -> int:
        """How many fewer were drawn than asked for, as there are no more."""
        return self.asked - len(self.documents)

    def jsonl(self) -> bytes:
        """The sample as JSON lines."""
        return b"".join(_line(one.as_json()) for one in self.documents)

    def tsv(self, properties: Sequence[str]) -> bytes:
        """The sample as a table for a spreadsheet, with an empty column for each property.

        A text is cut off where a cell ends, and one that begins as a formula gets a space before it: the labels belong to the whole
        text that the JSON lines have under the same id.  Raises RecipeError for properties that are no columns of their own.
        """
        if len({*properties}) < len(properties) or not all(
            name.strip() == name and name not in ("", *COLUMNS) for name in properties
        ):
            raise RecipeError(
                f"The properties {', '.join(map(repr, properties))} cannot be columns: each has a name of its own, and none of {', '.join(COLUMNS)}."
            )
        page = io.StringIO()
        rows = csv.writer(page, "excel-tab", lineterminator="\n")
        rows.writerow(["id", *properties, "source", "host", "url", "text"])
        for one in self.documents:
            fields = [one.source, one.host, one.url, one.text[:CELL_CHARACTERS]]
            rows.writerow([_cell(one.id), *("" for _ in properties), *map(_cell, fields)])
        return page.getvalue().encode("utf-8", "replace")


def _cell(text: str) -> str:
    return f" {text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(value: dict[str, Any]) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, allow_nan=False)}\n".encode()


def sample(
    built: Built,
    count: int = 500,
    *,
    by: Sequence[str] = (RANDOM,),
    seed: int = 0,
    among: Among = "all",
    per_host: int | None = None,
    bins: int = BINS,
) -> Sample:
    """Draw documents of a build for labelling.

    `by` is "random", or names of strata: source, host, crawl, length, stage, reason, a category, or a measure or score, of which
    `bins` quantiles are strata; with several, each combination is one.  From each equally many are drawn, as far as there are so many;
    of more strata than `count`, some are drawn.  `among` restricts the draw to documents that the build keeps, or drops; `per_host` is
    the most of a host in a stratum.

    The same build, arguments and seed give the same sample, however the build's files were divided.  Columns are read twice, a row
    group at a time, and texts only of what is drawn: memory is bounded by `count`.  Raises RecipeError for arguments that are wrong.
    """
    if count < 1 or (per_host is not None and per_host < 1) or bins < 2:
        raise RecipeError("A sample takes a count and a limit of at least 1, and at least 2 bins.")
    columns = Columns.of(built)
    strata = Strata.of(columns, () if list(by) == [RANDOM] else by, bins)
    tally = Tally(count, seed)
    for _, labels, codes, _ in _strata_of(columns, strata, among, []):
        counts = np.bincount(codes, minlength=len(labels)).tolist()
        tally.add((label, found) for label, found in zip(labels, counts, strict=True) if found)
    sizes = tally.strata()
    lots = _draw(columns, strata, among, sizes, count, seed, per_host)
    drawn = {label: lot.drawn(sizes[label]) for label, lot in lots.items()}
    share = tally.documents / (
        sum(sizes[label] for label, found in drawn.items() if found) or 1
    )  # for strata that none is drawn from
    picked = [(one, label, weight * share) for label, found in drawn.items() for one, weight in found]
    return Sample(count, tuple(read_drawn(columns, picked)), sizes)


def _strata_of(
    columns: Columns, strata: Strata, among: Among, more: Sequence[str]
) -> Iterator[tuple[Group, list[str], np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Row groups with the names of their strata, and for each row that may be drawn its stratum and its place."""
    for group in columns.groups([*strata.columns, "keep", *more]):
        labels, codes = strata.label(group)
        keep = group.rows.column("keep").to_numpy()
        rows = np.arange(len(keep)) if among == "all" else np.flatnonzero(keep == (among == "kept"))
        yield group, labels, codes[rows], rows


def _draw(
    columns: Columns, strata: Strata, among: Among, sizes: dict[str, int], count: int, seed: int, per_host: int | None
) -> dict[str, Lot]:
    """The documents of each stratum.  Where the limit per host leaves one with fewer than wanted, the others give more, in another round."""
    available = sizes
    while True:
        wanted = allot(available, count)
        lots = {label: Lot(most, per_host) for label, most in wanted.items()}
        for group, labels, codes, rows in _strata_of(columns, strata, among, ["id", "host"]):
            ids, hosts = (group.rows.column(name).to_pylist() for name in ("id", "host"))
            here = [lots.get(label) for label in labels]
            for code, row in zip(codes.tolist(), rows.tolist(), strict=True):
                if (lot := here[code]) is not None and (number := keyed_number(seed, "sample", ids[row])) < lot.bound:
                    lot.offer(Candidate(number, ids[row], hosts[row], (group.shard, group.number, row)))
        there = {label: len(lot.drawn(sizes[label])) for label, lot in lots.items()}
        short = {label: there[label] for label in lots if there[label] < wanted[label]}
        available = available | short
        if not any(most > wanted[label] for label, most in allot(available, count).items()):
            return lots


def read_drawn(columns: Columns, picked: list[tuple[Candidate, str, float]]) -> list[Drawn]:
    """The texts and measures of what was drawn, in the order of the numbers."""
    found: dict[int, Drawn] = {}
    places: dict[tuple[str, int], list[int]] = {}
    for place, (one, _, _) in enumerate(picked):
        shard, number, _ = one.place
        places.setdefault((shard, number), []).append(place)
    within: dict[str, set[int]] = {}
    for shard, number in places:
        within.setdefault(shard, set()).add(number)
    fields = ("id", "host", "url", "text")
    for group in columns.groups([*fields, *columns.numbers], within):
        here = places[group.shard, group.number]
        rows = group.rows.take([picked[place][0].place[2] for place in here]).to_pylist()
        for place, row in zip(here, rows, strict=True):
            measures = {name: row[name] for name in columns.numbers if row[name] is not None and np.isfinite(row[name])}
            _, stratum, weight = picked[place]
            found[place] = Drawn(
                **{name: row[name] for name in fields}, source=group.source, stratum=stratum, weight=weight, measures=measures
            )
    return [found[place] for place in sorted(found, key=lambda place: picked[place][0].number)]


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, or holds the same; raises InputError if another is, as it may hold labels by hand."""
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: name a file in a directory that exists.")
    if path.exists() and path.read_bytes() != content:
        raise InputError(f"{path} exists and holds something else, perhaps labels; remove it, or choose another name.")
    write_atomically(path, content)


def as_text(found: Sample) -> str:
    """How many documents each stratum has, and how many were drawn from it, as lines for a terminal."""
    drawn = Counter(one.stratum for one in found.documents)
    order = sorted(found.strata, key=lambda label: (-found.strata[label], label))
    lines = [f"{'documents':>12} {'drawn':>7}  stratum"]
    lines += [f"{found.strata[label]:>12,} {drawn[label]:>7,}  {label}" for label in order[:STRATA_SHOWN]]
    if len(order) > STRATA_SHOWN:
        lines.append(f"and {len(order) - STRATA_SHOWN:,} more strata")
    return "\n".join(lines)


STRATA_SHOWN = 30
