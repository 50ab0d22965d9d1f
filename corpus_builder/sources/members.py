"""Compressed archives, with every byte of the file accounted for.

Readers of compressed WARCs stop at a damaged member, some of them without an error, and take a file that was cut off for
a whole one.  Here FastWARC decompresses and this module keeps the books: a record is handed out only when the start of the
next one (so the member's checksum has been verified) or a sound end of the file has been seen, and after damage reading
starts again at the next member that holds a record.  Members of gzip that hold one sound record each, which nearly all do, take a
shorter way (`whole.py`) that must find the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from corpus_builder.remote.window import Window
from corpus_builder.sources.frames import GZIP, ZSTD, first_bytes, member_end
from corpus_builder.sources.record import MAX_HEADER_BYTES, MAX_RECORD_BYTES, WARC, Broken, Damage, Layout, Record
from corpus_builder.sources.whole import whole_members

STEP = 256  # bytes of a header per read; ours: larger steps run over the end of small members more often
HEAD = 2048
PIECE = 1 << 20
NEWLINES = b"\r\n"
MISSES = 8  # the shorter way is given up after so many attempts in a row that gave nothing


@dataclass(frozen=True, slots=True)
class Packing:
    """How an archive is compressed: what its members begin with, and FastWARC's reader of them."""

    magic: bytes
    reader: Callable[..., Any]
    layout: Layout = WARC
    start: int = 0  # where the first member stands: behind a dictionary


def read_members(file: BinaryIO, data: Window, packing: Packing) -> Iterator[Record | Damage]:
    """Every record and every damaged stretch of a compressed file; `data` is the same file as bytes, for looking ahead.

    Raises OSError (with an errno) where the disk fails, and nothing for bad content.
    """
    start = floor = packing.start
    step, misses = STEP, 0
    while start < len(data):
        if packing.magic == GZIP and step > 1 and misses < MISSES:
            whole = yield from whole_members(data, start, packing.layout)
            misses = misses + 1 if whole == start else 0
            start, floor = whole, max(whole, floor)
            if start == len(data):
                return
        run = _Run(file, data, start, packing, step)
        run.hands_back = packing.magic == GZIP and misses < MISSES
        try:
            for item in run.items():
                if item.number >= floor:
                    yield item
                    run.step = STEP
            if run.resume is None:
                return
            start, step = run.resume, STEP
            continue
        except Broken as error:
            broken = error
        except OSError as error:
            if error.errno is not None:
                raise
            broken = Broken("warc_damaged", str(error))
        if run.step > 1:  # a read may have run over the end of a member: look again, byte by byte
            start, floor, step = run.frame, max(run.number, floor), 1
            continue
        start = floor = next_member(data, run.frame + 1, packing)
        step = STEP
        if start == len(data) and broken.args[0] == "warc_damaged" and (member_end(data, run.frame, packing.magic) or 0) > start:
            broken = Broken("warc_truncated", "the file ends inside a member")
        yield Damage(run.number, max(start - run.number, 1), *broken.args)


def next_member(data: Window, position: int, packing: Packing) -> int:
    """Offset of the first member from `position` on that begins with a record; the file's size where there is none."""
    while (position := data.find(packing.magic, position)) >= 0:
        if length := first_bytes(data, position, packing.magic):
            try:
                reader = packing.reader(io.BytesIO(data[position : position + length]))
                # not in a member after an empty one
                if packing.layout.first.match(reader.read(5)) and reader.frame_start_position() == 0:
                    return position
            except OSError:
                pass  # the magic number occurred by chance inside a member
        position += 1
    return len(data)


class _Run:
    """Reading from one member on, up to the end of the file or to the first thing that is wrong.

    `frame` and `number` always name the record that is read or held back: the one to blame when something goes wrong.
    """

    def __init__(self, file: BinaryIO, data: Window, start: int, packing: Packing, step: int) -> None:
        file.seek(start)
        self.data, self.packing, self.layout, self.step = data, packing, packing.layout, step
        self.reader = packing.reader(file, buffer_size=1 << 16)
        self.hands_back = False  # at the next member, so that the shorter way may be tried again
        self.resume: int | None = None  # where that is
        self.frame = self.number = start
        self.before = start, start  # where to read again when the member of a record is not known
        self.fresh = True  # no record has started yet
        self.at = -1  # the member in which what follows begins, once that is known
        self.spans = False  # the record reached beyond the member that it started in, or may have
        self.closed = False  # the record was followed by the two empty lines that end one
        self.carry = b""  # bytes that were read and belong to what follows

    def items(self) -> Iterator[Record | Damage]:
        """The records from here on, each when its end is confirmed; ends at a sound end of the file, or sets `resume`.

        Raises Broken, or OSError from the decompressor, with `frame` and `number` at the damage.
        """
        held: Record | Damage | None = None
        while True:
            self.at = -1
            try:
                at = self._start_of_record()
                self._check(at, bool(held))
            except (Broken, OSError) as problem:
                at = self.at if self.at >= 0 else self._position()
                if self.step == 1 and (held is None or self._is_sound(at, problem)):
                    if held:
                        yield held
                    if held or self.fresh or at != self.frame:
                        self._move_to(at)
                raise
            if held:
                yield held
            if not self.carry:
                return
            if held and self.hands_back and not self.spans and at > max(self.frame, self.number):
                self.resume = at
                return
            self.before = self.frame, self.number + (not self.fresh)
            self._move_to(at)
            held = self._record()

    def _move_to(self, at: int) -> None:
        """What follows starts in the member at `at`: give it a number of its own."""
        self.number = at if self.fresh else max(at, self.number + 1)
        self.frame, self.fresh = at, False

    def _check(self, at: int, held: bool) -> None:
        """Raises Broken where what follows is neither a record nor a sound end of the file."""
        if not self.carry:
            if self.fresh:
                raise Broken("warc_damaged", "there is no record")
            if not self._is_whole(at):
                raise Broken("warc_truncated", "the file ends inside a member")
        elif not self.layout.first.match(self.carry):
            if held and (at == self.frame or self.spans) and not self.closed:
                raise Broken("warc_content_length", "no record starts where this one should end")
            raise Broken("warc_damaged", "no record starts here")
        if held and self.spans and self._swallows(at if self.carry else len(self.data)):
            raise Broken("warc_content_length", "other records start within this one")

    def _swallows(self, end: int) -> bool:
        """Whether a member that begins with a record lies between the record's own member and the one at `end`."""
        magic = self.packing.magic
        if self.data.find(magic, self.frame + 1, end + len(magic)) == end:
            return False  # nearly always: no need to decompress anything
        return next_member(self.data, self.frame + 1, self.packing) < end

    def _is_sound(self, at: int, problem: Exception) -> bool:
        """Whether the record held back is sound though what follows it is not."""
        if at != self.frame:
            return not self.spans
        return self.closed and isinstance(problem, Broken) and problem.args[0] == "warc_damaged"

    def _position(self) -> int:
        position = self.reader.frame_start_position()
        return self.frame if position is None else int(position)

    def _start_of_record(self) -> int:
        """Fill `carry` with the first bytes of what follows (nothing at the end of the file); the offset of its member."""
        carry = self.carry.lstrip(NEWLINES)
        while not carry:
            before = self._position()
            if not (carry := self.reader.read(1)) and self._position() == before:
                break  # the end; an empty member reads like it, but moves on
            carry = carry.lstrip(NEWLINES)
        self.at = self._position()
        if len(carry) < 5:
            carry += self.reader.read(5 - len(carry))
        self.carry = carry
        return self.at

    def _record(self) -> Record | Damage:
        read, carried = self.reader.read, len(self.carry)
        buffer = bytearray(self.carry)
        looked = 0
        while not (end := self.layout.header_end.search(buffer, looked)):
            looked = max(len(buffer) - 3, 0)
            if looked > MAX_HEADER_BYTES:
                raise Broken("warc_damaged", f"the header has no end within {MAX_HEADER_BYTES} bytes")
            if not (more := read(self.step)):
                raise self._cut_off("inside its header")
            buffer += more
        self.spans = False
        fields, length = self.layout.fields(bytes(buffer[: end.start()]))
        ends = end.end() + length
        if ends <= len(buffer):
            if ends <= carried:  # which member it started in is not known; with step 1 this cannot be
                self.frame, self.number = self.before
                raise Broken("warc_damaged", "several records in one read")
            head, rest, self.carry = bytes(buffer[end.end() : ends]), b"", bytes(buffer[ends:])
            self.spans = self._position() != self.frame
            self.closed = self.carry.startswith(self.layout.closing)
        else:
            head, rest = self._content(bytes(buffer[end.end() :]), length)
            self.spans = self._position() != self.frame
            tail = read(len(self.layout.closing))
            self.closed = tail == self.layout.closing
            self.carry = b"" if self.closed else tail
        if length > MAX_RECORD_BYTES:
            return Damage(self.number, length, "warc_record_too_large", f"Content-Length is {length}")
        return Record(self.number, fields, head, rest)

    def _content(self, head: bytes, length: int) -> tuple[bytes, bytes]:
        """The content in two pieces, the first holding the HTTP headers of most pages; nothing of one that is too large."""
        left = length - len(head)
        if length <= MAX_RECORD_BYTES:
            head += self.reader.read(min(left, HEAD))
            rest = self.reader.read(length - len(head))
            if len(head) + len(rest) < length:
                raise self._cut_off(f"after {len(head) + len(rest)} of {length} bytes")
            return head, rest
        while left:
            if not (piece := self.reader.read(min(left, PIECE))):
                raise self._cut_off(f"after {length - left} of {length} bytes")
            left -= len(piece)
        return b"", b""

    def _cut_off(self, where: str) -> Broken:
        if self._position() == self.frame and not self._is_whole(self.frame):
            return Broken("warc_truncated", f"the file ends {where}")
        return Broken("warc_content_length", f"the record ends {where}")

    def _is_whole(self, frame: int) -> bool:
        """Whether the file ends where the member at `frame`, the last one, ends; the decompressors do not tell."""
        if self.packing.magic == ZSTD:
            return int(self.reader.inner_tell()) == len(self.data)
        return member_end(self.data, frame, self.packing.magic) == len(self.data)
