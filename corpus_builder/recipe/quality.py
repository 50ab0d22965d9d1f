"""The tables [quality] and [[quality.rules]]: measures, and the rules that judge by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from corpus_builder.document import Filter, Measure
from corpus_builder.engine.own_functions import name_of
from corpus_builder.errors import RecipeError
from corpus_builder.quality.catalogue import COPIES, OF_LANGUAGE_MODEL, OF_PAGES, OF_WORDS
from corpus_builder.quality.expressions import Expression, linked
from corpus_builder.quality.host_columns import PREFIX, host_columns, measure_in
from corpus_builder.quality.measures import MEASURES
from corpus_builder.quality.rulebook import label_of
from corpus_builder.quality.rules import Threshold
from corpus_builder.recipe.part import Items, NameOrFunction, Part


class Rule(Part):
    """One rule: a measure with limits, a list of hosts, a filter of yours, or the place of the duplicates (`duplicates = true`).

    Rules run in order, and the first that drops a document gives the reason.
    """

    measure: str | None = Field(default=None, examples=["hiragana_fraction"])
    """A built-in measure (docs/measures.md), `ng_fraction` where quality.ng_words names lists, one of quality.measures, or a column of
    the table of hosts (docs/hosts.md), such as `host.documents`.  Goes with min, max, above or below."""
    min: float | None = Field(default=None, examples=[0.2])
    """Drops documents whose value is less; goes with measure, as do max, above and below."""
    max: float | None = Field(default=None, examples=[0.5])
    """Drops documents whose value is greater."""
    above: float | None = Field(default=None, examples=[0.2])
    """Keeps only documents whose value is greater: drops at the limit, too."""
    below: float | None = Field(default=None, examples=[0.05])
    """Keeps only documents whose value is less: drops at the limit, too."""
    any_of: Items[str] | None = Field(default=None, examples=[["science", "history"]])
    """Keeps only documents whose category is one of these; goes with the measure of a category, as does none_of."""
    none_of: Items[str] | None = Field(default=None, examples=[["adult"]])
    """Drops documents whose category is one of these."""
    hosts: Items[str | Path] | None = Field(default=None, examples=[["lists/hosts.txt"]])
    """Files of hosts, or of host/path, whose pages are dropped: one per line, `#` begins a comment."""
    ut1: str | Path | None = Field(default=None, examples=["lists/ut1"])
    """Directory of the UT1 lists as downloaded (data/words/README.md says from where); pages of their hosts are dropped.
    Goes without hosts and host_suffixes."""
    ut1_categories: Items[str] | None = Field(default=None, examples=[["adult", "gambling"]])
    """Categories of UT1 to read; goes with ut1.  [default: the 28 that Swallow corpus v1 rejects]"""
    exact_host: bool = Field(default=False, examples=[True])
    """An entry of the lists is that host alone, as in Swallow corpus v1, not also every host below it; entries with a path then match
    nothing.  Goes with hosts or ut1."""
    host_suffixes: Items[str] = Field(default=(), examples=[[".5ch.net", "wikipedia.org"]])
    """Ends of host names whose pages are dropped, compared as strings: "wikipedia.org" also drops "notwikipedia.org"."""
    filter: Annotated[str | Filter, NameOrFunction] | None = Field(default=None, examples=["my_filters:too_many_arrows"])
    """A function of yours as "module:function", in Python also the function itself: it takes a Document and returns None, or a Drop with its
    reason."""
    duplicates: Literal[True] | None = Field(default=None, examples=[True])
    """Duplicates are dropped here; goes with a table [dedup], which says what is one."""
    sources: Items[str] | None = Field(default=None, examples=[["web"]])
    """Sources whose documents the rule judges.
    [default: quality.sources; where that is not given either, for measures and filters the Japanese sources, for others all]"""

    @model_validator(mode="after")
    def _one_kind(self) -> Rule:
        hosts = self.hosts is not None or self.ut1 is not None or bool(self.host_suffixes)
        kinds = [self.measure is not None, hosts, self.filter is not None, self.duplicates is not None]
        if sum(kinds) != 1:
            raise ValueError('a rule is one of: measure = "...", hosts = [...], filter = "module:function", duplicates = true')
        if self.ut1 is not None and (self.hosts is not None or self.host_suffixes):
            raise ValueError(
                "ut1 goes without hosts and host_suffixes: write a rule for each, so that the reports tell them apart"
            )
        if self.ut1_categories is not None and self.ut1 is None:
            raise ValueError("ut1_categories go with ut1, the directory of the lists")
        if self.exact_host and self.ut1 is None and self.hosts is None:
            raise ValueError("exact_host goes with hosts or ut1")
        limits = any(v is not None for v in (self.min, self.max, self.above, self.below))
        if self.measure is None and limits:
            raise ValueError('min, max, above and below go with measure = "..."')
        if self.measure is None and self.of_category:
            raise ValueError('any_of and none_of go with measure = "..."')
        if limits and self.of_category:
            raise ValueError(
                "any_of and none_of are for categories, min, max, above and below for numbers; write a rule for each"
            )
        if self.measure is not None and not self.of_category:
            try:
                self.threshold  # noqa: B018 - checks the limits
            except RecipeError as error:
                raise ValueError(str(error).rstrip(".")) from error
        return self

    @property
    def of_category(self) -> bool:
        """Whether the rule judges by a category."""
        return self.any_of is not None or self.none_of is not None

    @property
    def threshold(self) -> Threshold:
        """The rule as a filter; only for rules with a measure."""
        return Threshold(self.measure or "", min=self.min, max=self.max, above=self.above, below=self.below)

    @property
    def label(self) -> str:
        """The rule in a few words, for people."""
        if self.measure is not None:
            return label_of(self.measure, self.any_of, self.none_of) if self.of_category else str(self.threshold)
        if self.filter is not None:
            return name_of(self.filter)
        return "duplicates" if self.duplicates else "hosts"


class Classifier(Part):
    """A classifier whose scores are columns like measures: NAME if it judges one property, else NAME.PROPERTY."""

    model: str | Path = Field(min_length=1, examples=["models/edu.model"])
    """File of the model: from `corpus-builder train-classifier`, a fastText model (.bin, .ftz), or an ONNX model or the directory with it."""
    label: str = Field(default="", examples=["__label__wiki"])
    """Label of a fastText or ONNX model whose probability is the score.  [default: the expected grade, or the most likely label]"""


class Quality(Part):
    """What the rules have in common; the rules are tables [[quality.rules]]."""

    sources: Items[str] | None = Field(default=None, examples=[["web"]])
    """Sources whose documents the rules judge.  [default: for measures and filters the Japanese sources, for others all]"""
    ng_words: Items[str | Path] = Field(default=(), examples=[["../data/words/ng_words_ja.txt"]])
    """Files of words, one per line, which the measure `ng_fraction` counts."""
    ng_variants: bool = Field(default=False, examples=[True])
    """Count the words in other forms, too: in the other kana and width, with masked letters (セ○クス), or with marks between the letters
    (セ・ッ・ク・ス).  Swallow corpus v1 counts them as they are listed."""
    word_measures: bool = Field(default=False, examples=[True])
    """Measure words, too, by Sudachi: the word measures of FineWeb-2, function words and unknown words (docs/measures.md).  This takes about
    a hundred times as long as all other measures; needs the extra `words`."""
    language_model: str | Path | None = Field(default=None, examples=["models/wikipedia.lm"])
    """Model of `corpus-builder train-language-model`, by which the measure `perplexity` is computed."""
    measures: Mapping[str, Annotated[str | Measure, NameOrFunction]] = Field(
        default_factory=dict, examples=[{"links": "my_filters:links"}]
    )
    """Measures of yours by name: functions as "module:function", in Python also the functions themselves, that take a Document and return a number."""
    classifiers: Mapping[str, Classifier] = Field(default_factory=dict, examples=[{"edu": {"model": "models/edu.model"}}])
    """Classifiers by name."""
    expressions: Mapping[str, str] = Field(default_factory=dict, examples=[{"kana": "hiragana_fraction + katakana_fraction"}])
    """Arithmetic over measures, scores and each other, by name: + - * /, comparisons, and, or, not, min, max, abs, log,
    where(condition, yes, no).  docs/selection.md has the rules."""
    rules: Items[Rule] = Field(default=(), examples=[[{"measure": "hiragana_fraction", "min": 0.2}]])
    """The rules, in the order in which they run."""

    @property
    def measure_names(self) -> tuple[str, ...]:
        """The measures that a rule may name: those of documents, how many copies of them there were, those of their hosts, and expressions."""
        after_search = [COPIES] if any(rule.duplicates for rule in self.rules) else []
        return (*self.document_measures, *after_search, *host_columns(self.document_measures), *self.expressions)

    @property
    def document_measures(self) -> tuple[str, ...]:
        """The measures of documents: built-in, the recipe's own, its classifiers, and that of its word lists.

        A classifier with several properties, which its file tells, has the columns NAME.PROPERTY instead.
        """
        groups = [*([OF_WORDS] if self.word_measures else []), *([OF_LANGUAGE_MODEL] if self.language_model is not None else [])]
        of_pages = [info.name for info in OF_PAGES.measures]
        turned_on = [info.name for group in groups for info in group.measures]
        return (*MEASURES, *of_pages, *turned_on, *self.measures, *self.classifiers, *(["ng_fraction"] if self.ng_words else []))

    @property
    def linked(self) -> dict[str, Expression]:
        """The expressions by name, each with those that it names; raises RecipeError for one that is wrong."""
        return linked(self.expressions)

    def reads(self, name: str) -> frozenset[str]:
        """The columns that the measure of this name stands for: itself, or those of an expression."""
        return self.linked[name].columns if name in self.expressions else frozenset([name])

    def on_hosts(self, name: str | None) -> bool:
        """Whether the measure of this name needs the table of hosts; False for None."""
        return name is not None and any(column.startswith(PREFIX) for column in self.reads(name))

    def after_search(self, name: str | None) -> bool:
        """Whether the measure of this name is known only after the search for duplicates; False for None."""
        return name is not None and (self.on_hosts(name) or COPIES in self.reads(name))

    def may_have(self, name: str) -> bool:
        """Whether a column may have this name, as far as is known without reading a classifier's file."""
        return name in self.measure_names or self.of_classifier(name) or self.of_classifier(measure_in(name) or "")

    def of_classifier(self, name: str) -> bool:
        """Whether a name is that of a classifier, or of one of its properties."""
        return name.partition(".")[0] in self.classifiers
