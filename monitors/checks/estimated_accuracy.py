"""What accuracy would be, read off the predictions alone, and whether that may be believed. Never alarms by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.prediction import Estimate
from monitors.baseline import Baseline
from monitors.checks._columns import MILD, Pair, asked_about, embedding, output_numbers, pair, spaced, text_numbers
from monitors.checks._drift import FEWEST_BASE, FEWEST_WINDOW
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.atc import atc_estimate
from monitors.statistics.bbse import label_weights
from monitors.statistics.confidence import confidence_estimate, for_mix, temper
from monitors.statistics.correctness import fit_correctness
from monitors.statistics.fisher import compare_mix
from monitors.statistics.support import fit_support
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
    spread: float
    """Standard deviation of one baseline row's residual."""


class EstimatedAccuracy:
    name = "estimated_accuracy"
    title = "Accuracy without labels"
    aspect = Aspect.ESTIMATE
    budgeted = False

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A gate between three methods, by how much of the window lies outside the baseline's support.

        Inside it, tempered confidence speaks, which is steady, for the class mix that the predictions point to; the
        farther out, the more a correctness regression and ATC do, which see harm sooner. The interval is for the share
        of right answers in this very window, widened by the methods' disagreement; it reaches down to `if_guessed` in
        the details, which is what is left when the model can only guess at the rows beyond the baseline's support.
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
        reading = read(known, rows, baseline.temperature)
        value = float(np.clip(reading.chance.mean(), 0.0, 1.0))
        gap = max(reading.methods.values()) - min(reading.methods.values())
        doubt = max(gap - USUAL, 0.0) / 2
        half = Z * reading.spread * float(np.sqrt(1 / len(rows) + 1 / len(known))) + doubt
        guessed = value - max((reading.outside or 0.0) - USUAL, 0.0) * max(value - 1 / rows.scores.shape[1], 0.0)
        low = max(0.0, min(value - half, guessed))
        estimate = Estimate(value, low, min(1.0, value + half), len(rows))
        reasons = _doubts(reading, gap, known, evidence.labelled, baseline.temperature)
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


def read(known: Window, rows: Window, temperature: float) -> Reading:
    """The estimate for `rows`, from a baseline whose truth is `known`."""
    base_correct = known.correct
    scores = [temper(side.scores, temperature) for side in (known, rows)]
    base, live = (_said(side, of) for side, of in zip((known, rows), scores, strict=True))
    weights = _moved_mix(known, rows)
    if weights is None:
        by_confidence = confidence_estimate(live, base, base_correct)
    else:
        usual, moved = (_said(side, for_mix(of, weights)) for side, of in zip((known, rows), scores, strict=True))
        by_confidence = confidence_estimate(moved, usual, base_correct, weights[known.truth])
    by_threshold = atc_estimate(live, base, base_correct)
    views = [pair(known, rows, view, max(len(known), len(rows))) for view in (text_numbers, embedding)]
    views = [sides for sides in views if _whole(sides, known, rows)]
    design = [pair(known, rows, output_numbers, max(len(known), len(rows))), *views]
    regression = fit_correctness(np.column_stack([sides.base for sides in design]), base_correct)
    by_regression = regression(np.column_stack([sides.window for sides in design]))
    outside = _outside(views, len(rows))
    lean = float(np.clip(((outside or 0.0) - USUAL) / (FULL - USUAL), 0.0, 1.0))
    chance = (1 - lean) * by_confidence + lean * (by_regression + by_threshold) / 2
    methods = {
        "confidence": float(by_confidence.mean()),
        "regression": float(by_regression.mean()),
        "threshold": float(by_threshold.mean()),
    }
    return Reading(chance, methods, outside, float((base_correct - base).std()))


def _said(rows: Window, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): what each row's scores give the class that was answered."""
    return np.asarray(scores[np.arange(len(rows)), rows.predicted])


def _moved_mix(known: Window, rows: Window) -> NDArray[np.float64] | None:
    """(classes,): how much more common each true class is, where the predicted ones have moved; else None.

    Copies of a text count once: a message that is sent again and again is no other mix.
    """
    hashes, first = np.unique(rows.text_hash, return_index=True)
    said = rows.predicted[first] if hashes.all() else rows.predicted
    classes = rows.scores.shape[1]
    confusion = np.bincount(known.truth * classes + known.predicted, minlength=classes**2).reshape(classes, classes)
    counts = np.bincount(said, minlength=classes)
    if compare_mix(counts, confusion.sum(axis=0)).p_value > MOVED:
        return None
    weights = label_weights(confusion, counts)
    return weights if (weights > 0).all() else None


def with_scores(rows: Window) -> Window:
    """The rows whose scores are all finite."""
    return rows.take(np.asarray(np.isfinite(rows.scores).all(axis=1)))


def _whole(sides: Pair, known: Window, rows: Window) -> bool:
    return bool(sides.names) and len(sides.base) == len(known) and len(sides.window) == len(rows)


def _outside(views: list[Pair], rows: int) -> float | None:
    """Where text numbers and embeddings both speak, capitals are left to the embeddings: a model that sees none is not
    led astray by them, and the embeddings of one that does move."""
    if not views:
        return None
    out = np.zeros(rows, np.bool_)
    for sides in views:
        counted = [at for at, name in enumerate(sides.names) if len(views) == 1 or name not in MILD]
        out |= fit_support(sides.base[:, counted]).outside(sides.window[:, counted])
    return float(out.mean())


def _doubts(reading: Reading, gap: float, known: Window, labelled: Window, temperature: float) -> list[str]:
    what = asked_about(known)
    reasons = []
    if reading.outside is None:
        reasons.append(f"neither numbers nor embeddings say whether the {what} are like the baseline's")
    elif reading.outside > FAR:
        reasons.append(f"{percent(reading.outside)} of the {what} are unlike any in the baseline")
    if gap > APART:
        reasons.append(f"its methods lie {100 * gap:.0f} points apart")
    recent = with_scores(labelled.take(labelled.known).take(slice(-RECENT, None)))
    if len(recent) >= FEWEST_WINDOW:
        there = read(known, recent, temperature)
        error = there.spread * float(np.sqrt(1 / len(recent) + 1 / len(known)))
        if abs(float(recent.correct.mean() - there.chance.mean())) > CONTRADICTION * max(error, 1e-9):
            reasons.append(f"the last {len(recent)} labels contradict it")
    return reasons


CHECK = EstimatedAccuracy()
