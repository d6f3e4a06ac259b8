"""Have the model's answers changed? Scores, confidence, entropy and margin, against the baseline's.

The model is the same, so other answers mean other texts. Knows nothing of the texts themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import Pair, output_numbers, pair
from monitors.checks._drift import drift_finding
from monitors.checks._words import percent
from monitors.protocols import Evidence
from monitors.statistics.permutation import JointTest
from monitors.statistics.rows import RowStatistics, describe_rows
from monitors.verdict import Aspect, Finding


class OutputDrift:
    name = "output_drift"
    title = "Scores"
    aspect = Aspect.OUTPUT

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A joint permutation test over location, spread, tails and histogram of every score."""

        def describe(values: NDArray[np.float64], sides: Pair) -> RowStatistics:
            return describe_rows(values, sides.names)

        sides = pair(baseline.reference, evidence.window, output_numbers)
        return drift_finding(
            self.name, self.aspect, sides, evidence.window, alpha, describe=describe, what="The scores", phrase=_phrase
        )


def _phrase(test: JointTest, pool: RowStatistics, sides: Pair, outside: float) -> str | None:
    """Mean confidence, where it moved noticeably; otherwise the columns speak for themselves."""
    if "confidence" not in sides.names:
        return None
    at = sides.names.index("confidence")
    now, then = float(sides.window[:, at].mean()), float(sides.base[:, at].mean())
    if abs(now - then) < 0.01:
        return None
    return f"mean confidence is {percent(now)}, baseline {percent(then)}"


CHECK = OutputDrift()
