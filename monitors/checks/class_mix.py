"""Has the mix of predicted classes moved? Counts of predictions, against the baseline's. Both sides are samples."""

from __future__ import annotations

import numpy as np

from monitors.baseline import Baseline
from monitors.checks._drift import FEWEST_BASE, FEWEST_WINDOW, judge_p, stuck, too_little
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.distances import chi_square, jensen_shannon, psi
from monitors.statistics.fisher import compare_mix
from monitors.verdict import Aspect, Finding, State


class ClassMix:
    name = "class_mix"
    title = "Class mix"
    aspect = Aspect.CLASS_MIX

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """Fisher's exact test of each predicted class against the rest, the smallest p-value times the classes."""
        window, reference = evidence.window, baseline.reference
        rows = len(window)
        if rows < FEWEST_WINDOW or len(reference) < FEWEST_BASE:
            return too_little(self.name, self.aspect, f"{rows} predictions are too few to compare the mix.", rows)
        if stuck(window):
            return too_little(self.name, self.aspect, "Every prediction of the window is the same.", rows)
        labels = window.model.labels
        counts = np.bincount(window.predicted, minlength=len(labels))
        base = np.bincount(reference.predicted, minlength=len(labels))
        test = compare_mix(counts, base)
        state, score, threshold = judge_p(test.p_value, alpha)
        most = int(np.abs(test.change).argmax())
        now, then = percent(counts[most] / rows), percent(base[most] / len(reference))
        moved = f"The class mix has moved: {labels[most]} is {now} of the predictions, baseline {then}."
        quiet = f"The class mix is the baseline's ({rows} predictions)."
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=state,
            summary=moved if state is State.ALARM else quiet,
            score=score,
            threshold=threshold,
            p_value=test.p_value,
            count=rows,
            details={
                "total_variation": test.distance,
                "psi": psi(counts / rows, base / len(reference)),
                "jensen_shannon": jensen_shannon(counts / rows, base / len(reference)),
                "chi_square_p": chi_square(counts, base),
                "change": {label: float(value) for label, value in zip(labels, test.change, strict=True)},
            },
        )


CHECK = ClassMix()
