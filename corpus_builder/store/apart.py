"""Keeps what is read and what is written apart."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from corpus_builder.errors import InputError
from corpus_builder.store.ownership import MARK


def keep_apart(out: Path, inputs: Iterable[str | Path], directories: Iterable[str | Path] = ()) -> None:
    """Raise InputError if an input is inside the output directory, or the output inside a directory that is read as a whole.

    What counts is the actual location of the files, through links and however the path is written.
    """
    for directory in map(Path, directories):
        if _Inside(directory)(out / MARK):
            raise InputError(
                f"{out} is inside {directory}, where every file is an input, so the output would become an input next time; choose "
                "another directory with --out."
            )
    inside = _Inside(out)
    for path in map(Path, inputs):
        if inside(path):
            raise InputError(
                f"The input {path} is inside {out}, where this command writes and deletes files; move it, or choose another directory "
                "with --out."
            )


def takes_in(pattern: str, out: Path, written: Iterable[str]) -> bool:
    """Whether a glob pattern would match one of the files that are written to a directory.

    >>> takes_in("/data/**/*.parquet", Path("/data/out"), ["release/corpus/part-00000.3f9a01bc.parquet"])
    True
    >>> takes_in("/data/*/*.parquet", Path("/data/out"), ["release/corpus/part-00000.3f9a01bc.parquet"])
    False
    >>> takes_in("/data/*/*.json", Path("/data/.out"), ["build.json"])  # `*` does not match hidden files
    False
    """
    steps = os.path.abspath(pattern).split(os.sep)
    first = next((place for place, step in enumerate(steps) if glob.has_magic(step)), len(steps))
    steps = [*os.path.realpath(os.sep.join(steps[:first]) or os.sep).rstrip(os.sep).split(os.sep), *steps[first:]]
    real = os.path.realpath(out).rstrip(os.sep)
    return any(_matches(steps, f"{real}/{name}".split(os.sep)) for name in written)


def _matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    if not pattern or not path:
        return not path and all(step == "**" for step in pattern)
    if pattern[0] == "**":
        return _matches(pattern[1:], path) or (not path[0].startswith(".") and _matches(pattern, path[1:]))
    hidden = path[0].startswith(".") and not pattern[0].startswith(".")
    return not hidden and fnmatch.fnmatchcase(path[0], pattern[0]) and _matches(pattern[1:], path[1:])


class _Inside:
    """Tests whether files are below a directory, which need not exist."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._holds = lru_cache(maxsize=1 << 12)(self._below)

    def __call__(self, path: Path) -> bool:
        return self._holds(str((Path(os.path.realpath(path)) if path.is_symlink() else path).parent))

    def _below(self, directory: str) -> bool:
        real = os.path.realpath(directory)
        return any(self._same(one) for one in (real, *map(str, Path(real).parents)))

    def _same(self, directory: str) -> bool:
        if directory == self._root:
            return True
        try:
            return os.path.samefile(directory, self._root)  # written in another case, or mounted twice
        except OSError:
            return False


def keep_file_apart(out: Path, inputs: Iterable[str | Path]) -> None:
    """Raise InputError if the output file is one of the inputs."""
    for path in inputs:
        if os.path.realpath(path) == os.path.realpath(out) or (
            os.path.exists(path) and out.exists() and os.path.samefile(path, out)
        ):
            raise InputError(f"{out} is an input, and would be overwritten; choose another file with --out.")
