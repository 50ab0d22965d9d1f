"""Publishes the released corpus to S3 or a compatible store: resumable, with each object checked against its digest.

    s3://bucket/prefix/corpus/part-00000.3f9a01bc.parquet
    s3://bucket/prefix/ledger/part-00000.3f9a01bc.parquet
    s3://bucket/prefix/manifest.json

Each object is stored by one request, so readers see all of it or nothing, and the store refuses bytes whose digest differs from
the manifest's.  `manifest.json` is written last, so everything it names exists.  Names of parts change with their content,
so an older corpus stays readable until the new manifest is in place; only then are parts that no manifest names deleted.  The
existing manifest may be anyone's: an object is deleted only if its name is one that a release gives, and its length and digest are
those of the file published under it.  During an upload, `publishing.json` lists the new parts and those of older corpora in the form
of a manifest, so that the leftovers of a killed run are deleted too, whichever corpus comes next.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.messages.progress import with_progress
from corpus_builder.remote import s3
from corpus_builder.remote.places import bucket_and_key, shown
from corpus_builder.remote.retries import Traffic, patiently, read_range
from corpus_builder.remote.window import read_small, remote_stat, store_for
from corpus_builder.store.dataset import FORMAT, Manifest
from corpus_builder.store.files import digest_file, json_bytes
from corpus_builder.store.names import RELEASED, is_below
from corpus_builder.store.receipt import Receipt
from corpus_builder.store.shard_files import TableFile

AT_A_TIME = 4
MAX_PUT_BYTES = 5 << 30  # per request, a limit of S3


class Build(Protocol):
    """The part of `Built` that publishing needs."""

    @property
    def out(self) -> Path:
        """The build's directory."""

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """The manifest of every sealed stage."""


@dataclass(frozen=True)
class Published:
    """The result: what was done, and what is at the place now."""

    place: str
    files: int
    size_bytes: int
    sent_files: int
    sent_bytes: int
    removed_files: int  # of the previous corpus


def publish(built: Build, place: str, *, read_back: bool = False, progress: bool = False) -> Published:
    """Copy the released corpus of a build to s3://bucket/prefix; what is already there is not sent again.

    `read_back` downloads every object again and checks its digest.  Raises InputError if there is nothing to publish or the store
    refuses, and IntegrityError if a local file differs from its manifest, or an object that is read back from what was sent.
    """
    if place[:5].lower() != "s3://":
        raise InputError(f"{shown(place)!r} is not a place to publish to; write s3://BUCKET/PREFIX.")
    place = place.rstrip("/")
    if (prefix := bucket_and_key(place)[1]) and not is_below(prefix):
        raise InputError(
            f"{place!r} is not a place to publish to: its prefix has an empty segment, a '..' or the like; write s3://BUCKET/PREFIX."
        )
    if (manifest := built.manifests.get("release")) is None:
        raise InputError(f"The build {built.out} has no released corpus yet; run `corpus-builder build` to its end first.")
    before, journal = _published(f"{place}/manifest.json"), f"{place}/publishing.json"
    begun = _published(journal)
    tables = [table for receipt in manifest.receipts for table in receipt.tables.values()]
    if strange := [table.path for table in tables if not RELEASED.fullmatch(table.path)]:
        raise IntegrityError(
            f"{manifest.root / 'manifest.json'} names {strange[0]!r}, which is not a file of a released corpus; build again, then publish."
        )
    older = {(receipt.shard, receipt.made_of): receipt for receipt in [*begun, *before]}
    changes = bool(begun) or older.keys() != {(receipt.shard, receipt.made_of) for receipt in manifest.receipts}
    if changes:
        _begin(journal, [*older.values(), *manifest.receipts])
    send = partial(_send, manifest.root, place)
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        try:
            sent = list(with_progress("publish", threads.map(send, tables), len(tables), progress, unit="file"))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    packed = (manifest.root / "manifest.json").read_bytes()
    head = TableFile("manifest.json", 0, len(packed), hashlib.sha256(packed).hexdigest())
    sent_head = _put(f"{place}/manifest.json", head, partial(io.BytesIO, packed))
    if read_back:
        for table in with_progress("read", iter([*tables, head]), len(tables) + 1, progress, unit="file"):
            _hold(f"{place}/{table.path}", table)
    named = {table.path for table in tables}
    there = {table.path: table for receipt in older.values() for table in receipt.tables.values()}
    stale = [table for path, table in sorted(there.items()) if path not in named and _stands(f"{place}/{path}", table)]
    for path in [*(table.path for table in stale), *(["publishing.json"] if changes else [])]:
        patiently(f"{place}/{path}", partial(s3.delete, f"{place}/{path}"))
    done = [table for table, one in zip([*tables, head], [*sent, sent_head], strict=True) if one]
    return Published(
        place=place,
        files=len(tables) + 1,
        size_bytes=sum(table.size_bytes for table in [*tables, head]),
        sent_files=len(done),
        sent_bytes=sum(table.size_bytes for table in done),
        removed_files=len(stale),
    )


def _begin(journal: str, receipts: list[Receipt]) -> None:
    """List in the journal what may be at the place from now on."""
    value = {"format": FORMAT, "stage": "release", "shards": [receipt.as_json() for receipt in receipts]}
    packed = json_bytes(value, indent=None, sort_keys=True)
    file = TableFile("publishing.json", 0, len(packed), hashlib.sha256(packed).hexdigest())
    _put(journal, file, partial(io.BytesIO, packed))


def _published(manifest: str) -> list[Receipt]:
    """The receipts of the files that a manifest at the place names; none if there is no manifest.

    Whoever wrote that manifest chose the names, so only names that a release gives are accepted; raises InputError for all others.
    """
    if patiently(manifest, partial(s3.stat_with_digest, manifest)) is None:
        return []
    cause: Exception | None = None
    try:
        value: Any = json.loads(read_small(manifest))
        if value["format"] == FORMAT and value["stage"] == "release":
            found = [Receipt.from_json(shard) for shard in value["shards"]]
            if all(RELEASED.fullmatch(table.path) for receipt in found for table in receipt.tables.values()):
                return found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        cause = error
    raise InputError(
        f"{manifest} is not the manifest of a corpus; choose another prefix, so that no other data are overwritten."
    ) from cause


def _send(root: Path, place: str, table: TableFile) -> bool:
    """Store one file unless it is already there; returns whether it was sent."""
    path = root / table.path
    if table.size_bytes > MAX_PUT_BYTES:
        raise InputError(
            f"{path} has more than 5 GiB, which S3 does not accept in one request; build with a smaller release.part_characters."
        )
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file() or digest_file(path) != table.sha256:
        raise IntegrityError(f"{path} is missing or differs from its manifest; build again, then publish.")
    return _put(f"{place}/{table.path}", table, partial(path.open, "rb"))


def _put(place: str, table: TableFile, opened: Any) -> bool:
    if _stands(place, table):
        return False
    digest = _base64(table)

    def send() -> str:
        body: BinaryIO
        with opened() as body:
            return s3.put(place, body, digest)

    if patiently(place, send) != digest:  # a store that does not support digests
        _hold(place, table)
    return True


def _stands(place: str, table: TableFile) -> bool:
    """Whether an object is exactly this file, by length and digest; downloads it if the store keeps no digests."""
    there = patiently(place, partial(s3.stat_with_digest, place))
    return there == (table.size_bytes, _base64(table)) or (there == (table.size_bytes, "") and _digest(place) == table.sha256)


def _base64(table: TableFile) -> str:
    return base64.b64encode(bytes.fromhex(table.sha256)).decode()


def _hold(place: str, table: TableFile) -> None:
    if _digest(place) != table.sha256:
        raise IntegrityError(f"{place} is not what was sent: its digest differs. Publish again; check the store if this recurs.")


def _digest(place: str) -> str:
    stat, digest = remote_stat(place), hashlib.sha256()
    for piece in read_range(store_for(place), place, stat, 0, stat.size, Traffic()):
        digest.update(piece)
    return digest.hexdigest()


def as_text(done: Published) -> str:
    """A summary for a terminal."""
    removed = f" {done.removed_files} of the previous corpus were removed." if done.removed_files else ""
    return (
        f"{done.place} holds the released corpus: {done.files} files ({done.size_bytes:,} bytes), each with the digest in its "
        f"manifest; {done.sent_files} ({done.sent_bytes:,} bytes) were sent now.{removed}"
    )
