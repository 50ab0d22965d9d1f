"""Cells of a notebook, run as IPython runs them: in one namespace, each from a file that exists in `linecache` alone."""

from __future__ import annotations

import linecache
import textwrap
from typing import Any


class Notebook:
    """A namespace that cells are run in, as `__main__`: a real one may be given."""

    def __init__(self, names: dict[str, Any] | None = None) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"} if names is None else names
        self._cells = 0

    def run(self, cell: str) -> None:
        """Run a cell."""
        cell = textwrap.dedent(cell)
        self._cells += 1
        file = f"<ipython-input-{self._cells}-{hash(cell) & 0xFFFFFFFFFFFF:012x}>"
        linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
        exec(compile(cell, file, "exec"), self.names)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]
