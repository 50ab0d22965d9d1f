"""The shorter way through a .warc.gz finds what the longer way finds, and takes no member for whole that is not."""

import gzip
import io
import struct
from collections.abc import Generator
from pathlib import Path

import pytest
from fastwarc.stream_io import Lz4Writer, ZstdWriter
from hypothesis import given, settings
from support.strategies import Harmed, as_record, warc_bytes

from corpus_builder.engine.guard import Reading
from corpus_builder.sources import members, whole
from corpus_builder.sources.frames import GZIP, LZ4, ZSTD
from corpus_builder.sources.packing import READERS
from corpus_builder.sources.record import Damage, Layout, Record
from corpus_builder.sources.stream import Packing
from corpus_builder.sources.warc import read_records

RECORDS = [as_record(number, b"HTTP/1.1 200 OK\r\n\r\n" + b"%d" % number * 400) for number in range(4)]
MEMBERS = [gzip.compress(record, 6, mtime=0) for record in RECORDS]


def never(data: object, start: int, layout: Layout, reading: Reading) -> Generator[Record, None, int]:
    yield from ()
    return start


def brief(item: Record | Damage) -> tuple[object, ...]:
    return (item.number, item.length, item.reason) if isinstance(item, Damage) else (item.number, item.head + item.rest)


def both_ways(path: Path) -> list[list[tuple[object, ...]]]:
    found = [[brief(item) for item in read_records(path)]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "whole_members", never)
        found.append([brief(item) for item in read_records(path)])
    return found


@settings(deadline=None, max_examples=150)
@given(warc_bytes())
def test_both_ways_find_the_same(tmp_path_factory, harmed: Harmed) -> None:
    path = tmp_path_factory.getbasetemp() / "both.warc.gz"
    path.write_bytes(harmed.content)
    shorter, longer = both_ways(path)
    assert shorter == longer


@pytest.mark.parametrize(
    "odd",
    [
        MEMBERS[1] + b"junk" * 5,
        MEMBERS[1] + MEMBERS[1][-8:],  # the trailer once more
        MEMBERS[1] + bytes(64) + MEMBERS[1][-8:],
        MEMBERS[1][:-8] + b"\1\2\3\4" + MEMBERS[1][-4:],
        MEMBERS[1][:-4] + struct.pack("<I", 0xFFFFFFF0),  # a size that would take all memory
        MEMBERS[1][:-4] + struct.pack("<I", 0),
        MEMBERS[1][:-1],
        gzip.compress(RECORDS[1] + RECORDS[2], mtime=0),
        gzip.compress(RECORDS[1][:-4], mtime=0),
        gzip.compress(b"\r\n" + RECORDS[1], mtime=0),
        gzip.compress(RECORDS[1].replace(b"Content-Length", b"Content-Size"), mtime=0),
        gzip.compress(RECORDS[1][:300], mtime=0) + gzip.compress(RECORDS[1][300:], mtime=0),
        gzip.compress(RECORDS[1][:-4] + MEMBERS[2] + b"\r\n\r\n", 0, mtime=0),  # a member within the member
    ],
)
def test_what_is_no_whole_member_is_left_to_the_longer_way(tmp_path: Path, odd: bytes) -> None:
    path = tmp_path / "odd.warc.gz"
    path.write_bytes(MEMBERS[0] + odd + MEMBERS[3])
    shorter, longer = both_ways(path)
    assert shorter == longer
    assert shorter[0] == (0, RECORDS[0].partition(b"\r\n\r\n")[2][:-4])


def test_after_an_odd_member_the_shorter_way_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mixed.warc.gz"
    path.write_bytes(MEMBERS[0] + gzip.compress(RECORDS[1] + RECORDS[2], mtime=0) + b"".join(MEMBERS))
    taken: list[int] = []

    def watched(packed: bytes, number: int, layout: Layout) -> Record | None:
        found = inner(packed, number, layout)
        taken.extend([number] if found else [])
        return found

    inner = whole._record
    monkeypatch.setattr(whole, "_record", watched)
    numbers = [item.number for item in read_records(path)]
    assert len(numbers) == 7
    assert taken == [numbers[0], *numbers[3:]]


@pytest.mark.parametrize("window", [64, 700, 1 << 20])
def test_a_member_may_be_longer_than_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    stored = [gzip.compress(as_record(number, bytes(range(256)) * 16), 0) for number in range(3)]
    path = tmp_path / "stored.warc.gz"
    path.write_bytes(b"".join(stored))
    monkeypatch.setattr(whole, "WINDOW", window)
    monkeypatch.setattr(whole, "FIRST_WINDOW", window)
    monkeypatch.setattr(members, "_Run", None)  # the longer way is not needed
    assert [item.number for item in read_records(path)] == [0, len(stored[0]), 2 * len(stored[0])]


class Counted(bytes):
    """Bytes that count how many of them are taken."""

    taken = 0

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        found = super().__getitem__(place)
        self.taken += len(found)
        return found


@pytest.mark.parametrize(("magic", "follows"), [(GZIP, b""), (GZIP, b"\0\0\0\0\0\0\3"), (ZSTD, b""), (LZ4, b"")])
def test_looking_for_a_member_costs_little_where_its_mark_is_everywhere(magic: bytes, follows: bytes) -> None:
    data = Counted((magic + follows) * 3000)
    assert members.next_member(data, 0, Packing(magic, READERS[magic]), Reading()) == len(data)  # type: ignore[arg-type]
    assert data.taken < 3000 * 5000


def framed(writer: type) -> list[bytes]:
    made = []
    for content in RECORDS:
        out = io.BytesIO()
        stream = writer(out)
        stream.write(content)
        stream.finish()
        made.append(out.getvalue())
    return made


@pytest.mark.parametrize("suffix", ["gz", "zst", "lz4"])
def test_every_cut_is_told_as_a_cut(tmp_path: Path, suffix: str) -> None:
    parts = MEMBERS if suffix == "gz" else framed({"zst": ZstdWriter, "lz4": Lz4Writer}[suffix])
    path, content = tmp_path / f"cut.warc.{suffix}", b"".join(parts)
    starts = {sum(map(len, parts[:place])) for place in range(5)}
    for end in range(1, len(content)):
        path.write_bytes(content[:end])
        last = list(read_records(path))[-1]
        if end in starts:
            assert isinstance(last, Record)
        else:
            start = max(found for found in starts if found < end)
            assert isinstance(last, Damage)
            assert (last.number, last.length, last.reason) == (start, end - start, "warc_truncated"), end
