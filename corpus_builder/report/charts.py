"""Small SVG charts for the report: no script, no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus_builder.quality.histograms import bin_edges, is_fraction
from corpus_builder.quality.rules import Threshold

WIDTH, HEIGHT, BASE, TOP = 340, 132, 108, 12


@dataclass(frozen=True)
class Bar:
    """A bin as a rectangle; `dropped` if a document with the bin's middle value would be dropped."""

    x: float
    y: float
    width: float
    height: float
    dropped: bool
    title: str


@dataclass(frozen=True)
class Mark:
    """A position on the x axis with a label."""

    x: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """A histogram laid out in WIDTH x HEIGHT; heights are square roots of counts, so that rare values can be seen."""

    measure: str
    rules: tuple[str, ...]
    documents: int
    bars: tuple[Bar, ...]
    limits: tuple[Mark, ...]
    ticks: tuple[Mark, ...]


def lay_out(measure: str, counts: Mapping[int, int], rules: Sequence[Threshold], fraction: bool = False) -> Histogram:
    """The bars, limits and ticks of one measure's histogram; `counts` are from `quality.histograms`.  `fraction`: values are 0..1."""
    fraction = fraction or is_fraction(measure)
    limits = [limit for rule in rules for limit in (rule.min, rule.max, rule.above, rule.below) if limit is not None]
    places = [*counts, *(_bin_of(fraction, limit) for limit in limits)]
    first, last = (0, 49) if fraction else (min(places, default=0), max(places, default=0))
    step = WIDTH / (last - first + 1)
    tallest = math.sqrt(max(counts.values(), default=1))

    def place(value: float) -> float:
        bin_ = min(max(_bin_of(fraction, value), first), last)
        low, high = bin_edges(measure, bin_, fraction=fraction)
        within = min(max((value - low) / (high - low), 0.0), 1.0)
        return (bin_ - first + within) * step

    bars = []
    for bin_, count in sorted(counts.items()):
        low, high = bin_edges(measure, bin_, fraction=fraction)
        height = (BASE - TOP) * math.sqrt(count) / tallest
        middle = (low + high) / 2
        dropped = not all(_allowed(rule)[0] <= middle <= _allowed(rule)[1] for rule in rules)
        title = f"{count:,} documents from {low:.4g} to {high:.4g}"
        bars.append(Bar((bin_ - first) * step, BASE - height, max(step - 0.6, 0.6), height, dropped, title))
    edges = [bin_edges(measure, at, fraction=fraction)[side] for at, side in ((first, 0), ((first + last) // 2, 0), (last, 1))]
    ticks = [Mark(place(edge) if edge < edges[-1] else WIDTH, f"{edge:.4g}") for edge in edges]
    return Histogram(
        measure,
        tuple(map(str, rules)),
        sum(counts.values()),
        tuple(bars),
        tuple(Mark(place(limit), f"{limit:g}") for limit in limits),
        tuple(ticks),
    )


def _allowed(rule: Threshold) -> tuple[float, float]:
    lows = [limit for limit in (rule.min, rule.above) if limit is not None]
    highs = [limit for limit in (rule.max, rule.below) if limit is not None]
    return max(lows, default=-math.inf), min(highs, default=math.inf)


def _bin_of(fraction: bool, value: float) -> int:
    if fraction:
        return min(max(int(value * 50), 0), 49)
    magnitude = math.floor(math.log2(1 + abs(value)) * 4)
    return -1 - magnitude if value < 0 else magnitude
