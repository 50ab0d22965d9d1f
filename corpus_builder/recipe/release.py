"""The tables [release] and [release.mixture.SOURCE]: edits, mixture, and the size of the parts."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from corpus_builder.recipe.part import Part


class Mixture(Part):
    """How much of a source is released: how often each document appears, or which share of the corpus it makes."""

    epochs: float | None = Field(default=None, gt=0)
    share: float | None = Field(default=None, gt=0, lt=1)  # of the released characters; at most `max_epochs` epochs
    max_epochs: float = Field(default=4.0, gt=0)  # more than four epochs of the same text hurts (Swallow v2, NLP2025 C1-5)
    strict: bool = False  # refuse a share that takes more than `max_epochs`, as soon as that is certain, instead of capping it

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
    """The last edits, the mixture, and the size of the parts."""

    edits: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # source name -> edits in order
    footer_keywords: str | None = None  # file that trim_footer_v1 reads
    prepend_title: tuple[str, ...] = ()  # sources whose title becomes the first line
    mixture: Mapping[str, Mixture] = Field(default_factory=dict)  # a source that is not named appears once
    part_characters: int = Field(default=50_000_000, gt=0)  # about 80 MB of compressed Parquet
