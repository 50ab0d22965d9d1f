"""Whole files: digests, atomic writes, and the errors for full disks and damaged files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

from corpus_builder.errors import FullDiskError, IntegrityError, StageError


def state_of(path: str | Path) -> tuple[int, int]:
    """Modification time in ns and size in bytes; equal states are taken to mean an unchanged file; (0, 0) if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def absolute(place: str | Path) -> Path:
    """The absolute path, valid in every working directory, with `~` expanded; a URL is returned unchanged for others to refuse."""
    place = Path(place)
    return place if is_url(place) else Path(os.path.abspath(place.expanduser()))


def is_url(place: str | Path) -> bool:
    """Whether a place starts like a URL rather than a path."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", str(place), re.IGNORECASE) is not None


def full_disk(error: OSError, where: Path) -> StageError | None:
    """The error for a full disk; None for any other error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FullDiskError(
            f"The disk that holds {where} is full; nothing that was committed is lost. "
            "Free some space and run the same command again: it continues where it stopped."
        )
    return None


INDEX_FILE = "index.json"
RESTORE = "restore it from a copy of the index, or make a new index from the builds and remove again what had been removed"


def remedy(path: Path, otherwise: str) -> str:
    """The remedy for a missing or damaged file: `otherwise`, except that no command recreates files of an index."""
    for above in path.parents:
        if above.name in ("parts", "removed") and (above.parent / INDEX_FILE).exists():
            return f"{RESTORE}. `corpus-builder index verify {above.parent}` lists everything that is damaged"
    return otherwise


@contextmanager
def intact(path: Path) -> Iterator[None]:
    """Context for reading a file that an earlier step wrote: raises IntegrityError, with a remedy, if it is missing or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        what = remedy(path, "run the same command again to recreate it")
        raise IntegrityError(f"{path} is missing; {what}.") from error
    except (ValueError, EOFError, OSError, TokenError) as error:  # NumPy raises the last for a damaged header
        what = remedy(path, "delete it and run the same command again")
        raise IntegrityError(f"{path} is damaged ({error}); {what}.") from error


def json_bytes(value: Any, *, indent: int | None = 1, sort_keys: bool = False) -> bytes:
    r"""A value as files of ours hold it: JSON in UTF-8, with a line break at the end.

    What UTF-8 cannot encode, as in the names of some files, is escaped as JSON does, so that it is read as it was.

    >>> json_bytes({"猫": "a\udcff"}, indent=None).decode()
    '{"猫": "a\\udcff"}\n'
    """
    packed = json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=sort_keys)
    return f"{packed}\n".encode("utf-8", "backslashreplace")


def write_json(path: Path, value: Any, *, indent: int | None = 1, sort_keys: bool = False) -> None:
    """Write a small file of JSON with `write_atomically`."""
    write_atomically(path, json_bytes(value, indent=indent, sort_keys=sort_keys))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that readers see the old content or the new, never a part.

    Raises StageError if the disk is full or cannot be written to.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise full_disk(error, path.parent) or StageError(
            f"{path.parent} cannot be written ({error.strerror}); nothing that was committed is lost. "
            "Check the disk and the permissions and run the same command again: it continues where it stopped."
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file atomically: its bytes are on disk before it gets its name, and the name before this returns."""
    make_directory(path.parent)
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.write_bytes(content)
        give_name(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def give_name(temporary: Path, path: Path) -> None:
    """Rename a finished file once its bytes are on disk; `sync_directory` then makes the name durable."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power loss, if the file system can."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
            errno.EBADF,
            errno.EACCES,
        ):  # some network file systems sync only files
            raise
    finally:
        os.close(directory)


def make_directory(path: Path) -> None:
    """Make a directory and its parents, durably."""
    new = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in new:
        sync_directory(one.parent)
