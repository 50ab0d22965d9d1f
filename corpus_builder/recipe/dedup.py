"""The table [dedup]: what counts as a duplicate, and who survives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool, model_validator

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.preference import Preference
from corpus_builder.hashing.presets import resolve
from corpus_builder.hashing.verification import verify_of
from corpus_builder.recipe.part import Part


class Dedup(Part):
    """Near-duplicates: two documents match when all `rows` minima of one of `bands` bands are equal.

    How many bands and rows is said by themselves, by a `preset`, or by a `similarity` to find with a `recall`.  With `verify` a match
    counts only from this Jaccard similarity on, estimated from the signature or exact from the text; `dedup.verification` says from which
    where nothing is said, and `verify = false` that every match counts.  `groups` says whether a
    document is dropped for matching a better one, or all but the best of what hangs together by matches.  `url = true` makes the
    same URL a reason of its own.  `index` names an index of earlier documents, whose `elders` always stay, or compete with the new ones.
    """

    preset: str | None = None  # swallow, fineweb or japanese; see `dedup.presets`
    ngram: int | None = Field(default=None, ge=1, le=64)  # default: 5
    bands: int | None = Field(default=None, ge=1, le=1024)  # default: 14
    rows: int | None = Field(default=None, ge=1, le=256)  # default: 8
    similarity: float | None = Field(default=None, gt=0, lt=1)
    recall: float | None = Field(default=None, gt=0, lt=1)  # default: 0.95
    bytes_per_document: int | None = Field(default=None, gt=0)  # that the exchange moves; default: 480
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    keep: str = "newest"  # who survives: newest, oldest, longest, largest:MEASURE or first:SOURCE,SOURCE
    sources: tuple[str, ...] | None = None  # None: every source
    url: bool = False
    verify: float | StrictBool | None = None
    verify_by: Literal["signature", "text"] = "signature"
    groups: Literal["first", "components"] = "first"
    index: str | None = Field(default=None, min_length=1)
    elders: Literal["stay", "compete"] = "stay"

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
        if self.elders == "compete" and self.index is None:
            raise ValueError('elders = "compete" goes with index: without one there is nobody to compete with')
        if self.verify_by == "text" and self.matching.verify is None:
            raise ValueError('verify_by = "text" goes with verify, for example verify = 0.8')
        if self.index is not None and self.verify_by == "text":
            raise ValueError('verify_by = "text" needs the texts, which an index does not hold; verify by "signature"')
        return self

    @property
    def preference(self) -> Preference:
        """Who survives of some duplicates."""
        return Preference.parse(self.keep)

    @property
    def minhash(self) -> MinHash:
        """The hash specification that these numbers ask for."""
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
        return Matching(self.minhash, self.url, verify, self.verify_by, self.groups, self.elders)
