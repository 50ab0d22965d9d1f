"""Two selections compared: how far they agree, what only one keeps, and which is right more often on labelled documents."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from corpus_builder.built import Built
from corpus_builder.classifier.labels import Labelled, read_labels
from corpus_builder.errors import InputError
from corpus_builder.recipe.models import Recipe
from corpus_builder.selection.agreement import Quality, Truth, qualities
from corpus_builder.selection.columns import DOCUMENTS, Columns
from corpus_builder.selection.patch import Change
from corpus_builder.selection.whatif import fates
from corpus_builder.store.rows import rows_where, write_rows
from corpus_builder.store.tables import Table, database

EXAMPLES, EXCERPT = 5, 300
HOSTS = 20
SIDES = ("both", "left", "right", "neither")
LENGTHS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)


@dataclass(frozen=True)
class Part:
    """Documents, with characters, of one value of `by`, and which of the two selections keep them."""

    by: str  # all, source, length, host, or the column of a category
    value: str
    documents: Mapping[str, int]  # by side: both, left, right, neither
    characters: Mapping[str, int]


@dataclass(frozen=True)
class Example:
    """A document that only one selection keeps; `reason` is why the other does not."""

    side: str
    id: str
    url: str
    reason: str
    characters: int
    text: str  # its beginning, on one line


@dataclass(frozen=True)
class Evaluation:
    """The comparison of two selections."""

    left: str
    right: str
    parts: tuple[Part, ...]
    examples: tuple[Example, ...]
    quality: tuple[Quality, ...] = ()
    good: str = ""  # what the labels call good
    labelled: int = 0
    strangers: int = 0  # labelled documents that are in neither build
    bad_rows: int = 0  # of the files of labels, that cannot be used

    @property
    def whole(self) -> Part:
        """All documents."""
        return self.parts[0]

    @property
    def overlap(self) -> float:
        """Documents that both keep / documents that at least one keeps; 1 if neither keeps any."""
        kept = sum(count for side, count in self.whole.documents.items() if side != "neither")
        return self.whole.documents["both"] / kept if kept else 1.0


def evaluate(
    left: Built,
    right: Built | Sequence[str | Change],
    *,
    recipe: Recipe | None = None,
    labels: Sequence[str | Path] = (),
    good: str = "quality",
    scores: Sequence[str] = (),
) -> Evaluation:
    """Compare what two builds keep, or a build and what it would keep with changes such as "rules[3].min=0.3", made to `recipe` or its own.

    On `labels`, files of labels of documents of the builds, precision and recall of both, and the area under the curve of `scores`, which
    are measures or scores of either build.  `good` says which are good: a property that is 1, or "educational>=3", or "topic=science".
    Texts are read only of a few examples.  Raises InputError if a build or the labels cannot be used.
    """
    rightly = right if isinstance(right, Built) else left
    ours, theirs = Columns.of(left), Columns.of(rightly)
    changes = None if isinstance(right, Built) else [one if isinstance(one, Change) else Change.parse(one) for one in right]
    with _database(ours, theirs, changes, recipe) as tables:
        parts = tuple(_parts(tables, dict.fromkeys(theirs.categories, "right") | dict.fromkeys(ours.categories, "left")))
        examples = tuple(_examples(tables, ours, theirs))
        name = (
            str(rightly.out)
            if changes is None
            else f"{left.out} with {', '.join(map(str, changes)) or 'another recipe' if changes or recipe else 'its own recipe'}"
        )
        found = Evaluation(str(left.out), name, parts, examples)
        if not labels:
            return found
        read = read_labels([Path(path) for path in labels])
        truth = _truth(tables, labels, read.rows, good, ours, theirs, scores)
    return replace(
        found,
        quality=tuple(qualities(truth)),
        good=good,
        labelled=len(truth.good),
        strangers=truth.strangers,
        bad_rows=read.bad_rows,
    )


@contextmanager
def _database(
    ours: Columns, theirs: Columns, changes: Sequence[str | Change] | None, recipe: Recipe | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables with a table `both`: a row for each document of either build."""
    with tempfile.TemporaryDirectory(prefix="corpus_builder-") as folder:
        tables: dict[str, Table] = {}
        for side, columns in (("left", ours), ("right", theirs)):
            manifests = columns.built.manifests
            tables |= {
                f"{side}_{name}": Table.of([manifests[stage]], name)
                for stage, name in (("extract", "documents"), ("measure", "measures"))
            }
            tables[f"{side}_decisions"] = Table.of([manifests["decide"]], "decisions")
            for name in columns.categories:
                tables[f"{side}_scores_{name.partition('.')[0]}"] = _scores(columns, name)
        if changes is not None:
            path = write_rows(Path(folder) / "right.parquet", fates(ours.built, changes, recipe))
            tables["right_decisions"] = Table((path,), (path,))
        with database(tables) as connection:
            connection.execute("create temp table both_sides as " + _JOIN)
            yield connection


_JOIN = """
with d as (
    select id, host, source, url, num_letters as letters from left_documents join left_measures using (id)
    union
    select id, host, source, url, num_letters from right_documents join right_measures using (id)
    where id not in (select id from left_documents)
)
select d.*, coalesce(l.keep, false) as in_left, coalesce(r.keep, false) as in_right,
    case when l.keep is null then 'not there' else l.reason end as left_reason,
    case when r.keep is null then 'not there' else r.reason end as right_reason,
    case when in_left and in_right then 'both' when in_left then 'left' when in_right then 'right' else 'neither' end as side
from d left join left_decisions l using (id) left join right_decisions r using (id)
"""


def _scores(columns: Columns, name: str) -> Table:
    place = columns.places[name]
    manifest = columns.built.manifests[place.stage]
    files = tuple(manifest.path(receipt, place.table) for receipt in manifest.receipts if receipt.shard.startswith(place.before))
    return Table(files, files[:1])


def _parts(tables: duckdb.DuckDBPyConnection, categories: Mapping[str, str]) -> Iterator[Part]:
    """The documents divided in each way; `categories` says which build has a category, as the classifier of a loop is only in the second."""
    ends = " ".join(f"when letters < {end} then '{start}-{end - 1}'" for start, end in zip((0, *LENGTHS), LENGTHS, strict=False))
    ways = {"all": "'all'", "source": "source", "length": f"case {ends} else '{LENGTHS[-1]}-' end"}
    for by, expression in ways.items():
        found = list(_grouped(tables, by, f"select {expression} as value, side, letters from both_sides", None))
        yield from sorted(found, key=lambda part: int(part.value.partition("-")[0])) if by == "length" else found
    for name, side in categories.items():
        scored = f"{side}_scores_{name.partition('.')[0]}"
        yield from _grouped(
            tables,
            name,
            f"select coalesce(s.\"{name}\", '') as value, side, letters from both_sides join {scored} s using (id)",
            None,
        )
    yield from _grouped(tables, "host", "select host as value, side, letters from both_sides", HOSTS)


def _grouped(tables: duckdb.DuckDBPyConnection, by: str, rows: str, most: int | None) -> Iterator[Part]:
    """Counts by value; of more values than `most`, those of which only one selection keeps most."""
    counts = ", ".join(f"count(*) filter (side = '{side}'), coalesce(sum(letters) filter (side = '{side}'), 0)" for side in SIDES)
    order = "count(*) filter (side in ('left', 'right')) desc, value" if most else "count(*) desc, value"
    limit = (
        f"having count(*) filter (side in ('left', 'right')) > 0 order by {order} limit {most}" if most else f"order by {order}"
    )
    found = tables.execute(f"select value, {counts} from ({rows}) group by value {limit}").fetchall()
    for value, *numbers in found or ([("all", *[0] * 8)] if by == "all" else []):
        pairs = list(zip(SIDES, numbers[::2], numbers[1::2], strict=True))
        yield Part(by, value, {side: count for side, count, _ in pairs}, {side: int(size) for side, _, size in pairs})


def _examples(tables: duckdb.DuckDBPyConnection, ours: Columns, theirs: Columns) -> Iterator[Example]:
    """Some documents that only one selection keeps, by a digest of the id, with the beginning of each text."""
    for side, columns, other in (("left", ours, "right"), ("right", theirs, "left")):
        rows = tables.execute(
            f"select id, url, {other}_reason, letters from both_sides where side = ? order by md5(id), id limit ?",
            [side, EXAMPLES],
        ).fetchall()
        for id_, url, reason, letters in rows:
            path = columns.built.manifests["extract"].get(id_.rpartition("/")[0], DOCUMENTS.table)
            text = next((row["text"] for row in rows_where(path, "id", id_, ["text"])), "") if path else ""
            yield Example(side, id_, url, reason, letters, " ".join(text[:EXCERPT].split()))


def _truth(
    tables: duckdb.DuckDBPyConnection,
    labels: Sequence[str | Path],
    labelled: Sequence[Labelled],
    good: str,
    ours: Columns,
    theirs: Columns,
    scores: Sequence[str],
) -> Truth:
    """The labelled documents of the builds: good or not, kept by whom, and their scores."""
    property_, means = _good(good)
    rows = [row for row in labelled if property_ in row.labels and row.id]
    if not rows:
        raise InputError(
            f"No row of {', '.join(map(str, labels))} has an id and a label for {property_!r}; --good names the property."
        )
    refuse_unclear(good, rows)
    table = pa.table(
        {
            "id": [row.id for row in rows],
            "good": [means(row.labels[property_]) for row in rows],
            "weight": [row.weight for row in rows],
        }
    )
    tables.register("labelled", table)
    wanted: list[str] = []
    for name in scores:
        columns = next((one for one in (theirs, ours) if name in one.numbers), None)
        if columns is None:
            raise InputError(f"Neither build has a measure or score {name!r}.")
        tables.register(f"score_{len(wanted)}", _column(columns, name, {row.id for row in rows}))
        wanted.append(name)
    chosen = "".join(f", score_{place}.value" for place in range(len(wanted)))
    joins = "".join(f" left join score_{place} using (id)" for place in range(len(wanted)))
    found = tables.execute(
        f"select id, host, good, weight, in_left, in_right{chosen} from labelled join both_sides using (id){joins} order by id"
    ).fetchall()
    if not found:
        raise InputError(f"No labelled document of {', '.join(map(str, labels))} is in the builds: their ids are compared.")
    return Truth.of(found, wanted, strangers=len(rows) - len(found))


def _column(columns: Columns, name: str, ids: set[str]) -> pa.Table:
    """The values of a column for some documents."""
    found: dict[str, list[Any]] = {"id": [], "value": []}
    shards = {id_.rpartition("/")[0] for id_ in ids}
    for shard in columns.shards():
        if shard in shards:
            read = columns.of_shard(shard, ["id", name])
            ids_here, values = ([] if read[one] is None else read[one].to_pylist() for one in ("id", name))  # type: ignore[union-attr]
            for id_, value in zip(ids_here, values, strict=True):
                if id_ in ids:
                    found["id"].append(id_)
                    found["value"].append(value)
    return pa.table({"id": pa.array(found["id"], pa.string()), "value": pa.array(found["value"], pa.float64())})


def refuse_unclear(good: str, rows: Sequence[Labelled]) -> None:
    """Raise InputError if no label is of the property of `good`, or `good` is only its name, and the labels are not just 0 and 1."""
    known = {name for row in rows for name in row.labels}
    if (name := _good(good)[0]) not in known:
        raise InputError(f"No document has a label for {name!r}; --good names one of {', '.join(sorted(known))}.")
    other = next((row.labels[good] for row in rows if row.labels.get(good, 0) not in (0, 1)), None)
    if other is not None:
        said = other if isinstance(other, str) else f"{other:g}"
        example = f"{good}={said}" if isinstance(other, str) else f"{good}>={said}"
        raise InputError(
            f"Labels of {good!r} are not just 0 and 1, one is {said}: say which are good, as with --good '{example}'."
        )


def _good(said: str) -> tuple[str, Any]:
    """The property, and a function that says whether a label is good.

    >>> [_good("educational>=3")[1](label) for label in (2, 3)], _good("topic=science")[1]("news"), _good("quality=2")[1](2.0)
    ([False, True], False, True)
    """
    name, sign, limit = said.partition(">=")
    if sign:
        try:
            least = float(limit)
        except ValueError as error:
            raise InputError(f"good = {said!r}: {limit!r} is no number; write for example educational>=3.") from error
        return name.strip(), lambda label: not isinstance(label, str) and label >= least
    name, sign, value = said.partition("=")
    value = value.strip()
    return name.strip(), (
        lambda label: (label if isinstance(label, str) else f"{label:g}") == value
    ) if sign else lambda label: label == 1
