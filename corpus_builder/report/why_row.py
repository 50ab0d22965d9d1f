"""Why a row of deduplicated files was dropped, with a comparison of both texts if the files still exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from corpus_builder.duplicates.index.contents import HEAD_FILE, head_of
from corpus_builder.duplicates.row_stages import RowFile, RowTexts
from corpus_builder.duplicates.signed_files import SignedShard, id_bytes, opened, places
from corpus_builder.errors import InputError
from corpus_builder.hashing.shingles import jaccard
from corpus_builder.messages.surrogates import surrogates_escaped
from corpus_builder.reasons import REASONS, duplicate_reason
from corpus_builder.report.tables import query
from corpus_builder.report.text_difference import differences
from corpus_builder.report.why import Event, Story
from corpus_builder.store.dataset import Manifest, read_manifest
from corpus_builder.store.ownership import small_object

FILES = ".cache/files.json"
ROWS_AT_A_TIME = 50_000


def is_deduplicated(out: Path) -> bool:
    """Whether a directory holds what `deduplicate` wrote."""
    return (out / HEAD_FILE).exists() and not (out / "build.json").exists()


def why_row(out: str | Path, id_: str) -> list[Story]:
    """The story of every row with an id; raises InputError if there is none."""
    out = Path(out)
    sign, done = read_manifest(out / "sign"), read_manifest(out / "dedup")
    if sign is None or done is None:
        raise InputError(f"{out} holds no deduplicated files; `corpus-builder dedup FILES --out {out}` makes them.")
    wanted = surrogates_escaped(id_)
    found = [_story(out, sign, done, wanted, shard, row) for shard, row in _rows_of(sign, wanted.encode())]
    if not found:
        raise InputError(f"No row has the id {id_!r}. Rows without an id of their own are called FILE/ROW, rows counted from 0.")
    return found


def _rows_of(sign: Manifest, wanted: bytes) -> Iterator[tuple[int, int]]:
    """The positions of the rows with an id: the file's index, and the row in it."""
    for shard, receipt in enumerate(sign.receipts):
        signed = SignedShard.of(sign, receipt)
        for first in range(0, signed.rows, ROWS_AT_A_TIME):
            rows = np.arange(first, min(first + ROWS_AT_A_TIME, signed.rows))
            yield from ((shard, first + place) for place, one in enumerate(id_bytes(signed, rows)) if one == wanted)


def _story(out: Path, sign: Manifest, done: Manifest, id_: str, shard: int, row: int) -> Story:
    receipt = sign.receipts[shard]
    characters = int(opened(SignedShard.of(sign, receipt).sketches)["characters"][row])
    dropped = query('select * from files where "row" = ?', [row], files=[done.path(done.by_shard[receipt.shard], "dropped")])
    if not dropped:
        return Story(id_, "", "", characters, (Event("dedup", "kept", detail=f"{receipt.shard}, row {row}"),))
    (pair,) = dropped
    reason = duplicate_reason(pair["rule"])
    event = Event("dedup", "dropped", reason, pair["similarity"], None, pair["survivor"], REASONS[reason].meaning)
    matched, survivor = (
        Story(
            name,
            "in the index" if pair["in_index"] else "",
            "",
            None,
            (Event("dedup", "kept" if name == pair["survivor"] else "dropped"),),
        )
        for name in (pair["matched"], pair["survivor"])
    )
    story = Story(id_, "", "", characters, (event,), matched=matched, survivor=survivor)
    names = [receipt.shard for receipt in sign.receipts]
    where = None if pair["in_index"] else (names.index(pair["matched_file"]), int(pair["matched_row"]))
    texts = _texts(out, sign, (shard, row), where)
    if texts is None:
        return story
    head = head_of(out)
    similarity = jaccard(*texts, head.minhash.ngram) if head else None
    return replace(story, similarity=similarity, differences=tuple(surrogates_escaped(line) for line in differences(*texts)))


def _texts(out: Path, sign: Manifest, *rows: tuple[int, int] | None) -> tuple[str, str] | None:
    """Both texts, if the files are still in place and neither row is in an index."""
    try:
        known = small_object(out / FILES) or {}
        where, text = known.get("files"), known.get("text")
        if not isinstance(where, dict) or not isinstance(text, str):
            return None
        files = [RowFile(Path(str(where.get(receipt.shard, ""))), receipt.shard, "") for receipt in sign.receipts]
        if not all(file.path.as_posix().endswith(f"/{file.name}") for file in files):  # shards are named after their files
            return None
        ours, theirs = (RowTexts(files, text).read(places(row[0], [row[1]]))[0] for row in rows if row is not None)
    except (OSError, ValueError, IndexError, InputError):
        return None
    return ours, theirs
