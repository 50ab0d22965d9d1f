"""The tables [release] and [release.mixture.SOURCE]: edits, mixture, and the size of the parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from corpus_builder.recipe.part import Items, Part


class Mixture(Part):
    """How much of one source is released: how often each of its documents appears, or which share of the corpus it makes.

    A source without such a table appears once.
    """

    epochs: float | None = Field(default=None, gt=0, examples=[2.5])
    """How often each document appears: 2.5 is twice, and half of them a third time; 0.5 is half of them.  Goes without share."""
    share: float | None = Field(default=None, gt=0, lt=1, examples=[0.01])
    """Share of the released characters, reached by repeating the source at most max_epochs times.  Goes without epochs; the shares of all
    sources are less than 1 together, and one source has none."""
    max_epochs: float = Field(default=4.0, gt=0, examples=[8.0])
    """How often a document may appear at most; more than four times was measured to hurt (Swallow v2, NLP2025 C1-5)."""
    strict: bool = Field(default=False, examples=[True])
    """Refuse a share that would take more than max_epochs, as soon as that is certain, instead of capping it; goes with share."""

    @model_validator(mode="after")
    def _one(self) -> Mixture:
        if (self.epochs is None) == (self.share is None):
            raise ValueError("a mixture says either epochs = ... or share = ...")
        if self.strict and self.share is None:
            raise ValueError("strict goes with share = ...")
        if self.epochs is not None and self.epochs > self.max_epochs:
            raise ValueError(
                f"epochs = {self.epochs} is more than max_epochs = {self.max_epochs}; repeating text more than four times "
                "was measured to hurt, so raise max_epochs only if you mean it"
            )
        return self


class Release(Part):
    """What the released corpus looks like: the last edits of its texts, the mixture of its sources, and the size of its parts."""

    edits: Mapping[str, Items[str]] = Field(default_factory=dict, examples=[{"web": ["normalize_punctuation_v1", "trim_footer"]}])
    """Edits by source, in the order in which they are made; see the table below."""
    footer_keywords: str | Path | None = Field(default=None, examples=["../data/words/footer_v1.txt"])
    """File of keywords, one per line; goes with the edit trim_footer_v1."""
    prepend_title: Items[str] = Field(default=(), examples=[["wikipedia"]])
    """Sources whose documents get their title as the first line."""
    mixture: Mapping[str, Mixture] = Field(default_factory=dict, examples=[{"wikipedia": {"share": 0.01}}])
    """How much of a source is released, by source.  [default: every document once]"""
    part_characters: int = Field(default=50_000_000, gt=0, examples=[10000000])
    """Characters of a part of the corpus; the default gives Parquet files of about 80 MB."""
