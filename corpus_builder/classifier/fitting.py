"""Fits one output: a logistic regression in each view, penalties by cross-validation over hosts, and one more that adds the views up.

The last regression is over scores of texts that the first ones had not seen, so it calibrates, too: what comes out is a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus_builder.classifier.arithmetic import sigmoid, softplus
from corpus_builder.classifier.logistic import fit, times
from corpus_builder.classifier.rows import F32, F64, I64, Features

PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # from strong to weak, each starting from the weights of the one before
USUAL = 0.1  # where there are too few labels to choose
_FREE = 1e-6  # the penalty on a bias
_STACK_PENALTY = 0.01
FEWEST = 4  # texts of either kind that are needed to weigh views against each other
DOUBT = 30.0  # ours, chosen on data/labels/train.jsonl: of the rarer kind, so many texts weigh views half equally, half as they seem to deserve


@dataclass(frozen=True, slots=True)
class Task:
    """Texts that one output is learned from: `at` (n,) are their rows, `targets` 0 or 1, `costs` their weights, `folds` from 0."""

    at: I64
    targets: F64
    costs: F64
    folds: I64

    def parts(self) -> list[tuple[I64, I64]]:
        """Training and held-out places in `at` of each fold from which something can be learned."""
        found = []
        for fold in range(int(self.folds.max(initial=-1)) + 1):
            train, test = np.flatnonzero(self.folds != fold), np.flatnonzero(self.folds == fold)
            positive = int(self.targets[train].sum())
            if len(test) and 0 < positive < len(train):
                found.append((train, test))
        return found


def solve(task: Task, features: Features, train: I64, penalties: Sequence[float]) -> tuple[F32, list[F64]]:
    """The values of all rows, and for each penalty, from strong to weak, the weights and the bias, from some of a task's texts."""
    values = features.values(task.at[train])
    weights = np.zeros(features.size + 1)
    found = []
    for penalty in penalties:
        strengths = np.full(len(weights), penalty)
        strengths[-1] = _FREE
        fit(features.starts, features.columns, values, task.at[train], task.targets[train], task.costs[train], strengths, weights)
        found.append(weights.copy())
    return values, found


def unseen(task: Task, features: Features, penalties: Sequence[float], parts: Sequence[tuple[I64, I64]]) -> F64:
    """Scores of texts by models that have not seen their hosts: (penalties, n), NaN for a text of a fold without a model."""
    scores = np.full((len(penalties), len(task.at)), np.nan)
    for train, test in parts:
        values, found = solve(task, features, train, penalties)
        for place, weights in enumerate(found):
            out = np.empty(len(test))
            times(features.starts, features.columns, values, task.at[test], weights, out)
            scores[place, test] = out
    return scores


def best_penalty(task: Task, scores: F64, penalties: Sequence[float]) -> float:
    """The penalty with the least log loss on unseen texts."""
    known = np.flatnonzero(~np.isnan(scores[0]))
    losses = []
    for row in scores:
        total = 0.0
        for at in known.tolist():
            total += float(task.costs[at]) * (float(softplus(row[at])) - float(task.targets[at] * row[at]))
        losses.append(total)
    return penalties[min(range(len(losses)), key=lambda place: (losses[place], place))]


def stack(task: Task, scores: Sequence[F64]) -> tuple[list[float], float]:
    """What each view's score counts, 0 or more, and the bias, from scores of unseen texts; the fewer there are, the more equal."""
    known = np.flatnonzero(~np.isnan(scores[0]))
    positive = int(task.targets[known].sum())
    rarer = min(positive, len(known) - positive)
    if rarer < FEWEST:
        return [1.0 / len(scores)] * len(scores), 0.0
    parts, bias = _added_up(task, known, scores)
    total = scores[0]
    for score in scores[1:]:
        total = total + score
    (equal,), equal_bias = _added_up(task, known, [total])
    trust = rarer / (rarer + DOUBT)
    return [trust * part + (1.0 - trust) * equal for part in parts], trust * bias + (1.0 - trust) * equal_bias


def _added_up(task: Task, known: I64, scores: Sequence[F64]) -> tuple[list[float], float]:
    """The parts and the bias that add scores up best; a view whose part would be negative is left out."""
    parts = [0.0] * len(scores)
    using = list(range(len(scores)))
    while using:
        columns = np.tile(np.arange(len(using), dtype=np.int32), len(known))
        values = np.stack([scores[view][known] for view in using], axis=1).ravel()
        starts = np.arange(len(known) + 1, dtype=np.int64) * len(using)
        weights, strengths = np.zeros(len(using) + 1), np.full(len(using) + 1, _STACK_PENALTY)
        strengths[-1] = _FREE
        at = np.arange(len(known), dtype=np.int64)
        fit(starts, columns, values, at, task.targets[known], task.costs[known], strengths, weights)
        worst = int(weights[:-1].argmin())
        if weights[worst] >= 0.0:
            for view, weight in zip(using, weights[:-1].tolist(), strict=True):
                parts[view] = weight
            return parts, float(weights[-1])
        del using[worst]
    return [1.0 / len(scores)] * len(scores), 0.0


def likelihoods(scores: Sequence[F64], parts: Sequence[float], bias: float) -> F64:
    """The probabilities that stacked scores stand for; NaN where a score is missing."""
    total = np.full(len(scores[0]), bias)
    for score, part in zip(scores, parts, strict=True):
        total = total + part * score
    return np.array([np.nan if np.isnan(value) else sigmoid(value) for value in total.tolist()])
