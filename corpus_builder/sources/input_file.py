"""An input file, how its source says that it is read, and what became of it as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from corpus_builder.document import Document, Drop
from corpus_builder.errors import FormatError
from corpus_builder.pages.page import PageSettings
from corpus_builder.reasons import NO_RECORD, UNREADABLE
from corpus_builder.remote.patience import Stat
from corpus_builder.remote.places import name_of, shown
from corpus_builder.sources.columns import USUAL, Columns
from corpus_builder.sources.formats import EMPTY, format_of
from corpus_builder.sources.text import Unit
from corpus_builder.store.dataset import digest_of

OWN_ROWS = ("jsonl", "parquet")
"""Kinds of sources whose rows have ids and further columns of their own."""

ROWS_VERSION = 3
"""Goes up with every change of what rows of JSON lines, Parquet and text become."""


@dataclass(frozen=True)
class Reading:
    """What a source says of how its files are read; None: what the recipe says for all, or what is usual for the kind."""

    columns: Columns = USUAL
    extra: tuple[str, ...] | None = None  # the further columns that are kept; None: all
    document: Unit = "file"  # what is one document of a text file
    encoding: str | None = None  # of text files
    language: str | None = None
    detector: str | None = None
    min_language_score: float | None = None
    unreadable: Literal["fail", "report"] = "fail"

    def settings(self, settings: PageSettings) -> PageSettings:
        """The recipe's settings with what this source says of the language."""
        least = settings.min_japanese_score if self.min_language_score is None else self.min_language_score
        return replace(
            settings,
            language=self.language or settings.language,
            detector=self.detector or settings.detector,
            min_japanese_score=least,
        )

    def made_from(self, kind: str) -> dict[str, str]:
        """What a file of a kind is made from beyond the settings; nothing where all is as usual and no rows are read."""
        usual, said = asdict(Reading()), asdict(self)
        del said["detector"]  # the settings have the digest of its model
        said = {name: value for name, value in said.items() if value != usual[name]}
        version = [ROWS_VERSION] if kind in (*OWN_ROWS, "text") else []
        return {"reading": digest_of([version, said])} if version or said else {}


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input file: where it is, whose it is, and the digest of its bytes (of a remote one: the server's word for its version)."""

    path: str
    source: str
    kind: str
    digest: str
    stat: Stat | None = None  # of a remote file: the version that is meant
    expected: int | None = None  # how many responses it should hold, where that is known
    reading: Reading = Reading()
    told_apart: str = ""  # its name, where another file has the same

    @property
    def name(self) -> str:
        """The file's name, which ids start with."""
        return self.told_apart or name_of(self.path)


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
    """Whether anything of a file could be read."""

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
        """FormatError where not one record could be read, unless the source wants to have that reported."""
        if self.read or records or not self.unread or self.file.reading.unreadable == "report":
            return
        found, place = format_of(self.file.path, self.file.stat), shown(self.file.path)
        if found.content == EMPTY:  # such as a gzip member of nothing
            return
        counts = ", ".join(f"{reason} {count}" for reason, count in self.unread.items())
        hint = ' If it is text in another encoding, say which: encoding = "cp932".' if "undecodable" in self.unread else ""
        raise FormatError(
            f'Nothing of {place} can be read as kind = "{self.file.kind}" ({counts}{": " + self.first if self.first else ""}); it is '
            f"{found}.{hint} Mend it or leave it out; or write "
            f'unreadable = "report" in the source {self.file.source!r}, and such files are counted and passed over.'
        )
