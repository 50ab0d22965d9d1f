"""Progress bars with rate and time left on a terminal; silent elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from typing import TypeVar

from tqdm import tqdm

from corpus_builder.messages.redact import without_known_secrets
from corpus_builder.messages.terminal import harmless_lines

T = TypeVar("T")

log = logging.getLogger("corpus_builder")


def with_progress(name: str, items: Iterator[T], total: int, show: bool, unit: str = "shard") -> Generator[T, None, None]:
    """Pass items on, with a progress bar if `show` and standard error is a terminal; closing it also closes `items`."""
    if total:
        with closing(items) if isinstance(items, Generator) else nullcontext():
            yield from tqdm(items, desc=f"{name:8}", total=total, unit=unit, disable=None if show else True, dynamic_ncols=True)


def say(line: str, show: bool) -> None:
    """Report an event during a run: above the progress bar if `show`, else in the log."""
    if show:
        tqdm.write(harmless_lines(without_known_secrets(f"corpus-builder: {line}")), file=sys.stderr)
    else:
        log.warning(line)
