"""Near-duplicates of any JSONL or Parquet files, without a recipe: which rows are kept, and which row survives in the place of another.

OUT/dedup/kept/      one file for each of the user's, with fewer rows; every column and line unchanged
OUT/dedup/dropped/   loser, row, survivor, matched, similarity, rule, ...: one table for each file
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from corpus_builder.duplicates import summary as duplicates
from corpus_builder.duplicates.index.contents import indexed_of, write_head
from corpus_builder.duplicates.losers import Superseded
from corpus_builder.duplicates.row_files import is_rows
from corpus_builder.duplicates.row_stages import CopyRows, CopyStats, MatchRows, RowFile, RowSettings, SignRows, SignStats
from corpus_builder.duplicates.summary import Duplicates, duplicates_of
from corpus_builder.engine import Engine, Ray, engine_of
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.hashing.matching import PHASES, Matching
from corpus_builder.messages.surrogates import surrogates_escaped
from corpus_builder.recipe.dedup import Dedup
from corpus_builder.recipe.inputs import digests_of
from corpus_builder.remote.places import names_of
from corpus_builder.report.why import Story
from corpus_builder.report.why_row import FILES, why_row
from corpus_builder.sources.formats import PARQUET, UTF_16, format_of
from corpus_builder.store.apart import keep_apart
from corpus_builder.store.dataset import Manifest, read_table
from corpus_builder.store.files import absolute, write_json
from corpus_builder.store.ownership import alone_in
from corpus_builder.store.run import TASK_MEMORY_BYTES, Runner

DATASETS = tuple(kind.name for kind in (SignRows, MatchRows, Superseded, CopyRows))

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deduplicated:
    """The result of `deduplicate`; `dropped` has counts by rule: near, exact, url."""

    out: Path
    rows: int
    kept: int
    dropped: dict[str, int]
    without_text: int  # kept, since there is no text to compare
    broken: int  # kept: lines that are not JSON objects
    manifest: Manifest
    duplicates: Duplicates  # the similarities of near duplicates, and warnings

    @property
    def kept_files(self) -> list[Path]:
        """The files of kept rows, in the order of the inputs' names."""
        return self.manifest.paths("kept")

    def dropped_rows(self) -> pa.Table:
        """The table of all rows that were dropped: loser, row, survivor, matched, similarity, rule, ..."""
        return pa.concat_tables([read_table(path) for path in self.manifest.paths("dropped")])

    def __repr__(self) -> str:
        return as_text(self)

    def why(self, id: str) -> list[Story]:
        """The whole story of every row with this id."""
        return why_row(self.out, id)

    def as_json(self) -> dict[str, Any]:
        """The counts and paths as JSON values."""
        return {
            "out": str(self.out),
            "rows": self.rows,
            "kept": self.kept,
            "dropped": self.dropped,
            "without_text": self.without_text,
            "broken": self.broken,
            "duplicates": duplicates.as_json(self.duplicates),
            "kept_files": [str(path) for path in self.kept_files],
            "dropped_files": [str(path) for path in self.manifest.paths("dropped")],
        }


def deduplicate(
    files: str | Path | Iterable[str | Path],
    out: str | Path,
    engine: Engine | None = None,
    *,
    preset: str | None = None,
    ngram: int | None = None,
    bands: int | None = None,
    rows: int | None = None,
    similarity: float | None = None,
    recall: float | None = None,
    bytes_per_document: int | None = None,
    seed: int = 0,
    keep: str = "newest",
    text: str = "text",
    id: str | None = None,
    date: str = "date",
    source: str | None = None,
    url: bool = False,
    url_column: str | None = None,
    verify: float | bool | None = None,
    verify_by: Literal["signature", "text"] = "signature",
    groups: Literal["first", "components"] = "first",
    index: str | Path | None = None,
    indexed: Literal["stay", "compete"] = "stay",
    task_memory_bytes: int = TASK_MEMORY_BYTES,
    progress: bool = False,
) -> Deduplicated:
    """Drop near-duplicates from JSONL and Parquet files, or directories of them; finished work is not repeated.

    What counts as a duplicate and which row is kept are set as in a recipe, by the keys of `recipe.dedup.Dedup`; names in `keep` are
    columns, or patterns of file names.  `id` defaults to the column `id` or, for rows without one, to the file's name and the row's number.
    The URL is read from `url_column`, or from the column `url` if there is one; an index stores it even without the rule `url`.
    The same files and options give the same bytes on any engine.  Raises RecipeError for contradictory options, InputError for
    unreadable files, and StageError for shards that failed.
    """
    if isinstance(url, str):
        raise RecipeError(f"url = {url!r} names a column, but only switches the rule on; write url = True, url_column = {url!r}.")
    rule = Dedup.of(
        preset=preset,
        ngram=ngram,
        bands=bands,
        rows=rows,
        similarity=similarity,
        recall=recall,
        bytes_per_document=bytes_per_document,
        seed=seed,
        keep=keep,
        url=url,
        verify=verify,
        verify_by=verify_by,
        groups=groups,
        index=None if index is None else str(index),
        indexed=indexed,
    )
    minhash, matching = rule.minhash, rule.matching
    settings = RowSettings(matching, rule.preference, text, id, date, source, url_column or ("url" if url else None))
    out, files = absolute(out), [files] if isinstance(files, str | Path) else list(files)
    places = named(files)
    keep_apart(out, places.values(), [given for given in map(Path, files) if given.is_dir()])
    before = indexed_of(absolute(index) if index is not None else None, out, minhash, keep, indexed)
    with alone_in(out, "dedup", DATASETS), engine_of(engine, lambda: Ray(task_memory_bytes=task_memory_bytes)) as engine:
        digests = digests_of(list(places.values()), out, engine, progress)
        given = tuple(RowFile(place, name, digests[place]) for name, place in places.items())
        manifests: dict[str, Manifest] = {}
        runner = Runner(out, engine, task_memory_bytes, progress)
        for stage in (SignRows(given, settings), MatchRows(matching, before, files=given, text=text), CopyRows(given)):
            manifests[stage.name] = runner.run(stage, manifests)
        runner.clear_scratch()
        write_head(out, minhash, keep)
        known = {"text": text, "files": {file.name: str(file.path) for file in given}}
        write_json(out / FILES, known)
    done = _summary(out, manifests, matching)
    for warning in done.duplicates.warnings:
        logger.warning(warning)
    return done


def _summary(out: Path, manifests: dict[str, Manifest], matching: Matching) -> Deduplicated:
    signed = manifests["sign"].stats(SignStats).values()
    copied = manifests["dedup"].stats(CopyStats).values()
    rows = sum(stats.rows for stats in signed)
    return Deduplicated(
        out,
        rows,
        kept=sum(stats.kept for stats in copied),
        dropped={rule: sum(stats.dropped.get(rule, 0) for stats in copied) for rule in reversed(PHASES)},
        without_text=sum(stats.without_text for stats in signed),
        broken=sum(stats.broken for stats in signed),
        manifest=manifests["dedup"],
        duplicates=duplicates_of(manifests["match"], matching, rows),
    )


def named(files: Iterable[str | Path]) -> dict[str, Path]:
    """The files by name, sorted by name; a directory means all JSON lines and Parquet files in it (but not plain
    `.json` files, which mostly describe the data).

    A name is the file's own, preceded by as few directories as needed if two files have the same name.
    """
    found: list[Path] = []
    for given in map(absolute, files):
        inside = sorted(p for p in given.rglob("*") if p.is_file() and is_rows(p)) if given.is_dir() else [given]
        if not inside:
            raise InputError(f"The directory {given} holds no file of JSON lines or Parquet.")
        found += inside
    for place in found:
        if not place.is_file():
            raise InputError(f"There is no file {place}.")
        if not is_rows(place, named=True):
            utf_16 = " with `iconv -f UTF-16 -t UTF-8`" if (what := format_of(place)).content == UTF_16 else ""
            raise InputError(f"{place} is {what}, neither Parquet nor JSON lines; convert it{utf_16}, or leave it out.")
        if (what := format_of(place)).content == PARQUET and what.packing:
            raise InputError(f"{place} is {what}; Parquet must not be compressed as a whole. Decompress it.")
    if not found:
        raise InputError("No file is given; name JSONL or Parquet files, or directories of them.")
    if len({place.absolute() for place in found}) < len(found):
        raise InputError("A file is given twice: it would be its own duplicate. Name each file once.")
    names = names_of([str(place.absolute()) for place in found])
    for name in names:
        if (shown := surrogates_escaped(name)) != name:
            raise InputError(f"The name of the file {shown} is not UTF-8; rename it.")
    return {name: place.absolute() for name, place in sorted(zip(names, found, strict=True))}


def as_text(done: Deduplicated) -> str:
    """The result as lines for a terminal."""
    lines = [f"{done.rows:>12,} rows"]
    lines += [f"{-count:>12,} {rule} duplicates" for rule, count in done.dropped.items() if count]
    lines.append(f"{done.kept:>12,} kept" + (f", {done.without_text:,} of them without text" if done.without_text else ""))
    if done.broken:
        lines.append(f"{done.broken:>12,} of the kept lines are not JSON objects")
    if found := duplicates.as_text(done.duplicates):
        lines += ["", found]
    lines += [f"\nKept:    {done.out}/dedup/kept/", f"Dropped: {done.out}/dedup/dropped/*.parquet"]
    return "\n".join(lines)
