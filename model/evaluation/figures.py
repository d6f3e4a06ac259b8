"""Figures from counts and from probabilities, each with its interval. Knows nothing of curves or of a report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from model.evaluation.curves import calibration_bins
from model.evaluation.intervals import (
    Z,
    above_chance,
    f1_estimate,
    percentile,
    proportion,
    resampled_counts,
    resampled_means,
)
from model.prediction import Estimate

CALIBRATION_BINS = 15
"""As in Guo and others 2017."""
SMALLEST = 1e-12
"""Scores below it count as this much, so that one certain error leaves a finite loss."""
_TEMPERATURES = (0.05, 20.0)
_CHUNK = 8_000_000


def count_figures(confusion: NDArray[np.int64], resamples: int, rng: np.random.Generator) -> dict[str, Estimate]:
    """Accuracy and the averages over classes, from (classes, classes) counts.

    Accuracy and the best constant answer have exact intervals, the averages bootstrap ones. Averages are over
    the classes that have a true row; a class that is never predicted counts with precision 0, as in scikit-learn.
    """
    rows = int(confusion.sum())
    hits, truth, predicted = np.diagonal(confusion)[None], confusion.sum(1)[None], confusion.sum(0)[None]
    figures = {
        "accuracy": proportion(int(hits.sum()), rows),
        "constant_accuracy": proportion(int(truth.max()), rows),
    }
    draws = _resampled_averages(confusion, resamples, rng)
    for name, value in averages(hits, truth, predicted).items():
        figures[name] = percentile(float(value[0]), draws[name], rows)
    figures["weighted_recall"] = figures["accuracy"]  # they are one figure: it has one interval
    return figures


def _resampled_averages(
    confusion: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    classes = len(confusion)
    true, said = np.nonzero(confusion)
    counts = confusion[true, said]
    right = true == said
    by_truth, by_said = np.eye(classes)[true], np.eye(classes)[said]
    parts = []
    step = max(1, _CHUNK // len(counts))
    for start in range(0, resamples, step):
        drawn = resampled_counts(counts, min(step, resamples - start), rng)
        hits = np.zeros((len(drawn), classes))
        hits[:, true[right]] = drawn[:, right]
        parts.append(averages(hits, drawn @ by_truth, drawn @ by_said))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def averages(
    hits: NDArray[np.number], truth: NDArray[np.number], predicted: NDArray[np.number]
) -> dict[str, NDArray[np.float64]]:
    """Counts of shape (draws, classes) each → figures of shape (draws,)."""
    present = truth > 0
    by_class = {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(truth, 1),
        "f1": 2 * hits / np.maximum(truth + predicted, 1),
    }
    figures = {}
    for name, value in by_class.items():
        figures[f"macro_{name}"] = (value * present).sum(1) / present.sum(1)
        figures[f"weighted_{name}"] = (value * truth).sum(1) / truth.sum(1)
    figures["balanced_accuracy"] = figures["macro_recall"]
    return figures


def class_figures(confusion: NDArray[np.int64], labels: tuple[str, ...]) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Precision, recall and F1 by class as `recall[World]`, exact intervals; and why some are missing."""
    figures: dict[str, Estimate] = {}
    undefined: dict[str, str] = {}
    for c, label in enumerate(labels):
        hits, truth, predicted = int(confusion[c, c]), int(confusion[c].sum()), int(confusion[:, c].sum())
        if predicted:
            figures[f"precision[{label}]"] = proportion(hits, predicted)
        else:
            undefined[f"precision[{label}]"] = "The class is never predicted."
        if truth:
            figures[f"recall[{label}]"] = proportion(hits, truth)
        else:
            undefined[f"recall[{label}]"] = "No row is of this class."
        if truth or predicted:
            figures[f"f1[{label}]"] = f1_estimate(hits, truth + predicted - 2 * hits, truth)
        else:
            undefined[f"f1[{label}]"] = "No row is of this class and it is never predicted."
    return figures, undefined


def probability_figures(
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    scores: NDArray[np.float64],
    resamples: int,
    rng: np.random.Generator,
) -> Mapping[str, Estimate]:
    """Log loss, Brier score and expected calibration error, with bootstrap intervals over rows.

    Brier: mean squared distance to the truth, summed over classes, halved for two classes (so that it is the
    usual one there). Calibration error: of the predicted class, 15 equal bins (Guo and others 2017).
    """
    rows = np.arange(len(truth))
    loss = -np.log(np.maximum(scores[rows, truth], SMALLEST))
    distance = (scores**2).sum(1) - 2 * scores[rows, truth] + 1
    if scores.shape[1] == 2:
        distance = distance / 2
    confidence = scores[rows, predicted]
    gaps = np.zeros((len(truth), CALIBRATION_BINS))
    gaps[rows, calibration_bins(confidence, CALIBRATION_BINS)] = confidence - (truth == predicted)
    columns = np.column_stack([loss, distance, gaps])
    means, draws = columns.mean(0), resampled_means(columns, resamples, rng)
    # what the gaps of a calibrated classifier would be: sums of many independent rows
    chance = np.sqrt(((gaps != 0) * (confidence * (1 - confidence))[:, None]).sum(0)) / len(truth)
    noise = np.abs(rng.normal(size=(resamples, CALIBRATION_BINS)) * chance).sum(1)
    error, drawn_error = np.abs(means[2:]).sum(), np.abs(draws[:, 2:]).sum(1)
    return {
        "log_loss": percentile(float(means[0]), draws[:, 0], len(truth)),
        "brier": percentile(float(means[1]), draws[:, 1], len(truth)),
        "ece": above_chance(float(error), drawn_error, noise, len(truth)),
    }


def temperature(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> Estimate:
    """The T that makes softmax(log(scores) / T) least wrong in log loss; above 1, the model is too sure.

    Guo and others 2017, *On calibration of modern neural networks*; the loss is convex in 1/T. The interval is
    the sandwich estimate's, on the log scale; where the best T lies at the end of [0.05, 20] it is that whole range.
    """
    logits = np.log(np.maximum(scores, SMALLEST))
    rows = np.arange(len(truth))

    def scaled(inverse: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        raised = logits * inverse
        raised -= raised.max(1, keepdims=True)
        weights = np.exp(raised)
        total = weights.sum(1, keepdims=True)
        return weights / total, np.log(total[:, 0]) - raised[rows, truth]

    low, high = _TEMPERATURES
    found = minimize_scalar(
        lambda x: float(scaled(np.exp(-x))[1].mean()), bounds=(np.log(low), np.log(high)), method="bounded"
    )
    best = float(found.x)
    if min(best - np.log(low), np.log(high) - best) < 1e-3:
        return Estimate(float(np.exp(best)), low, high, len(truth))
    probabilities, _ = scaled(np.exp(-best))
    mean = (probabilities * logits).sum(1)
    slope = mean - logits[rows, truth]
    curvature = float(((probabilities * logits**2).sum(1) - mean**2).mean())
    # d log T = −T · d(1/T)
    error = np.exp(best) * float(np.sqrt((slope**2).mean() / len(truth))) / max(curvature, SMALLEST)
    edges = np.clip(np.exp([best - Z * error, best + Z * error]), low, high)
    return Estimate(float(np.exp(best)), float(edges[0]), float(edges[1]), len(truth))
