"""Directories as they stand, and commands as they run."""

from __future__ import annotations

import os
from pathlib import Path

from click.testing import CliRunner

from corpus_builder.commands.main import main


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
