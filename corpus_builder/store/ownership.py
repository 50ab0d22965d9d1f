"""Ownership of directories: which ones this package may write into, and what it may delete there.

A directory is ours if we made it, if it was empty, or if it carries our mark: a small file that is written before anything else.
In it, names that match the patterns in `names` are ours; everything else is the user's, and is neither overwritten nor removed.
Symbolic links in place of our directories are refused, since their targets are not ours.  The directory itself may be a link:
the user then means its target, and the mark is there.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from corpus_builder.errors import InputError, StageError
from corpus_builder.store import names
from corpus_builder.store.files import full_disk, is_url, json_bytes, make_directory, replace_file

Kind = Literal["build", "dedup", "index", "crawl", "answers", "loop"]
MARK = ".corpus_builder"
LOCK = ".lock"
FORMAT = "corpus_builder-directory/1"
_HIDDEN = (MARK, LOCK, ".scratch", ".cache", ".failures", ".index.json")  # hidden, and ours
_OF_THE_SYSTEM = re.compile(  # files that operating systems and version control create on their own
    r"""lost\+found | Thumbs\.db | desktop\.ini | \$RECYCLE\.BIN | System\ Volume\ Information
    | (\._)? \.DS_Store | \.localized | \.directory | \.Trash.* | \.fseventsd | \.Spotlight-V100 | \.TemporaryItems
    | \.nfs[0-9a-f]+ | \.fuse_hidden[0-9a-f]+ | \.snapshots? | \.zfs | \.gitkeep | \.keep | \.gitignore
    | \.[0-9a-f]{32}\.tmp  # our mark, from a run that was killed while writing it""",
    re.VERBOSE,
)
_HEADS: dict[Kind, tuple[str, Callable[[Any], bool]]] = {  # head files of directories made before marks existed
    "build": ("build.json", lambda head: str(head["format"]).startswith("corpus_builder/") and "recipe" in head),
    "index": ("index.json", lambda head: str(head["format"]).startswith("corpus_builder-index/") and "parts" in head),
    "crawl": ("crawl.json", lambda head: {"index", "base", "query"} <= set(head)),
    "dedup": ("dedup.json", lambda head: str(head["format"]).startswith("corpus_builder-index/") and "minhash" in head),
    "loop": ("loop.json", lambda head: str(head["format"]).startswith("corpus_builder-loop/")),
    "answers": ("sealed.json", lambda head: str(head["format"]).startswith("corpus_builder-answers/")),
}
_MEANT = {
    "build": "a build", "dedup": "deduplicated files", "index": "an index", "crawl": "a crawl", "answers": "answers of a language model",
    "loop": "rounds of the loop",
}  # fmt: skip


@contextmanager
def alone_in(out: Path, kind: Kind = "build", places: Sequence[str] = ()) -> Iterator[None]:
    """Create a directory or continue in one of ours, and lock it against a second run; `places` are the directories made in it.

    Raises InputError if it is not ours, of another kind, or not writable, and StageError if another run holds it.
    """
    if is_url(out):
        raise InputError(
            f"{out} is not a directory: {'an' if kind == 'index' else 'a'} {kind} is written to disk. Choose a directory with --out; "
            "`corpus-builder publish` then copies a released corpus to s3://BUCKET/PREFIX."
        )
    try:
        _claim(out, kind)
        refuse_links(out, (*places, *_HIDDEN))
        lock = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise full_disk(error, out) or InputError(
            f"{out} cannot be written: {error.strerror}; choose another directory{_option(kind)}."
        ) from error
    try:
        _lock(lock, out, kind)
        if kind_of(out) != kind:  # another run was faster
            raise _other_kind(out, kind)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, out: Path, kind: Kind) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StageError(
            f"Another {'command' if kind in ('index', 'answers') else kind} is writing to {out}; wait for it, or choose another "
            f"directory{_option(kind)}."
        ) from error
    except OSError as error:
        raise InputError(
            f"The file system of {out} cannot lock files ({error.strerror}), so a second run could not be prevented; choose a "
            f"directory on another one{_option(kind)}, or mount it with locks (Lustre: `-o flock`)."
        ) from error


def _claim(out: Path, kind: Kind) -> None:
    """Write our mark, unless it is there; raises InputError if the directory is not ours to write to."""
    check_owned(out, kind)
    if not (out / MARK).is_file():
        make_directory(out)
        replace_file(out / MARK, json_bytes({"format": FORMAT, "kind": kind}, indent=None))


def check_owned(out: Path, kind: Kind) -> None:
    """Raise InputError if a directory is not ours, or of another kind; writes nothing."""
    others = sorted(_foreign(out))
    found = kind_of(out)  # after the listing, since a run that is just starting writes the mark first
    if found not in (None, kind):
        raise _other_kind(out, kind)
    if found is None and others and not _is_begun(out, kind, others):
        more = f" and {len(others) - 2:,} more" if len(others) > 2 else ""
        raise InputError(
            f"{out} contains files that corpus-builder did not create ({', '.join(map(repr, others[:2]))}{more}); they are not "
            f"touched. Choose a new or an empty directory{_option(kind)}."
        )


def _foreign(out: Path) -> Iterator[str]:
    """The entries that are not ours, ignoring what operating systems create in every directory."""
    try:
        found = os.listdir(out)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in found:
        if not _OF_THE_SYSTEM.fullmatch(name) and not _is_own_log(out / name):
            yield name


def _is_own_log(path: Path) -> bool:
    """Whether a file is this run's own output: `build ... --out OUT > OUT/log`, or a batch system's log."""
    for stream in (1, 2):
        try:
            if path.is_file() and not path.is_symlink() and os.path.samestat(path.lstat(), os.fstat(stream)):
                return True
        except OSError:  # the stream is closed, or the file was removed meanwhile
            continue
    return False


_BEGUN: dict[Kind, tuple[str, ...]] = {  # what exists before the head file, which is written last
    "dedup": ("sign", "match", "superseded", "dedup"),
    "index": ("parts", "removed"),
    "crawl": ("selection",),
}


def _is_begun(out: Path, kind: Kind, found: Sequence[str]) -> bool:
    """Whether a directory holds only what a run writes before its head file; one without a mark is from an earlier version, or a copy
    without hidden files."""
    shown = [name for name in found if name not in _HIDDEN]
    if not shown or not set(shown) <= set(_BEGUN.get(kind, ())):
        return False
    ours: set[Path] = set()
    for place in (out / name for name in shown):
        if kind == "crawl":
            ours.update(files_named(place, names.SELECTION))
        elif place.name == "removed":
            ours.update(files_named(place, names.REMOVED))
        else:
            for root in filter(Path.is_dir, place.iterdir()) if place.name == "parts" else [place]:
                ours.update(generated(root))
    there = {path for name in shown for path in (out / name).rglob("*") if path.is_symlink() or not path.is_dir()}
    known = [path for path in there if kind == "crawl" or path.parent.name == "receipts"]
    return there <= ours and bool(known) and not any((out / name).is_symlink() for name in shown)


def _other_kind(out: Path, kind: Kind) -> InputError:
    found = kind_of(out)
    return InputError(
        f"{out} holds {_MEANT[found] if found else 'something else'}, and {_MEANT[kind]} would mix with it; choose another "
        f"directory{_option(kind)}."
    )


def _option(kind: Kind) -> str:
    return {"index": "", "answers": " with --answers"}.get(kind, " with --out")


def kind_of(out: Path) -> Kind | None:
    """The kind of data in one of our directories; None if it is not ours.

    It is read from the mark, or from the head file of a directory made before marks existed.
    """
    mark = small_object(out / MARK)
    if mark is not None:
        return next((kind for kind in _HEADS if mark.get("format") == FORMAT and mark.get("kind") == kind), None)
    for kind, (name, is_ours) in _HEADS.items():
        if (head := small_object(out / name)) is not None:
            try:
                if is_ours(head):
                    return kind
            except KeyError:
                continue
    return None


def small_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a small file; None if there is no file, {} if it does not hold an object."""
    try:
        there = path.lstat()
        if not stat.S_ISREG(there.st_mode) or there.st_size > 1 << 28:
            return {}
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, PermissionError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def refuse_links(root: Path, places: Iterable[str]) -> None:
    """Raise InputError if one of our directories or files is a symbolic link, since its target is not ours."""
    for path in (root / name for name in places):
        if path.is_symlink():
            raise InputError(
                f"{path} is a symbolic link, to {os.readlink(path)!r}, whose content would be overwritten and deleted. Remove "
                "the link, or replace it by its target."
            )


# Deleting


def generated(root: Path, tables: Iterable[str] | None = None) -> Iterator[Path]:
    """The files in a stage's directory whose names are ours, of some tables or of all.  Does not follow links."""
    if not root.is_dir() or root.is_symlink():
        return
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name == "manifest.json" or names.TEMPORARY.fullmatch(entry.name):
            yield Path(entry.path)
        elif entry.is_dir(follow_symlinks=False) and (
            entry.name == "receipts" or (names.TABLE.fullmatch(entry.name) and (tables is None or entry.name in tables))
        ):
            for path in files_named(Path(entry.path), names.RECEIPT if entry.name == "receipts" else names.TABLE_FILE):
                if entry.name != "receipts" or _is_receipt(path):
                    yield path


def _is_receipt(path: Path) -> bool:
    """Whether a file among the receipts is one, of the shard that it is named after, or an unfinished one."""
    if names.TEMPORARY.fullmatch(path.name):
        return True
    receipt = small_object(path) or {}
    shard = receipt.get("shard")
    return {"made_from", "tables"} <= set(receipt) and isinstance(shard, str) and f"{names.stem_of(shard)}.json" == path.name


def files_named(directory: Path, *forms: re.Pattern[str]) -> Iterator[Path]:
    """The files of a directory whose names match one of some patterns, or that are being written; none if it is a link."""
    if not directory.is_dir() or directory.is_symlink():
        return
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if not entry.is_dir(follow_symlinks=False) and any(form.fullmatch(entry.name) for form in (*forms, names.TEMPORARY)):
            yield Path(entry.path)


def clear_stage(root: Path) -> None:
    """Remove a stage's directory; files that are not ours stay, with the directories that contain them."""
    for path in generated(root):
        path.unlink(missing_ok=True)
    if root.is_symlink() or not root.is_dir():
        return
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False) and (entry.name == "receipts" or names.TABLE.fullmatch(entry.name)):
            remove_empty(Path(entry.path))
    remove_empty(root)


def clear_stages(above: Path) -> None:
    """Remove a directory that contains only stages' directories, such as the scratch directory."""
    if above.is_symlink() or not above.is_dir() or kind_of(above) is not None:  # it is the --out of another run
        return
    for entry in sorted(os.scandir(above), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            clear_stage(Path(entry.path))
    remove_empty(above)


def remove_empty(directory: Path) -> None:
    """Remove a directory if it is empty."""
    try:
        directory.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY):
            raise
