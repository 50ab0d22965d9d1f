"""A recipe made ready to run: its word and host lists read, the user's functions imported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from corpus_builder.engine.own_functions import UserFunction, function_of
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.quality.host_columns import COUNTS, measure_in
from corpus_builder.quality.hosts import UT1_V1_CATEGORIES, HostList
from corpus_builder.quality.ng_words import NgWords
from corpus_builder.quality.rulebook import DuplicateRule, FilterRule, HostRule, MeasureRule, RunningRule
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.quality import Rule
from corpus_builder.release.mixture import Wanted


@dataclass(frozen=True)
class Running:
    """A recipe and the directory that it is built into; files that the recipe names are read once, on first use."""

    recipe: Recipe
    out: Path

    @cached_property
    def rules(self) -> tuple[RunningRule, ...]:
        """The recipe's rules in order."""
        return tuple(_running(rule, self.recipe) for rule in self.recipe.quality.rules)

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
        named = [rule.measure for rule in quality.rules if rule.measure is not None and not rule.on_hosts]
        named += [name for column in quality.host_columns if (name := measure_in(column)) is not None]
        return tuple(dict.fromkeys(name for name in (*named, *(hosts.measures if hosts else ())) if name not in COUNTS))

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
        return NgWords.read(paths) if paths else None

    @cached_property
    def footer_keywords(self) -> tuple[str, ...]:
        """The footer keywords, one per line of their file."""
        return read_keywords(self.recipe)


def _running(rule: Rule, recipe: Recipe) -> RunningRule:
    sources = recipe.judged_by(rule)
    if rule.measure is not None:
        return MeasureRule(rule.threshold, sources)
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
    return Wanted(
        epochs={source: mix.epochs for source, mix in mixture.items() if mix.epochs is not None},
        shares={source: mix.share for source, mix in mixture.items() if mix.share is not None},
        max_epochs={name: mixture[name].max_epochs if name in mixture else 1.0 for name in recipe.source_names},
        strict=frozenset(source for source, mix in mixture.items() if mix.strict),
    )
