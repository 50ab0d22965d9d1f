"""The decompressed members of an archive, read one after the other so that it is always known which member a byte is from.

Most readers of compressed files run across the ends of members.  Here zlib says where a gzip member ends, and a frame of zstd or
LZ4 is passed to FastWARC's reader block by block, by the lengths in the frame.  No byte is decompressed twice, and at most
PIECE bytes, or one block, are held in memory.
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
    """How an archive is compressed: its members' magic number, and FastWARC's reader for them."""

    magic: bytes
    reader: Callable[..., Any]
    layout: Layout = WARC
    start: int = 0  # offset of the first member, after any dictionary


class Unreadable(Broken):
    """The bytes cannot be decompressed, as opposed to holding bad content."""


class Stream:
    """The members from `start` on.  `member` is the offset of the current one, `piece[place:]` what was read of it but not yet used."""

    def __init__(self, data: Window, start: int, packing: Packing, reading: Reading) -> None:
        self.data, self.packing, self.reading = data, packing, reading
        self.member, self._end = start, start  # the member's start, and its end once that is known
        self.piece, self.place = b"", 0
        self.unpacked = 0  # bytes in total
        self._touched = _Touched(data)
        self._pieces: Iterator[bytes] = iter(())
        self._frame = None if packing.magic == GZIP else _Frame(self._touched, packing)

    def enter(self) -> bool:
        """Go to the next member and read at least its first 5 bytes, if it has that many; False at the end of the file.

        Raises Unreadable if something other than a member comes next.
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
        """Append the member's next piece to what is unused; False at its intact end.  Raises Unreadable if it is damaged."""
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
        """The offset up to which the file was read."""
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
    """Note how far the reader has come; raises Unreadable if earlier processes died at this offset."""
    if crash := reading.at(at):
        raise Unreadable(READING[crash.endless], f"reading the bytes at {at} ended the process ({crash.how})")


class _Touched:
    """A file's bytes that remember how far they were read."""

    def __init__(self, data: Window) -> None:
        self._data, self.reach = data, 0

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, place: slice, /) -> bytes:
        self.reach = max(self.reach, place.stop)
        return self._data[place]

    def find(self, part: bytes, start: int = 0, end: int | None = None, /) -> int:
        """As `bytes.find`."""
        return self._data.find(part, start, len(self._data) if end is None else end)


class _Frame:
    """A file object that gives FastWARC's reader one frame block by block, and nothing beyond its end until the next is opened."""

    def __init__(self, data: Window, packing: Packing) -> None:
        self._data, self._magic = data, packing.magic
        self._ends: Iterator[int | None] = iter(())
        self.at = self.stop = 0
        self.ended = True
        self.reader = packing.reader(self)

    def open(self, at: int) -> None:
        """Continue with the frame at an offset."""
        self.at = self.stop = at
        self.ended = False
        self._ends = block_ends(self._data, at, self._magic)

    def read(self, size: int = -1) -> bytes:
        """The rest of a block, or up to `size` bytes of it."""
        if self.at >= self.stop:
            stop = next(self._ends, self.stop)
            self.stop = len(self._data) if stop is None else stop  # the reader itself will report the error
        piece = self._data[self.at : min(self.stop, self.at + size) if size >= 0 else self.stop]
        self.at = self.at + len(piece) if piece else max(self.at, self.stop)
        self.ended = not piece
        come_ahead(self._data, self.at)
        return piece

    def tell(self) -> int:
        """The offset up to which the file was read; FastWARC's LZ4 reader needs it."""
        return self.at
