"""A recipe made ready to run: its word and host lists read, the user's functions imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy.typing as npt

from corpus_builder.classifier.load import files_of, load_classifier
from corpus_builder.classifier.model import F64, Classifier, Property, columns_of
from corpus_builder.engine.own_functions import UserFunction, function_of
from corpus_builder.errors import InputError, RecipeError, did_you_mean
from corpus_builder.quality.choice import Choice
from corpus_builder.quality.expressions import Expression
from corpus_builder.quality.groups import MeasureGroup, Perplexity
from corpus_builder.quality.host_columns import COUNTS, measure_in
from corpus_builder.quality.hosts import UT1_V1_CATEGORIES, HostList
from corpus_builder.quality.measures import MEASURES
from corpus_builder.quality.ng_words import NgWords
from corpus_builder.quality.rulebook import (
    HOST_CAP,
    CategoryRule,
    Column,
    DuplicateRule,
    FilterRule,
    HostRule,
    MeasureRule,
    RunningRule,
)
from corpus_builder.quality.word_measures import WordMeasures
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.quality import Rule
from corpus_builder.release.mixture import Wanted
from corpus_builder.store.files import state_of


@dataclass(frozen=True)
class NamedClassifier:
    """A classifier of the recipe, without its weights: a worker process loads them once, on first use."""

    name: str
    path: Path
    digest: str
    properties: tuple[Property, ...]
    measures: tuple[str, ...]  # built-in ones that it reads
    label: str = ""  # the one that the recipe asks for

    @classmethod
    def of(cls, name: str, path: Path, label: str = "") -> NamedClassifier:
        """The classifier in a file; raises InputError if that is missing or damaged, or no classifier."""
        model = _loaded(path, _states(path), label)
        if strange := [one for one in model.measures if one not in MEASURES]:
            raise InputError(
                f"The classifier {path} reads the measure {strange[0]!r}, which this version does not have; use the version that trained it."
            )
        return cls(name, path, model.digest, model.properties, model.measures, label)

    @property
    def columns(self) -> dict[str, Property]:
        """The columns that it gives to the rules."""
        return columns_of(self.name, self)

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """As of any classifier; raises InputError if the file is no longer that with which the build began."""
        model = _loaded(self.path, _states(self.path), self.label)
        if model.digest != self.digest:
            raise InputError(f"The classifier {self.path} changed while it was used; run the same command again.")
        return model.score(texts, measures)


_NUMBER = Property("", "graded", ())


def _states(path: Path) -> tuple[tuple[int, int], ...]:
    return tuple(map(state_of, files_of(path)))


@lru_cache(maxsize=16)
def _loaded(path: Path, states: tuple[tuple[int, int], ...], label: str) -> Classifier:
    return load_classifier(path, label)


@dataclass(frozen=True)
class Running:
    """A recipe and the directory that it is built into; files that the recipe names are read once, on first use."""

    recipe: Recipe
    out: Path

    @cached_property
    def rules(self) -> tuple[RunningRule, ...]:
        """The recipe's rules in order; raises RecipeError if one names a column that the classifiers do not have."""
        for number, rule in enumerate(self.recipe.quality.rules):
            if rule.measure is not None:
                self._check_rule(rule, f"quality.rules[{number}]")
        for name, expression in self.expressions.items():
            where = f"quality.expressions.{name}"
            kinds = {column: self.column(column, where) for column in expression.names}
            try:
                expression.check_kinds(lambda column, kinds=kinds: kinds[column] == "category")  # type: ignore[misc]
            except RecipeError as error:
                raise RecipeError(f"{where}: {error}") from None
        rules = tuple(_running(rule, self.recipe) for rule in self.recipe.quality.rules)
        hosts = self.recipe.hosts
        return (*rules, FilterRule(HOST_CAP, hosts.sources or self.recipe.source_names)) if hosts and hosts.capped else rules

    def _check_rule(self, rule: Rule, where: str) -> None:
        name, is_category = str(rule.measure), self.column(str(rule.measure), where) == "category"
        if is_category == rule.of_category:
            if is_category and (
                strange := [one for one in (*(rule.any_of or ()), *(rule.none_of or ())) if one not in self._values(name)]
            ):
                raise RecipeError(
                    f"{where}: {name!r} has no value {strange[0]!r}{did_you_mean(strange[0], self._values(name))}; {self._listed(name)}."
                )
            return
        if is_category:
            raise RecipeError(f"{where} compares {name!r} with a number, but it is a category; {self._listed(name)}.")
        raise RecipeError(f"{where} compares {name!r} with names, but it is a number; give min, max, above or below.")

    def _values(self, name: str | None) -> tuple[str, ...]:
        return self.classifier_columns[str(name)].values

    def _listed(self, name: str | None) -> str:
        return f"its values are {', '.join(self._values(name))}"

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """The recipe's expressions, each with those that it names."""
        return self.recipe.quality.linked

    def named(self, name: str, where: str) -> Column:
        """The column of numbers that the recipe calls so; raises RecipeError if it is a category."""
        if self.column(name, where) == "category":
            raise RecipeError(f"{where} takes numbers, but {name!r} is a category; {self._listed(name)}.")
        return Column(name, self.expressions.get(name))

    @cached_property
    def before_duplicates(self) -> tuple[RunningRule, ...]:
        """The rules before the search for duplicates; all rules if the recipe does not look for them."""
        place = next((i for i, rule in enumerate(self.recipe.quality.rules) if rule.duplicates), None)
        return self.rules[:place]

    @cached_property
    def measures(self) -> tuple[tuple[str, UserFunction], ...]:
        """The user's measures by name, in the order of the names."""
        recipe = self.recipe
        return tuple((name, function_of(function, recipe.base)) for name, function in sorted(recipe.quality.measures.items()))

    @cached_property
    def choice(self) -> Choice | None:
        """What the recipe's table `select` asks; None if there is none."""
        select = self.recipe.select
        if select is None:
            return None
        for key, name in (("per", select.per), ("topic", select.topic)):
            if name not in (None, "all", "source", "crawl") and self.column(name, f"select.{key}") != "category":
                raise RecipeError(f"select.{key} takes a category, but {name!r} is a number.")
        topic = select.topic_column
        for tier in select.tiers if topic else ():
            if strange := [one for one in tier.topics or () if one not in self._values(topic)]:
                hint = did_you_mean(strange[0], self._values(topic))
                raise RecipeError(f"The tier {tier.name!r} names the topic {strange[0]!r}{hint}; {topic}: {self._listed(topic)}.")
        return Choice(
            select.wanted,
            tuple(self.named(name, "select.score" if name == select.score else "select.tiers") for name in select.scores),
            select.by,
            None if select.by in ("documents", "characters") else self.named(select.by, "select.by"),
            select.per,
            topic,
            tuple(self.recipe.selected_from),
            self.recipe.seed,
        )

    @cached_property
    def classifiers(self) -> tuple[NamedClassifier, ...]:
        """The recipe's classifiers, in the order of the names."""
        named = sorted(self.recipe.quality.classifiers.items())
        return tuple(NamedClassifier.of(name, self.recipe.resolve(one.model), one.label) for name, one in named)

    @cached_property
    def classifier_columns(self) -> dict[str, Property]:
        """The columns of all classifiers, but for the probabilities of categories."""
        return {column: found for one in self.classifiers for column, found in one.columns.items()}

    def column(self, name: str, where: str) -> str:
        """Whether a column that the recipe names holds a "number" or a "category"; raises RecipeError if there is none of this name."""
        known = self.classifier_columns
        if name in known:
            return "category" if known[name].kind == "category" else "number"
        if (of_host := measure_in(name)) is not None and self.column(of_host, where) == "category":
            raise RecipeError(
                f"{where} names {name!r}, but {of_host!r} is a category, which has no mean over a host's documents."
            )
        of_classifier = name.partition(".")[0] in self.recipe.quality.classifiers
        if of_classifier and known.get(name.removesuffix(".probability"), _NUMBER).kind != "category":
            there = [column for column in known if column.partition(".")[0] == name.partition(".")[0]]
            hint = did_you_mean(name, there)
            raise RecipeError(
                f"{where} names the unknown column {name!r}{hint}; that classifier has {', '.join(map(repr, there))}."
            )
        return "number"

    @cached_property
    def filters(self) -> tuple[UserFunction, ...]:
        """The user's filters in the order of their rules, each once."""
        found: dict[str, UserFunction] = {}
        for rule in self.recipe.quality.rules:
            if rule.filter is not None:
                function = function_of(rule.filter, self.recipe.base)
                if found.setdefault(function.name, function) != function:
                    raise RecipeError(f"Two filters that differ are called {function.name}; give one of them another name.")
        return tuple(found.values())

    @cached_property
    def summed_up(self) -> tuple[str, ...]:
        """The measures whose mean and quantiles the table of hosts has: those that rules, or the recipe's table `hosts`, name."""
        quality, hosts = self.recipe.quality, self.recipe.hosts
        named = [name for rule in quality.rules if rule.measure is not None for name in sorted(quality.reads(rule.measure))]
        named = [name for name in named if not quality.on_hosts(name)]
        named += [name for column in self.recipe.host_columns if (name := measure_in(column)) is not None]
        for number, name in enumerate(hosts.measures if hosts else ()):
            if self.column(name, where := f"hosts.measures[{number}]") == "category":
                raise RecipeError(f"{where} takes numbers, but {name!r} is a category; {self._listed(name)}.")
            named.append(name)
        return tuple(dict.fromkeys(name for name in named if name not in COUNTS and self.column(name, "hosts") == "number"))

    @property
    def functions(self) -> list[UserFunction]:
        """Every function of the user's that the recipe names."""
        settings = self.recipe.page_settings
        detectors = [
            settings.detector,
            *(self.recipe.detector(one.detector) for one in self.recipe.sources if one.detector is not None),
        ]
        of_pages = [one for one in (settings.own, *detectors) if isinstance(one, UserFunction)]
        return [*(function for _, function in self.measures), *self.filters, *of_pages]

    @cached_property
    def ng_words(self) -> NgWords | None:
        """The word lists; None if the recipe names none."""
        paths = [self.recipe.resolve(path) for path in self.recipe.quality.ng_words]
        return NgWords.read(paths, self.recipe.quality.ng_variants) if paths else None

    @cached_property
    def measure_groups(self) -> tuple[MeasureGroup, ...]:
        """The groups of measures that the recipe turns on."""
        quality = self.recipe.quality
        groups: list[MeasureGroup] = [WordMeasures()] if quality.word_measures else []
        if quality.language_model is not None:
            groups.append(Perplexity.of(self.recipe.resolve(quality.language_model)))
        return tuple(groups)

    @cached_property
    def footer_keywords(self) -> tuple[str, ...]:
        """The footer keywords, one per line of their file."""
        return read_keywords(self.recipe)


def _running(rule: Rule, recipe: Recipe) -> RunningRule:
    sources = recipe.judged_by(rule)
    if rule.measure is not None and rule.of_category:
        return CategoryRule(rule.measure, rule.any_of, rule.none_of, sources)
    if rule.measure is not None:
        return MeasureRule(rule.threshold, sources, recipe.quality.linked.get(rule.measure))
    if rule.filter is not None:
        return FilterRule(function_of(rule.filter, recipe.base).name, sources)
    if rule.duplicates:
        return DuplicateRule(sources, recipe.dedup.matching.verify if recipe.dedup else None)
    if rule.ut1 is not None:
        categories = rule.ut1_categories or UT1_V1_CATEGORIES
        return HostRule(HostList.read_ut1(recipe.resolve(rule.ut1), categories, exact=rule.exact_host), sources)
    paths = [recipe.resolve(path) for path in rule.hosts or ()]
    return HostRule(HostList.read(paths, exact=rule.exact_host, suffixes=rule.host_suffixes), sources)


def read_keywords(recipe: Recipe) -> tuple[str, ...]:
    """The footer keywords, one per line."""
    if recipe.release.footer_keywords is None:
        return ()
    path = recipe.resolve(recipe.release.footer_keywords)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"There is no file of footer keywords {path}; release.footer_keywords names it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The footer keywords {path} cannot be read: {error}.") from error
    return tuple(line for line in lines if line and not line.startswith("#"))


def wanted(recipe: Recipe) -> Wanted:
    """The requested mixture, from `release.mixture`."""
    mixture = recipe.release.mixture
    repeated = dict.fromkeys(recipe.selected_from, recipe.select.most_repeated if recipe.select else 1.0)
    return Wanted(
        epochs={source: mix.epochs for source, mix in mixture.items() if mix.epochs is not None},
        shares={source: mix.share for source, mix in mixture.items() if mix.share is not None},
        max_epochs={
            name: mixture[name].max_epochs / max(1.0, repeated.get(name, 1.0)) if name in mixture else 1.0
            for name in recipe.source_names
        },
        strict=frozenset(source for source, mix in mixture.items() if mix.strict),
    )
