"""Rows of the user's own files to keys: one sorted run per file, the map side of `corpus-builder dedup`.

Exact duplicates within a file are settled here, by digest: only the best of them stands up for the search, which finds the same
survivors, since equal texts have equal keys.  Rows without text (null, empty or white space only) match nothing but their URL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from corpus_builder.dataset import Manifest, Shard, ShardWriter, digest_of
from corpus_builder.dedup.minhash import SPECIFICATION, MinHash, band_keys, signatures
from corpus_builder.dedup.preference import LAST, Preference, number_ranks
from corpus_builder.exchange import RUN_GROUP_ROWS
from corpus_builder.rows import Batch, read_rows
from corpus_builder.stages.sign import KEYS

SAME = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in ("number", "winner_order", "winner")])


@dataclass(frozen=True)
class RowFile:
    """A file of the user's: where it lies, its name among the others, and the digest of its bytes."""

    place: Path
    name: str
    digest: str


@dataclass(frozen=True)
class RowSettings:
    """What is looked at, and what counts as a duplicate.  `source` None: the source is the file's name."""

    minhash: MinHash
    keep: Preference
    text: str = "text"
    id: str | None = None  # None: the column `id` where there is one
    date: str = "date"
    source: str | None = None
    url: str | None = None  # None: the same URL is no reason
    verify: float | None = None
    verify_by: Literal["signature", "text"] = "signature"
    groups: Literal["first", "components"] = "first"

    @property
    def ranked_by(self) -> str | None:
        """The column that the preference looks at."""
        return {"longest": None, "largest": (self.keep.names or ("",))[0], "first": self.source}.get(self.keep.kind, self.date)


@dataclass(frozen=True)
class SignRows:
    """The stage: one shard per file."""

    files: tuple[RowFile, ...]
    settings: RowSettings
    name: str = field(default="sign", init=False)
    version: int = field(default=1, init=False)

    def plan(self, manifests: Mapping[str, Manifest]) -> list[Shard]:
        """Made of the file, the hash specification, the columns and the order of preference."""
        seen = asdict(self.settings)
        settings = {name: seen[name] for name in ("minhash", "keep", "text", "id", "date", "source", "url")}
        made_from = {"stage": f"{self.name}/{self.version}", "settings": digest_of([SPECIFICATION, settings])}
        return [Shard(file.name, made_from | {"file": file.digest}, file) for file in self.files]

    def run(self, shard: Shard, out: ShardWriter) -> None:
        """Sign a file's rows; 24 bytes a band and distinct text stay in memory until all are sorted."""
        file, settings, spec = shard.task, self.settings, self.settings.minhash
        marks = marks_schema(spec)
        out.table("keys", KEYS, group_rows=RUN_GROUP_ROWS)
        out.table("urls", KEYS, group_rows=RUN_GROUP_ROWS)
        out.table("same", SAME, group_rows=RUN_GROUP_ROWS)
        out.table("marks", marks)
        place_of: dict[bytes, int] = {}  # distinct texts, in the order in which they come
        best: list[tuple[int, int]] = []  # (rank, number) of the best row of each
        rows: list[tuple[int, int, int]] = []  # (number, rank, text)
        keys = []
        urls: list[tuple[int, int, int]] = []
        counts = {"rows": 0, "without text": 0, "broken": 0}
        optional = [settings.id] if settings.id else []
        ranked_by = settings.ranked_by
        dates = ranked_by is not None and settings.keep.kind in ("newest", "oldest")
        needed = [settings.text, *optional, *([ranked_by] if ranked_by and not dates else [])]
        needed += [settings.url] if settings.url else []
        columns = list(dict.fromkeys([*needed, settings.id or "id", *([ranked_by] if ranked_by else [])]))
        for batch in read_rows(file.place, columns, needed):
            texts = [clean(text) for text in batch.columns[settings.text]]
            ranks = self._ranks(file, batch, texts).tolist()
            digests = [_digest(text) for text in texts]
            inside = {digest: row for row, digest in reversed(list(enumerate(digests))) if texts[row]}
            order = sorted(inside.values())  # the first row of each text of the batch
            sketches, _ = signatures([texts[row] for row in order], spec)
            sketch_of = {digests[row]: sketch.tobytes() for row, sketch in zip(order, sketches, strict=True)}
            fresh = [place for place, row in enumerate(order) if digests[row] not in place_of]
            for place in fresh:
                place_of[digests[order[place]]] = len(best)
                best.append((LAST, LAST))
            keys.append(band_keys(sketches[fresh], spec))
            signed, mark = [], []
            for row, text in enumerate(texts):
                number, rank = batch.first + row, ranks[row]
                if text:
                    which = place_of[digests[row]]
                    rows.append((number, rank, which))
                    best[which] = min(best[which], (rank, number))
                signed.append(sketch_of[digests[row]] if text else None)
                mark.append(_number(digests[row]) if text else 0)
                address = batch.columns[settings.url][row] if settings.url else None
                if isinstance(address, str) and address:
                    urls.append((_number(_digest(address)), rank, number))
            ids = [name_of_row(file, batch, settings.id or "id", row) for row in range(batch.rows)]
            numbers = np.arange(batch.first, batch.first + batch.rows)
            out.write(
                "marks", pa.table([numbers, ids, [len(t) for t in texts], pa.array(mark, pa.uint64()), signed], schema=marks)
            )
            counts["rows"] += batch.rows
            counts["without text"] += sum(not text for text in texts) - len(batch.broken)
            counts["broken"] += len(batch.broken)
        if best:
            ranks_, numbers_ = (np.array(column, dtype=np.int64) for column in zip(*best, strict=True))
            _write_run(out, "keys", np.concatenate(keys).ravel(), np.repeat(ranks_, spec.bands), np.repeat(numbers_, spec.bands))
            lost = [(number, *best[which]) for number, _, which in rows if best[which][1] != number]
            if lost:
                out.write("same", pa.table([np.array(column) for column in zip(*lost, strict=True)], schema=SAME))
            counts["same text"] = len(lost)
        if urls:
            _write_run(
                out,
                "urls",
                *(np.array(c, k) for c, k in zip(zip(*urls, strict=True), (np.uint64, np.int64, np.int64), strict=True)),
            )
        out.stats.update(counts)

    def _ranks(self, file: RowFile, batch: Batch, texts: list[str]) -> Any:
        keep, column = self.settings.keep, self.settings.ranked_by
        if keep.kind == "longest":
            return number_ranks([len(text) for text in texts])
        return keep.ranks(batch.columns[column] if column else [file.name] * batch.rows)


def marks_schema(spec: MinHash) -> pa.Schema:
    """What is known of every row: its id, its length, the digest of its text, its signature."""
    names = ["number", "id", "characters", "digest", "signature"]
    kinds = [pa.int64(), pa.string(), pa.int64(), pa.uint64(), pa.binary(4 * spec.hashes)]
    return pa.schema([pa.field(name, kind, nullable=name == "signature") for name, kind in zip(names, kinds, strict=True)])


def clean(text: Any) -> str:
    """A row's text as it is compared; "" where there is none, or white space alone."""
    return text if isinstance(text, str) and text.strip() else ""


def name_of_row(file: RowFile, batch: Batch, column: str, row: int) -> str:
    """The row's own id, or the file's name and the row's number."""
    value = batch.columns[column][row]
    return f"{file.name}/{batch.first + row}" if value is None or value == "" else str(value).encode("utf-8", "replace").decode()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "little")


def _write_run(out: ShardWriter, table: str, key: Any, order: Any, number: Any) -> None:
    by_key = np.lexsort((number, key))
    out.write(table, pa.table([key[by_key], order[by_key], number[by_key]], schema=KEYS))
