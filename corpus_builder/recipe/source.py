"""A source of a recipe: where its files are, what they hold, and how they are read."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpus_builder.japanese.detectors import ANY, JAPANESE, LanguageScore
from corpus_builder.recipe.part import Items, NameOrFunction, Part

COLUMNS = ("text", "id", "url", "title", "date")
Name = Annotated[str, Field(min_length=1)]


class Source(Part):
    """Where documents come from: files of one kind, and how they are read.

    | kind | what its files hold | language test |
    |---|---|---|
    | `warc` | pages: WARC, WET and ARC files, plain or compressed with gzip, zstd or LZ4 | yes |
    | `commoncrawl` | pages: what `corpus-builder crawl` wrote, WARCs of which only some records were fetched | yes |
    | `wikipedia` | articles: a dump `jawiki-*-pages-articles.xml.bz2` as downloaded | only with `language` |
    | `jsonl` | one document per line: a JSON object, of which the columns below are read | yes |
    | `parquet` | one document per row, of which the columns below are read | yes |
    | `text` | one document per file, line or paragraph | yes |

    `columns = { text = "content", url = "meta.url" }` means the same as `text = "content"` and `url = "meta.url"`.  An id starts with its
    file's name, preceded by directories if two files have the same name.  docs/your-data.md explains how to use your own files.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", examples=["web"])
    """Name of the source, which its documents carry: small letters, digits and underscores."""
    kind: Literal["warc", "commoncrawl", "wikipedia", "jsonl", "parquet", "text"] = Field(examples=["warc"])
    """What the files hold, see the table above."""
    paths: Items[str | Path] = Field(min_length=1, examples=[["/data/CC-MAIN-2024-51/*.warc.gz"]])
    """Files, globs, https:// or s3:// URLs (in s3:// also globs), or lists of files such as warc.paths.gz."""
    base: str | Path | None = Field(default=None, examples=["https://data.commoncrawl.org/"])
    """Base of the relative paths in a list of files: a URL or a directory; goes with paths that name such a list."""
    counts: str | Path | None = Field(default=None, examples=["counts.tsv"])
    """Table of how many responses (in WET files: texts) each file should hold: a file's name and a number per line.
    Files with fewer are reported.  Goes with kind = "warc"."""
    text: Name | None = Field(default=None, examples=["content"])
    """Column of the text; `meta.body` is a column within another.  Goes with kind = "jsonl" or "parquet", as do id, url, title, date
    and extra.  [default: text]"""
    id: Name | None = Field(default=None, examples=["doc_id"])
    """Column of your own id, stored in the corpus as `own_id`.  [default: id, where there is one]"""
    url: Name | None = Field(default=None, examples=["meta.url"])
    """Column of the URL, used by host rules and `dedup.url`.  [default: url, where there is one]"""
    title: Name | None = Field(default=None, examples=["headline"])
    """Column of the title.  [default: title, where there is one]"""
    date: Name | None = Field(default=None, examples=["published"])
    """Column of the date, in ISO 8601, used by keep = "newest" and "oldest".  [default: date, where there is one]"""
    extra: Items[Name] | None = Field(default=None, examples=[["license", "meta.isbn"]])
    """Additional columns that the corpus keeps, as JSON in its column `extra`.  [default: all]"""
    document: Literal["file", "line", "paragraph"] = Field(default="file", examples=["paragraph"])
    """What is one document; goes with kind = "text"."""
    encoding: Name | None = Field(default=None, examples=["cp932"])
    """Encoding, by its name in Python; goes with kind = "text".  [default: UTF-8, or UTF-16 by its byte order mark]"""
    language: Name | None = Field(default=None, examples=["none", "en"])
    """Language that a text must be in: "ja", "none" (accept every text), or another for which a fastText detector has a label.
    [default: ja; no test for kind = "wikipedia"]"""
    detector: Annotated[str | LanguageScore, NameOrFunction] | None = Field(default=None, examples=["fasttext:lid.176.ftz"])
    """Language detector, as in extract.detector.  [default: extract.detector]"""
    min_language_score: float | None = Field(default=None, ge=0.0, le=1.0, examples=[0.6])
    """Minimum detector score of a text in the language, 0 to 1.  [default: extract.min_japanese_score]"""
    unreadable: Literal["fail", "report"] = Field(default="fail", examples=["report"])
    """What to do with a file of which nothing can be read: fail the build, or only count and report the file."""

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
        """The named columns, by field."""
        return {name: value for name in COLUMNS if (value := getattr(self, name)) is not None}

    @property
    def is_japanese(self) -> bool:
        """Whether its documents are Japanese, so that rules made for Japanese judge them by default."""
        return self.language in (None, JAPANESE)
