"""Compressed archives, with every byte of the file accounted for.

Other readers of compressed WARCs stop at a damaged member, some of them without an error, and take a truncated file for
a complete one.  Here a record is yielded only once the start of the next one (so the member's checksum has been verified) or
an intact end of the file has been seen, and after damage reading resumes at the next member that starts with a record.  No member
is read more than a few times, so the work grows linearly with the file.  gzip members that hold one intact record each, as
nearly all do, take a fast path (`whole.py`) that must find the same.
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
"""Bytes decompressed in vain, on top of four times the file's size, before damage is skipped as far as it was read.  Ours.

After damage the search for the next member starts just after the start of the last one; members crafted to nest within each other
would each be read to the end of the file."""
MISSES = 8  # the fast path is abandoned after this many consecutive attempts without a record


def read_members(data: Window, packing: Packing, reading: Reading) -> Iterator[Record | Damage]:
    """Every record and every damaged stretch of a compressed file.

    Raises OSError (with an errno) if the disk fails; bad content never raises.
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
    """Offset of the first member from `position` on that begins with a record; the file's size if there is none."""
    while (position := data.find(packing.magic, position)) >= 0:
        if not reading.at(position) and packing.layout.first.match(begins(data, position, packing.magic, packing.reader)):
            return position
        position += 1  # the magic number occurred by chance inside a member
    return len(data)


class _Run:
    """Reads from one member on, up to the end of the file or to the first error.

    `frame` and `number` always identify the record being read or held back: the one to blame when something goes wrong.
    """

    def __init__(self, stream: Stream, hands_back: bool) -> None:
        self.stream, self.layout, self._reading = stream, stream.packing.layout, stream.reading
        self.hands_back = hands_back  # whether to stop at the next member, so that the fast path may be tried again
        self.resume: int | None = None  # the offset of that member
        self.frame = self.number = self.at = stream.member
        self.fresh = True  # no record has started yet
        self.spans = False  # the record extends beyond the member that it started in
        self.ends_in = stream.member  # the member that the record ends in
        self.closed = False  # the record was followed by the two empty lines that end one

    def items(self) -> Iterator[Record | Damage]:
        """The records from here on, each once its end is confirmed, up to an intact end of the file, or until `resume` is set.

        Raises Broken with `frame` and `number` set to the damage.
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
        """Give what follows, which starts in the member at `at`, a number of its own."""
        self.number = at if self.fresh else max(at, self.number + 1)
        self.frame, self.fresh = at, False

    def _is_sound(self, problem: Broken) -> bool:
        """Whether the record held back is intact although what follows is not: either its member is, or the error is outside its bytes."""
        if self.at != self.ends_in:
            return self.closed or not self.spans
        return self.closed and not isinstance(problem, Unreadable)

    def _find_start(self) -> bool:
        """Go to the start of what follows, skipping line breaks and empty members, and set `at` to its member's offset.

        Returns False at the end of the file.
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
                stream.piece = head + stream.piece  # a member may hold a single byte
        return True

    def _fill(self, where: str) -> None:
        """Read more of the record, continuing in the next member at the end of this one, unless that begins with another record."""
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
