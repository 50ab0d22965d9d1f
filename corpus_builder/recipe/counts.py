"""The expected number of responses in each archive, from a table of file names and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from corpus_builder.errors import InputError
from corpus_builder.recipe.models import Recipe
from corpus_builder.remote.places import is_remote, shown
from corpus_builder.remote.window import read_small

_LINE = re.compile(r"\s*\"?([^\s,\"]+)\"?[\s,]+\"?(\d+)\"?\s*")


def expected_counts(recipe: Recipe) -> dict[tuple[str, str], int]:
    """Responses by (source, file name), from the tables that the recipe's sources name."""
    return {
        (source.name, name): count
        for source in recipe.sources
        if source.counts is not None
        for name, count in read_counts(source.counts if is_remote(source.counts) else recipe.resolve(source.counts)).items()
    }


def read_counts(place: str | Path) -> Mapping[str, int]:
    """Read a table of two columns, separated by a tab, a comma or spaces: a file's name or path, and a number; the first line may be a header.

    Common Crawl's columnar index gives it: `select warc_filename, count(*) ... group by 1`.
    """
    try:
        content = read_small(str(place)) if is_remote(place) else Path(place).read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"There is no table of counts {place}; `counts` of a source names it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The table of counts {shown(place)} cannot be read: {error}.") from error
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found:
            counts[found[1].rpartition("/")[2]] = int(found[2])
        elif line.strip() and number > 1:
            raise InputError(f"Line {number} of {shown(place)} is {line[:60]!r}; expected a file's name and a number.")
    if not counts:
        raise InputError(f"{shown(place)} holds no counts; expected lines with a file's name and a number.")
    return counts
