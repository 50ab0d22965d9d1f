"""A source as a recipe names it: where its files lie, what they hold, and how they are read."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpus_builder.japanese.detectors import ANY, JAPANESE
from corpus_builder.recipe.part import Part

COLUMNS = ("text", "id", "url", "title", "date")
Name = Annotated[str, Field(min_length=1)]


class Source(Part):
    """Where pages come from.  An id starts with its file's name, and with directories before it where two have the same.

    `paths` are files or globs of this machine, https:// or s3:// URLs, or lists of files (warc.paths.gz), whose lines are
    relative to `base`.  `warc` may hold WARC, WET and ARC files; `commoncrawl` is what `corpus-builder crawl` wrote: WARCs of which
    only some records were fetched; `jsonl` and `parquet` hold one document a row, `text` one a file, a line or a paragraph (`document`).
    `counts` is a table of how many responses (of WET files: texts) each file of the kind `warc` should hold, so that one that is short of
    some is told.  docs/your-data.md tells of columns, languages and files that cannot be read.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["warc", "commoncrawl", "wikipedia", "jsonl", "parquet", "text"]
    paths: tuple[str, ...] = Field(min_length=1)
    base: str | None = None  # for example "https://data.commoncrawl.org/" or "s3://commoncrawl/"
    counts: str | None = None
    text: Name | None = (
        None  # columns of jsonl and parquet, by key or by the way to it (meta.url); `columns = {...}` names them, too
    )
    id: Name | None = None
    url: Name | None = None
    title: Name | None = None
    date: Name | None = None
    extra: tuple[Name, ...] | None = None  # the further columns that are kept; None: all
    document: Literal["file", "line", "paragraph"] = "file"  # of kind text
    encoding: Name | None = None  # of kind text; None: UTF-8, or UTF-16 by its byte order mark
    language: Name | None = None  # "ja", a label of a fastText model, or "none"; None: "ja", of a dump no test
    detector: Name | None = None  # None: the recipe's
    min_language_score: float | None = Field(default=None, ge=0.0, le=1.0)  # None: the recipe's min_japanese_score
    unreadable: Literal["fail", "report"] = "fail"  # what becomes of a file of which nothing can be read

    @model_validator(mode="before")
    @classmethod
    def _columns(cls, value: Any) -> Any:
        """`columns = { text = "content" }` says the same as `text = "content"`."""
        if not isinstance(value, dict) or not isinstance(columns := value.get("columns"), dict):
            return value
        if wrong := [name for name in columns if name not in COLUMNS]:
            raise ValueError(f"columns names {wrong[0]!r}; the fields of a document are {', '.join(COLUMNS)}")
        if twice := [name for name in columns if name in value]:
            raise ValueError(f"the column of the {twice[0]} is named twice, by {twice[0]} and in columns")
        return {name: inner for name, inner in value.items() if name != "columns"} | columns

    @model_validator(mode="after")
    def _settings_of_the_kind(self) -> Source:
        if self.counts is not None and self.kind != "warc":
            raise ValueError('counts go with kind = "warc": other files have no records that somebody counted')
        given = self.model_fields_set
        for names, kinds in (((*COLUMNS, "extra"), ("jsonl", "parquet")), (("document", "encoding"), ("text",))):
            if (wrong := sorted(given & set(names))) and self.kind not in kinds:
                raise ValueError(f"{wrong[0]} goes with kind = {' or '.join(kinds)}, not with {self.kind}")
        if self.language == ANY and (wrong := sorted(given & {"detector", "min_language_score"})):
            raise ValueError(f'{wrong[0]} has no effect beside language = "none", which takes every text')
        if self.kind == "wikipedia" and self.language is None and (wrong := sorted(given & {"detector", "min_language_score"})):
            raise ValueError(
                f'{wrong[0]} goes with language: a dump is not tested unless the source says language = "ja", for example'
            )
        if self.encoding is not None:
            try:
                is_text = codecs.lookup(self.encoding)._is_text_encoding
            except LookupError:
                is_text = False
            if not is_text:
                raise ValueError(f'encoding = {self.encoding!r} is unknown; write for example "cp932", "euc_jp" or "utf-16"')
        return self

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are named, by field."""
        return {name: value for name in COLUMNS if (value := getattr(self, name)) is not None}

    @property
    def is_japanese(self) -> bool:
        """Whether its documents are Japanese, so that rules made for Japanese judge them without naming it."""
        return self.language in (None, JAPANESE)
