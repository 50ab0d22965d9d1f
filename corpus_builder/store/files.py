"""Files as a whole: their digests, writing them so that readers never see a part, and what a full disk is called."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError

from corpus_builder.errors import FullDiskError, IntegrityError, StageError


def state_of(path: str | Path) -> tuple[int, int]:
    """Time of change and size: two states of a file are taken for the same where these are; (0, 0) where there is none."""
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
    """A path as every machine and every working directory means it, with `~` spelled out; a URL is left for others to refuse."""
    place = Path(place)
    return place if is_url(place) else Path(os.path.abspath(place.expanduser()))


def is_url(place: str | Path) -> bool:
    """Does it start like a URL, rather than a path?"""
    return re.match(r"[a-z][a-z0-9+.-]+:/", str(place), re.IGNORECASE) is not None


def full_disk(error: OSError, where: Path) -> StageError | None:
    """The sentence for a disk that is full; None for any other error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FullDiskError(
            f"The disk that holds {where} is full; nothing that was committed is lost. "
            "Free some space and run the same command again: it goes on where it stopped."
        )
    return None


INDEX_FILE = "index.json"
RESTORE = "restore it from a copy of the index, or make a new index from the builds and remove again what had been removed"


def remedy(path: Path, otherwise: str) -> str:
    """What to do about a file that is missing or damaged: `otherwise`; but no command makes a file of an index anew."""
    for above in path.parents:
        if above.name in ("parts", "gone") and (above.parent / INDEX_FILE).exists():
            return f"{RESTORE}. `corpus-builder index verify {above.parent}` names all that is damaged"
    return otherwise


@contextmanager
def intact(path: Path) -> Iterator[None]:
    """Read a file that a step before wrote: IntegrityError, with what to do, where it is missing or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        what = remedy(path, "run the same command again: it makes anew what is missing")
        raise IntegrityError(f"{path} is missing; {what}.") from error
    except (ValueError, EOFError, OSError, TokenError) as error:  # NumPy lets the last through where a header is damaged
        what = remedy(path, "delete it and run the same command again")
        raise IntegrityError(f"{path} is damaged ({error}); {what}.") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that readers see the old content or the new, never a part.

    Raises StageError where the disk is full or cannot be written.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise full_disk(error, path.parent) or StageError(
            f"{path.parent} cannot be written ({error.strerror}); nothing that was committed is lost. "
            "Check the disk and the permissions and run the same command again: it goes on where it stopped."
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file whole: its bytes are on the disk before it has its name, and the name before this returns."""
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
    """Give a file that is written its name, once its bytes are on the disk; `sync_directory` then makes the name last."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


def sync_directory(path: Path) -> None:
    """Have the names in a directory outlast a loss of power, where the file system can."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):  # some network disks sync files only
            raise
    finally:
        os.close(directory)


def make_directory(path: Path) -> None:
    """Make a directory and those above it; their names last, too."""
    new = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in new:
        sync_directory(one.parent)
