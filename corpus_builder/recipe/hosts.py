"""The table [hosts]: the numbers of every host."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpus_builder.recipe.part import Fraction, Items, Part


class Hosts(Part):
    """The table of hosts: for every host its documents, the share that is kept, duplicates, repeated lines, means and quantiles of measures.

    It is made if a recipe has this table, or a rule on one of its columns, such as `measure = "host.documents"`.
    """

    by: Literal["host", "domain"] = Field(default="host", examples=["domain"])
    """Count each host by itself, or all hosts of a registered domain (such as example.co.jp) together."""
    measures: Items[str] = Field(default=(), examples=[["hiragana_fraction"]])
    """Measures whose mean and quantiles the table has, beside those that rules name."""
    max_documents: int | None = Field(default=None, ge=1, examples=[10_000])
    """Most documents of a host, of those that the rules keep; the best by score stay."""
    max_share: Fraction | None = Field(default=None, gt=0.0, examples=[0.01])
    """Most documents of a host, as a share of all documents that the rules keep, 0 to 1."""
    score: str | None = Field(default=None, examples=["japanese_fraction"])
    """Measure, score or expression of which the documents with the greatest values stay under a cap; equal ones are drawn by the recipe's seed.
    [default: select.score; without one, all are drawn]"""
    sources: Items[str] | None = Field(default=None, min_length=1, examples=[["web"]])
    """Sources whose documents the caps count and drop; goes with max_documents or max_share, as does score.  [default: all]"""

    @model_validator(mode="after")
    def _of_caps(self) -> Hosts:
        if not self.capped and (self.score is not None or self.sources is not None):
            raise ValueError("score and sources go with max_documents or max_share")
        return self

    @property
    def capped(self) -> bool:
        """Whether hosts have a most."""
        return self.max_documents is not None or self.max_share is not None
