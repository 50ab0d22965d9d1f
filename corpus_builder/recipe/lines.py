"""The table [lines]: which repeated lines count, and what is done with them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpus_builder.hashing.lines import Repeats
from corpus_builder.recipe.part import Fraction, Items, Part


class Lines(Part):
    """Repeated lines: what many documents of a host, or documents of many hosts, begin or end with, such as share buttons and notices.

    They are looked for only if a recipe has this table; an empty one uses the defaults.  docs/lines.md explains what is counted.
    """

    scope: Literal["host", "corpus", "both"] = Field(default=Repeats.scope, examples=["both"])
    """Count within each host, across hosts, or both (either is enough)."""
    documents: int = Field(default=Repeats.documents, ge=2, examples=[20])
    """Minimum number of documents of a host with a repeated line; goes with scope = "host" or "both", as does share."""
    share: Fraction = Field(default=Repeats.share, examples=[0.5])
    """Minimum share of the host's documents with a repeated line, 0 to 1."""
    hosts: int = Field(default=Repeats.hosts, ge=2, examples=[50])
    """Minimum number of hosts with a repeated line; goes with scope = "corpus" or "both"."""
    where: Literal["edges", "anywhere"] = Field(default=Repeats.where, examples=["anywhere"])
    """Look at the first and last lines of a text, or at every line by itself."""
    edge: int = Field(default=Repeats.edge, ge=1, le=1_000, examples=[5])
    """Maximum number of lines, not counting blank ones, to cut from either end; goes with where = "edges"."""
    action: Literal["remove", "report"] = Field(default="remove", examples=["report"])
    """Cut the lines at the release, or only show them in the report and in `corpus-builder why`."""
    sources: Items[str] | None = Field(default=None, examples=[["web"]])
    """Sources whose documents are counted and cut.  [default: all]"""

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
