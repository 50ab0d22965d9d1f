"""An input file, its source's settings for reading it, and whether anything in it could be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from corpus_builder.document import Document, Drop
from corpus_builder.engine.own_functions import UserFunction
from corpus_builder.errors import FormatError
from corpus_builder.pages.page import PageSettings
from corpus_builder.reasons import NO_RECORD, UNREADABLE
from corpus_builder.remote.places import name_of, shown
from corpus_builder.remote.retries import Stat
from corpus_builder.sources.columns import USUAL, Columns
from corpus_builder.sources.formats import EMPTY, format_of
from corpus_builder.sources.text import Unit
from corpus_builder.store.dataset import digest_of

OWN_ROWS = ("jsonl", "parquet")
"""Kinds of sources whose rows may have their own ids and additional columns."""

ROWS_VERSION = 3
"""Incremented whenever the documents made from JSON lines, Parquet or text change."""


@dataclass(frozen=True)
class Reading:
    """A source's settings for reading its files; None stands for the recipe's setting, or the default of the kind."""

    columns: Columns = USUAL
    extra: Sequence[str] | None = None  # the additional columns to keep; None: all
    document: Unit = "file"  # what counts as one document in a text file
    encoding: str | None = None  # of text files
    language: str | None = None
    detector: str | UserFunction | None = None
    min_language_score: float | None = None
    unreadable: Literal["fail", "report"] = "fail"

    def settings(self, settings: PageSettings) -> PageSettings:
        """The recipe's page settings, with this source's language settings applied."""
        min_score = settings.min_japanese_score if self.min_language_score is None else self.min_language_score
        return replace(
            settings,
            language=self.language or settings.language,
            detector=self.detector or settings.detector,
            min_japanese_score=min_score,
        )

    def made_from(self, kind: str) -> dict[str, str]:
        """What goes into a file's digest beyond the page settings; empty for kinds without rows if all settings are defaults."""
        usual, said = asdict(Reading()), asdict(replace(self, detector=None))
        del said["detector"]  # its digest is part of the page settings
        said = {name: value for name, value in said.items() if value != usual[name]}
        version = [ROWS_VERSION] if kind in (*OWN_ROWS, "text") else []
        return {"reading": digest_of([version, said])} if version or said else {}


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input file: its path, its source, and the digest of its bytes (for a remote file: its size and ETag)."""

    path: str
    source: str
    kind: str
    digest: str
    stat: Stat | None = None  # of a remote file: the version to read
    expected: int | None = None  # number of responses that it should hold, if known
    reading: Reading = Reading()
    unique_name: str = ""  # if another file has the same name

    @property
    def name(self) -> str:
        """The file's name, with which the ids of its documents start."""
        return self.unique_name or name_of(self.path)


@dataclass(frozen=True)
class Ledgered:
    """A page or row that did not become a document."""

    id: str
    url: str
    drop: Drop
    size_bytes: int
    own_id: str = ""


@dataclass
class Account:
    """Counts what could and could not be read in a file."""

    file: InputFile
    read: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def add(self, found: Document | Ledgered) -> None:
        """Count a page or row."""
        reason = "" if isinstance(found, Document) else found.drop.reason
        if reason in UNREADABLE or (reason == "undecodable" and self.file.kind == "text"):
            self.unread[reason] += 1
            self.first = self.first or getattr(found, "drop").detail  # noqa: B009 - a Ledgered has it
        elif reason not in NO_RECORD:  # lists of files have an empty one now and then
            self.read += 1

    def check(self, records: Mapping[str, int]) -> None:
        """Raise FormatError if not a single record could be read, unless the source sets unreadable = "report"."""
        if self.read or records or not self.unread or self.file.reading.unreadable == "report":
            return
        found, place = format_of(self.file.path, self.file.stat), shown(self.file.path)
        if found.content == EMPTY:  # such as an empty gzip member
            return
        counts = ", ".join(f"{reason} {count}" for reason, count in self.unread.items())
        hint = ' If it is text in another encoding, name it: encoding = "cp932".' if "undecodable" in self.unread else ""
        raise FormatError(
            f'Nothing of {place} can be read as kind = "{self.file.kind}" ({counts}{": " + self.first if self.first else ""}); it is '
            f"{found}.{hint} Repair it or leave it out; or write "
            f'unreadable = "report" in the source {self.file.source!r} to count such files and skip them.'
        )
