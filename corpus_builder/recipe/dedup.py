"""The table [dedup]: what counts as a duplicate, and which document is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictBool, ValidationError, model_validator

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.preference import Preference
from corpus_builder.hashing.presets import MOST_BANDS, MOST_ROWS, resolve
from corpus_builder.hashing.verification import verify_of
from corpus_builder.recipe.errors import explain
from corpus_builder.recipe.part import Items, Part


class Dedup(Part):
    """Near-duplicates: two documents match if all `rows` minima of any of `bands` bands are equal (MinHash).

    Bands and rows are given directly, by a `preset`, or by a `similarity` to find.  docs/duplicates.md explains the rule and the search.
    """

    preset: str | None = Field(default=None, examples=["japanese"])
    """Bands and rows by name: swallow (40 x 20), fineweb (14 x 8) or japanese (20 x 7), each over character 5-grams.
    Goes without ngram, bands, rows and similarity."""
    ngram: int | None = Field(default=None, ge=1, le=64, examples=[5])
    """Characters of a shingle.  [default: 5]"""
    bands: int | None = Field(default=None, ge=1, le=MOST_BANDS, examples=[14])
    """Bands of a signature: more bands find more pairs.  [default: 14]"""
    rows: int | None = Field(default=None, ge=1, le=MOST_ROWS, examples=[8])
    """Minima per band: with more rows, pairs must be more similar to be found.  [default: 8]"""
    similarity: float | None = Field(default=None, gt=0, lt=1, examples=[0.8])
    """Choose bands and rows so that pairs of this Jaccard similarity are found.  Goes without preset, bands and rows."""
    recall: float | None = Field(default=None, gt=0, lt=1, examples=[0.99])
    """Share of the pairs of that similarity to find; goes with similarity.  [default: 0.95]"""
    bytes_per_document: int | None = Field(default=None, gt=0, examples=[960])
    """Bytes of keys that may be moved for each document, 24 per band; goes with similarity.  [default: 480]"""
    seed: int = Field(default=0, ge=0, lt=1 << 63, examples=[1])
    """Seed of the hashes."""
    keep: str = Field(default="newest", examples=["newest", "longest", "first:wikipedia,web"])
    """Which of several duplicates is kept: newest, oldest, longest, largest:NAME (a measure, or a column of your files) or
    first:A,B (sources, best first)."""
    sources: Items[str] | None = Field(default=None, examples=[["web", "books"]])
    """Sources whose documents are compared with each other.  [default: those of the rule, then quality.sources, then all]"""
    url: bool = Field(default=False, examples=[True])
    """Documents with the same URL are duplicates, whatever their texts."""
    verify: float | StrictBool | None = Field(default=None, examples=[0.8, False])
    """Minimum Jaccard similarity of a candidate that counts; false: every candidate counts.
    [default: 0.75, less for a low similarity, none for swallow]"""
    verify_by: Literal["signature", "text"] = Field(default="signature", examples=["text"])
    """Whether the similarity for verify is estimated from the signature or computed from the text.  "text" goes without index."""
    groups: Literal["first", "components"] = Field(default="first", examples=["components"])
    """Drop what matches a better document ("first"), or all but the best of what is connected by matches ("components")."""
    index: str | Path | None = Field(default=None, min_length=1, examples=["documents.index"])
    """Index of earlier documents, made by `corpus-builder index add`, with which the documents are compared."""
    indexed: Literal["stay", "compete"] = Field(default="stay", examples=["compete"])
    """Documents of the index always stay, or compete with the new ones by keep; goes with index."""

    @model_validator(mode="after")
    def _says_who_survives_and_how_to_find(self) -> Dedup:
        try:
            self.preference  # noqa: B018 - checks the word
            self.matching  # noqa: B018 - checks the numbers
        except RecipeError as error:
            raise ValueError(str(error).rstrip(".")) from error
        return self

    @model_validator(mode="after")
    def _fits_an_index(self) -> Dedup:
        if self.indexed == "compete" and self.index is None:
            raise ValueError('indexed = "compete" goes with index: without one there is nothing to compete with')
        if self.verify_by == "text" and self.matching.verify is None:
            raise ValueError('verify_by = "text" goes with verify, for example verify = 0.8')
        if self.index is not None and self.verify_by == "text":
            raise ValueError('verify_by = "text" needs the texts, which an index does not hold; verify by "signature"')
        return self

    @classmethod
    def of(cls, **said: Any) -> Dedup:
        """The table from options or arguments of the same names; raises RecipeError if they are wrong."""
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RecipeError(explain(error, "", cls)) from None

    @property
    def preference(self) -> Preference:
        """Which of several duplicates is kept."""
        return Preference.parse(self.keep)

    @property
    def minhash(self) -> MinHash:
        """The MinHash parameters for these settings."""
        return resolve(
            preset=self.preset,
            ngram=self.ngram,
            bands=self.bands,
            rows=self.rows,
            similarity=self.similarity,
            recall=self.recall,
            bytes_per_document=self.bytes_per_document,
            seed=self.seed,
        )

    @property
    def matching(self) -> Matching:
        """What counts as a duplicate."""
        verify = verify_of(self.verify, self.minhash, self.similarity)
        return Matching(self.minhash, self.url, verify, self.verify_by, self.groups, self.indexed)
