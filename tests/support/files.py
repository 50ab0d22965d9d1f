"""Directories as they stand, and commands as they run."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from corpus_builder.commands.main import main
from corpus_builder.sources.formats import packed_into


def tree(root: Path) -> dict[str, bytes | str | None]:
    """Everything below a directory: files with their bytes, links with their targets, directories."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


def lasting(root: Path) -> dict[str, bytes | str | None]:
    """The same but for what a second run may write anew: the report, and what a crawl selected in an index that moved."""
    return {name: body for name, body in tree(root).items() if name != "report.html" and not name.startswith("selection/")}


def run(*words: object, code: int = 0) -> str:
    """What a command says, of which the exit code is known."""
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def packed(content: bytes, packing: str) -> bytes:
    """Bytes packed in one of `formats.PACKINGS`, or as they are."""
    out = io.BytesIO()
    stream = packed_into(out, packing)
    stream.write(content)
    stream.close()
    return out.getvalue()


def full_after(times: int, sync: Callable[[int], None]) -> Callable[[int], None]:
    """An `os.fsync` for a disk that is full after so many of them."""
    left = iter(range(times))

    def synced(file: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    return synced
