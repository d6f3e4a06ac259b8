"""Accuracy as the labels that have arrived show it, with its interval. Informs; never alarms by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.evaluation.figures import class_figures
from model.prediction import Estimate
from monitors.baseline import Baseline
from monitors.checks._guesses import guesses
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.binomial import exact_interval
from monitors.statistics.ppi import powered_share, trustworthy
from monitors.statistics.weighted import count_alike, weighted_share
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

MICROSECONDS = 1e6
ENOUGH = 30
"""Audited labels from which on they alone are the accuracy shown."""
PART = 0.5
"""Share of predictions with a label from which on guesses of the others are not worth their noise."""
APART = 2.0
"""Standard errors between the guesses of labelled rows and of all from which on labels do not fall evenly."""
REACH = 0.5
"""Share of the labelled stretch that the newest audited prediction must reach, or the audit is out of date."""


class Accuracy:
    name = "accuracy"
    title = "Accuracy from labels"
    aspect = Aspect.ACCURACY
    budgeted = False

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """Share of right answers, from audited labels where there are enough of them, else from all labels.

        People volunteer labels for what struck them, so a share of volunteered labels may be far from the truth
        however many there are. An audit asks for labels at random with known probabilities: its labels, weighted by
        the inverse of those, speak for every prediction of the window (`weighted_share`), whatever was volunteered.
        Volunteered labels then stand beside in the details. Where fewer than `ENOUGH` are audited, or the audit is so
        old that most of the window came after it, all labels count alike, with an exact interval, but for those drawn
        with unequal chances, which would be too often wrong; where there are no others, they are weighted all the same.

        Where the evidence holds a sample of all predictions, guesses of a regression on the baseline make either
        interval narrower (`powered_share`): of audited labels always, of others while most predictions have none and
        labels fall evenly, as far as guesses can tell. The classical one stands beside in the details, and takes its
        place where labels are too few.

        What is asked for and never answered is taken to be like what was answered: an auditor who skips the hard
        texts flatters the model.

        Details: `coverage` (labelled / served), `lag_seconds` (median from prediction to label); `audited` and
        `volunteered` (value, low, high, labels; None without any); `classical` (the same of the labels shown; None
        where no guess went into them); `audit` (`labels`, how many are `needed`, how far it reaches, whether it is
        `shown`); and precision, recall and F1 by class with intervals, over all labels alike.
        """
        labelled = evidence.labelled.take(evidence.labelled.known)
        count = len(labelled)
        coverage = min(1.0, count / evidence.served) if evidence.served > 0 else None
        if count == 0:
            return Finding(
                self.name, self.aspect, State.INSUFFICIENT, "No label has arrived yet.", details={"coverage": coverage}
            )
        asked = np.asarray((labelled.asked > 0) & (labelled.asked <= 1))
        audited, volunteered = _audited(labelled.take(asked)), _plain(labelled.take(~asked))
        reach = _reach(labelled, asked, evidence.now)
        alike = count_alike(labelled.asked)
        shown = not alike.any() or (audited.count >= ENOUGH and (reach >= REACH or volunteered.count == 0))
        counted = labelled.take(asked if shown else alike)
        classical = audited if shown else _plain(counted)
        powered = _powered(baseline, evidence, counted, audited=shown)
        estimate = powered or classical
        lag = float(np.median(np.maximum(labelled.label_time - labelled.time, 0))) / MICROSECONDS
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=State.OK,
            summary=_say(estimate, audited=shown, baseline=baseline.accuracy.value),
            count=estimate.count,
            estimate=estimate,
            details={
                "coverage": coverage,
                "lag_seconds": lag,
                "audited": _figure(audited),
                "volunteered": _figure(volunteered),
                "classical": _figure(classical) if powered else None,
                "audit": {"labels": audited.count, "needed": ENOUGH, "reach": reach, "shown": shown},
                "by_class": _by_class(labelled),
            },
        )


def _say(estimate: Estimate, *, audited: bool, baseline: float) -> str:
    between = f"({percent(estimate.low)} to {percent(estimate.high)})"
    labels = f"{estimate.count} {'audited ' if audited else ''}labels"
    return f"Accuracy is {percent(estimate.value)} {between} on {labels}, baseline {percent(baseline)}."


def _plain(labelled: Window) -> Estimate:
    return exact_interval(int(labelled.correct.sum()), len(labelled))


def _audited(labelled: Window) -> Estimate:
    return weighted_share(labelled.correct, labelled.asked)


def _powered(baseline: Baseline, evidence: Evidence, labelled: Window, *, audited: bool) -> Estimate | None:
    """The interval with guesses; None where they cannot help or must not."""
    sample = evidence.sample
    if sample is None or not trustworthy(labelled.correct):
        return None
    if not audited and len(labelled) > PART * evidence.served:
        return None
    of_labelled, of_all = guesses(baseline.reference, labelled), guesses(baseline.reference, sample)
    if of_labelled is None or of_all is None or np.isnan(of_labelled).any() or len(of_all) < len(labelled):
        return None
    of_all = of_all[np.isfinite(of_all)]
    error = float(np.sqrt(of_labelled.var() / len(of_labelled) + of_all.var() / max(len(of_all), 1)))
    if not audited and abs(float(of_labelled.mean() - of_all.mean())) > APART * max(error, 1e-9):
        return None
    return powered_share(labelled.correct, of_labelled, of_all, labelled.asked if audited else None)


def _reach(labelled: Window, asked: np.ndarray[Any, np.dtype[np.bool_]], now: int) -> float:
    """How far into the labelled stretch of the window the audited predictions go: 1 is up to now."""
    if not asked.any():
        return 0.0
    first = int(labelled.time.min())
    return (int(labelled.time[asked].max()) - first) / max(now - first, 1)


def _figure(estimate: Estimate) -> dict[str, Any] | None:
    if estimate.count == 0:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "labels": estimate.count}


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
