"""Fetches the selected records of one WARC into a smaller WARC, copying each compressed member unchanged.

Data are written as they arrive, so a killed run resumes after the last whole record.  A receipt, written last, certifies
the file; a table next to it holds each record's offset in Common Crawl's original file.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.commoncrawl.picks import GAP_BYTES, Pick, ranges
from corpus_builder.errors import InputError
from corpus_builder.remote.places import shown
from corpus_builder.remote.retries import Stat, Traffic, read_range
from corpus_builder.remote.window import store_for
from corpus_builder.sources.commoncrawl import records_of
from corpus_builder.store.files import (
    digest_file,
    full_disk,
    give_name,
    make_directory,
    sync_directory,
    write_json,
)
from corpus_builder.store.ownership import refuse_links

HEAD_BYTES = 4096  # Common Crawl's warcinfo members have some 500 bytes
MAX_HEAD_BYTES = 1 << 20
RECORDS = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),  # in the fetched file
        pa.field("original_offset", pa.int64(), nullable=False),  # in Common Crawl's file of the same name
        pa.field("length", pa.int64(), nullable=False),
        pa.field("url", pa.string(), nullable=False),  # from the index; "" for the warcinfo record
    ]
)


@dataclass(frozen=True)
class Fetched:
    """The receipt of one fetched WARC."""

    warc: str
    version: str  # of the original file
    whole_bytes: int  # of the original file
    selection: str
    records: int
    size_bytes: int
    sha256: str
    refused: tuple[str, ...]  # records that are not where the index says
    traffic: Traffic = field(default_factory=Traffic, compare=False)

    @classmethod
    def read(cls, out: Path, pick: Pick) -> Fetched | None:
        """The receipt of a pick that was fetched; None if it or its files are missing."""
        try:
            value = json.loads(_receipt(out, pick.name).read_bytes())
            found = cls(**{**value, "refused": tuple(value["refused"])})
            whole = (out / pick.name).stat().st_size == found.size_bytes and records_of(out / pick.name).is_file()
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        sound = isinstance(found.whole_bytes, int) and all(isinstance(one, str) for one in found.refused)
        return found if sound and whole and found.selection == pick.digest else None


def _receipt(out: Path, name: str) -> Path:
    return out / "receipts" / f"{name}.json"


def fetch(
    pick: Pick, place: str, stat: Stat, out: Path, gap_bytes: int = GAP_BYTES, stop: threading.Event | None = None
) -> Fetched:
    """Fetch the missing records of a pick from the WARC at `place`, then commit.

    Raises InputError if the WARC cannot be read, and StageError if the disk is full.
    """
    part = _part(out, pick)
    traffic = Traffic()
    try:
        make_directory(part.parent)
        refuse_links(part.parent, [part.name, _table(part).name])
        with part.open("r+b" if part.exists() else "w+b") as file:
            layout = _whole_records(file, pick)
            file.truncate(layout.end)
            file.seek(layout.end)
            if not layout.head:
                head = _head(place, stat, traffic, stop)
                file.write(head)
                layout.head = layout.end = len(head)
            for number, content in _records(pick, len(layout.found), place, stat, gap_bytes, traffic, stop):
                if problem := _problem(content):
                    layout.refused.append(f"{pick.urls[number]} at {pick.offsets[number]}: {problem}")
                else:
                    file.write(content)
                    file.flush()  # flushed data survive a killed process
                    layout.add(number, len(content))
        return _commit(pick, stat, part, out, layout, traffic)
    except OSError as error:
        raise full_disk(error, out) or error from error


def begun(out: Path, pick: Pick) -> tuple[int, bool]:
    """How many records of a pick an interrupted run left, judged by size, and whether the warcinfo member is there."""
    try:
        with _part(out, pick).open("rb") as file:
            head, size = member_length(file.read(MAX_HEAD_BYTES)), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0, False
    return int(np.searchsorted(np.cumsum(pick.lengths), size - head, "right")) if head else 0, head > 0


def _part(out: Path, pick: Pick) -> Path:
    return out / "parts" / f"{pick.name}.{pick.digest[:8]}.part"


def _table(part: Path) -> Path:
    return part.with_suffix(".records")


@dataclass
class _Layout:
    """What the file contains: the length of the warcinfo member, and the records with their offsets."""

    head: int = 0
    end: int = 0
    found: list[tuple[int, int]] = field(default_factory=list)  # (number in the pick, offset here)
    refused: list[str] = field(default_factory=list)

    def add(self, number: int, length: int) -> None:
        self.found.append((number, self.end))
        self.end += length


def _whole_records(file: BinaryIO, pick: Pick) -> _Layout:
    """What an earlier run left, up to the first record that is incomplete or not the expected one."""
    layout = _Layout()
    first = file.read(MAX_HEAD_BYTES)
    if not (length := member_length(first)):
        return layout
    layout.head = layout.end = length
    for number, record_length in enumerate(pick.lengths.tolist()):
        file.seek(layout.end)
        content = file.read(record_length)
        if len(content) < record_length or _problem(content):
            break
        layout.add(number, record_length)
    return layout


def member_length(content: bytes) -> int:
    """Length of the gzip member at the start of the bytes; 0 if it is incomplete or there is none."""
    member = zlib.decompressobj(31)
    try:
        member.decompress(content, MAX_HEAD_BYTES)
    except zlib.error:
        return 0
    return len(content) - len(member.unused_data) if member.eof else 0


def _head(place: str, stat: Stat, traffic: Traffic, stop: threading.Event | None) -> bytes:
    """The WARC's first member, which names the crawl."""
    size = HEAD_BYTES
    while True:
        content = b"".join(read_range(store_for(place), place, stat, 0, min(size, stat.size), traffic, stop))
        if length := member_length(content):
            return content[:length]
        if size >= min(stat.size, MAX_HEAD_BYTES) or content[:2] != b"\x1f\x8b":
            raise InputError(f"{shown(place)} does not begin with a gzip member; only .warc.gz files can be fetched in parts.")
        size = MAX_HEAD_BYTES


def _records(
    pick: Pick, first: int, place: str, stat: Stat, gap_bytes: int, traffic: Traffic, stop: threading.Event | None
) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of the records from `first` on; b"" for a record beyond the end of the file."""
    for one in ranges(pick.offsets, pick.lengths, gap_bytes, first):
        buffer, at = bytearray(), one.start
        pieces = read_range(store_for(place), place, stat, one.start, min(one.end, stat.size), traffic, stop)
        for number in range(one.first, one.last):
            start, length = int(pick.offsets[number]), int(pick.lengths[number])
            while at + len(buffer) < start + length and (piece := next(pieces, None)) is not None:
                buffer += piece
                if at + len(buffer) <= start:
                    at, buffer = at + len(buffer), bytearray()
            if stop and stop.is_set():
                raise InputError("The run was interrupted.")
            yield number, bytes(buffer[start - at : start - at + length])
            following = int(pick.offsets[number + 1]) if number + 1 < one.last else one.end
            drop = max(min(following - at, len(buffer)), 0)
            del buffer[:drop]
            at += drop


def _problem(content: bytes) -> str:
    """Why the bytes are not one compressed record; "" if they are."""
    member = zlib.decompressobj(31)
    try:
        begin = member.decompress(content, 5)
        while not member.eof and member.unconsumed_tail:
            member.decompress(member.unconsumed_tail, 1 << 20)
    except zlib.error as error:
        return f"no gzip member ({error})"
    if not member.eof or member.unused_data:
        return "not one whole gzip member"
    return "" if begin == b"WARC/" else "no WARC record"


def _commit(pick: Pick, stat: Stat, part: Path, out: Path, layout: _Layout, traffic: Traffic) -> Fetched:
    numbers = [number for number, _ in layout.found]
    rows = pa.table(
        {
            "offset": [0, *(offset for _, offset in layout.found)],
            "original_offset": [0, *pick.offsets[numbers].tolist()],
            "length": [layout.head, *pick.lengths[numbers].tolist()],
            "url": ["", *(pick.urls[number] for number in numbers)],
        },
        RECORDS,
    )
    temporary = _table(part)
    pq.write_table(rows, temporary, compression="zstd")
    done = Fetched(
        warc=pick.warc,
        version=stat.identity,
        whole_bytes=stat.size,
        selection=pick.digest,
        records=len(numbers),
        size_bytes=part.stat().st_size,
        sha256=digest_file(part),
        refused=tuple(layout.refused),
        traffic=traffic,
    )
    for made, path in ((temporary, records_of(out / pick.name)), (part, out / pick.name)):
        if path.exists() and not _receipt(out, pick.name).exists() and digest_file(path) != digest_file(made):
            raise InputError(
                f"{path} already exists without a receipt of this program, so it is not overwritten. Move it, and run the same "
                "command again: it continues where it stopped."
            )
    give_name(temporary, records_of(out / pick.name))
    give_name(part, out / pick.name)
    sync_directory(out)
    value = {one.name: getattr(done, one.name) for one in fields(done) if one.compare}
    write_json(_receipt(out, pick.name), value, indent=None, sort_keys=True)
    return done
