"""Accuracy as the labels that have arrived show it, with its exact interval. Informs; never alarms by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.evaluation.figures import class_figures
from monitors.baseline import Baseline
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.binomial import exact_interval
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

MICROSECONDS = 1e6


class Accuracy:
    name = "accuracy"
    title = "Accuracy from labels"
    aspect = Aspect.ACCURACY
    budgeted = False

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """Share of right answers among labelled ones. Volunteered labels may be biased; audited weights come later.

        Details: `coverage` (labelled / served), `lag_seconds` (median from prediction to label), and precision,
        recall and F1 by class with intervals.
        """
        labelled = evidence.labelled.take(evidence.labelled.known)
        count = len(labelled)
        coverage = min(1.0, count / evidence.served) if evidence.served > 0 else None
        if count == 0:
            return Finding(
                self.name, self.aspect, State.INSUFFICIENT, "No label has arrived yet.", details={"coverage": coverage}
            )
        estimate = exact_interval(int(labelled.correct.sum()), count)
        lag = float(np.median(np.maximum(labelled.label_time - labelled.time, 0))) / MICROSECONDS
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=State.OK,
            summary=(
                f"Accuracy is {percent(estimate.value)} ({percent(estimate.low)} to {percent(estimate.high)}) on "
                f"{count} labels, baseline {percent(baseline.accuracy.value)}."
            ),
            count=count,
            estimate=estimate,
            details={"coverage": coverage, "lag_seconds": lag, "by_class": _by_class(labelled)},
        )


def _by_class(labelled: Window) -> dict[str, Any]:
    labels = labelled.model.labels
    places = labelled.truth * len(labels) + labelled.predicted
    confusion = np.bincount(places, minlength=len(labels) ** 2).reshape(len(labels), -1)
    figures, _ = class_figures(confusion, labels)
    return {
        name: {"value": figure.value, "low": figure.low, "high": figure.high, "count": figure.count}
        for name, figure in figures.items()
    }


CHECK = Accuracy()
