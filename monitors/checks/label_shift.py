"""Is a moved class mix all that happened? If so, each class looks as before and there are more of some.

Weights the baseline's rows so that its true classes are as common as the window's seem to be, and looks for any other
difference. Knows truth of the baseline only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import Read, embedding, output_numbers, pair, text_numbers
from monitors.checks._drift import FEWEST_BASE, FEWEST_WINDOW, judge_p, seed_of, stuck, too_little
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.bbse import LabelShift, estimate_label_shift
from monitors.statistics.fisher import compare_mix
from monitors.statistics.permutation import joint_test
from monitors.statistics.rows import RowStatistics, describe_cloud, describe_rows
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

REST = 0.001
"""A difference rarer than this, once the mix is accounted for, says that the classes themselves have changed."""
MOST_ROWS = 1500


class LabelShiftCheck:
    name = "label_shift"
    title = "Label shift"
    aspect = Aspect.CLASS_MIX
    budgeted = False  # it alarms only where `class_mix` does, by the same p-value

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """ALARM where the mix moved and explains everything else; its p-value is that of the moved mix."""
        window, reference = evidence.window, baseline.reference
        rows = len(window)
        if rows < FEWEST_WINDOW or len(reference) < FEWEST_BASE or baseline.confusion.sum() == 0:
            return too_little(self.name, self.aspect, f"{rows} predictions are too few to tell a label shift.", rows)
        if stuck(window):
            return too_little(self.name, self.aspect, "Every prediction of the window is the same.", rows)
        classes = len(window.model.labels)
        counts = np.bincount(window.predicted, minlength=classes)
        p_value = compare_mix(counts, np.bincount(reference.predicted, minlength=classes)).p_value
        state, score, threshold = judge_p(p_value, alpha)
        if state is not State.ALARM:
            return Finding(
                self.name, self.aspect, State.OK, "The class mix has not moved.", score, threshold, p_value, rows
            )
        rng = np.random.default_rng(seed_of(window))
        shift = estimate_label_shift(baseline.confusion, counts, rng=rng)
        alike = _drawn_like(reference, shift.weights, rng)
        if len(alike) < FEWEST_BASE:
            why = "The class mix has moved too far from the baseline's to tell whether the classes themselves changed."
            return Finding(
                self.name, self.aspect, State.INSUFFICIENT, why, count=rows, details=_details(shift, window, None)
            )
        rest = min(_difference(alike, window, read) for read in (text_numbers, output_numbers, embedding))
        explained = rest > REST
        if not explained:
            state, score, p_value = State.OK, 0.0, 1.0
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=state,
            summary=_sentence(shift, window, baseline, explained),
            score=score,
            threshold=threshold,
            p_value=p_value,
            count=rows,
            details=_details(shift, window, rest),
        )


def _drawn_like(reference: Window, weights: NDArray[np.float64], rng: np.random.Generator) -> Window:
    """Rows of the baseline with true classes in the shares that the weights ask for, each row at most once."""
    truth = np.maximum(reference.truth, 0)
    keep = weights[truth] * (reference.truth >= 0)
    if keep.max(initial=0.0) <= 0:
        return reference.take(slice(0, 0))
    return reference.take(rng.random(len(reference)) < keep / keep.max())


def _difference(base: Window, window: Window, read: Read) -> float:
    """The joint test's p-value for one view; 1 where there is nothing to compare."""
    sides = pair(base, window, read, MOST_ROWS)
    if not sides.names or len(sides.window) < FEWEST_WINDOW or len(sides.base) < FEWEST_BASE:
        return 1.0
    values = np.concatenate([sides.base, sides.window])
    if read is embedding:
        labels = np.concatenate([base.predicted[sides.base_rows], window.predicted[sides.window_rows]])
        pool: RowStatistics = describe_cloud(values, labels)
    else:
        pool = describe_rows(values, sides.names)
    return joint_test(pool, len(sides.window), seed=seed_of(window)).p_value if pool.kinds else 1.0


def _sentence(shift: LabelShift, window: Window, baseline: Baseline, explained: bool) -> str:
    before = baseline.confusion.sum(axis=1) / baseline.confusion.sum()
    most = int(np.abs(shift.share - before).argmax())
    label = window.model.labels[most]
    share = f"{percent(shift.share[most])} ({percent(shift.low[most])} to {percent(shift.high[most])})"
    if explained:
        return f"The class mix alone has moved: {label} is an estimated {share}, baseline {percent(before[most])}."
    return "The class mix has moved, and the classes themselves look different too."


def _details(shift: LabelShift, window: Window, rest: float | None) -> dict[str, object]:
    return {
        "explains": rest is not None and rest > REST,
        "rest_p_value": rest,
        "classes": [
            {"label": label, "share": float(share), "low": float(low), "high": float(high)}
            for label, share, low, high in zip(window.model.labels, shift.share, shift.low, shift.high, strict=True)
        ],
    }


CHECK = LabelShiftCheck()
