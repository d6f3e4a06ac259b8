"""Curves over all cut-offs, and the area under one of them. Knows nothing of intervals by resampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation.intervals import around, auc_score_interval, proportion
from model.prediction import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve, one a cut-off; a row counts as positive when its score is at least the cut-off."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    cutoff: NDArray[np.float64]

    def thin(self, points: int) -> Curve:
        """At most about `points` of the points, first and last included: enough to draw."""
        if len(self.x) <= points:
            return self
        keep = np.unique(np.linspace(0, len(self.x) - 1, points).round().astype(np.int64))
        return Curve(self.x[keep], self.y[keep], self.cutoff[keep])


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Predictions of about the same confidence: how often they were right."""

    confidence: float
    """Mean confidence."""
    accuracy: Estimate


def roc_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Curve:
    """False positive rate (x) and true positive rate (y), from (0, 0) to (1, 1). Needs both kinds of rows."""
    cutoff, hits, taken = sweep(positive, score)
    false = (taken - hits) / (len(positive) - hits[-1])
    # the first cut-off takes no row: infinite, as in scikit-learn
    return Curve(np.append(0.0, false), np.append(0.0, hits / hits[-1]), np.append(np.inf, cutoff))


def precision_recall_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Curve:
    """Recall (x) and precision (y) from the highest cut-off to the lowest. Needs a positive row."""
    cutoff, hits, taken = sweep(positive, score)
    return Curve(hits / hits[-1], hits / taken, cutoff)


def sweep(
    positive: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct scores in falling order; positives at or above each; rows at or above each."""
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    return falling[last], np.cumsum(positive[order], dtype=np.int64)[last], (last + 1).astype(np.int64)


def calibration_curve(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int
) -> tuple[CalibrationBin, ...]:
    """Equal-width bins of confidence that hold a row. Both arrays (n,)."""
    place = calibration_bins(confidence, bins)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, confidence, minlength=bins)
    hits = np.bincount(place, correct, minlength=bins)
    return tuple(
        CalibrationBin(float(sums[b] / counts[b]), proportion(float(hits[b]), int(counts[b])))
        for b in np.flatnonzero(counts)
    )


def calibration_bins(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin of each confidence: bin b is (b / bins, (b + 1) / bins], as Guo and others 2017 have it."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def auc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[Estimate, NDArray[np.float64]]:
    """Area under the ROC curve with its interval, and what each row moves it by, shape (n,).

    Interval of DeLong, DeLong, Clarke-Pearson 1988 (by ranks, Sun, Xu 2014) on the logit scale; where the
    area is 0 or 1 or one side has a single row, the sample shows no variance, and Newcombe's stands in.
    """
    above, below = int(positive.sum()), int((~positive).sum())
    ranks = _ranks(score)
    influence = np.empty(len(score))
    influence[positive] = (ranks[positive] - _ranks(score[positive])) / below
    influence[~positive] = 1 - (ranks[~positive] - _ranks(score[~positive])) / above
    value = float(influence[positive].mean())
    influence[positive] = (influence[positive] - value) * len(score) / above
    influence[~positive] = (influence[~positive] - value) * len(score) / below
    error = float(np.sqrt(np.mean(influence**2) / len(score)))
    if not 0 < value < 1 or min(above, below) < 2 or error == 0:
        return auc_score_interval(value, above, below), influence
    return around(value, error, len(score)), influence


def _ranks(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal scores share their mean rank."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def macro_auc(areas: list[Estimate], influences: list[NDArray[np.float64]]) -> Estimate:
    """Mean of the areas by class; rows enter all of them, so their influences are added before the variance."""
    value = float(np.mean([area.value for area in areas]))
    rows = len(influences[0])
    together = np.mean(influences, axis=0)
    error = float(np.sqrt(np.mean(together**2) / rows))
    if not 0 < value < 1 or error == 0:
        return Estimate(
            value, float(np.mean([area.low for area in areas])), float(np.mean([area.high for area in areas])), rows
        )
    return around(value, error, rows)
