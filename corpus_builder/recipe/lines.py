"""The table [lines]: which repeated lines count, and what becomes of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpus_builder.hashing.lines import Repeats
from corpus_builder.recipe.part import Fraction, Part


class Lines(Part):
    """Repeated lines: template text that many documents of a host, or many hosts, begin or end with; see docs/lines.md.

    A block of lines counts from `documents` documents of its host on, if they are at least `share` of the host's documents; across
    hosts (scope "corpus" or "both") from `hosts` hosts on.  "edges" looks at the first and last `edge` lines of a text,
    "anywhere" at every line by itself.  "remove" cuts them at the release, "report" only shows them.
    """

    scope: Literal["host", "corpus", "both"] = Repeats.scope
    documents: int = Field(default=Repeats.documents, ge=2)
    share: Fraction = Repeats.share
    hosts: int = Field(default=Repeats.hosts, ge=2)
    where: Literal["edges", "anywhere"] = Repeats.where
    edge: int = Field(default=Repeats.edge, ge=1, le=1_000)
    action: Literal["remove", "report"] = "remove"
    sources: tuple[str, ...] | None = None  # whose documents are counted; None: every source

    @model_validator(mode="after")
    def _limits_of_the_scope(self) -> Lines:
        given = self.model_fields_set
        if self.scope == "host" and "hosts" in given:
            raise ValueError('hosts goes with scope = "corpus" or "both": within one host there is nothing to count hosts of')
        if self.scope == "corpus" and given & {"documents", "share"}:
            raise ValueError('documents and share go with scope = "host" or "both": across hosts, hosts are counted')
        if self.where == "anywhere" and "edge" in given:
            raise ValueError('edge goes with where = "edges"')
        return self

    @property
    def repeats(self) -> Repeats:
        """When a line counts as repeated."""
        return Repeats(self.scope, self.documents, self.share, self.hosts, self.where, self.edge)
