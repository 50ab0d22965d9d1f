"""The table [extract]: from page bytes to text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpus_builder.pages.page import PageSettings
from corpus_builder.recipe.part import Fraction, Part


class Extract(Part):
    """From page bytes to Japanese text; the limits are those of `html.page.PageSettings`."""

    extractor: str = "japanese"
    form: Literal["plain", "markdown"] = "plain"
    readings: bool = False
    model: str | None = Field(default=None, min_length=1)
    detector: str = PageSettings.detector  # "ngrams", "ngrams:PATH" or "fasttext:PATH"
    min_japanese_score: Fraction = PageSettings.min_japanese_score
    max_bytes: int = Field(default=PageSettings.max_bytes, gt=0)
    max_elements: int = Field(default=PageSettings.max_elements, gt=0)
    max_depth: int = Field(default=PageSettings.max_depth, gt=0)
    max_undecodable: Fraction = PageSettings.max_undecodable

    @model_validator(mode="after")
    def _fits_extractor(self) -> Extract:
        if self.extractor != "japanese" and (self.form != "plain" or self.readings or self.model):
            raise ValueError(f'form, readings and model go with extractor = "japanese", not with {self.extractor!r}')
        return self
