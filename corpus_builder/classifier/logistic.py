"""Logistic regression over sparse rows, with a penalty on the squares of the weights: truncated Newton, in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from corpus_builder.classifier.arithmetic import dot, sigmoid, softplus

NEWTON_STEPS, CONJUGATE_STEPS = 40, 60
TOLERANCE = 1e-4  # of the gradient, relative to where it starts; a hundredth of it changed no score in the third digit


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def times(starts: Any, places: Any, values: Any, rows: Any, weights: Any, out: Any) -> None:
    """out[k] = row rows[k] of the matrix times `weights`, whose last element is the bias."""
    bias = weights[len(weights) - 1]
    for k in range(len(rows)):
        total = 0.0
        for at in range(starts[rows[k]], starts[rows[k] + 1]):
            total += values[at] * weights[places[at]]
        out[k] = total + bias


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _transposed_times(starts: Any, places: Any, values: Any, rows: Any, factors: Any, out: Any) -> None:
    out[:] = 0.0
    bias = 0.0
    for k in range(len(rows)):
        factor = factors[k]
        bias += factor
        for at in range(starts[rows[k]], starts[rows[k] + 1]):
            out[places[at]] += values[at] * factor
    out[len(out) - 1] = bias


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _loss(sums: Any, targets: Any, costs: Any, weights: Any, penalty: Any) -> Any:
    total = 0.0
    for k in range(len(sums)):
        total += costs[k] * (softplus(sums[k]) - targets[k] * sums[k])
    return total + 0.5 * dot(penalty * weights, weights)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fit(starts: Any, places: Any, values: Any, rows: Any, targets: Any, costs: Any, penalty: Any, weights: Any) -> int:
    """Minimise the sum of costs * log loss + penalty / 2 * weights^2 over `weights` in place, from where they are; returns the steps.

    The matrix is sparse: row i has `values[starts[i]:starts[i + 1]]` in columns `places[...]`; `rows` (k,) says which rows take part.
    `targets` (k,) in 0..1, `costs` (k,), `penalty` and `weights` (columns + 1,), the bias last.
    """
    size, count = len(weights), len(rows)
    sums, moved, factors, curvature = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    gradient, product = np.empty(size), np.empty(size)
    times(starts, places, values, rows, weights, sums)
    loss = _loss(sums, targets, costs, weights, penalty)
    first = -1.0
    for newton in range(NEWTON_STEPS):
        for k in range(count):
            likely = sigmoid(sums[k])
            factors[k] = costs[k] * (likely - targets[k])
            curvature[k] = costs[k] * likely * (1.0 - likely)
        _transposed_times(starts, places, values, rows, factors, gradient)
        gradient += penalty * weights
        norm = np.sqrt(dot(gradient, gradient))
        if first < 0:
            first = norm
        if norm <= TOLERANCE * first or norm <= 1e-9:
            return newton
        step = np.zeros(size)
        rest = -gradient
        direction = rest.copy()
        squared = dot(rest, rest)
        wanted = min(0.1, np.sqrt(norm / first)) * norm
        for _ in range(CONJUGATE_STEPS):
            times(starts, places, values, rows, direction, moved)
            _transposed_times(starts, places, values, rows, curvature * moved, product)
            product += penalty * direction
            bend = dot(direction, product)
            if bend <= 0.0:
                break
            length = squared / bend
            step += length * direction
            rest -= length * product
            now = dot(rest, rest)
            if np.sqrt(now) <= wanted:
                break
            direction = rest + (now / squared) * direction
            squared = now
        slope = dot(gradient, step)
        share = 1.0
        accepted = False
        for _ in range(30):
            trial = weights + share * step
            times(starts, places, values, rows, trial, sums)
            new = _loss(sums, targets, costs, trial, penalty)
            if new <= loss + 1e-4 * share * slope:
                accepted = True
                break
            share *= 0.5
        if not accepted:
            times(starts, places, values, rows, weights, sums)
            return newton
        weights[:] = trial
        loss = new
    return NEWTON_STEPS
