"""Whether every byte of an archive is accounted for."""

import io
from pathlib import Path

from corpus_builder.reasons import REASONS
from corpus_builder.sources.frames import member_end
from corpus_builder.sources.packing import packing_of
from corpus_builder.sources.record import ARC, WARC, Damage, Record
from corpus_builder.sources.stream import Packing
from corpus_builder.sources.warc import read_records
from support.strategies import Archive


def end_of(item: Record | Damage, content: bytes, magic: bytes) -> int:
    """Where an item ends in the file, as far as it can be told without the reader."""
    if isinstance(item, Damage):
        return item.number + item.length
    if magic:
        return member_end(content, item.number, magic) or item.number + 1
    layout = next(layout for layout in (WARC, ARC) if layout.first.match(content, item.number))
    header = layout.header_end.search(content, item.number)
    assert header
    return header.end() + len(item.head) + len(item.rest)


def check(archive: Archive, path: Path) -> None:
    """What `read_records` finds in a file covers it, and nothing twice."""
    content, size = archive.content, len(archive.content)
    path.write_bytes(content)
    items = list(read_records(path))
    assert items == list(read_records(path))
    packing = packing_of(content, path.name)  # type: ignore[arg-type]  # bytes do what a map of a file does
    magic, position = (packing.magic, packing.start) if packing else (b"", 0)
    reach = position  # several records of one member reach as far as it does
    for item, following in zip(items, [*(item.number for item in items[1:]), size], strict=True):
        assert isinstance(item, Record) or item.reason in REASONS
        assert item.number < max(following, 1)
        end = end_of(item, content, magic)
        if isinstance(item, Damage):
            assert end <= following or item.length == 1, "what is reported does not reach into what follows"
        assert is_nothing(content[position : item.number], packing), "nothing is left out"
        reach = max(reach, end)
        position = min(reach, following)
    assert is_nothing(content[position:], packing), "nothing is left out at the end"


def is_nothing(gap: bytes, packing: Packing | None) -> bool:
    """Whether a stretch holds line breaks only, compressed or not."""
    if packing and gap.strip(b"\r\n"):
        try:
            gap = packing.reader(io.BytesIO(gap)).read(1 << 20)
        except OSError:
            return False
    return not gap.strip(b"\r\n")
