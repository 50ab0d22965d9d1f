"""A recipe's rules, ready to run: word and host lists read, the user's functions imported."""

from __future__ import annotations

from corpus_builder.custom import UserFunction, load_function
from corpus_builder.quality.hosts import UT1_V1_CATEGORIES, HostList
from corpus_builder.quality.ng_words import NgWords
from corpus_builder.quality.rulebook import DuplicateRule, FilterRule, HostRule, MeasureRule, RunningRule
from corpus_builder.recipe import Recipe, Rule
from corpus_builder.stages.measure import Measure


def measure_stage(recipe: Recipe) -> Measure:
    """The measure stage with the recipe's own measures, filters and word lists."""
    quality = recipe.quality
    filters = {rule.filter: load_function(rule.filter, recipe.base) for rule in quality.rules if rule.filter is not None}
    return Measure(
        ng_words=NgWords.read([recipe.resolve(path) for path in quality.ng_words]) if quality.ng_words else None,
        measures=tuple((name, load_function(function, recipe.base)) for name, function in sorted(quality.measures.items())),
        filters=tuple(filters.values()),
    )


def user_functions(recipe: Recipe) -> list[UserFunction]:
    """Every function of the user's that the recipe names."""
    stage, extractor = measure_stage(recipe), recipe.page_settings.own
    return [*(function for _, function in stage.measures), *stage.filters, *([extractor] if extractor else [])]


def running_rules(recipe: Recipe) -> tuple[RunningRule, ...]:
    """The recipe's rules in order."""
    return tuple(_running(rule, recipe) for rule in recipe.quality.rules)


def _running(rule: Rule, recipe: Recipe) -> RunningRule:
    sources = recipe.judged_by(rule)
    if rule.measure is not None:
        return MeasureRule(rule.threshold, sources)
    if rule.filter is not None:
        return FilterRule(rule.filter, sources)
    if rule.duplicates:
        return DuplicateRule(sources, recipe.dedup.matching.verify if recipe.dedup else None)
    if rule.ut1 is not None:
        categories = rule.ut1_categories or UT1_V1_CATEGORIES
        return HostRule(HostList.read_ut1(recipe.resolve(rule.ut1), categories, exact=rule.exact_host), sources)
    paths = [recipe.resolve(path) for path in rule.hosts or ()]
    return HostRule(HostList.read(paths, exact=rule.exact_host, suffixes=rule.host_suffixes), sources)
