"""A regression that says how likely each answer is right. Knows a table of numbers and which rows were right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Correctness:
    """A fitted logistic regression."""

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    """(columns + 1,): the intercept first."""

    def __call__(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,): chance that each row of `table` (n, columns) is right. Columns are held within ±5 deviations."""
        return _chance(_design(table, self.centre, self.scale) @ self.weights)


def fit_correctness(
    table: NDArray[np.float64],
    correct: NDArray[np.bool_],
    *,
    counts: NDArray[np.float64] | None = None,
    ridge: float = 5.0,
) -> Correctness:
    """Logistic regression of being right on (n, columns), with a ridge on all weights but the intercept.

    `counts` (n,) is how often each row counts; None is once.

    Fitted on a baseline, applied to a window, its mean estimates accuracy (a "correctness regression"; the idea of
    Guillory and others 2021 with one row for each text). It sees what confidence cannot, where embeddings or text
    numbers tell hard texts apart; it extrapolates beyond the baseline as any regression does. By the normal
    equation of the intercept its mean on the baseline is the baseline's accuracy. Newton's steps, deterministic.
    """
    centre = table.mean(axis=0)
    scale = np.maximum(table.std(axis=0), 1e-9)
    design = _design(table, centre, scale)
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-6
    weights = np.zeros(design.shape[1])
    counts = np.ones(len(design)) if counts is None else counts
    for _ in range(STEPS):
        chance = _chance(design @ weights)
        gradient = design.T @ (counts * (correct - chance)) - penalty * weights
        hessian = (design * (counts * np.maximum(chance * (1 - chance), 1e-6))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    return Correctness(centre, scale, weights)


def _design(table: NDArray[np.float64], centre: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(table)), np.clip((table - centre) / scale, -5.0, 5.0)])


def _chance(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
