"""Compressed archives, with every byte of the file accounted for.

Readers of compressed WARCs stop at a damaged member, some of them without an error, and take a file that was cut off for
a whole one.  Here a record is handed out only when the start of the next one (so the member's checksum has been verified) or
a sound end of the file has been seen, and after damage reading starts again at the next member that holds a record, so no member
is read more than a few times and the work grows with the file.  Members of gzip that hold one sound record each, which
nearly all do, take a shorter way (`whole.py`) that must find the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpus_builder.engine.guard import Reading
from corpus_builder.remote.window import Window
from corpus_builder.sources.frames import GZIP, begins
from corpus_builder.sources.record import MAX_HEADER_BYTES, MAX_RECORD_BYTES, Broken, Damage, Record
from corpus_builder.sources.stream import READING, Packing, Stream, Unreadable, check_place
from corpus_builder.sources.whole import whole_members

NEWLINES = b"\r\n"
MAX_WASTED = 256 << 20
"""Bytes unpacked in vain, besides four times the file's size, before damage is passed over as far as it was read.  Ours.

After damage the next member is looked for right behind the start of the last one; members made to lie within each other would be
read from every start to the end of the file."""
MISSES = 8  # the shorter way is given up after so many attempts in a row that gave nothing


def read_members(data: Window, packing: Packing, reading: Reading) -> Iterator[Record | Damage]:
    """Every record and every damaged stretch of a compressed file.

    Raises OSError (with an errno) where the disk fails, and nothing for bad content.
    """
    start, misses, wasted = packing.start, 0, 0
    while start < len(data):
        if packing.magic == GZIP and misses < MISSES:
            whole = yield from whole_members(data, start, packing.layout, reading)
            misses = misses + 1 if whole == start else 0
            start = whole
            if start == len(data):
                return
        run = _Run(Stream(data, start, packing, reading), hands_back=packing.magic == GZIP and misses < MISSES)
        try:
            yield from run.items()
            if run.resume is None:
                return
            start = run.resume
        except Broken as broken:
            wasted += run.stream.unpacked
            passed = run.frame + 1 if wasted <= MAX_WASTED + 4 * run.stream.reach else max(run.stream.reach, run.frame + 1)
            start = next_member(data, passed, packing, reading)
            reason, detail = broken.args
            if reason == "warc_truncated" and start < len(data):
                reason, detail = "warc_damaged", "the member has no end"
            yield Damage(run.number, max(start - run.number, 1), reason, detail)


def next_member(data: Window, position: int, packing: Packing, reading: Reading) -> int:
    """Offset of the first member from `position` on that begins with a record; the file's size where there is none."""
    while (position := data.find(packing.magic, position)) >= 0:
        if not reading.at(position) and packing.layout.first.match(begins(data, position, packing.magic, packing.reader)):
            return position
        position += 1  # the magic number occurred by chance inside a member
    return len(data)


class _Run:
    """Reading from one member on, up to the end of the file or to the first thing that is wrong.

    `frame` and `number` always name the record that is read or held back: the one to blame when something goes wrong.
    """

    def __init__(self, stream: Stream, hands_back: bool) -> None:
        self.stream, self.layout, self._reading = stream, stream.packing.layout, stream.reading
        self.hands_back = hands_back  # at the next member, so that the shorter way may be tried again
        self.resume: int | None = None  # where that is
        self.frame = self.number = self.at = stream.member
        self.fresh = True  # no record has started yet
        self.spans = False  # the record reached beyond the member that it started in
        self.ends_in = stream.member  # the member that the record ends in
        self.closed = False  # the record was followed by the two empty lines that end one

    def items(self) -> Iterator[Record | Damage]:
        """The records from here on, each when its end is confirmed; ends at a sound end of the file, or sets `resume`.

        Raises Broken with `frame` and `number` at the damage.
        """
        held: Record | Damage | None = None
        while True:
            try:
                follows = self._find_start()
                if follows and not self.layout.first.match(self.stream.piece, self.stream.place):
                    if held and not self.closed and (self.spans or self.at == self.ends_in):
                        raise Broken("warc_content_length", "no record starts where this one should end")
                    raise Broken("warc_damaged", "no record starts here")
            except Broken as problem:
                if held is None or self._is_sound(problem):
                    if held:
                        yield held
                    if held or self.fresh or self.at != self.frame:
                        self._move_to(self.at)
                raise
            if held:
                yield held
            if not follows and self.fresh:
                raise Broken("warc_damaged", "there is no record")
            if not follows:
                return
            if held and self.hands_back and not self.spans and self.at > max(self.frame, self.number):
                self.resume = self.at
                return
            self._move_to(self.at)
            check_place(self._reading, self.number)
            held = self._record()

    def _move_to(self, at: int) -> None:
        """What follows starts in the member at `at`: give it a number of its own."""
        self.number = at if self.fresh else max(at, self.number + 1)
        self.frame, self.fresh = at, False

    def _is_sound(self, problem: Broken) -> bool:
        """Whether the record held back is sound though what follows it is not: its member is, or what is wrong is not in its bytes."""
        if self.at != self.ends_in:
            return self.closed or not self.spans
        return self.closed and not isinstance(problem, Unreadable)

    def _find_start(self) -> bool:
        """Go to the first bytes of what follows, behind line breaks and empty members, and set `at` to the member that they are in.

        False at the end of the file.
        """
        stream = self.stream
        try:
            while True:
                while stream.place < len(stream.piece) and stream.piece[stream.place] in NEWLINES:
                    stream.place += 1
                if stream.place < len(stream.piece):
                    break
                if not stream.more() and not stream.enter():
                    return False
        finally:
            self.at = stream.member
        while len(head := stream.piece[stream.place : stream.place + 5]) < 5:
            if not stream.more():
                if not stream.enter():
                    break
                stream.piece = head + stream.piece  # members may be as short as a byte
        return True

    def _fill(self, where: str) -> None:
        """More of the record, from the next member where this one is at its end: but no member that begins with a record of its own."""
        stream = self.stream
        if stream.more():
            return
        at = stream.member
        try:
            entered = stream.enter()
        except Unreadable as problem:
            if problem.args[0] in READING:
                raise
            entered = False
        if not entered:
            raise Broken("warc_content_length", f"the record ends {where}")
        self.spans = self.spans or stream.member != at
        if self.layout.first.match(stream.piece):
            raise Broken("warc_content_length", "other records start within this one")

    def _record(self) -> Record | Damage:
        stream = self.stream
        self.spans = stream.member != self.frame
        header = self._header()
        fields, length = self.layout.fields(header)
        if length > MAX_RECORD_BYTES:
            self._pass_over(length)
        content = b"" if length > MAX_RECORD_BYTES else self._content(length)
        self.ends_in = stream.member
        closing = self.layout.closing
        while len(stream.piece) - stream.place < len(closing) and stream.more():
            pass
        self.closed = stream.piece.startswith(closing, stream.place)
        if length > MAX_RECORD_BYTES:
            return Damage(self.number, length, "warc_record_too_large", f"Content-Length is {length}")
        return Record(self.number, fields, content)

    def _header(self) -> bytes:
        """The header, without the lines that end it."""
        stream = self.stream
        if end := self.layout.header_end.search(stream.piece, stream.place):  # nearly always
            header = stream.piece[stream.place : end.start()]
            stream.place = end.end()
            return header
        buffer = bytearray()
        looked = 0
        while not (end := self.layout.header_end.search(buffer, looked)):
            looked = max(len(buffer) - 3, 0)
            if looked > MAX_HEADER_BYTES:
                raise Broken("warc_damaged", f"the header has no end within {MAX_HEADER_BYTES} bytes")
            if stream.place == len(stream.piece):
                self._fill("inside its header")
            buffer += stream.piece[stream.place :]
            stream.place = len(stream.piece)
        stream.place -= len(buffer) - end.end()
        return bytes(buffer[: end.start()])

    def _content(self, length: int) -> bytes:
        pieces: list[bytes] = []
        left = length
        while left:
            left -= len(piece := self._next_piece(left, length))
            pieces.append(piece)
        return b"".join(pieces)

    def _pass_over(self, length: int) -> None:
        left = length
        while left:
            left -= len(self._next_piece(left, length))

    def _next_piece(self, left: int, length: int) -> bytes:
        stream = self.stream
        if stream.place == len(stream.piece):
            self._fill(f"after {length - left} of {length} bytes")
        piece = stream.piece[stream.place : stream.place + left]
        stream.place += len(piece)
        return piece
