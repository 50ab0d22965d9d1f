"""The tables [select] and [[select.tiers]]: which of the documents that the rules keep are released, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from corpus_builder.errors import RecipeError
from corpus_builder.quality import selection
from corpus_builder.recipe.part import Fraction, Items, Part

MAX_EPOCHS = 4.0


class Tier(Part):
    """A tier: what it takes of the documents that no tier above takes, and how often it is released.

    Its share is one of all documents that the rules keep (of its topics, and of each group of `per`), whether or not a tier above takes them:
    after `top = 0.05`, a tier with `top = 0.2` gets the next 15 %.  Without top, band and min it takes everything that is left.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", examples=["best"])
    """Name of the tier, which the corpus has in its column `tier`."""
    top: Fraction | None = Field(default=None, examples=[0.05])
    """Share that it takes, the best by score, 0 to 1."""
    band: Items[Fraction] | None = Field(default=None, examples=[[0.05, 0.3]])
    """Shares between which it takes, counted from the best."""
    min: float | None = Field(default=None, allow_inf_nan=False, examples=[3.5])
    """Least score that it takes."""
    topics: Items[str] | None = Field(default=None, min_length=1, examples=[["science", "history"]])
    """Only documents of these categories: values of select.topic, or of select.per where that is a category."""
    score: str | None = Field(default=None, examples=["wiki"])
    """Measure, score or expression by which this tier orders documents.  [default: select.score]"""
    repeat: float = Field(default=1.0, ge=0, examples=[4.0])
    """How often each of its documents is released: 0 drops them, 2.5 is twice, and half of them a third time."""

    @model_validator(mode="after")
    def _one(self) -> Tier:
        _check_limits(self, f"the tier {self.name!r}")
        return self

    def wanted(self, scores: Sequence[str]) -> selection.Tier:
        """The tier as it is looked for; `scores` are those of the table, by which it numbers its own."""
        low, high = self.band or (0.0, 1.0 if self.top is None else self.top)
        topics = tuple(self.topics) if self.topics is not None else None
        number = scores.index(self.score) if self.score is not None else 0
        return selection.Tier(self.name, low, high, self.min, topics, self.repeat, number)


class Select(Part):
    """Chooses among the documents that the rules keep: the best share, a band, all from a value on, or tiers that are repeated.

    The cut is exact to the document; equal scores are ordered by a number drawn from the recipe's seed.  docs/selection.md explains it.
    """

    score: str | None = Field(default=None, examples=["edu", "worth"])
    """Measure, score or expression by which documents are ordered, the largest first; those without a value come last."""
    top: Fraction | None = Field(default=None, examples=[0.15])
    """Share of the documents to keep, the best by score, 0 to 1.  Goes without band, min and tiers."""
    band: Items[Fraction] | None = Field(default=None, examples=[[0.1, 0.3]])
    """Shares between which documents are kept, counted from the best: [0.1, 0.3] leaves out the best tenth."""
    min: float | None = Field(default=None, allow_inf_nan=False, examples=[3.0])
    """Least score to keep."""
    by: str = Field(default="documents", examples=["characters"])
    """What shares are counted in: documents, characters, or a measure of at least 0, such as tokens of your own."""
    per: str = Field(default="all", examples=["source", "crawl"])
    """Groups of which shares are taken separately: all (one group), source, crawl, or a category such as rubric.topic."""
    topic: str | None = Field(default=None, examples=["rubric.topic"])
    """Category that the topics of tiers are values of.  [default: per, where that is a category]"""
    sources: Items[str] | None = Field(default=None, min_length=1, examples=[["web"]])
    """Sources whose documents are chosen among; those of others stay.  [default: quality.sources, then all]"""
    max_epochs: float = Field(default=MAX_EPOCHS, gt=0, examples=[8.0])
    """Most repeats that a tier may ask for; more than four times was measured to hurt (Swallow v2, NLP2025 C1-5)."""
    tiers: Items[Tier] = Field(default=(), examples=[[{"name": "best", "top": 0.05, "repeat": 4.0}, {"name": "rest"}]])
    """Tiers, from the best to the worst: a document gets the first that takes it, and is dropped if none does."""

    @model_validator(mode="after")
    def _one(self) -> Select:
        _check_limits(self, "select")
        alone = any(value is not None for value in (self.top, self.band, self.min))
        if alone == bool(self.tiers):
            raise ValueError("select has either top, band or min, or tables [[select.tiers]]")
        parts: Sequence[Any] = self.tiers or [self]
        limited = [one for one in parts if any(value is not None for value in (one.top, one.band, one.min))]
        if self.score is None and any(one.score is None for one in limited):
            raise ValueError('select.score is missing; name what documents are ordered by, for example score = "edu"')
        names = [tier.name for tier in self.tiers]
        if len(set(names)) < len(names):
            raise ValueError("two of select.tiers have the same name; documents carry it, so give each its own")
        for tier in self.tiers:
            if tier.repeat > self.max_epochs:
                raise ValueError(
                    f"the tier {tier.name!r} repeats {tier.repeat:g} times, more than select.max_epochs = {self.max_epochs:g}; repeating text more "
                    "than four times was measured to hurt, so raise max_epochs only if you mean it"
                )
            if tier.topics is not None and self.topic_column is None:
                raise ValueError(
                    f'the tier {tier.name!r} has topics; say of which category, for example select.topic = "rubric.topic"'
                )
        all_taken = [replace(tier, score=0) == selection.Tier(tier.name, repeat=tier.repeat) for tier in self.wanted]
        whole = all_taken.index(True) if self.tiers and True in all_taken else None
        if whole is not None and whole < len(self.tiers) - 1:
            raise ValueError(
                f"the tier {names[whole]!r} takes everything, so that {names[whole + 1]!r} gets nothing; put it last, or give it a limit"
            )
        return self

    @property
    def topic_column(self) -> str | None:
        """The category that topics are values of."""
        return self.topic or (None if self.per in ("all", "source", "crawl") else self.per)

    @property
    def scores(self) -> tuple[str, ...]:
        """What documents are ordered by: its own score, then those of tiers."""
        named = [self.score, *(tier.score for tier in self.tiers)]
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def wanted(self) -> tuple[selection.Tier, ...]:
        """The tiers; without any, one without a name."""
        if self.tiers:
            return tuple(tier.wanted(self.scores) for tier in self.tiers)
        low, high = self.band or (0.0, 1.0 if self.top is None else self.top)
        return (selection.Tier("", low, high, self.min),)

    @property
    def most_repeated(self) -> float:
        """The largest repeat of a tier."""
        return max((tier.repeat for tier in self.tiers), default=1.0)


def _check_limits(one: Tier | Select, what: str) -> None:
    given = [name for name in ("top", "band", "min") if getattr(one, name) is not None]
    if len(given) > 1:
        raise ValueError(f"{what} has {' and '.join(given)}; one of them is enough")
    if one.band is not None and not (len(one.band) == 2 and one.band[0] < one.band[1]):
        raise ValueError(f"{what}: band = {list(one.band)} is none; give two shares, the smaller first, for example [0.1, 0.3]")


def mixture_problem(
    select: Select | None, source: str, sources: Sequence[str], epochs: float | None, max_epochs: float
) -> RecipeError | None:
    """The error for a source whose best tier would be released more often than its mixture allows."""
    if select is None or epochs is None or source not in sources or epochs * select.most_repeated <= max_epochs:
        return None
    return RecipeError(
        f"release.mixture.{source}: epochs = {epochs:g} of a tier that select repeats {select.most_repeated:g} times are "
        f"{epochs * select.most_repeated:g}, more than max_epochs = {max_epochs:g}; lower one of them, or raise max_epochs if you mean it"
    )
