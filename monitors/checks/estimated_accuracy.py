"""What accuracy would be, read off the predictions alone, and whether that may be believed. Never alarms by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.prediction import Estimate
from monitors.baseline import Baseline
from monitors.checks._columns import asked_about, spaced
from monitors.checks._correctness import as_they_came, outside, under_strain, views_of
from monitors.checks._drift import FEWEST_BASE, FEWEST_WINDOW
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.atc import atc_estimate
from monitors.statistics.bbse import label_weights, weighted_spread
from monitors.statistics.confidence import confidence_estimate, for_mix, temper
from monitors.statistics.fisher import compare_mix
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

Z = 1.96
USUAL = 0.02
"""Rows outside the baseline's support, and gaps between the methods, that mean nothing."""
FAR = 0.10
"""Share of rows outside the support from which on no estimate is trusted."""
FULL = 0.30
"""Share from which on the estimate leans on regression and threshold alone."""
APART = 0.08
"""Disagreement of the methods from which on no estimate is trusted."""
RECENT = 500
MOST = 20_000
"""Rows of the baseline that are learnt from: more cost seconds a round and change nothing."""
MOVED = 0.001
"""A mix of predicted classes rarer than this has moved."""
RAREST = 1e-3
"""Of its share in the baseline, at which a class that nothing points to any more is taken to be."""
CONTRADICTION = 2.6
"""Standard errors between labels and estimate on the same rows from which on no estimate is trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The estimate for one set of rows."""

    chance: NDArray[np.float64]
    """(n,): chance that each row is right."""
    methods: dict[str, float]
    outside: float | None
    """Share of rows outside the baseline's support; None where nothing tells."""
    error: float
    """Standard error of the mean chance as an estimate of the share of right answers among these very rows."""


class EstimatedAccuracy:
    name = "estimated_accuracy"
    title = "Accuracy without labels"
    aspect = Aspect.ESTIMATE
    budgeted = False

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A gate between methods, row by row, by whether the row lies outside the baseline's support.

        Inside it, the mean of tempered confidence, which is steady, for the class mix that the predictions point to,
        and of a correctness regression that has seen the baseline's texts under strain as well; outside the regression
        alone, which has met wrong answers there. For a baseline without strained rows, confidence speaks inside, and
        the more of the window lies outside, the more a regression on the plain rows and ATC do. The interval is for
        the share of right answers in this very window, widened by the methods' disagreement; it reaches down to
        `if_guessed` in the details, what is left when the model can only guess at the rows beyond the support.
        Trust goes when inputs leave the support, the methods disagree, labels contradict, or nothing can tell where
        the inputs lie. No method without labels sees a change of meaning.
        """
        window = evidence.window
        known = with_scores(baseline.reference.take(baseline.reference.known))
        known = known.take(spaced(len(known), MOST))
        rows = with_scores(window)
        why = _too_little(known, rows)
        if why:
            return Finding(self.name, self.aspect, State.INSUFFICIENT, why, count=len(rows))
        strained = None if baseline.strained is None else with_scores(baseline.strained)
        reading = read(known, rows, baseline.temperature, strained)
        value = float(np.clip(reading.chance.mean(), 0.0, 1.0))
        gap = max(reading.methods.values()) - min(reading.methods.values())
        doubt = max(gap - USUAL, 0.0) / 2
        half = Z * reading.error + doubt
        guessed = value - max((reading.outside or 0.0) - USUAL, 0.0) * max(value - 1 / rows.scores.shape[1], 0.0)
        low = max(0.0, min(value - half, guessed))
        estimate = Estimate(value, low, min(1.0, value + half), len(rows))
        recent = with_scores(evidence.labelled.take(evidence.labelled.known).take(slice(-RECENT, None)))
        there = read(known, recent, baseline.temperature, strained) if len(recent) >= FEWEST_WINDOW else None
        reasons = [*_doubts(reading, gap, asked_about(known)), *_contradiction(there, recent)]
        between = f"({percent(estimate.low)} to {percent(estimate.high)})"
        said = f"Without labels, accuracy is estimated at {percent(value)} {between}"
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=State.OK,
            summary=f"{said}; not to be trusted: {reasons[0]}." if reasons else f"{said}.",
            count=len(rows),
            estimate=estimate,
            trusted=not reasons,
            details={
                "methods": reading.methods,
                "outside_support": reading.outside,
                "if_guessed": guessed,
                "doubts": reasons,
            },
        )


def _too_little(known: Window, rows: Window) -> str | None:
    """Why nothing can be estimated; None where it can."""
    if len(rows) < FEWEST_WINDOW:
        return f"{len(rows)} predictions are too few to estimate accuracy without labels."
    if len(known) < FEWEST_BASE:
        return f"The baseline's {len(known)} labelled rows are too few to estimate accuracy without labels."
    if known.correct.all() or not known.correct.any():
        which = "wrong" if known.correct.all() else "right"
        return f"The baseline holds no {which} answer to learn from, so accuracy is not estimated without labels."
    return None


def read(known: Window, rows: Window, temperature: float, strained: Window | None = None) -> Reading:
    """The estimate for `rows`, from a baseline whose truth is `known`, and where there are, its `strained` rows."""
    base_correct = known.correct
    scores = [temper(side.scores, temperature) for side in (known, rows)]
    base, live = (_said(side, of) for side, of in zip((known, rows), scores, strict=True))
    residual = float((base_correct - base).std())
    enough = float(len(known))
    views = views_of(known, rows)
    out = outside(views, len(rows))
    moved = _moved_mix(known, rows if out is None else rows.take(~out))
    if moved is None:
        by_confidence = confidence_estimate(live, base, base_correct)
    else:
        usual, other = (_said(side, for_mix(of, moved.weights)) for side, of in zip((known, rows), scores, strict=True))
        counts = moved.weights[known.truth]
        by_confidence = confidence_estimate(other, usual, base_correct, counts)
        enough = float(counts.sum() ** 2 / (counts**2).sum())  # Kish 1965
    of_rows = residual * np.sqrt(1 / _texts(rows) + 1 / enough)
    error = float(np.hypot(of_rows, 0.0 if moved is None else moved.error))
    by_threshold = atc_estimate(live, base, base_correct)
    if strained is None or out is None:
        by_regression = as_they_came(known, rows, views)
        lean = 0.0 if out is None else float(np.clip((out.mean() - USUAL) / (FULL - USUAL), 0.0, 1.0))
        chance = (1 - lean) * by_confidence + lean * (by_regression + by_threshold) / 2
    else:
        by_regression = under_strain(known, rows, strained, views, None if moved is None else moved.weights)
        chance = np.where(out, by_regression, (by_regression + by_confidence) / 2)
    methods = {
        "confidence": float(by_confidence.mean()),
        "regression": float(by_regression.mean()),
        "threshold": float(by_threshold.mean()),
    }
    return Reading(chance, methods, None if out is None else float(out.mean()), error)


def _said(rows: Window, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): what each row's scores give the class that was answered."""
    return np.asarray(scores[np.arange(len(rows)), rows.predicted])


def _texts(rows: Window) -> float:
    """As how many different texts the rows tell: copies of one are right or wrong together."""
    if not rows.text_hash.all():
        return float(len(rows))
    copies = np.unique(rows.text_hash, return_counts=True)[1]
    return float(len(rows) ** 2 / (copies**2).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Another class mix than the baseline's."""

    weights: NDArray[np.float64]
    """(classes,): how much more common each true class is."""
    error: float
    """What not knowing the weights better adds to the standard error of accuracy."""


def _moved_mix(known: Window, rows: Window) -> Mix | None:
    """The mix that the predicted classes point to, where they have moved; else None.

    Copies of a text count once: a message that is sent again and again is no other mix. Rows unlike any of the
    baseline's are better left out: how they are confused is not known.
    """
    hashes, first = np.unique(rows.text_hash, return_index=True)
    said = rows.predicted[first] if hashes.all() else rows.predicted
    classes = rows.scores.shape[1]
    confusion = np.bincount(known.truth * classes + known.predicted, minlength=classes**2).reshape(classes, classes)
    counts = np.bincount(said, minlength=classes)
    if len(said) < FEWEST_WINDOW or compare_mix(counts, confusion.sum(axis=0)).p_value > MOVED:
        return None
    weights = np.maximum(label_weights(confusion, counts), RAREST)  # a class that is gone is one that is very rare
    recall = confusion.diagonal() / np.maximum(confusion.sum(axis=1), 1)
    return Mix(weights, weighted_spread(confusion, counts, weights, recall))


def with_scores(rows: Window) -> Window:
    """The rows whose scores are all finite."""
    return rows.take(np.asarray(np.isfinite(rows.scores).all(axis=1)))


def _doubts(reading: Reading, gap: float, what: str) -> list[str]:
    reasons = []
    if reading.outside is None:
        reasons.append(f"neither numbers nor embeddings say whether the {what} are like the baseline's")
    elif reading.outside > FAR:
        reasons.append(f"{percent(reading.outside)} of the {what} are unlike any in the baseline")
    if gap > APART:
        reasons.append(f"its methods lie {100 * gap:.0f} points apart")
    return reasons


def _contradiction(there: Reading | None, recent: Window) -> list[str]:
    """Whether the newest labels are at odds with the estimate for their own rows."""
    if there is None:
        return []
    apart = abs(float(recent.correct.mean() - there.chance.mean()))
    return [f"the last {len(recent)} labels contradict it"] if apart > CONTRADICTION * max(there.error, 1e-9) else []


CHECK = EstimatedAccuracy()
