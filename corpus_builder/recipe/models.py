"""The recipe: sources, extraction, rules, deduplication and mixture of a corpus as data.

A recipe is a TOML file, or a `Recipe` made of Python values, which `to_toml()` prints as such a file.  Relative paths start at the
directory of the file, or at the working directory.  A key that does not exist is refused, with the nearest one that does.  A recipe
says nothing about the machine: engine, cores, memory and output directory are options of the command, and never change the
output's bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from corpus_builder.engine.own_functions import UserFunction, function_of, importable_name, name_of
from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.japanese.detectors import ANY, JAPANESE, LanguageScore, is_own, knows_japanese_alone, knows_languages, located
from corpus_builder.pages.page import PageSettings
from corpus_builder.recipe.dedup import Dedup
from corpus_builder.recipe.errors import explain
from corpus_builder.recipe.extract import Extract
from corpus_builder.recipe.hosts import Hosts
from corpus_builder.recipe.lines import Lines
from corpus_builder.recipe.names import check_names
from corpus_builder.recipe.part import Items, Part, as_data, in_lines
from corpus_builder.recipe.quality import Quality, Rule
from corpus_builder.recipe.release import Release
from corpus_builder.recipe.select import Select, mixture_problem
from corpus_builder.recipe.source import Source
from corpus_builder.recipe.toml import as_toml


class Recipe(Part):
    """The build as frozen data.  Relative paths start at `base`: the directory of the recipe's file, else the working directory."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", examples=["swallow-v2"])
    """Name of the corpus; without --out it is built into data/corpus/NAME."""
    seed: int = Field(default=0, examples=[1])
    """Seed of the shuffle and of the sampling of the mixture."""
    sources: Items[Source] = Field(
        min_length=1, examples=[[{"name": "web", "kind": "warc", "paths": ["/data/CC-MAIN-2024-51/*.warc.gz"]}]]
    )
    """Where the documents come from."""
    extract: Extract = Field(default=Extract(), examples=[{"form": "markdown"}])
    """How pages become text."""
    quality: Quality = Field(default=Quality(), examples=[{"sources": ["web"]}])
    """Measures, and the rules that judge by them."""
    dedup: Dedup | None = Field(default=None, examples=[{"preset": "japanese"}])
    """What counts as a duplicate; goes with a rule duplicates = true.  [default: no duplicates are looked for]"""
    select: Select | None = Field(default=None, examples=[{"score": "hiragana_fraction", "top": 0.5}])
    """Which of the documents that the rules keep are released, and how often.  [default: all of them, once]"""
    lines: Lines | None = Field(default=None, examples=[{"documents": 7, "share": 0.2}])
    """Which repeated lines are cut.  [default: none are looked for]"""
    hosts: Hosts | None = Field(default=None, examples=[{"by": "domain"}])
    """How hosts are counted.  [default: counted if a rule is on one of their columns]"""
    release: Release = Field(default=Release(), examples=[{"prepend_title": ["wikipedia"]}])
    """Edits, mixture and size of the parts of the released corpus."""
    base: Annotated[Path, AfterValidator(Path.resolve)] = Field(default_factory=Path.cwd, exclude=True)

    @model_validator(mode="after")
    def _names_agree(self) -> Recipe:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; documents carry it, so give each its own")
        for source in self.sources:
            detector = self.extract.detector if source.detector is None else source.detector
            if source.language not in (None, JAPANESE, ANY) and not knows_languages(detector):
                raise ValueError(
                    f"source {source.name!r}: {knows_japanese_alone(str(detector), source.language or '').rstrip('.')}"
                )
        for where, used in self._uses_of_sources():
            for name in used:
                if name not in names:
                    raise ValueError(
                        f"unknown source {name!r} in {where}{did_you_mean(name, names)} (sources: {', '.join(names)})"
                    )
        check_names(self.quality, self.dedup, self.hosts, self.select)
        shares = {name: mix.share for name, mix in self.release.mixture.items() if mix.share is not None}
        if shares and (sum(shares.values()) >= 1 or set(shares) == set(names)):
            raise ValueError("release.mixture: the shares must add up to less than 1, and one source must be without a share")
        for name, mix in self.release.mixture.items():
            if problem := mixture_problem(self.select, name, self.selected_from, mix.epochs, mix.max_epochs):
                raise ValueError(str(problem))
        places = [number for number, rule in enumerate(self.quality.rules) if rule.duplicates]
        if len(places) > 1:
            raise ValueError("quality.rules says duplicates = true twice; one place is enough")
        if bool(places) != (self.dedup is not None):
            raise ValueError(
                "a [dedup] table and a rule duplicates = true go together: the table says how, the rule's place says when"
            )
        return self

    def _uses_of_sources(self) -> list[tuple[str, Sequence[str]]]:
        return [
            ("quality.sources", self.quality.sources or ()),
            *((f"quality.rules[{i}].sources", rule.sources or ()) for i, rule in enumerate(self.quality.rules)),
            ("dedup.sources", (self.dedup.sources or ()) if self.dedup else ()),
            ("dedup.keep", self.dedup.preference.names if self.dedup and self.dedup.preference.kind == "first" else ()),
            ("select.sources", (self.select.sources or ()) if self.select else ()),
            ("lines.sources", (self.lines.sources or ()) if self.lines else ()),
            ("hosts.sources", (self.hosts.sources or ()) if self.hosts else ()),
            ("release.edits", tuple(self.release.edits)),
            ("release.prepend_title", self.release.prepend_title),
            ("release.mixture", tuple(self.release.mixture)),
        ]

    @property
    def host_columns(self) -> tuple[str, ...]:
        """The columns of the table of hosts that the recipe names, each once."""
        named = [rule.measure for rule in self.quality.rules if rule.measure is not None]
        named += [self.hosts.score] if self.hosts and self.hosts.score else []
        named += [*self.select.scores, self.select.by] if self.select else []
        read = (column for name in named for column in sorted(self.quality.reads(name)))
        return tuple(dict.fromkeys(column for column in read if self.quality.on_hosts(column)))

    @property
    def selected_from(self) -> Sequence[str]:
        """Sources whose documents `select` chooses among; empty if the recipe does not select."""
        if self.select is None:
            return ()
        return self.select.sources or self.quality.sources or self.source_names

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources, in order."""
        return tuple(source.name for source in self.sources)

    def resolve(self, path: str | Path) -> Path:
        """A path of the recipe, resolved relative to the recipe's own directory."""
        return (self.base / Path(path).expanduser()).resolve()

    @property
    def page_settings(self) -> PageSettings:
        """The settings in the table `extract`, with the paths of models resolved."""
        settings = self.extract.model_dump()
        settings["model"] = self.resolve(self.extract.model) if self.extract.model else None
        settings["detector"] = self.detector(self.extract.detector)
        given = self.extract.extractor
        own = function_of(given, self.base) if callable(given) or ":" in given else None
        settings["extractor"] = own.name if own else given
        return PageSettings(**settings, own=own)

    def detector(self, given: str | LanguageScore) -> str | UserFunction:
        """A detector as the pages need it: the user's own loaded, the path of a model made absolute."""
        if callable(given) or is_own(given):
            return function_of(given, self.base)
        return located(given, self.resolve)

    @property
    def compared(self) -> Sequence[str]:
        """Sources whose documents are compared to find duplicates; empty if the recipe does not look for them."""
        return next((self.judged_by(rule) for rule in self.quality.rules if rule.duplicates), ())

    def judged_by(self, rule: Rule) -> Sequence[str]:
        """Sources whose documents a rule judges: those that it names, or `quality.sources`.

        If neither is given, duplicates and host lists judge all sources; measures and filters, which are made for Japanese, only
        the Japanese ones.
        """
        for sources in (rule.sources, self.dedup.sources if self.dedup and rule.duplicates else None, self.quality.sources):
            if sources is not None:
                return sources
        of_japanese = rule.measure is not None or rule.filter is not None
        return tuple(source.name for source in self.sources if source.is_japanese or not of_japanese)

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe file; raises RecipeError with a readable message if it is wrong."""
        path = Path(path)
        try:
            value = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError as error:
            raise RecipeError(f"There is no recipe {path}; the shipped ones are in pipelines/.") from error
        except OSError as error:
            raise RecipeError(f"The recipe {path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is not TOML: {error}.") from error
        return cls.of(value, base=path.parent.resolve(), where=str(path))

    @classmethod
    def of(cls, value: Mapping[str, Any], base: Path | None = None, where: str = "The recipe") -> Recipe:
        """A recipe from plain data; relative paths start at `base`, or at the working directory."""
        if "base" in value:
            raise RecipeError(f"{where}: unknown key 'base'; relative paths start at the recipe's own directory.")
        try:
            return cls.model_validate({**value, "base": base or Path.cwd()})
        except ValidationError as error:
            raise RecipeError(explain(error, where, Recipe)) from None

    def to_toml(self) -> str:
        """The recipe as TOML.  Written to a file in `base`, where its relative paths start, `Recipe.load` reads it back as an equal recipe."""
        return as_toml(as_data(self, _name_in_file))

    def by_names(self) -> Recipe:
        """The recipe with the names of the functions that it holds, as it is stored with a build."""
        return Recipe.of(as_data(self), base=self.base)

    def __repr__(self) -> str:
        base = {} if self.base == Path.cwd() else {"base": str(self.base)}
        return in_lines("Recipe", self.said() | base)

    __str__ = __repr__


def _name_in_file(function: Callable[..., Any]) -> str:
    if name := importable_name(function):
        return name
    raise RecipeError(
        f"The recipe holds the function {name_of(function)}, which a recipe file cannot name; put it into a module next to the recipe, for "
        'example my_filters.py, and give it as "my_filters:function".'
    )
