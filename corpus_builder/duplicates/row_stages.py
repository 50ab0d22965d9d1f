"""Deduplication of the user's own files: rows to keys, keys to losers, and copies of the files without the losers.

Rows without text (null, empty or white space only) match nothing but their URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_builder.duplicates.losers import LOSERS, losers_in
from corpus_builder.duplicates.match import SearchStage
from corpus_builder.duplicates.row_files import Batch, copy_rows, read_rows
from corpus_builder.duplicates.search import Texts
from corpus_builder.duplicates.signed_files import SIGNED, SignedWriter, split
from corpus_builder.duplicates.summary import stats_of
from corpus_builder.hashing.matching import PHASES, Matching
from corpus_builder.hashing.minhash import SPECIFICATION
from corpus_builder.hashing.preference import Preference, number_ranks
from corpus_builder.store.dataset import Manifest, Shard, ShardWriter, Stage, digest_of, read_table
from corpus_builder.store.files import intact
from corpus_builder.store.stats import Count

_NAMES = ("loser", "row", "survivor", "matched", "similarity", "rule", "matched_file", "matched_row", "in_index")
DROPPED = pa.schema([LOSERS.field(name) for name in _NAMES])


@dataclass(frozen=True)
class RowFile:
    """A file of the user's: its path, its name among the others, and the digest of its bytes."""

    path: Path
    name: str
    digest: str


@dataclass(frozen=True)
class RowSettings:
    """Which columns are read, and what counts as a duplicate.  `source` None: the source is the file's name."""

    matching: Matching
    keep: Preference
    text: str = "text"
    id: str | None = None  # None: the column `id` where there is one
    date: str = "date"
    source: str | None = None
    url: str | None = None  # None: the column `url` where there is one

    @property
    def ranked_by(self) -> str | None:
        """The column that the order of preference uses."""
        return {"longest": None, "largest": (self.keep.names or ("",))[0], "first": self.source}.get(self.keep.kind, self.date)


@dataclass(frozen=True)
class SignStats:
    """Rows of a file."""

    rows: Count
    without_text: Count  # none to compare, though the row is sound
    broken: Count  # lines that are not JSON objects


@dataclass(frozen=True)
class SignRows(Stage):
    """The stage: one shard per file."""

    files: tuple[RowFile, ...]
    settings: RowSettings
    name: ClassVar[str] = "sign"
    version: ClassVar[int] = 5
    tables: ClassVar[tuple[str, ...]] = SIGNED
    stats: ClassVar[type[Any]] = SignStats

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per file, which depends on the file, the hash specification, the columns and the order of preference."""
        seen = asdict(self.settings)
        settings = [seen["matching"]["minhash"], *(seen[name] for name in ("keep", "text", "id", "date", "source", "url"))]
        made_from = {"stage": f"{self.name}/{self.version}", "settings": digest_of([SPECIFICATION, settings])}
        return [Shard(file.name, made_from | {"file": file.digest}, file) for file in self.files]

    def for_workers(self) -> Self:
        """The stage without the other files."""
        return replace(self, files=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a file's rows, a batch at a time."""
        file, settings = shard.task, self.settings
        rows = without_text = broken = 0
        writer = SignedWriter(out, settings.matching.minhash)
        ranked_by, id_, url = settings.ranked_by, settings.id or "id", settings.url or "url"
        optional_rank = settings.keep.kind in ("newest", "oldest")
        needed = [settings.text, settings.id, settings.url, None if optional_rank else ranked_by]
        columns = dict.fromkeys(name for name in (*needed, id_, url, ranked_by) if name)
        for batch in read_rows(file.path, list(columns), [name for name in needed if name], settings.text):
            texts = [clean(text) for text in batch.columns[settings.text]]
            ids = [name_of_row(file, batch, id_, row) for row in range(batch.rows)]
            urls = [value if isinstance(value, str) else None for value in batch.columns[url]]
            writer.write(ids, texts, self._ranks(file, batch, texts), urls)
            rows += batch.rows
            without_text += sum(not text for text in texts) - len(batch.broken)
            broken += len(batch.broken)
        writer.close()
        out.stats = SignStats(rows, without_text, broken)

    def _ranks(self, file: RowFile, batch: Batch, texts: list[str]) -> npt.NDArray[np.int64]:
        keep, column = self.settings.keep, self.settings.ranked_by
        if keep.kind == "longest":
            return number_ranks([len(text) for text in texts])
        return keep.ranks(batch.columns[column] if column else [file.name] * batch.rows)


def clean(text: Any) -> str:
    """A row's text as it is compared; "" if it has none, or only white space."""
    return text if isinstance(text, str) and text.strip() else ""


def name_of_row(file: RowFile, batch: Batch, column: str, row: int) -> str:
    """The row's own id, or the file's name and the row's number."""
    value = batch.columns[column][row]
    return f"{file.name}/{batch.first + row}" if value is None or value == "" else str(value)


@dataclass(frozen=True)
class MatchRows(SearchStage):
    """The stage: the rows of each file that are dropped."""

    files: tuple[RowFile, ...] = ()
    text: str = "text"  # the column
    version: ClassVar[int] = 4
    tables: ClassVar[tuple[str, ...]] = ("dropped",)

    def texts(self, manifests: Mapping[str, Manifest]) -> Texts:
        """Something that reads the texts of rows again."""
        return RowTexts(self.files, self.text)

    def for_workers(self) -> Self:
        """The stage without the other files, too."""
        return replace(super().for_workers(), files=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Write the losers of one file."""
        number, files, _ = shard.task
        out.table("dropped", DROPPED)
        losers = losers_in(number, files)
        out.write("dropped", losers.select(DROPPED.names).cast(DROPPED))
        out.stats = stats_of(losers)


@dataclass(frozen=True)
class RowTexts:
    """Reads the texts of rows again, a file at a time."""

    files: Sequence[RowFile]
    column: str

    def read(self, documents: npt.NDArray[np.int64]) -> list[str]:
        """The texts of rows, sorted by their place."""
        found: list[str] = []
        shards, rows = split(documents)
        for shard in np.unique(shards).tolist():
            wanted = rows[shards == shard]
            for batch in read_rows(self.files[shard].path, [self.column], []):
                first, last = np.searchsorted(wanted, [batch.first, batch.first + batch.rows]).tolist()
                texts = batch.columns[self.column]
                found += [clean(texts[row]) for row in (wanted[first:last] - batch.first).tolist()]
        return found


@dataclass(frozen=True)
class CopyStats:
    """Rows of a file."""

    kept: Count
    dropped: dict[str, Count]  # by rule: near, exact, url


@dataclass(frozen=True)
class CopyRows(Stage):
    """The stage: one shard per file, with the rows that are kept and a table of those that are not."""

    files: tuple[RowFile, ...]
    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 3
    tables: ClassVar[tuple[str, ...]] = ("kept", "dropped")
    stats: ClassVar[type[Any]] = CopyStats

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """One shard per file, which depends on the file and the list of rows to drop."""
        match = manifests["match"]
        shards = []
        for file in self.files:
            receipt = match.by_shard[file.name]
            made_from = {"stage": f"{self.name}/{self.version}", "dropped": receipt.tables["dropped"].sha256, "file": file.digest}
            shards.append(Shard(file.name, made_from, (file, match.path(receipt, "dropped"))))
        return shards

    def for_workers(self) -> Self:
        """The stage without the other files."""
        return replace(self, files=())

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Copy the rows that are kept, unchanged."""
        file, path = shard.task
        with intact(path):
            dropped = read_table(path)
        numbers = dropped.column("row").to_numpy()
        kept = copy_rows(
            file.path, out, "kept", lambda first, count: ~np.isin(np.arange(first, first + count), numbers, assume_unique=True)
        )
        out.table("dropped", DROPPED)
        out.write("dropped", dropped.cast(DROPPED))
        rules = dropped.column("rule").to_pylist()
        out.stats = CopyStats(kept, {rule: rules.count(rule) for rule in PHASES})
