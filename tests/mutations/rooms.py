"""Which tests are those of a module: the tests mirror the package, one folder a room."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_MORE: dict[str, tuple[str, ...]] = {
    "pipeline.py": ("test_staleness.py",),
    "built.py": ("report", "test_pipeline.py"),
    "document.py": (),  # the words of the house: no code to speak of
    "errors.py": (),
    "recipe/": ("test_staleness.py",),
    "quality/": ("test_staleness.py",),
    "duplicates/": ("test_deduplication.py", "test_staleness.py"),
    "stages/": ("test_pipeline.py", "test_staleness.py"),
    "store/": ("test_pipeline.py",),
    "release/": ("test_pipeline.py",),
}


@cache
def room_of(path: str, root: Path) -> tuple[str, ...]:
    """The tests of a module, by its path below the package: its own, else all of its room, and what else tries it; none for commands."""
    room, _, name = path.rpartition("/")
    if room == "commands" or name.startswith("__"):
        return ()
    own = f"{room}/test_{name}".lstrip("/")
    first = own if (root / "tests" / own).exists() else room
    more = next((tests for part, tests in _MORE.items() if path == part or (part.endswith("/") and path.startswith(part))), ())
    return tuple(f"tests/{test}" for test in dict.fromkeys((first, *more)) if test and (root / "tests" / test).exists())
