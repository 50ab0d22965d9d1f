"""What more labels would bring, in words, from how the metric grew with the labels so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PARTS = (1 / 8, 1 / 4, 1 / 2, 1.0)
HELPS, LITTLE = 0.01, 0.003  # of the area per doubling: ours


@dataclass(frozen=True, slots=True)
class Point:
    """The area (or another metric in which more is better) that a number of labels gave."""

    labels: int
    value: float


def advice(points: Sequence[Point], error: float) -> str:
    """Whether more labels would help, from the gain of the last two doublings.

    `error` is the standard error of the last value; a gain below it says nothing, unless even with it the gain would be small.

    >>> advice([Point(200, 0.77), Point(400, 0.81), Point(800, 0.85)], 0.01)
    'More labels would help: each doubling so far added 0.040 (200 labels gave 0.770, 800 gave 0.850).'
    >>> advice([Point(400, 0.90), Point(800, 0.92)], 0.03)
    'Whether more labels would help cannot be told: each doubling so far added 0.020 (400 labels gave 0.900, 800 gave 0.920), less than its error, 0.030.'
    >>> advice([Point(400, 0.990), Point(800, 0.992)], 0.003)
    'More labels of this kind would hardly help: each doubling so far added 0.002 (400 labels gave 0.990, 800 gave 0.992), less than its error, 0.003.'
    """
    if len(points) < 2:
        return "There are too few labels for a learning curve; label more."
    first, last = points[-min(len(points), 3)], points[-1]
    doublings = math.log2(last.labels / first.labels)
    slope = (last.value - first.value) / max(doublings, 1e-9)
    seen = ", ".join(f"{point.labels:,} {'labels ' if point is first else ''}gave {point.value:.3f}" for point in (first, last))
    unsure = f", less than its error, {error:.3f}" if abs(slope) < error else ""
    help_ = "would help" if slope >= HELPS else "would help a little" if slope >= LITTLE else "of this kind would hardly help"
    unknown = unsure and slope + error >= HELPS
    return f"{'Whether more labels would help cannot be told' if unknown else f'More labels {help_}'}: each doubling so far added {slope:.3f} ({seen}){unsure}."
