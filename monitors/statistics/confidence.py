"""Accuracy read off calibrated confidence. Knows scores and, for the baseline, which rows were right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def temper(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Scores (n, classes) with their logits divided by `temperature`, each row summing to 1 (Guo and others 2017)."""
    logits = np.log(np.clip(scores, 1e-12, 1.0)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    odds = np.exp(logits)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def for_mix(scores: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (n, classes) where each class is `weights` (classes,) times as common as they were made for.

    Saerens, Latinne and Decaestecker 2002, *Adjusting the outputs of a classifier to new a priori probabilities*.
    """
    weighted = scores * weights
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True))


def confidence_estimate(
    window: NDArray[np.float64],
    base: NDArray[np.float64],
    base_correct: NDArray[np.bool_],
    counts: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """(n,): chance that each window row is right, from tempered confidences, set so that the baseline comes out true.

    Mean confidence as an estimate of accuracy (NannyML calls it CBPE). Steady on harmless changes, and too hopeful
    where a model is confidently wrong, as on texts unlike any it was trained on. `counts` (baseline rows,) is how
    often each baseline row counts; None is once. Where classes are not equally hard, a moved mix alone costs accuracy:
    rows that count by their class, and confidences `for_mix`, see it.
    """
    return np.asarray(window + (np.average(base_correct, weights=counts) - np.average(base, weights=counts)))
