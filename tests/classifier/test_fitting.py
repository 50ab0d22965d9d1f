"""What each view of a text counts."""

from __future__ import annotations

import numpy as np

from corpus_builder.classifier.fitting import FEWEST, Task, stack


def task(texts: int) -> Task:
    targets = np.arange(texts, dtype=np.float64) % 2
    return Task(np.arange(texts), targets, np.ones(texts), np.arange(texts) % 5)


def parts(texts: int) -> tuple[float, float]:
    """What a view that tells all texts apart counts, and one that tells nothing."""
    one = task(texts)
    telling = 2 * one.targets - 1 + np.where(np.arange(texts) % 7 == 0, -2.2 * (2 * one.targets - 1), 0)
    silent = np.where(np.arange(texts) // 2 % 2, 1.0, -1.0)
    (first, second), _ = stack(one, [telling, silent])
    return first, second


def test_the_fewer_labels_the_more_equally_views_count() -> None:
    shares = [second / first for first, second in map(parts, (40, 200, 2_000))]
    assert [round(share, 2) for share in shares] == [0.56, 0.15, 0.02]  # by the fit alone, 0.16, 0.02 and 0.00


def test_views_count_equally_where_there_are_too_few_to_weigh_them() -> None:
    assert parts(2 * FEWEST - 2) == (0.5, 0.5)
