"""True labels and scores in, Evaluation out: any classifier, two classes or more.

Knows nothing of texts, of engines or of what a baseline is. Figures equal scikit-learn's where it has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.errors import InputError
from model.evaluation.curves import (
    CalibrationBin,
    Curve,
    auc,
    calibration_curve,
    macro_auc,
    precision_recall_curve,
    roc_curve,
)
from model.evaluation.figures import (
    CALIBRATION_BINS,
    class_figures,
    count_figures,
    probability_figures,
    temperature,
)
from model.evaluation.intervals import proportion
from model.prediction import Estimate

__all__ = ["CalibrationBin", "Curve", "Estimate", "Evaluation", "checked_scores", "evaluate", "proportion"]

SUM_TOLERANCE = 0.01
"""How far the scores of a row may be from summing to one: room for scores that were rounded in a file."""
_SEGMENTS = 50
_SEGMENT_RESAMPLES = 300
_SEGMENT_FIGURES = ("accuracy", "constant_accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How right a classifier is on n labelled rows, every figure with its interval of 95 %."""

    labels: tuple[str, ...]
    metrics: Mapping[str, Estimate]
    """`accuracy`, `balanced_accuracy`, `macro_f1`, `weighted_f1`, …; by class as `recall[World]`."""
    undefined: Mapping[str, str]
    """Figures that these rows cannot give, by name, each with its reason."""
    confusion: NDArray[np.int64]
    """(classes, classes): rows are the true class, columns the predicted one."""
    calibration: tuple[CalibrationBin, ...]
    roc: Mapping[str, Curve]
    """By class, against the rest; without the classes for which it is undefined."""
    precision_recall: Mapping[str, Curve]
    segments: Mapping[str, Estimate]
    """Accuracy by segment, the largest segment first."""
    segment_figures: Mapping[str, Mapping[str, Estimate]]
    """More figures of the largest segments: `accuracy`, `constant_accuracy`, `balanced_accuracy`, `macro_f1`."""
    truth: NDArray[np.int64] = field(repr=False)
    """(n,)."""
    predicted: NDArray[np.int64] = field(repr=False)
    """(n,)."""
    scores: NDArray[np.float64] = field(repr=False)
    """(n, classes); each row sums to one."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def accuracy(self) -> Estimate:
        return self.metrics["accuracy"]

    @property
    def temperature(self) -> Estimate:
        return self.metrics["temperature"]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """(n,): the score of the predicted class."""
        return self.scores[np.arange(len(self)), self.predicted]

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.truth == self.predicted)

    def figure(self, name: str, label: str) -> Estimate | None:
        """A figure of one class; None where it is undefined."""
        return self.metrics.get(f"{name}[{label}]")


def evaluate(
    truth: ArrayLike,
    scores: ArrayLike,
    labels: Sequence[str],
    *,
    predicted: ArrayLike | None = None,
    segments: Sequence[str | None] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> Evaluation:
    """Every figure of a classifier, from true classes (n,) and scores (n, classes).

    `predicted` is the highest score unless given (a cut-off may choose otherwise). Intervals: exact for
    shares (Clopper-Pearson), DeLong for areas, sandwich for the temperature, otherwise `resamples` bootstrap
    draws from `seed`. Raises InputError in one sentence for what cannot be evaluated.
    """
    labels = tuple(labels)
    probabilities = checked_scores(scores, labels)
    actual = _checked_classes(truth, labels, len(probabilities))
    said = probabilities.argmax(1) if predicted is None else _checked_classes(predicted, labels, len(probabilities))
    rng = np.random.default_rng(seed)
    confusion = np.bincount(actual * len(labels) + said, minlength=len(labels) ** 2).reshape(len(labels), -1)
    overall = count_figures(confusion, resamples, rng)
    overall |= probability_figures(actual, said, probabilities, resamples, rng)
    overall["temperature"] = temperature(actual, probabilities)
    by_class, undefined = class_figures(confusion, labels)
    areas, missing, roc, precision_recall = _rankings(actual, probabilities, labels)
    return Evaluation(
        labels=labels,
        metrics=_overall_first(overall | areas | by_class),
        undefined=undefined | missing,
        confusion=confusion,
        calibration=calibration_curve(probabilities[np.arange(len(actual)), said], actual == said, CALIBRATION_BINS),
        roc=roc,
        precision_recall=precision_recall,
        segments=_by_segment(actual == said, segments),
        segment_figures=_segment_figures(actual, said, len(labels), segments, rng),
        truth=actual,
        predicted=said,
        scores=probabilities,
    )


def checked_scores(scores: ArrayLike, labels: Sequence[str]) -> NDArray[np.float64]:
    """The scores, (n, classes), as numbers that sum to one. Raises InputError."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(labels):
        shape = "×".join(map(str, values.shape))
        raise InputError(f"Scores must have one column for each of the {len(labels)} classes, but they are {shape}.")
    if len(labels) < 2:
        raise InputError("A classifier has at least two classes; give one score column for each.")
    if not len(values):
        raise InputError("There is no row to evaluate.")
    for bad, what in (
        (~np.isfinite(values).all(1), "a score that is missing or not a number"),
        ((values < 0).any(1), "a score below zero; scores must be probabilities"),
        (np.abs(values.sum(1) - 1) > SUM_TOLERANCE, "scores that do not sum to one; scores must be probabilities"),
    ):
        if bad.any():
            raise InputError(f"{_rows(int(bad.sum()))} {what} (the first is row {int(np.argmax(bad)) + 1}).")
    return np.asarray(values / values.sum(1, keepdims=True))


def _checked_classes(classes: ArrayLike, labels: Sequence[str], rows: int) -> NDArray[np.int64]:
    values = np.asarray(classes)
    if values.shape != (rows,):
        raise InputError(f"There are {rows} rows of scores but {len(values)} true classes.")
    if not np.issubdtype(values.dtype, np.integer):
        raise InputError("True classes must be whole numbers that index the labels.")
    outside = (values < 0) | (values >= len(labels))
    if outside.any():
        known = ", ".join(labels)
        raise InputError(f"{_rows(int(outside.sum()))} a label that is not one of the model's ({known}).")
    return values.astype(np.int64)


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count} rows have"


def _rankings(
    truth: NDArray[np.int64], scores: NDArray[np.float64], labels: tuple[str, ...]
) -> tuple[dict[str, Estimate], dict[str, str], dict[str, Curve], dict[str, Curve]]:
    """Areas and curves of each class against the rest, and of class 1 alone where there are two."""
    areas: dict[str, Estimate] = {}
    undefined: dict[str, str] = {}
    influences, roc, precision_recall = [], {}, {}
    for c, label in enumerate(labels):
        positive = truth == c
        if positive.any():
            precision_recall[label] = precision_recall_curve(positive, scores[:, c])
        if positive.any() and not positive.all():
            roc[label] = roc_curve(positive, scores[:, c])
            areas[f"roc_auc[{label}]"], influence = auc(positive, scores[:, c])
            influences.append(influence)
        else:
            undefined[f"roc_auc[{label}]"] = (
                "Every row is of this class." if positive.any() else "No row is of this class."
            )
    if not areas:
        return {}, undefined | {"macro_roc_auc": "All rows are of one class."}, roc, precision_recall
    overall = {"macro_roc_auc": macro_auc(list(areas.values()), influences)}
    if len(labels) == 2:
        overall["roc_auc"] = areas[f"roc_auc[{labels[1]}]"]
    return overall | areas, undefined, roc, precision_recall


def _overall_first(metrics: dict[str, Estimate]) -> dict[str, Estimate]:
    return dict(sorted(metrics.items(), key=lambda item: "[" in item[0]))


def _by_segment(correct: NDArray[np.bool_], segments: Sequence[str | None] | None) -> dict[str, Estimate]:
    if segments is None:
        return {}
    named = np.array(["" if segment is None else str(segment) for segment in segments])
    names, place, counts = np.unique(named, return_inverse=True, return_counts=True)
    hits = np.bincount(place, correct, minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    return {str(names[s]): proportion(float(hits[s]), int(counts[s])) for s in order if names[s]}


def _segment_figures(
    truth: NDArray[np.int64],
    said: NDArray[np.int64],
    classes: int,
    segments: Sequence[str | None] | None,
    rng: np.random.Generator,
) -> dict[str, dict[str, Estimate]]:
    if segments is None:
        return {}
    names, place, counts = np.unique(
        np.array(["" if segment is None else str(segment) for segment in segments]),
        return_inverse=True,
        return_counts=True,
    )
    largest = [s for s in np.argsort(-counts, kind="stable") if names[s]][:_SEGMENTS]
    found = {}
    for s in largest:
        chosen = place == s
        cells = truth[chosen] * classes + said[chosen]
        confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        figures = count_figures(confusion, _SEGMENT_RESAMPLES, rng)
        found[str(names[s])] = {name: figures[name] for name in _SEGMENT_FIGURES}
    return found
