"""The tables [quality] and [[quality.rules]]: measures, and the rules that judge by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from corpus_builder.errors import RecipeError
from corpus_builder.quality.rules import Threshold
from corpus_builder.recipe.part import Part


class Rule(Part):
    """One rule: a measure with a limit, a host list, a filter of your own, or the place of the duplicates.

    Drops if value < min, value > max, value <= above, value >= below.  Rules run in order, the first that drops
    gives the reason.  `sources` says whose documents the rule judges (default: `quality.sources`).
    """

    measure: str | None = None
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    hosts: tuple[str, ...] | None = None
    ut1: str | None = None  # directory of the UT1 lists, as downloaded
    ut1_categories: tuple[str, ...] | None = None
    exact_host: bool = False
    host_suffixes: tuple[str, ...] = ()
    filter: str | None = None
    duplicates: Literal[True] | None = None
    sources: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Rule:
        hosts = self.hosts is not None or self.ut1 is not None or bool(self.host_suffixes)
        kinds = [self.measure is not None, hosts, self.filter is not None, self.duplicates is not None]
        if sum(kinds) != 1:
            raise ValueError('a rule is one of: measure = "...", hosts = [...], filter = "module:function", duplicates = true')
        if self.measure is None and any(v is not None for v in (self.min, self.max, self.above, self.below)):
            raise ValueError('min, max, above and below go with measure = "..."')
        if self.measure is not None:
            try:
                self.threshold  # noqa: B018 - checks the limits
            except RecipeError as error:
                raise ValueError(str(error).rstrip(".")) from error
        return self

    @property
    def threshold(self) -> Threshold:
        """The rule as a filter; only for rules with a measure."""
        return Threshold(self.measure or "", min=self.min, max=self.max, above=self.above, below=self.below)

    @property
    def label(self) -> str:
        """The rule in a few words, for people."""
        if self.measure is not None:
            return str(self.threshold)
        if self.filter is not None:
            return self.filter
        return "duplicates" if self.duplicates else "hosts"


class Quality(Part):
    """Measures and rules."""

    sources: tuple[str, ...] | None = None  # whose documents the rules judge; None: every source
    ng_words: tuple[str, ...] = ()  # files that the measure ng_fraction counts
    measures: Mapping[str, str] = Field(default_factory=dict)  # measures of your own: name = "module:function"
    rules: tuple[Rule, ...] = ()
