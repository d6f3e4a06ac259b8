"""Have the texts changed? Numbers read off each text (or sent along for a classifier of something else), against the
baseline's. Knows nothing of the model's answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import MILD, Pair, asked_about, pair, text_numbers
from monitors.checks._drift import drift_finding
from monitors.checks._words import COUNTED
from monitors.protocols import Evidence
from monitors.statistics.rows import RowStatistics, describe_rows
from monitors.statistics.support import Support
from monitors.verdict import Aspect, Finding

ADDED = {"unknown_share", "digit_share", "punctuation_share", "markup_share", "non_ascii_share"}
"""Fewer of these than ever take no meaning away."""


class InputDrift:
    name = "input_drift"
    title = "Texts"
    aspect = Aspect.INPUT

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A joint permutation test over location, spread, tails and histogram of every text number."""

        def describe(values: NDArray[np.float64], sides: Pair) -> RowStatistics:
            return describe_rows(values, sides.names)

        sides = pair(baseline.reference, evidence.window, text_numbers)
        return drift_finding(
            self.name, self.aspect, sides, evidence.window, alpha,
            describe=describe, what=f"The {asked_about(evidence.window)}", grossness=_grossness,
        )  # fmt: skip


def _grossness(support: Support, sides: Pair) -> float:
    """Share of texts with a number far beyond all of the baseline's. Longer texts, other capitals and missing
    punctuation do not count: they change much and hurt little, while shorter texts, other tokens and added characters
    take the meaning away."""
    beyond = support.beyond(sides.window)
    for column, name in enumerate(sides.names):
        if name in MILD:
            beyond[:, column] = 0
        if name in ADDED:
            beyond[:, column] = np.maximum(beyond[:, column], 0)
        if name in COUNTED:
            beyond[:, column] = np.minimum(beyond[:, column], 0)
    return float((beyond != 0).any(axis=1).mean())


CHECK = InputDrift()
