"""Have the texts changed? Numbers read off each text, against the baseline's. Knows nothing of the model's answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import Pair, pair, text_numbers
from monitors.checks._drift import drift_finding
from monitors.protocols import Evidence
from monitors.statistics.rows import RowStatistics, describe_rows
from monitors.verdict import Aspect, Finding


class InputDrift:
    name = "input_drift"
    title = "Texts"
    aspect = Aspect.INPUT

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A joint permutation test over location, spread, tails and histogram of every text number."""

        def describe(values: NDArray[np.float64], sides: Pair) -> RowStatistics:
            return describe_rows(values, sides.names)

        sides = pair(baseline.reference, evidence.window, text_numbers)
        return drift_finding(self.name, self.aspect, sides, evidence.window, alpha, describe=describe, what="The texts")


CHECK = InputDrift()
