"""The table [hosts]: the numbers of every host."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from corpus_builder.recipe.part import Items, Part


class Hosts(Part):
    """The table of hosts: for every host its documents, the share that is kept, duplicates, repeated lines, means and quantiles of measures.

    It is made if a recipe has this table, or a rule on one of its columns, such as `measure = "host.documents"`.
    """

    by: Literal["host", "domain"] = Field(default="host", examples=["domain"])
    """Count each host by itself, or all hosts of a registered domain (such as example.co.jp) together."""
    measures: Items[str] = Field(default=(), examples=[["hiragana_fraction"]])
    """Measures whose mean and quantiles the table has, beside those that rules name."""
