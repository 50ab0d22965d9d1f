"""What is known of signed documents, in files of which any part can be read without the rest.

`sign` writes three files per shard, with rows in the order of the documents.  Keys and sketches are plain NumPy files, which
`numpy.load(path, mmap_mode="r")` opens:

keys       rank, digest and url (64-bit hashes; 0: no text, no URL), then one 64-bit key per band: what the search distributes
sketches   where the id is in `ids`, how many characters the text has, and one byte per hash: the *sketch*, which estimates similarity
ids        the ids as UTF-8 (see `surrogates_escaped`), one after the other

A document's place in a search is one integer, `shard << 32 | row`; a shard is its place in the list of shards.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from corpus_builder.hashing.minhash import MinHash, band_keys, signatures
from corpus_builder.messages.surrogates import surrogates_escaped
from corpus_builder.store.dataset import Manifest, ShardWriter, digest_of, read_table
from corpus_builder.store.files import intact
from corpus_builder.store.receipt import Receipt

I64 = npt.NDArray[np.int64]
SIGNED = ("keys", "sketches", "ids")
"""The tables of signed documents."""
ROW_BITS = 32
BLOCK_ROWS = 1 << 12


def keys_type(bands: int) -> np.dtype[Any]:
    """A row of `keys`."""
    return np.dtype([("rank", "<i8"), ("digest", "<u8"), ("url", "<u8"), ("keys", "<u8", (bands,))])


def sketches_type(hashes: int) -> np.dtype[Any]:
    """A row of `sketches`."""
    return np.dtype([("id_start", "<u8"), ("id_bytes", "<u4"), ("characters", "<u4"), ("sketch", "u1", (hashes,))])


def hash_of(text: str) -> int:
    """64 bits of BLAKE2b of a text's UTF-8, never 0; among 10^10 different texts, about three pairs have the same."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1


class SignedWriter:
    """Writes the three files of a shard, a batch of documents at a time."""

    def __init__(self, out: ShardWriter, spec: MinHash) -> None:
        self._spec = spec
        self._out = out
        self._rows = 0
        self._id_bytes = 0
        self._keys = _NpyFile(out.open_file("keys", ".npy"), keys_type(spec.bands))
        self._sketches = _NpyFile(out.open_file("sketches", ".npy"), sketches_type(spec.hashes))
        self._ids = out.open_file("ids", ".txt")

    def write(self, ids: Sequence[str], texts: Sequence[str], ranks: I64, urls: Sequence[str | None]) -> None:
        """Sign some documents.  An empty text matches nothing, an empty URL no URL."""
        values, some = signatures(texts, self._spec)
        keys = np.zeros(len(texts), dtype=keys_type(self._spec.bands))
        keys["rank"] = ranks
        keys["digest"] = [hash_of(text) if text else 0 for text in texts]
        keys["url"] = [hash_of(url) if url else 0 for url in urls]
        keys["keys"] = band_keys(values, self._spec)
        keys["keys"][~some] = 0
        sketches = np.zeros(len(texts), dtype=sketches_type(self._spec.hashes))
        sketches["characters"] = [len(text) for text in texts]
        sketches["sketch"] = values.astype(np.uint8)
        self.append(keys, sketches, [surrogates_escaped(id_).encode() for id_ in ids])

    def append(self, keys: npt.NDArray[Any], sketches: npt.NDArray[Any], ids: Sequence[bytes]) -> None:
        """Add rows that are signed already; the positions of their ids are set here."""
        lengths = np.array([len(id_) for id_ in ids], dtype=np.int64)
        sketches = sketches.copy()
        sketches["id_bytes"] = lengths
        sketches["id_start"] = self._id_bytes + np.cumsum(lengths) - lengths
        self._keys.write(keys)
        self._sketches.write(sketches)
        self._ids.write(b"".join(ids))
        self._id_bytes += int(lengths.sum())
        self._rows += len(ids)

    def close(self) -> None:
        """Write into the files how many rows they have."""
        self._keys.finish(self._rows)
        self._sketches.finish(self._rows)
        for name in SIGNED:
            self._out.close_file(name, self._rows)


class _NpyFile:
    """A NumPy file whose length is known only at the end; NumPy's headers leave room for it."""

    def __init__(self, file: BinaryIO, kind: np.dtype[Any]) -> None:
        self._file = file
        self._kind = kind
        self._head(0)

    def _head(self, rows: int) -> None:
        head = {"descr": np.lib.format.dtype_to_descr(self._kind), "fortran_order": False, "shape": (rows,)}
        np.lib.format.write_array_header_1_0(self._file, head)

    def write(self, rows: npt.NDArray[Any]) -> None:
        self._file.write(rows.tobytes())

    def finish(self, rows: int) -> None:
        self._file.seek(0)
        self._head(rows)


@dataclass(frozen=True)
class SignedShard:
    """The files of one signed shard.  The documents of an indexed one are in an index, which others are compared with."""

    name: str
    rows: int
    keys: Path
    sketches: Path
    ids: Path
    indexed: bool = False
    removed: tuple[Path, ...] = ()  # NumPy files of the rows that were removed from an index, each sorted
    live: Path | None = None  # Parquet file of the rows that are compared; None: all

    @classmethod
    def of(
        cls, manifest: Manifest, receipt: Receipt, indexed: bool = False, removed: tuple[Path, ...] = (), live: Path | None = None
    ) -> SignedShard:
        """The files that a receipt of `sign`, or of a part of an index, lists."""
        keys, sketches, ids = (manifest.path(receipt, table) for table in SIGNED)
        return cls(receipt.shard, receipt.tables["keys"].rows, keys, sketches, ids, indexed, removed, live)

    def live_rows(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Which of the rows first to last - 1 were neither removed nor screened out."""
        rows = np.arange(first, last)
        live = np.ones(last - first, dtype=np.bool_)
        for path in self.removed:
            live &= ~among(opened(path), rows)
        if self.live is not None:
            with intact(self.live):
                live &= among(read_table(self.live).column("row").to_numpy(), rows)
        return live


@dataclass(frozen=True)
class Indexed:
    """The documents of an index that others are compared with, and the index's digest; "" without an index."""

    shards: tuple[SignedShard, ...] = ()
    digest: str = ""


def keys_digest(sign: Manifest) -> str:
    """Digest of everything that a search reads."""
    return digest_of([[r.shard, *(r.tables[name].sha256 for name in SIGNED)] for r in sign.receipts])


def among(listed: I64, values: I64) -> npt.NDArray[np.bool_]:
    """Which values are in a sorted list."""
    if not len(listed):
        return np.zeros(len(values), dtype=np.bool_)
    found: npt.NDArray[np.bool_] = listed[np.minimum(np.searchsorted(listed, values), len(listed) - 1)] == values
    return found


def opened(path: Path) -> npt.NDArray[Any]:
    """A NumPy file, mapped into memory.  Raises IntegrityError if it is missing or damaged."""
    with intact(path):
        found: npt.NDArray[Any] = np.load(path, mmap_mode="r")
    return found


def places(shard: int, rows: Any) -> I64:
    """The documents' places in a search."""
    return (np.int64(shard) << ROW_BITS) | np.asarray(rows, dtype=np.int64)


def split(documents: I64) -> tuple[I64, I64]:
    """Shards and rows of some places."""
    return documents >> ROW_BITS, documents & ((1 << ROW_BITS) - 1)


def sketches_of(shards: Sequence[SignedShard], documents: I64) -> npt.NDArray[np.uint8]:
    """The sketches of some documents that are sorted by their place, (n, hashes) uint8."""
    hashes = opened(shards[0].sketches).dtype["sketch"].shape[0] if shards else 1
    found = np.empty((len(documents), hashes), dtype=np.uint8)
    for first, _, rows in _rows_of(shards, documents):
        found[first : first + len(rows)] = rows["sketch"]
    return found


def characters_of(shards: Sequence[SignedShard], documents: I64) -> I64:
    """How many characters the texts of some documents have; the documents are sorted by their place."""
    found = np.empty(len(documents), dtype=np.int64)
    for first, _, rows in _rows_of(shards, documents):
        found[first : first + len(rows)] = rows["characters"]
    return found


def ids_of(shards: Sequence[SignedShard], documents: I64) -> list[str]:
    """The ids of some documents that are sorted by their place."""
    return [id_.decode("utf-8", "replace") for id_ in _id_bytes(shards, documents)]


def id_bytes(shard: SignedShard, rows: I64) -> list[bytes]:
    """The ids, in UTF-8, of some rows of a shard; the rows are sorted."""
    return _id_bytes([shard], rows)


def _id_bytes(shards: Sequence[SignedShard], documents: I64) -> list[bytes]:
    found: list[bytes] = []
    for _, shard, sketches in _rows_of(shards, documents):
        first = int(sketches["id_start"][0])
        starts = sketches["id_start"].astype(np.int64) - first
        ends = starts + sketches["id_bytes"]
        block = _stretch(shard.ids, first, int(ends[-1]))
        found += [block[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return found


def _rows_of(shards: Sequence[SignedShard], documents: I64) -> Iterator[tuple[int, SignedShard, npt.NDArray[Any]]]:
    """A position in `documents`, and the shard and the rows of `sketches` of the documents from there on, a block of a file at a time.

    Blocks are read and released; a mapped file would soon count in full towards the memory of a task.
    """
    done = 0
    for shard, rows in _by_shard(documents):
        table = opened(shards[shard].sketches)
        kind, start = table.dtype, table.offset  # type: ignore[attr-defined]
        del table
        edges = np.flatnonzero(np.diff(rows // BLOCK_ROWS)) + 1
        for piece in np.split(rows, edges):
            first, count = int(piece[0]), int(piece[-1] - piece[0]) + 1
            sketches = np.fromfile(shards[shard].sketches, kind, count, offset=start + first * kind.itemsize)[piece - first]
            yield done, shards[shard], sketches
            done += len(piece)


def _stretch(path: Path, first: int, length: int) -> bytes:
    """Some bytes of a file; an EOFError, which `intact` reports, if it ends before them."""
    with intact(path), path.open("rb") as file:
        if not 0 <= first <= first + length <= file.seek(0, os.SEEK_END):
            raise EOFError("it ends too early")
        file.seek(first)
        return file.read(length)


def _by_shard(documents: I64) -> Iterable[tuple[int, I64]]:
    shards, rows = split(documents)
    edges = np.flatnonzero(np.diff(shards)) + 1
    for piece, first in zip(np.split(rows, edges), [0, *edges.tolist()], strict=True):
        if len(piece):
            yield int(shards[first]), piece


@lru_cache(maxsize=4)
def _chances(hashes: int) -> npt.NDArray[np.float64]:
    """Estimated similarity by the number of equal bytes: different minima have the same byte once in 256 times."""
    found: npt.NDArray[np.float64] = np.clip((np.arange(hashes + 1) / hashes - 1 / 256) / (1 - 1 / 256), 0.0, 1.0)
    return found


def estimates(hashes: int) -> npt.NDArray[np.float64]:
    """Estimated Jaccard similarity of two texts by the number of equal bytes in their sketches, (hashes + 1,) float64, 0..1.

    >>> estimates(112)[[0, 112]].tolist()
    [0.0, 1.0]
    """
    return _chances(hashes)
