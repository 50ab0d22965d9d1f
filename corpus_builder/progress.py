"""Progress bars for people: with rate and time left on a terminal, silent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def with_progress(name: str, items: Iterator[T], total: int, show: bool, unit: str = "shard") -> Iterator[T]:
    """Pass items on, with a bar if `show` and standard error is a terminal."""
    if total:
        yield from tqdm(items, desc=f"{name:8}", total=total, unit=unit, disable=None if show else True, dynamic_ncols=True)
