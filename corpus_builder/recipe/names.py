"""Checks the names of columns that a recipe gives and uses, as far as they are known without reading a file."""

from __future__ import annotations

from collections.abc import Iterable

from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.quality.catalogue import COPIES, INFOS, OF_LANGUAGE_MODEL, OF_WORDS
from corpus_builder.quality.host_columns import measure_in
from corpus_builder.recipe.dedup import Dedup
from corpus_builder.recipe.hosts import Hosts
from corpus_builder.recipe.quality import Quality
from corpus_builder.recipe.select import Select

OF_SELECT = {"by": ("documents", "characters"), "per": ("all", "source", "crawl")}
TAKEN = {*INFOS, "id", "ng_fraction", "host", COPIES}


def check_names(quality: Quality, dedup: Dedup | None, hosts: Hosts | None, select: Select | None) -> None:
    """Raise ValueError for a name that is taken, or that nothing has."""
    given: set[str] = set()
    for kind, what in (("measures", "your measure"), ("classifiers", "the classifier"), ("expressions", "the expression")):
        for name in getattr(quality, kind):
            if name in TAKEN or name in given or not name.isidentifier():
                raise ValueError(f"quality.{kind}: {name!r} is taken or is not a plain name; choose another for {what}")
        given |= set(getattr(quality, kind))
    try:
        expressions = quality.linked
    except RecipeError as error:
        raise ValueError(str(error).rstrip(".")) from error
    for name, expression in expressions.items():
        for column in expression.names:
            _known(quality, column, f"quality.expressions.{name}")
    for number, rule in enumerate(quality.rules):
        if rule.measure is not None:
            _known(quality, rule.measure, f"quality.rules[{number}]")
    if dedup and dedup.preference.kind == "largest":
        _of_document(quality, dedup.preference.names[0], "dedup.keep")
    for name in hosts.measures if hosts else ():
        if name in quality.expressions:
            raise ValueError(
                f"hosts.measures takes measures and scores, but {name!r} is an expression; name the columns that it reads"
            )
        _of_document(quality, name, "hosts.measures")
    if hosts and hosts.score is not None:
        _known(quality, hosts.score, "hosts.score")
    if select:
        named = {"score": select.score, "by": select.by, "per": select.per, "topic": select.topic}
        for key, name in named.items():
            if name is None:
                continue
            if name not in OF_SELECT.get(key, ()):
                _known(quality, name, f"select.{key}")
            elif quality.may_have(name):
                raise ValueError(f"select.{key} = {name!r} has a meaning of its own, and is one of your columns; rename that")
        for tier in select.tiers:
            if tier.score is not None:
                _known(quality, tier.score, f"the tier {tier.name!r}")
    _check_order(quality)


def _known(quality: Quality, name: str, where: str) -> None:
    if quality.may_have(name):
        return
    if "ng_fraction" in (name, measure_in(name)):
        raise ValueError(
            f"{where} wants {name}, but no word list is given; name one in quality.ng_words, "
            'for example ng_words = ["../data/words/ng_words_ja.txt"]'
        )
    if name == COPIES:
        raise ValueError(
            f"{where} wants duplicates, the number of copies, but the recipe does not look for any; "
            "add a table [dedup], and above this rule one with duplicates = true"
        )
    for group, remedy in ((OF_WORDS, "word_measures = true"), (OF_LANGUAGE_MODEL, 'language_model = "FILE"')):
        if (measure_in(name) or name) in [info.name for info in group.measures]:
            raise ValueError(f"{where} wants {name}, which is measured only with {remedy} under [quality]; add it")
    raise _unknown(name, where, quality.measure_names)


def _of_document(quality: Quality, name: str, where: str) -> None:
    """A column that is known before duplicates are looked for, and hosts are counted."""
    if not quality.may_have(name) or quality.after_search(name):
        raise _unknown(name, where, (*quality.document_measures, *quality.expressions))


def _unknown(name: str, where: str, known: Iterable[str]) -> ValueError:
    return ValueError(
        f"unknown measure {name!r} in {where}{did_you_mean(name, list(known))} (`corpus-builder measures` lists them)"
    )


def _check_order(quality: Quality) -> None:
    place = next((number for number, rule in enumerate(quality.rules) if rule.duplicates), 0)
    early = next((rule.measure for rule in quality.rules[:place] if quality.after_search(rule.measure)), None)
    if early is not None:
        counted = "hosts are" if quality.on_hosts(early) else "copies are"
        raise ValueError(
            f"quality.rules: the rule on {early} stands before duplicates = true, but {counted} counted after the search for "
            "duplicates; put it below"
        )
