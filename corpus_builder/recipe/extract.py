"""The table [extract]: from page bytes to text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from corpus_builder.engine.own_functions import name_of
from corpus_builder.japanese.detectors import DEFAULT, LanguageScore
from corpus_builder.pages.extract import Extractor
from corpus_builder.pages.page import PageSettings
from corpus_builder.recipe.part import Fraction, NameOrFunction, Part


class Extract(Part):
    """From the bytes of a page to its main text, and whether that is Japanese.  docs/extractor.md has the measured quality."""

    extractor: Annotated[str | Extractor, NameOrFunction] = Field(
        default="japanese", examples=["trafilatura", "my_extractors:first_article"]
    )
    """What finds the main text: japanese (our own), trafilatura, trafilatura_tables, or a function of yours as "module:function"
    (docs/your-data.md shows one); in Python also the function itself."""
    form: Literal["plain", "markdown"] = Field(default="plain", examples=["markdown"])
    """Plain text, or Markdown with headings, lists, tables, quotations and code; goes with extractor = "japanese"."""
    readings: bool = Field(default=False, examples=[True])
    """Keep ruby in parentheses: 漢字（かんじ）; goes with extractor = "japanese"."""
    model: str | Path | None = Field(default=None, min_length=1, examples=["data/models/extractor.bin"])
    """Weights that `corpus-builder train-extractor` wrote; goes with extractor = "japanese".  [default: the shipped model]"""
    detector: Annotated[str | LanguageScore, NameOrFunction] = Field(default=DEFAULT, examples=["fasttext:lid.176.ftz"])
    """Detector of the language: ngrams (the shipped model), ngrams:PATH (of `corpus-builder train-detector`), fasttext:PATH
    (a fastText language model; needs the extra `classifier`), or a function of yours as "module:function", which takes a text and returns
    the probability, 0 to 1, that it is in the wanted language; in Python also the function itself."""
    min_japanese_score: Fraction = Field(default=PageSettings.min_japanese_score, examples=[0.6])
    """Minimum detector score of a Japanese text: roughly the share of it that is Japanese, 0 to 1."""
    max_bytes: int = Field(default=PageSettings.max_bytes, gt=0, examples=[4194304])
    """Larger pages, in bytes, are dropped (`too_large`)."""
    max_elements: int = Field(default=PageSettings.max_elements, gt=0, examples=[50000])
    """Pages with more HTML elements are dropped (`too_many_elements`).  Has no effect on extractor = "japanese", which has its own limit."""
    max_depth: int = Field(default=PageSettings.max_depth, gt=0, examples=[500])
    """Pages whose HTML elements nest deeper are dropped (`too_deep`).  Has no effect on extractor = "japanese"."""
    max_undecodable: Fraction = Field(default=PageSettings.max_undecodable, examples=[0.05])
    """Pages with a larger share of undecodable characters are dropped (`undecodable`), and so are those with a larger share
    of irreparable mojibake (`mojibake`)."""

    @model_validator(mode="after")
    def _fits_extractor(self) -> Extract:
        if self.extractor != "japanese" and (self.form != "plain" or self.readings or self.model):
            raise ValueError(f'form, readings and model go with extractor = "japanese", not with {name_of(self.extractor)!r}')
        return self
