"""Would the tests notice?  Small changes made on purpose, one at a time, in a copy of the package; which of them no test sees.

    python tests/mutations/trial.py --seconds 600                          any file
    python tests/mutations/trial.py --seconds 600 --only stages/ --seed 3  files whose path has this in it
    python tests/mutations/trial.py --seconds 600 --like digest_of         changes that have this in them
    python tests/mutations/trial.py --list --only exchange.py              what would be tried, without a run

A change is made at random places: a comparison or a condition turned round, a number one off, an operator swapped, a statement taken
out, an entry of a dict or an argument dropped.  Then the tests of that room run (see `rooms.py`), until one fails.  A change that
none notices is printed, and is a question: is a test missing, or is the change without effect?  Those without effect stand in
equivalent.txt and are not tried again.  Run by hand, on a machine with nothing else to do: it takes some seconds for each change.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from changes import Change, changes_of
from rooms import room_of

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
COPIED = ("corpus_builder", "tests", "pipelines", "docs")
WITHOUT = "not ray and not cluster and not killed and not disk_that_is_full"
"""What takes long and is about other things."""

SECONDS_EACH = 600
"""A change that makes the tests run longer than this counts as noticed."""


def main() -> None:
    """Try changes until the time is over, and say what went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--only", action="append", default=[], help="part of a path below corpus_builder/; can be repeated")
    parser.add_argument("--like", default="", help="a regular expression that the change, as it is printed, has in it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    known = {line for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
    found = [
        change
        for path in sorted((ROOT / "corpus_builder").rglob("*.py"))
        if (name := str(path.relative_to(ROOT / "corpus_builder")))
        and (not given.only or any(part in name for part in given.only))
        if room_of(name, ROOT)
        for change in changes_of(name, path.read_text(encoding="utf-8"))
        if str(change) not in known and re.search(given.like, str(change))
    ]
    random.Random(given.seed).shuffle(found)
    if given.list:
        print("\n".join(map(str, found)))
        return
    print(f"{len(found)} changes could be tried.", flush=True)
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        unnoticed, tried = _try(found, Path(folder), given.seconds)
    print(f"\n{sum(tried.values())} changes tried, {len(unnoticed)} unnoticed.")
    for name, count in sorted(tried.items()):
        print(f"  {name:32} {count:4} tried, {sum(change.path == name for change in unnoticed):3} unnoticed")
    if unnoticed:
        print("\nUnnoticed:\n" + "\n".join(map(str, unnoticed)))


def _try(found: list[Change], folder: Path, seconds: float) -> tuple[list[Change], collections.Counter[str]]:
    """What went unnoticed, and how many changes of each file were tried."""
    copy = folder / "copy"
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, symlinks=True, copy_function=shutil.copy2)
    for path in ROOT.iterdir():
        if path.name not in (*COPIED, ".git") and not path.name.endswith("_cache"):
            (copy / path.name).symlink_to(path)
    tried: collections.Counter[str] = collections.Counter()
    unnoticed: list[Change] = []
    whole: dict[tuple[str, ...], bool] = {}
    end = time.monotonic() + seconds
    for number, change in enumerate(found, 1):
        if time.monotonic() > end:
            break
        tests = room_of(change.path, ROOT)
        if tests not in whole:
            whole[tests] = not _notices(copy, tests)
            if not whole[tests]:
                print(f"The tests of {change.path} fail without any change: {' '.join(tests)}", flush=True)
        if not whole[tests]:
            continue
        path = copy / "corpus_builder" / change.path
        before = path.stat()
        path.write_text(change.source, encoding="utf-8")
        os.utime(path, (before.st_atime, before.st_mtime + number))  # bytecode of the change before is not taken for this one's
        noticed = _notices(copy, tests)
        shutil.copy2(ROOT / "corpus_builder" / change.path, path)
        tried[change.path] += 1
        if not noticed:
            unnoticed.append(change)
        print(f"{'noticed  ' if noticed else 'UNNOTICED'} {change}", flush=True)
    return unnoticed, tried


def _notices(copy: Path, tests: tuple[str, ...]) -> bool:
    """Does one of the tests fail?"""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONHASHSEED": "0", "HYPOTHESIS_STORAGE_DIRECTORY": str(copy.parent)}
    with tempfile.TemporaryDirectory(dir=copy.parent) as temporary:
        command += ["-m", "not slow", "-k", WITHOUT, "--basetemp", str(Path(temporary) / "t"), *tests]
        try:
            done = subprocess.run(
                command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS_EACH
            )
        except subprocess.TimeoutExpired:
            return True
    return done.returncode != 0


if __name__ == "__main__":
    main()
