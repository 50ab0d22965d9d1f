"""Forecast of the cost of finding duplicates among a number of documents: bytes, tasks, memory and core-hours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.minhash import MinHash
from corpus_builder.hashing.pairs import BYTES_PER_KEY
from corpus_builder.hashing.presets import ENTRY_BYTES, curve

# What signing writes for each document.
KEY_BYTES, KEY_BYTES_PER_BAND = 24, 8
SKETCH_BYTES, SKETCH_BYTES_PER_HASH = 16, 1
# Seconds on one core of a shared virtual machine (AMD EPYC with AVX-512, numba 0.68, November 2026), including reading and writing Parquet.
# Signing: 300,000 documents of 300 and 42,852 of 2,100 characters, at 112 and 800 values.
SIGN_SECONDS_PER_DOCUMENT = 8.1e-6
SIGN_SECONDS_PER_CHARACTER = 1.7e-8
SIGN_SECONDS_PER_HASH = 4.1e-8
# Everything from the keys to the losers: 10^7 documents, of which 30 % are copies, with 14 bands took 0.73 microseconds for each entry
# (two tasks at a time, November 2026).
MATCH_SECONDS_PER_ENTRY = 0.73e-6

# Verifying by signature: sketches are read again, and compared, for every quarter of a task's memory filled by rows that share a key.
# 300,000 documents, of which 30 % are copies, in tasks of 30 MiB: 0.13 of all entries share a key, 1.3 GB/s, 0.4 microseconds per document
# (one core in memory, November 2026).  The bytes grow with the square of the documents, and shrink with larger tasks.
VERIFY_SHARE_OF_ENTRIES = 0.13
VERIFY_BYTES_PER_SECOND = 1.3e9
VERIFY_SECONDS_PER_DOCUMENT = 0.4e-6

TREE_PASSES = 4
"""Pointing each loser to its best match, and jumps from there to its survivor: as many as 10^7 documents took."""

CHARACTERS = 1_000
"""Default mean length of a document, in characters."""


@dataclass(frozen=True)
class Forecast:
    """The cost for `documents` documents; sizes are in bytes, times in hours of one core."""

    documents: int
    characters: int
    task_memory_bytes: int
    signed_bytes: int
    shuffled_bytes: int
    buckets: int
    partitions: int
    entries_per_task: int
    sign_core_hours: float
    match_core_hours: float
    verify_bytes: int  # sketches that are read again; 0 without verification
    verify_core_hours: float

    @property
    def tasks(self) -> int:
        """Number of tasks of the search, not counting those that sign and copy, one per shard of documents.

        Exact and near phase: one task per partition of the documents to distribute its keys, one to settle its losers, and one per bucket of keys in between;
        and passes over the pointers and the losers, one task per partition.
        """
        exact = _pieces(self.documents * BYTES_PER_KEY, self.task_memory_bytes)
        return exact + self.buckets + self.partitions * (2 * 2 + TREE_PASSES + 1)

    @property
    def core_hours(self) -> float:
        """Total hours of one core."""
        return self.sign_core_hours + self.match_core_hours + self.verify_core_hours


def forecast(
    documents: int, spec: MinHash, task_memory_bytes: int, characters: int = CHARACTERS, verified: bool = False
) -> Forecast:
    """Forecast the cost of deduplicating `documents` of `characters` on average, given the memory of a task in bytes.

    Bytes and numbers of tasks follow from the design; hours are extrapolated from the measured rates above.  Raises RecipeError
    for numbers below 1.

    >>> found = forecast(1_000_000, MinHash(bands=20, rows=7), 1 << 30)
    >>> found.shuffled_bytes, found.buckets
    (504000000, 2)
    """
    if documents < 1:
        raise RecipeError(f"A forecast for {documents} documents is meaningless; give a number of 1 or more, for example 1e8.")
    if characters < 1:
        raise RecipeError(f"Documents of {characters} characters cannot be forecast; give a mean length of 1 or more.")
    entries = documents * spec.bands
    rows_per_partition = max(1, task_memory_bytes // (BYTES_PER_KEY * spec.bands))
    signing = SIGN_SECONDS_PER_DOCUMENT + SIGN_SECONDS_PER_CHARACTER * characters + SIGN_SECONDS_PER_HASH * spec.hashes
    sketch_bytes = SKETCH_BYTES + SKETCH_BYTES_PER_HASH * spec.hashes
    rows = documents * spec.bands * VERIFY_SHARE_OF_ENTRIES
    verify_bytes = math.ceil(4 * rows * (spec.hashes + 40) / task_memory_bytes) * documents * sketch_bytes if verified else 0
    verifying = verify_bytes / VERIFY_BYTES_PER_SECOND + documents * VERIFY_SECONDS_PER_DOCUMENT * verified
    per_document = KEY_BYTES + KEY_BYTES_PER_BAND * spec.bands + sketch_bytes
    return Forecast(
        documents=documents,
        characters=characters,
        task_memory_bytes=task_memory_bytes,
        signed_bytes=documents * per_document,
        shuffled_bytes=(entries + documents) * ENTRY_BYTES,  # the near phase, and the digests of the exact one
        buckets=_pieces(entries * BYTES_PER_KEY, task_memory_bytes),
        partitions=_pieces(documents, rows_per_partition),
        entries_per_task=task_memory_bytes // BYTES_PER_KEY,
        sign_core_hours=documents * signing / 3600,
        match_core_hours=entries * MATCH_SECONDS_PER_ENTRY / 3600,
        verify_bytes=verify_bytes,
        verify_core_hours=verifying / 3600,
    )


def _pieces(size: int, limit: int) -> int:
    """Number of pieces of at most `limit`, rounded up exactly; floats would be off by one at 10^10."""
    return max(1, -(-size // limit))


def as_json(spec: MinHash, found: Forecast | None) -> dict[str, Any]:
    """Hashes, curve and forecast as JSON values."""
    values: dict[str, Any] = {
        "ngram": spec.ngram,
        "bands": spec.bands,
        "rows": spec.rows,
        "seed": spec.seed,
        "curve": [{"similarity": similarity, "probability": chance} for similarity, chance in curve(spec)],
    }
    if found is not None:
        values["forecast"] = {**vars(found), "tasks": found.tasks, "core_hours": found.core_hours}
    return values


def as_text(spec: MinHash, found: Forecast | None) -> str:
    """Curve and forecast as lines for a terminal.

    >>> print(as_text(MinHash(bands=40, rows=20), None))  # doctest: +ELLIPSIS
    Duplicates: 5-grams, 40 bands of 20 rows (800 values); pairs of a Jaccard similarity become candidates with probability
      0.50    0.00 %
      0.55    0.03 %
    ...
      0.90   99.44 %
      0.95  100.00 %
    """
    lines = [
        f"Duplicates: {spec.ngram}-grams, {spec.bands} bands of {spec.rows} rows ({spec.hashes} values); pairs of a Jaccard similarity "
        "become candidates with probability",
        *(f"  {similarity:.2f} {chance:>8.2%}".replace("%", " %") for similarity, chance in curve(spec)),
    ]
    if found is not None:
        lines += [
            f"Forecast for {found.documents:,} documents of {found.characters:,} characters, {found.task_memory_bytes >> 20:,} MiB a task",
            f"  signatures      {found.signed_bytes / 1e9:>12,.2f} GB",
            f"  shuffled        {found.shuffled_bytes / 1e9:>12,.2f} GB",
            f"  tasks           {found.tasks:>12,}    over {found.partitions:,} partitions of the documents and {found.buckets:,} buckets of keys",
            f"  held by a task  {found.entries_per_task:>12,}    entries of {ENTRY_BYTES} bytes at most",
            f"  core-hours      {found.core_hours:>12,.2f}    {found.sign_core_hours:,.2f} to sign, {found.match_core_hours:,.2f} to match"
            + (f", {found.verify_core_hours:,.2f} to verify" if found.verify_bytes else ""),
        ]
        if found.verify_bytes:
            lines.append(f"  read to verify  {found.verify_bytes / 1e9:>12,.2f} GB  less with larger tasks")
    return "\n".join(lines)
