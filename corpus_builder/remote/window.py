"""Remote files as bytes and as file objects: a window of blocks over ranged requests, in bounded memory.

Code that reads a local file through a memory map can read a remote one through `RemoteBytes`, with the same length, slices,
`find`, `search` and results.  The next block is fetched in the background, so sequential reading seldom waits.
"""

from __future__ import annotations

import io
import logging
import mmap
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from corpus_builder.errors import InputError
from corpus_builder.remote.disk import Disk
from corpus_builder.remote.places import is_remote, shown
from corpus_builder.remote.retries import MAX_WHOLE_BYTES, Stat, Store, Traffic, patiently, read_range
from corpus_builder.remote.s3 import S3
from corpus_builder.remote.web import Web

log = logging.getLogger(__name__)

BLOCK_BYTES = 8 << 20  # ours: a latency of 0.1 s per request is small against the time to receive and read 8 MiB
BLOCKS = 4
OVERLAP = 1 << 17  # bytes searched across the border of two blocks


class Window(Protocol):
    """A file's bytes, local or remote: the interface that `mmap` and `RemoteBytes` share."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> bytes: ...

    def find(self, part: bytes, start: int = ..., end: int = ..., /) -> int: ...  # noqa: D102 - as bytes.find


def store_for(place: str) -> Store:
    """The store that a place is read from: S3, the web, or the local disk."""
    if not is_remote(place):
        return Disk()
    return S3() if place[:2].lower() == "s3" else Web()


def remote_stat(place: str, traffic: Traffic | None = None) -> Stat:
    """Length and version of a remote file; raises InputError if it cannot be found."""
    return patiently(place, lambda: store_for(place).stat(place), traffic)


def read_small(place: str, max_bytes: int = MAX_WHOLE_BYTES) -> bytes:
    """A whole remote file, for lists and receipts; started over after a failure."""

    def ask() -> bytes:
        content = bytearray()
        for piece in store_for(place).read_whole(place):
            content += piece
            if len(content) > max_bytes:
                raise InputError(
                    f"{shown(place)} has more than {max_bytes:,} bytes, far more than such a file should; check the URL, or download "
                    "it and name the local file."
                )
        return bytes(content)

    return patiently(place, ask)


class RemoteBytes:
    """The bytes of one version of a remote file, with `len`, slices and `find` as for bytes; close it after use."""

    def __init__(self, place: str, stat: Stat | None = None, block_bytes: int | None = None) -> None:
        self.place, self.block_bytes = place, block_bytes or BLOCK_BYTES
        self.traffic = Traffic()
        self.stat = stat or remote_stat(place, self.traffic)
        self._store = store_for(place)
        self._held: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="remote")

    def __len__(self) -> int:
        return self.stat.size

    def __getitem__(self, place: slice, /) -> bytes:
        start, end, _ = place.indices(self.stat.size)
        if start >= end:
            return b""
        first, last = start // self.block_bytes, (end - 1) // self.block_bytes
        if first == last:
            return self._block(first)[start - first * self.block_bytes : end - first * self.block_bytes]
        pieces = []
        for number in range(first, last + 1):
            at = number * self.block_bytes
            pieces.append(self._block(number)[max(start - at, 0) : end - at])
        return b"".join(pieces)

    def find(self, part: bytes, start: int = 0, end: int | None = None, /) -> int:
        """As `bytes.find`, block by block."""
        found = self.search(re.compile(re.escape(part)), start, end, overlap=len(part))
        return found[0] if found else -1

    def search(
        self, pattern: re.Pattern[bytes], start: int = 0, end: int | None = None, *, overlap: int = OVERLAP
    ) -> tuple[int, int] | None:
        """Start and end of the first match, or None; a match longer than `overlap` bytes may be missed."""
        end = self.stat.size if end is None else min(end, self.stat.size)
        while start < end:
            stop = min((start // self.block_bytes + 1) * self.block_bytes, end)
            found = pattern.search(self[start : min(stop + overlap, end)])
            if found and (found.start() < stop - start or stop == end):
                return start + found.start(), start + found.end()
            start = stop
        return None

    def ahead(self, position: int) -> None:
        """Fetch the block at `position` in the background."""
        if position < self.stat.size:
            self._future(position // self.block_bytes)

    def close(self) -> None:
        """Cancel what is under way, without waiting."""
        self._stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._held.clear()
        said = shown(self.place), self.traffic.requests, self.traffic.retries, self.traffic.bytes
        log.info("%s: %d requests, %d of them retries, %d bytes received", *said)

    def _block(self, number: int) -> bytes:
        future = self._future(number)
        try:
            return future.result()
        except BaseException:
            self._held.pop(number, None)
            raise

    def _future(self, number: int) -> Future[bytes]:
        if number in self._held:
            self._held.move_to_end(number)
        else:
            while len(self._held) >= BLOCKS:
                self._held.popitem(last=False)
            self._held[number] = self._threads.submit(self._load, number)
        return self._held[number]

    def _load(self, number: int) -> bytes:
        start = number * self.block_bytes
        end = min(start + self.block_bytes, self.stat.size)
        return b"".join(read_range(self._store, self.place, self.stat, start, end, self.traffic, self._stop))


class _Seekable(io.RawIOBase):
    """A seekable file object of `length` bytes; `_at` is the position."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; costs no request."""
        self._at = max(offset + (0, self._at, self._length)[whence], 0)
        return self._at


class RemoteFile(_Seekable):
    """A remote file as a seekable file object, over a shared window."""

    def __init__(self, window: RemoteBytes) -> None:
        super().__init__(len(window))
        self.window = window

    def readinto(self, buffer: Any, /) -> int:
        """Read as many bytes as fit, or fewer at the end of the file or of a block."""
        block = self.window.block_bytes
        end = min(self._at + len(buffer), (self._at // block + 1) * block)
        piece = self.window[self._at : end]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        come_ahead(self.window, self._at)
        return len(piece)


class RangeFile(_Seekable):
    """A remote file whose every read is one request for exactly those bytes: for Parquet readers, which ask for whole chunks."""

    def __init__(self, place: str, stat: Stat | None = None) -> None:
        self.traffic = Traffic()
        self.place, self.stat = place, stat or remote_stat(place, self.traffic)
        super().__init__(self.stat.size)

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes, or fewer at the end of the file."""
        end = self.stat.size if size is None or size < 0 else min(self._at + size, self.stat.size)
        start, self._at = self._at, max(end, self._at)
        return b"".join(read_range(store_for(self.place), self.place, self.stat, start, end, self.traffic))


@contextmanager
def opened(place: str | Path, stat: Stat | None = None) -> Iterator[tuple[BinaryIO, Window]]:
    """A file for sequential reading, and its bytes for random access.  Raises OSError for local files, InputError for remote ones."""
    if is_remote(place):
        window = RemoteBytes(str(place), stat)
        try:
            yield cast(BinaryIO, io.BufferedReader(RemoteFile(window), 1 << 16)), window
        finally:
            window.close()
        return
    with Path(place).open("rb") as file:
        if not file.seek(0, io.SEEK_END):
            yield file, cast(Window, b"")
            return
        file.seek(0)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield file, cast(Window, data)


@contextmanager
def opened_in_order(place: str | Path, stat: Stat | None = None) -> Iterator[BinaryIO]:
    """A file for reading from start to end."""
    if not is_remote(place):
        with Path(place).open("rb") as file:
            yield file
        return
    with opened(place, stat) as (file, _):
        yield file


def search(pattern: re.Pattern[bytes], data: Window, start: int, end: int | None = None) -> tuple[int, int] | None:
    """Start and end of the first match in a window from `start` on, or None."""
    if isinstance(data, RemoteBytes):
        return data.search(pattern, start, end)
    found = pattern.search(cast(mmap.mmap, data), start, len(data) if end is None else end)
    return found.span() if found else None


def come_ahead(data: Window, position: int) -> None:
    """Fetch the block after the one at `position` in the background, for a sequential reader; does nothing for local files."""
    if isinstance(data, RemoteBytes):
        data.ahead((position // data.block_bytes + 1) * data.block_bytes)
