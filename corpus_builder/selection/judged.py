"""The rules of a recipe applied to the stored columns of a whole shard at once, as far as possible without a step per document.

What a rule decides is asked of the rule itself, `RunningRule.judge`; but of the documents of a host only once, and in words only for documents
that a rule drops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.quality.catalogue import COPIES
from corpus_builder.quality.rulebook import CategoryRule, DuplicateRule, FilterRule, HostRule, MeasureRule, Rows, RunningRule
from corpus_builder.selection.columns import Columns

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]


class Reasons:
    """The reasons seen so far, each with a number; 0 is a document that is kept."""

    def __init__(self) -> None:
        self.names = [""]
        self._numbers = {"": 0}

    def number(self, name: str) -> int:
        """The number of a reason."""
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def numbers(self, column: Any) -> I64:
        """The numbers of a column of reasons."""
        if isinstance(column, np.ndarray):
            column = pa.chunked_array([pa.array(column, pa.string())])
        coded = column.combine_chunks().dictionary_encode()
        found = np.array([self.number(name) for name in coded.dictionary.to_pylist()] or [0], dtype=np.int64)
        return np.asarray(found[coded.indices.to_numpy()])


@dataclass(frozen=True)
class ShardRows:
    """The documents of a shard; a column is read when it is first asked for."""

    columns: Columns
    shard: str
    source: str
    _read: dict[str, Any] = field(default_factory=dict, repr=False)

    def column(self, name: str) -> pa.ChunkedArray | None:
        """A column; None if nothing is known of this shard."""
        self.read([name])
        return self._read[name]

    def read(self, names: Iterable[str]) -> None:
        """Read some columns, together, that were not read yet."""
        missing = [name for name in dict.fromkeys(names) if name not in self._read and name in self.columns.places]
        self._read.update(self.columns.of_shard(self.shard, missing))

    def number(self, name: str) -> npt.NDArray[Any]:
        """A column of numbers."""
        column = self.column(name) if name in self.columns.places else None
        if column is None:
            return np.full(self.count, 1.0 if name == COPIES else np.nan)
        return np.asarray(column.to_numpy())

    @cached_property
    def reason(self) -> pa.ChunkedArray:
        """What the build decided."""
        column = self.column("reason")
        assert column is not None  # every shard is decided
        return column

    @property
    def count(self) -> int:
        """How many documents there are."""
        return len(self.reason)

    @cached_property
    def hosts(self) -> tuple[list[str], I64]:
        """The distinct hosts, and for each document which of them is its own."""
        column = self.column("host")
        assert column is not None
        coded = column.combine_chunks().dictionary_encode()
        return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)

    def rows(self, at: I64 | None = None) -> Rows:
        """The documents for rules, all or some of them; columns are read and taken when a rule looks at them."""

        def taken(name: str) -> pa.ChunkedArray:
            column = self.column(name)
            if column is None:
                return pa.chunked_array([pa.nulls(self.count if at is None else len(at))])
            return column if at is None else column.take(pa.array(at))

        types = self.columns.types
        filters = [name for name, type_ in types.items() if pa.types.is_struct(type_)]
        return Rows(
            _Urls(self.count if at is None else len(at), lambda: taken("url").to_pylist()),
            _Lazy(self.columns.of_rules, lambda name: self.number(name) if at is None else self.number(name)[at]),
            verdicts=_Lazy([name.removeprefix("filter ") for name in filters], lambda name: taken(f"filter {name}").to_pylist()),
            labels=_Lazy(self.columns.categories, lambda name: [label or "" for label in taken(name).to_pylist()]),
        )


class _Lazy(Mapping[str, Any]):
    def __init__(self, names: Sequence[str], read: Callable[[str], Any]) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Urls(Sequence[str]):
    """URLs that are read when a rule looks at one."""

    def __init__(self, count: int, read: Callable[[], list[str]]) -> None:
        self._count, self._read = count, read
        self._urls: list[str] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if self._urls is None:
            self._urls = self._read()
        return self._urls[place]


def hits(rule: RunningRule, rows: ShardRows) -> Bools:
    """Which documents of a shard a rule drops.  (n,) bool"""
    if rows.source not in rule.sources:
        return np.zeros(rows.count, dtype=np.bool_)
    if isinstance(rule, MeasureRule):
        values = values_of(rule, rows)
        low, high, _ = rule.threshold.limits_hit(values)
        return low | high | np.isnan(values)
    if isinstance(rule, HostRule):
        return _host_hits(rule, rows)
    if isinstance(rule, DuplicateRule | FilterRule):
        column = rows.column("rule" if isinstance(rule, DuplicateRule) else f"filter {rule.name}")
        return np.zeros(rows.count, dtype=np.bool_) if column is None else np.asarray(column.is_valid().to_numpy())
    if isinstance(rule, CategoryRule):
        column = rows.column(rule.name)
        assert column is not None  # every shard is scored
        coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        names = [name or "" for name in coded.dictionary.to_pylist()]
        dropped = ~rule.judge(Rows([""] * len(names), {}, labels={rule.name: names})).keep
        return np.asarray(dropped[coded.indices.to_numpy()])
    return ~rule.judge(rows.rows()).keep


def values_of(rule: MeasureRule, rows: ShardRows) -> npt.NDArray[np.float64]:
    """What a rule compares with its limits.  (n,) float64"""
    found = rows.rows()
    return rule.column.values(found.measures, found.labels)


def _host_hits(rule: HostRule, rows: ShardRows) -> Bools:
    """Each host is judged once; the pages of hosts of which the lists name only some are judged by their URLs."""
    hosts, codes = rows.hosts
    dropped = ~rule.judge(Rows([f"https://{host}/" if host else "" for host in hosts], {})).keep
    found = np.asarray(dropped[codes])
    by_page = {entry.partition("/")[0] for entry in rule.hosts.urls}
    named = np.array([host in by_page or host.removeprefix("www.") in by_page for host in hosts], dtype=np.bool_)
    if (named & ~dropped).any():
        at = np.flatnonzero((named & ~dropped)[codes])
        found[at] = ~rule.judge(rows.rows(at)).keep
    return found


def reasons_of(rules: Sequence[RunningRule], dropped: Sequence[Bools], rows: ShardRows, reasons: Reasons) -> I64:
    """The number of each document's reason: that of the first rule that drops it."""
    found = np.zeros(rows.count, dtype=np.int64)
    for rule, hit in zip(rules, dropped, strict=True):
        at = np.flatnonzero(hit & (found == 0))
        if not len(at):
            continue
        if isinstance(rule, HostRule):
            found[at] = reasons.number("host_blocked")
        elif isinstance(rule, DuplicateRule):
            found[at] = _duplicate_reasons(rule, rows, at, reasons)
        else:
            found[at] = reasons.numbers(rule.judge(rows.rows(at)).reason)
    return found


def _duplicate_reasons(rule: DuplicateRule, rows: ShardRows, at: I64, reasons: Reasons) -> I64:
    """Each way to be a duplicate is judged once."""
    column = rows.column("rule")
    assert column is not None  # there are hits
    coded = column.take(pa.array(at)).combine_chunks().dictionary_encode()
    ways = [{"survivor": "", "similarity": np.nan, "rule": way} for way in coded.dictionary.to_pylist()]
    numbers = reasons.numbers(rule.judge(Rows([""] * len(ways), {}, matches=ways)).reason)
    return np.asarray(numbers[coded.indices.to_numpy()])


def columns_of(rule: RunningRule) -> list[str]:
    """The columns that `hits` reads for a rule."""
    if isinstance(rule, MeasureRule):
        return sorted(rule.column.reads)
    if isinstance(rule, CategoryRule):
        return [rule.name]
    if isinstance(rule, HostRule):
        return ["host"]
    return ["rule"] if isinstance(rule, DuplicateRule) else [f"filter {rule.name}"] if isinstance(rule, FilterRule) else []
