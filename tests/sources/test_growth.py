"""Work grows with the input and no faster, whatever the input is made of: found by hand, or by tests/fuzz/fuzz_time.py.

Calls of functions are counted where the work consists of calls: the count is the same on every machine.  What happens within one call (a
regular expression, a copy of bytes) shows in CPU time only, of which the least of some tries is taken, and a bound far from
both sides: of eight times the input, linear work takes 8 times as long and quadratic work 64 times.
"""

from dataclasses import replace
from functools import partial
from typing import cast

import pytest
from growth import EMPTY_FRAME, LONG, NUMBERS, SUBJECTS, TINY, Case, calls, cpu_seconds, each_byte, growth
from make_zoo import gz, page, record, segment, zstd

from corpus_builder.engine.guard import Reading
from corpus_builder.remote.window import Window
from corpus_builder.sources.warc import _read

COUNTED = [
    Case(SUBJECTS["warc in a member"], TINY),
    Case(SUBJECTS["warc in bytes"], TINY),
    Case(SUBJECTS["members"], gz(LONG)),
    Case(SUBJECTS["members"], gz(b"x"), before=each_byte(LONG)),
    Case(SUBJECTS["frames"], zstd(LONG)),
    Case(SUBJECTS["frames"], EMPTY_FRAME),
    Case(SUBJECTS["warc"], record("request", b"", extra="WARC-Segment-Number: 1"), before=segment(1, b"x" * 30)),
    Case(SUBJECTS["warc"], segment(2, b"", "<a>") + segment(3, b"", "<a>"), before=segment(1, b"x", "<a>")),
    Case(SUBJECTS["warc"], b"WARC/1.0\r\n"),
    Case(SUBJECTS["warc"], page(1, length=10**6), after=b"\r\n" * 9999),
    Case(SUBJECTS["arc"], NUMBERS),
]


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: f"{case.subject.name} {case.repeated[:20]!r}")
def test_calls_grow_with_the_input(case: Case) -> None:
    _, times = growth(case, 20 * len(case.repeated) if "bytes" in case.subject.name else 40_000, calls)
    assert times < 5, f"{times:.1f} times the calls for 4 times the input"


def open_segments(number: int) -> bytes:
    return b"".join(segment(1, b"", f"<{place}>") for place in range(number))


def test_first_segments_that_nothing_follows_wait_at_no_cost() -> None:
    work = SUBJECTS["warc"].work
    few, many = (calls(partial(work, open_segments(number))) for number in (100, 800))
    assert many < 10 * few


ARC_INFO = b"filedesc://a 1 20081104142103 text/plain 0\n\nhttp://a 1 "
NESTED = replace(SUBJECTS["wikitext"], wrap=lambda content: content + "）".encode() * (len(content) // 3))
MARKUP = (
    "[//",
    "//",
    "[//a ",
    "<ref",
    "<ref ",
    "<div ",
    '<span style="',
    "<nowiki>",
    "、",
    "{{",
    "{|",
    "[[",
    "'''a",
    "<!--",
    "\n== a",
)
TIMED = [
    Case(SUBJECTS["body gzip False"], gz(b"")),
    Case(SUBJECTS["arc"], b"12345678901234 ", before=ARC_INFO, after=b"x\n"),
    Case(SUBJECTS["arc in a member"], b"12345678901234 ", before=ARC_INFO, after=b"x\n"),
    *(Case(SUBJECTS["wikitext"], piece.encode()) for piece in MARKUP),
    Case(NESTED, "（".encode()),
    Case(SUBJECTS["warc"], b"WARC/1.0\r\n", after=b"\r\n"),
    Case(SUBJECTS["dump"], b"<page>", before=b"<mediawiki>"),
    Case(SUBJECTS["dump"], b"<pag", before=b"<mediawiki><page>"),
]


@pytest.mark.parametrize("case", TIMED, ids=lambda case: f"{case.subject.name} {case.repeated[:20]!r}")
def test_time_grows_with_the_input(case: Case) -> None:
    size = 2000
    while (less := cpu_seconds(partial(case.subject.work, case.content(size)))) < 0.002 and size < 1 << 17:
        size *= 2
    more = cpu_seconds(partial(case.subject.work, case.content(8 * size)))
    assert more < 24 * less or more < 0.05, f"{less:.4f} s for {size} bytes, {more:.4f} s for 8 times as many"


@pytest.mark.parametrize("name", SUBJECTS)
def test_calls_grow_with_each_piece(name: str) -> None:
    """Every piece that the search for time is made of, repeated alone: what tests/fuzz/fuzz_time.py begins with, on every run."""
    subject = SUBJECTS[name]
    size = {"warc in bytes": 50, "wikitext": 200, "html": 200, "members": 500}.get(name, 1500)
    for piece in subject.pieces:
        case = Case(subject, piece, subject.befores[-1], subject.afters[-1])
        number = max(size, len(piece))
        less, more = (calls(partial(subject.work, case.content(times * number))) for times in (1, 4))
        assert more < 6 * less + 500, f"{less} calls for {number} bytes, {more} for 4 times as many: {case}"


class Counted(bytes):
    """A file's bytes that count what is copied out of them."""

    copied = 0

    def __getitem__(self, place: slice) -> bytes:  # type: ignore[override]
        found = bytes.__getitem__(self, place)
        self.copied += len(found)
        return found


def test_a_plain_record_is_copied_about_once() -> None:
    """What is looked at around a record is a few bytes, not a page of them: most records are short."""
    data = Counted(b"".join(page(number) for number in range(50)))
    found = list(_read(cast(Window, data), "a.warc", Reading()))
    assert len(found) == 50
    assert data.copied < 2.5 * len(data)  # one of them to see how the file is packed
