"""The recipe's rules, ready to judge many documents at once.

A rule looks at `Rows`, the columns about some documents that earlier stages produced, and returns which of them it drops and
why.  The first rule that drops a document gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from corpus_builder.document import Drop
from corpus_builder.quality.expressions import Expression
from corpus_builder.quality.host_columns import PREFIX
from corpus_builder.quality.hosts import HostList
from corpus_builder.quality.rules import Threshold
from corpus_builder.reasons import duplicate_reason

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
HOST_CAP = "host cap"
"""The name of the verdicts of a recipe's caps on hosts, which stand beside those of filters."""


@dataclass(frozen=True)
class Rows:
    """What is known about some documents, in columns of equal length."""

    urls: Sequence[str]
    measures: Mapping[str, F64]
    details: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by measure: what was counted, such as the first NG word
    verdicts: Mapping[str, Sequence[Mapping[str, Any] | None]] = field(default_factory=dict)  # by name of a user's filter
    matches: Sequence[Mapping[str, Any]] | None = None  # survivor (None: not a duplicate), similarity, rule; None: no search
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by name: categories; "" where nothing is known


@dataclass(frozen=True)
class Verdicts:
    """The decisions of one rule, or of a list of rules, on `Rows`; `reason` is "" for a document that is kept."""

    reason: npt.NDArray[np.object_]
    value: F64
    threshold: F64
    detail: npt.NDArray[np.object_]

    @classmethod
    def none(cls, count: int) -> Verdicts:
        """No document dropped."""
        nothing = np.full(count, "", dtype=object)
        return cls(nothing, np.full(count, np.nan), np.full(count, np.nan), nothing.copy())

    @property
    def keep(self) -> Bools:
        """Which documents are kept.  (n,) bool"""
        return np.asarray(self.reason == "", dtype=np.bool_)

    def put(self, rows: npt.NDArray[np.int64], said: Verdicts) -> None:
        """Put the decisions on some rows in place."""
        self.reason[rows], self.value[rows] = said.reason, said.value
        self.threshold[rows], self.detail[rows] = said.threshold, said.detail

    def at(self, row: int) -> Drop | None:
        """One row as a Drop, or None if the document is kept."""
        if not self.reason[row]:
            return None
        value, threshold = (None if np.isnan(x) else float(x) for x in (self.value[row], self.threshold[row]))
        return Drop(self.reason[row], value=value, threshold=threshold, detail=self.detail[row])


class RunningRule(Protocol):
    """A rule of the recipe, ready to run."""

    @property
    def label(self) -> str:
        """A short description of the rule."""

    @property
    def sources(self) -> Sequence[str]:
        """Names of the sources whose documents it judges."""

    @property
    def identity(self) -> list[Any]:
        """Everything besides the rows that its verdicts depend on, as JSON values."""

    def judge(self, rows: Rows) -> Verdicts:
        """Decide which rows to drop."""


@dataclass(frozen=True)
class Column:
    """A column of numbers that a recipe names: one of the rows', or the value of an expression over some of them."""

    name: str
    expression: Expression | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The columns of the rows that it needs."""
        return self.expression.columns if self.expression else frozenset([self.name])

    @property
    def identity(self) -> list[Any]:
        """Everything besides the rows that its values depend on."""
        return [self.name, self.expression.identity] if self.expression else [self.name]

    def of(self, rows: Rows) -> F64:
        """Its values; NaN where there is none.  (n,) float64"""
        return self.values(rows.measures, rows.labels)

    def values(self, numbers: Mapping[str, F64], labels: Mapping[str, Sequence[str]]) -> F64:
        """The same from columns by name."""
        if self.expression:
            return self.expression.values(numbers, labels)
        return np.asarray(numbers[self.name], dtype=np.float64)


@dataclass(frozen=True)
class MeasureRule:
    """Drops documents whose measure is outside its limits, or has no value."""

    threshold: Threshold
    sources: Sequence[str]
    expression: Expression | None = None

    @property
    def column(self) -> Column:
        """What the limits are compared with."""
        return Column(self.threshold.name, self.expression)

    @property
    def label(self) -> str:
        """The rule in a few words."""
        return str(self.threshold)

    @property
    def identity(self) -> list[Any]:
        """The measure's name and its limits."""
        t = self.threshold
        own = [self.expression.identity] if self.expression else []
        return ["measure", t.name, t.min, t.max, t.above, t.below, self.sources, *own]

    def judge(self, rows: Rows) -> Verdicts:
        """Reasons: the measure's name with `_low`, `_high` or `_missing`."""
        name = self.threshold.name
        values = self.column.of(rows)
        low, high, limit = self.threshold.limits_hit(values)
        said = Verdicts.none(len(values))
        said.reason[low], said.reason[high], said.reason[np.isnan(values)] = f"{name}_low", f"{name}_high", f"{name}_missing"
        hit = low | high
        said.value[hit], said.threshold[hit] = values[hit], limit[hit]
        if name in rows.details:
            said.detail[hit] = np.array(rows.details[name], dtype=object)[hit]
        return said


@dataclass(frozen=True)
class CategoryRule:
    """Drops documents whose category is not among some names, or is."""

    name: str
    any_of: Sequence[str] | None
    none_of: Sequence[str] | None
    sources: Sequence[str]

    @property
    def label(self) -> str:
        """The rule in a few words."""
        return label_of(self.name, self.any_of, self.none_of)

    @property
    def identity(self) -> list[Any]:
        """The column and the names."""
        return ["category", self.name, self.any_of, self.none_of, self.sources]

    def judge(self, rows: Rows) -> Verdicts:
        """Reason: the column's name with `_unwanted`; the value is the category's probability, if known, the detail the category."""
        labels = rows.labels[self.name]
        said = Verdicts.none(len(labels))
        unwanted = np.array(
            [
                (self.any_of is not None and label not in self.any_of) or (self.none_of is not None and label in self.none_of)
                for label in labels
            ],
            dtype=np.bool_,
        )
        said.reason[unwanted] = f"{self.name}_unwanted"
        said.detail[unwanted] = np.array(labels, dtype=object)[unwanted]
        if (probability := rows.measures.get(f"{self.name}.probability")) is not None:
            said.value[unwanted] = probability[unwanted]
        return said


def label_of(name: str, any_of: Sequence[str] | None, none_of: Sequence[str] | None) -> str:
    """A rule on a category in a few words."""
    said = [f"{word} {', '.join(names)}" for word, names in (("any of", any_of), ("none of", none_of)) if names is not None]
    return f"{name} {' and '.join(said)}"


@dataclass(frozen=True)
class HostRule:
    """Drops pages of listed hosts."""

    hosts: HostList
    sources: Sequence[str]

    @property
    def label(self) -> str:
        """The rule in a few words."""
        return "hosts"

    @property
    def identity(self) -> list[Any]:
        """The digest of the list."""
        return ["hosts", self.hosts.digest, self.sources]

    def judge(self, rows: Rows) -> Verdicts:
        """Reason: host_blocked; the detail is the entry that matched."""
        said = Verdicts.none(len(rows.urls))
        for row, entry in enumerate(self.hosts.match_hosts(rows.urls)):
            if entry is not None:
                said.reason[row], said.detail[row] = "host_blocked", entry
        return said


@dataclass(frozen=True)
class FilterRule:
    """Applies the verdicts of a user's filter."""

    name: str
    sources: Sequence[str]

    @property
    def label(self) -> str:
        """The filter's name in the recipe."""
        return self.name

    @property
    def identity(self) -> list[Any]:
        """The filter's name; its verdicts are in the rows."""
        return ["filter", self.name, self.sources]

    def judge(self, rows: Rows) -> Verdicts:
        """Reasons: the filter's own."""
        said = Verdicts.none(len(rows.urls))
        for row, verdict in enumerate(rows.verdicts[self.name]):
            if verdict is not None:
                said.reason[row], said.detail[row] = verdict["reason"], verdict["detail"] or ""
                said.value[row] = np.nan if verdict["value"] is None else verdict["value"]
                said.threshold[row] = np.nan if verdict["threshold"] is None else verdict["threshold"]
        return said


@dataclass(frozen=True)
class DuplicateRule:
    """Drops duplicates of documents that are kept."""

    sources: Sequence[str]
    verify: float | None = None  # minimum Jaccard similarity of a verified match

    @property
    def label(self) -> str:
        """The rule in a few words."""
        return "duplicates"

    @property
    def identity(self) -> list[Any]:
        """The matches are in the rows."""
        return ["duplicates", self.verify, self.sources]

    def judge(self, rows: Rows) -> Verdicts:
        """Reasons: duplicate_ and the rule; the value is the Jaccard similarity, the detail the id of the document that is kept."""
        said = Verdicts.none(len(rows.urls))
        for row, match in enumerate(rows.matches or ()):
            if match["survivor"] is None:
                continue
            said.reason[row], said.detail[row] = duplicate_reason(match["rule"]), match["survivor"]
            said.value[row] = match["similarity"]
            if self.verify is not None and match["rule"] == "near":
                said.threshold[row] = self.verify
        return said


def judge_rows(rules: Sequence[RunningRule], source: str, rows: Rows) -> Verdicts:
    """Apply the rules in order; the first that drops a document gives the reason."""
    result = Verdicts.none(len(rows.urls))
    for rule in rules:
        if source not in rule.sources:
            continue
        said = rule.judge(rows)
        fresh = ~said.keep & result.keep
        for mine, theirs in (
            (result.reason, said.reason),
            (result.value, said.value),
            (result.threshold, said.threshold),
            (result.detail, said.detail),
        ):
            mine[fresh] = theirs[fresh]
    return result


def on_hosts(rules: Sequence[RunningRule]) -> bool:
    """Whether a rule reads the table of hosts."""
    capped = any(isinstance(rule, FilterRule) and rule.name == HOST_CAP for rule in rules)
    return capped or any(name.startswith(PREFIX) for rule in rules if isinstance(rule, MeasureRule) for name in rule.column.reads)


def before_hosts(rules: Sequence[RunningRule]) -> Sequence[RunningRule]:
    """The rules before the first one that reads the table of hosts: what `host.kept` counts."""
    return rules[: next((place for place, rule in enumerate(rules) if on_hosts([rule])), len(rules))]
