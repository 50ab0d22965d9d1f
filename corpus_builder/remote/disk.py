"""Local files as a `Store`, for code that reads ranges of local and remote files alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corpus_builder.errors import InputError
from corpus_builder.remote.retries import Stat
from corpus_builder.remote.web import changed

PIECE = 1 << 18


class Disk:
    """Local paths; see `Store`."""

    def stat(self, place: str) -> Stat:
        """Length in bytes, and time of the last change."""
        try:
            found = Path(place).stat()
        except OSError as error:
            raise InputError(
                f"{place} cannot be read: {error.strerror}; check the path (for lines of a list, `base`, too)."
            ) from error
        return Stat(found.st_size, f"changed at {found.st_mtime_ns}")

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """Bytes start..end-1."""
        if self.stat(place) != stat:
            raise changed(place)
        try:
            with Path(place).open("rb") as file:
                file.seek(start)
                while start < end and (piece := file.read(min(PIECE, end - start))):
                    start += len(piece)
                    yield piece
        except OSError as error:
            raise InputError(f"{place} cannot be read: {error.strerror}; check the permissions and the disk.") from error

    def read_whole(self, place: str) -> Iterator[bytes]:
        """All bytes."""
        stat = self.stat(place)
        yield from self.read(place, stat, 0, stat.size)
