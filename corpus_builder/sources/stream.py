"""What the members of a compressed archive hold, one after the other, read so that it is always known which member a byte is from.

Readers of compressed files run over the ends of members.  Here zlib says where a gzip member ends, and a frame of zstd or LZ4 is
handed to FastWARC's reader block by block, by the frame's own account.  No byte is decompressed twice, and what is held is
at most PIECE bytes, or one block.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from corpus_builder.engine.guard import Reading
from corpus_builder.remote.window import Window, come_ahead
from corpus_builder.sources.frames import GZIP, PIECE, block_ends, inflated, skippable_end
from corpus_builder.sources.record import WARC, Broken, Layout

READING = ("reading_crashed", "reading_endless")


@dataclass(frozen=True, slots=True)
class Packing:
    """How an archive is compressed: what its members begin with, and FastWARC's reader of them."""

    magic: bytes
    reader: Callable[..., Any]
    layout: Layout = WARC
    start: int = 0  # where the first member stands: behind a dictionary


class Unreadable(Broken):
    """The bytes cannot be decompressed, as opposed to what they hold being wrong."""


class Stream:
    """The members from `start` on.  `member` is the offset of the one that is read, `piece[place:]` what was read of it and not used."""

    def __init__(self, data: Window, start: int, packing: Packing, reading: Reading) -> None:
        self.data, self.packing, self.reading = data, packing, reading
        self.member, self._end = start, start  # of the member: where it starts, and where it ends once that is known
        self.piece, self.place = b"", 0
        self.unpacked = 0  # bytes in all
        self._touched = _Touched(data)
        self._pieces: Iterator[bytes] = iter(())
        self._frame = None if packing.magic == GZIP else _Frame(self._touched, packing)

    def enter(self) -> bool:
        """Go to the next member, and read at least its first 5 bytes where it has as many; False at the end of the file.

        Raises Unreadable where something else stands there.
        """
        magic = self.packing.magic
        at = self._end if self._frame is None else skippable_end(self.data, self._end)
        self.member, self.piece, self.place = at, b"", 0
        if at >= len(self.data):
            return False
        check_place(self.reading, at)
        come_ahead(self.data, at)
        if (head := self.data[at : at + len(magic)]) != magic:
            cut_off = magic.startswith(head)
            raise Unreadable(
                "warc_truncated" if cut_off else "warc_damaged",
                "the file ends inside a member" if cut_off else "no member starts here",
            )
        self._pieces = self._gzip(at) if self._frame is None else self._frame_pieces(self._frame, at)
        while len(self.piece) < 5 and self.more():
            pass
        return True

    def more(self) -> bool:
        """Add a piece of the member to what was not used; False at the member's sound end.  Raises Unreadable."""
        try:
            piece = next(self._pieces, b"")
        except (zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if self._frame is not None and self._frame.at > len(self.data):
                raise Unreadable("warc_truncated", "the file ends inside a member") from None
            raise Unreadable("warc_damaged", str(error)) from None
        self.unpacked += len(piece)
        left = len(self.piece) - self.place
        self.piece = self.piece[self.place :] + piece if left else piece
        self.place = 0
        return bool(piece)

    @property
    def reach(self) -> int:
        """How far the file was read."""
        return min(self._touched.reach, len(self.data))

    def _gzip(self, at: int) -> Iterator[bytes]:
        self._end = yield from inflated(self._touched, at, salvage=True)
        if self._end > len(self.data):
            raise Unreadable("warc_truncated", "the file ends inside a member")

    def _frame_pieces(self, frame: _Frame, at: int) -> Iterator[bytes]:
        frame.open(at)
        before = -1
        while not frame.ended and frame.at > before:
            before = frame.at
            while piece := bytes(frame.reader.read(PIECE)):
                yield piece
        if frame.at > len(self.data):
            raise Unreadable("warc_truncated", "the file ends inside a member")
        if not frame.ended:
            raise Unreadable("warc_damaged", "the member ends before its own account of it")
        self._end = frame.at


def check_place(reading: Reading, at: int) -> None:
    """Tell where the reader is; raises Unreadable where earlier processes died at this place."""
    if crash := reading.at(at):
        raise Unreadable(READING[crash.endless], f"reading the bytes at {at} ended the process ({crash.how})")


class _Touched:
    """A file's bytes that know how far they were looked at."""

    def __init__(self, data: Window) -> None:
        self._data, self.reach = data, 0

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, place: slice, /) -> bytes:
        self.reach = max(self.reach, place.stop)
        return self._data[place]

    def find(self, part: bytes, start: int = 0, end: int | None = None, /) -> int:
        """As of the bytes."""
        return self._data.find(part, start, len(self._data) if end is None else end)


class _Frame:
    """One frame after the other as a file for FastWARC's reader: block by block, and nothing behind a frame's end until the next is opened."""

    def __init__(self, data: Window, packing: Packing) -> None:
        self._data, self._magic = data, packing.magic
        self._ends: Iterator[int | None] = iter(())
        self.at = self.stop = 0
        self.ended = True
        self.reader = packing.reader(self)

    def open(self, at: int) -> None:
        """Go on with the frame at an offset."""
        self.at = self.stop = at
        self.ended = False
        self._ends = block_ends(self._data, at, self._magic)

    def read(self, size: int = -1) -> bytes:
        """The rest of a block, or as much of it as is asked for."""
        if self.at >= self.stop:
            stop = next(self._ends, self.stop)
            self.stop = len(self._data) if stop is None else stop  # the reader itself will say what is wrong
        piece = self._data[self.at : min(self.stop, self.at + size) if size >= 0 else self.stop]
        self.at = self.at + len(piece) if piece else max(self.at, self.stop)
        self.ended = not piece
        come_ahead(self._data, self.at)
        return piece

    def tell(self) -> int:
        """How far the file was read; FastWARC's reader of LZ4 asks."""
        return self.at
