"""The whole corpus as data: sources, extraction, rules, deduplication, mixture.

A recipe is a TOML file.  Paths in it are relative to the file.  Nothing about the machine stands in it: engine, cores, memory
and where to write are options of the command, and never change the output's bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from corpus_builder.engine.user_code import load_function
from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.hashing.lines import Repeats
from corpus_builder.hashing.matching import Matching
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.preference import Preference
from corpus_builder.hashing.presets import resolve
from corpus_builder.hashing.verification import verify_of
from corpus_builder.japanese.detectors import ANY, JAPANESE, knows_japanese_alone, located
from corpus_builder.pages.page import PageSettings
from corpus_builder.quality.measures import MEASURES
from corpus_builder.quality.rules import Threshold
from corpus_builder.recipe.errors import explain
from corpus_builder.recipe.source import Source

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Extract(_Part):
    """From page bytes to Japanese text; the limits are those of `html.page.PageSettings`."""

    extractor: str = "japanese"
    form: Literal["plain", "markdown"] = "plain"
    readings: bool = False
    model: str | None = Field(default=None, min_length=1)
    detector: str = PageSettings.detector  # "ngrams", "ngrams:PATH" or "fasttext:PATH"
    min_japanese_score: Fraction = PageSettings.min_japanese_score
    max_bytes: int = Field(default=PageSettings.max_bytes, gt=0)
    max_elements: int = Field(default=PageSettings.max_elements, gt=0)
    max_depth: int = Field(default=PageSettings.max_depth, gt=0)
    max_undecodable: Fraction = PageSettings.max_undecodable

    @model_validator(mode="after")
    def _fits_extractor(self) -> Extract:
        if self.extractor != "japanese" and (self.form != "plain" or self.readings or self.model):
            raise ValueError(f'form, readings and model go with extractor = "japanese", not with {self.extractor!r}')
        return self


class Dedup(_Part):
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


class Lines(_Part):
    """Repeated lines: template text that many documents of a host, or many hosts, begin or end with; see docs/lines.md.

    A block of lines counts from `documents` documents of its host on, if they are at least `share` of the host's documents; across
    hosts (scope "corpus" or "both") from `hosts` hosts on.  "edges" looks at the first and last `edge` lines of a text,
    "anywhere" at every line by itself.  "remove" cuts them at the release, "report" only shows them.
    """

    scope: Literal["host", "corpus", "both"] = Repeats.scope
    documents: int = Field(default=Repeats.documents, ge=2)
    share: Fraction = Repeats.share
    hosts: int = Field(default=Repeats.hosts, ge=2)
    where: Literal["edges", "anywhere"] = Repeats.where
    edge: int = Field(default=Repeats.edge, ge=1, le=1_000)
    action: Literal["remove", "report"] = "remove"
    sources: tuple[str, ...] | None = None  # whose documents are counted; None: every source

    @model_validator(mode="after")
    def _limits_of_the_scope(self) -> Lines:
        given = self.model_fields_set
        if self.scope == "host" and "hosts" in given:
            raise ValueError('hosts goes with scope = "corpus" or "both": within one host there is nothing to count hosts of')
        if self.scope == "corpus" and given & {"documents", "share"}:
            raise ValueError('documents and share go with scope = "host" or "both": across hosts, hosts are counted')
        if self.where == "anywhere" and "edge" in given:
            raise ValueError('edge goes with where = "edges"')
        return self

    @property
    def repeats(self) -> Repeats:
        """When a line counts as repeated."""
        return Repeats(self.scope, self.documents, self.share, self.hosts, self.where, self.edge)


class Rule(_Part):
    """One rule: a measure with a limit, a host list, a filter of your own, or the place of the duplicates.

    Drops if value < min, value > max, value <= above, value >= below.  Rules run in order, the first that drops
    gives the reason.  `sources` says whose documents the rule judges (default: `quality.sources`).
    """

    measure: str | None = None
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    hosts: tuple[str, ...] | None = None
    ut1: str | None = None  # directory of the UT1 lists, as downloaded
    ut1_categories: tuple[str, ...] | None = None
    exact_host: bool = False
    host_suffixes: tuple[str, ...] = ()
    filter: str | None = None
    duplicates: Literal[True] | None = None
    sources: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Rule:
        hosts = self.hosts is not None or self.ut1 is not None or bool(self.host_suffixes)
        kinds = [self.measure is not None, hosts, self.filter is not None, self.duplicates is not None]
        if sum(kinds) != 1:
            raise ValueError('a rule is one of: measure = "...", hosts = [...], filter = "module:function", duplicates = true')
        if self.measure is None and any(v is not None for v in (self.min, self.max, self.above, self.below)):
            raise ValueError('min, max, above and below go with measure = "..."')
        if self.measure is not None:
            try:
                self.threshold  # noqa: B018 - checks the limits
            except RecipeError as error:
                raise ValueError(str(error).rstrip(".")) from error
        return self

    @property
    def threshold(self) -> Threshold:
        """The rule as a filter; only for rules with a measure."""
        return Threshold(self.measure or "", min=self.min, max=self.max, above=self.above, below=self.below)

    @property
    def label(self) -> str:
        """The rule in a few words, for people."""
        if self.measure is not None:
            return str(self.threshold)
        if self.filter is not None:
            return self.filter
        return "duplicates" if self.duplicates else "hosts"


class Quality(_Part):
    """Measures and rules."""

    sources: tuple[str, ...] | None = None  # whose documents the rules judge; None: every source
    ng_words: tuple[str, ...] = ()  # files that the measure ng_fraction counts
    measures: Mapping[str, str] = Field(default_factory=dict)  # measures of your own: name = "module:function"
    rules: tuple[Rule, ...] = ()


class Mixture(_Part):
    """How much of a source is released: how often each document appears, or which share of the corpus it makes."""

    epochs: float | None = Field(default=None, gt=0)
    share: float | None = Field(default=None, gt=0, lt=1)  # of the released characters; at most `max_epochs` epochs
    max_epochs: float = Field(default=4.0, gt=0)  # more than four epochs of the same text hurts (Swallow v2, NLP2025 C1-5)
    strict: bool = False  # refuse a share that takes more than `max_epochs`, as soon as that is certain, instead of capping it

    @model_validator(mode="after")
    def _one(self) -> Mixture:
        if (self.epochs is None) == (self.share is None):
            raise ValueError("a mixture says either epochs = ... or share = ...")
        if self.strict and self.share is None:
            raise ValueError("strict goes with share = ...")
        if self.epochs is not None and self.epochs > self.max_epochs:
            raise ValueError(
                f"epochs = {self.epochs} is more than max_epochs = {self.max_epochs}; repeating text more than four times "
                "was measured to hurt, so raise max_epochs only if you mean it"
            )
        return self


class Release(_Part):
    """The last edits, the mixture, and the size of the parts."""

    edits: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # source name -> edits in order
    footer_keywords: str | None = None  # file that trim_footer_v1 reads
    prepend_title: tuple[str, ...] = ()  # sources whose title becomes the first line
    mixture: Mapping[str, Mixture] = Field(default_factory=dict)  # a source that is not named appears once
    part_characters: int = Field(default=50_000_000, gt=0)  # about 80 MB of compressed Parquet


class Recipe(_Part):
    """The build as frozen data."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: int = 0  # of the shuffle and of the sampling
    sources: tuple[Source, ...] = Field(min_length=1)
    extract: Extract = Extract()
    quality: Quality = Quality()
    dedup: Dedup | None = None
    lines: Lines | None = None
    release: Release = Release()
    base: Path = Field(default=Path("."), exclude=True)

    @model_validator(mode="after")
    def _names_agree(self) -> Recipe:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; documents carry it, so give each its own")
        for source in self.sources:
            detector = source.detector or self.extract.detector
            if source.language not in (None, JAPANESE, ANY) and not detector.startswith("fasttext:"):
                raise ValueError(f"source {source.name!r}: {knows_japanese_alone(detector, source.language or '').rstrip('.')}")
        for where, used in self._uses_of_sources():
            for name in used:
                if name not in names:
                    raise ValueError(
                        f"unknown source {name!r} in {where}{did_you_mean(name, names)} (sources: {', '.join(names)})"
                    )
        known = [*MEASURES, *self.quality.measures, *(["ng_fraction"] if self.quality.ng_words else [])]
        for name in self.quality.measures:
            if name in MEASURES or name in ("id", "ng_fraction") or not name.isidentifier():
                raise ValueError(f"quality.measures: {name!r} is taken or is no plain name; choose another for your measure")
        for number, rule in enumerate(self.quality.rules):
            if rule.measure is not None and rule.measure not in known:
                if rule.measure == "ng_fraction":
                    raise ValueError(
                        f"quality.rules[{number}] wants ng_fraction, but no word list is given; name one in quality.ng_words, "
                        'for example ng_words = ["../data/words/ng_words_ja.txt"]'
                    )
                hint = did_you_mean(rule.measure, known)
                raise ValueError(
                    f"unknown measure {rule.measure!r} in quality.rules[{number}]{hint} (`corpus-builder measures` lists them)"
                )
        preference = self.dedup.preference if self.dedup else None
        if preference and preference.kind == "largest" and preference.names[0] not in known:
            hint = did_you_mean(preference.names[0], known)
            raise ValueError(
                f"unknown measure {preference.names[0]!r} in dedup.keep{hint} (`corpus-builder measures` lists them)"
            )
        shares = {name: mix.share for name, mix in self.release.mixture.items() if mix.share is not None}
        if shares and (sum(shares.values()) >= 1 or set(shares) == set(names)):
            raise ValueError("release.mixture: the shares must add up to less than 1, and one source must be without a share")
        places = [number for number, rule in enumerate(self.quality.rules) if rule.duplicates]
        if len(places) > 1:
            raise ValueError("quality.rules says duplicates = true twice; one place is enough")
        if bool(places) != (self.dedup is not None):
            raise ValueError(
                "a [dedup] table and a rule duplicates = true go together: the table says how, the rule's place says when"
            )
        return self

    def _uses_of_sources(self) -> list[tuple[str, tuple[str, ...]]]:
        return [
            ("quality.sources", self.quality.sources or ()),
            *((f"quality.rules[{i}].sources", rule.sources or ()) for i, rule in enumerate(self.quality.rules)),
            ("dedup.sources", (self.dedup.sources or ()) if self.dedup else ()),
            ("dedup.keep", self.dedup.preference.names if self.dedup and self.dedup.preference.kind == "first" else ()),
            ("lines.sources", (self.lines.sources or ()) if self.lines else ()),
            ("release.edits", tuple(self.release.edits)),
            ("release.prepend_title", self.release.prepend_title),
            ("release.mixture", tuple(self.release.mixture)),
        ]

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources, in order."""
        return tuple(source.name for source in self.sources)

    def resolve(self, path: str) -> Path:
        """A path of the recipe: relative ones start at the recipe's own directory."""
        return (self.base / Path(path).expanduser()).resolve()

    @property
    def page_settings(self) -> PageSettings:
        """What stands under `extract`, with the paths of models resolved."""
        settings = self.extract.model_dump()
        settings["model"] = self.resolve(self.extract.model) if self.extract.model else None
        settings["detector"] = located(self.extract.detector, self.resolve)
        own = load_function(self.extract.extractor, self.base) if ":" in self.extract.extractor else None
        return PageSettings(**settings, own=own)

    @property
    def compared(self) -> tuple[str, ...]:
        """Sources whose documents are compared to find duplicates; none where the recipe looks for none."""
        return next((self.judged_by(rule) for rule in self.quality.rules if rule.duplicates), ())

    def judged_by(self, rule: Rule) -> tuple[str, ...]:
        """Sources whose documents a rule judges: those that it names, or `quality.sources`.

        Where nobody names any, duplicates and host lists judge all; measures and filters, which are made for Japanese, those sources
        that are Japanese.
        """
        for sources in (rule.sources, self.dedup.sources if self.dedup and rule.duplicates else None, self.quality.sources):
            if sources is not None:
                return sources
        of_japanese = rule.measure is not None or rule.filter is not None
        return tuple(source.name for source in self.sources if source.is_japanese or not of_japanese)

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe file; RecipeError says in a sentence what is wrong with it."""
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
    def of(cls, value: Mapping[str, Any], base: Path = Path("."), where: str = "The recipe") -> Recipe:
        """A recipe from plain data; relative paths start at `base`."""
        try:
            return cls.model_validate({**value, "base": base})
        except ValidationError as error:
            raise RecipeError(explain(error, where, Recipe, _TABLES)) from None


_TABLES: dict[str, type[BaseModel]] = {
    "sources": Source,
    "extract": Extract,
    "quality": Quality,
    "rules": Rule,
    "dedup": Dedup,
    "lines": Lines,
    "release": Release,
    "mixture": Mixture,
}
