"""Have the texts moved in the model's own eyes? Projected embeddings, whole and by predicted label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import Pair, embedding, pair
from monitors.checks._drift import drift_finding
from monitors.checks._words import number, percent
from monitors.protocols import Evidence
from monitors.statistics.permutation import JointTest
from monitors.statistics.rows import RowStatistics, describe_cloud
from monitors.verdict import Aspect, Finding


class EmbeddingDrift:
    name = "embedding_drift"
    title = "Embeddings"
    aspect = Aspect.OUTPUT

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """A joint permutation test over the cloud: directions, tails, distance, kernel waves, and within each label."""
        sides = pair(baseline.reference, evidence.window, embedding)
        labels = np.concatenate(
            [baseline.reference.predicted[sides.base_rows], evidence.window.predicted[sides.window_rows]]
        )

        def describe(values: NDArray[np.float64], sides: Pair) -> RowStatistics:
            return describe_cloud(values, labels)

        return drift_finding(
            self.name, self.aspect, sides, evidence.window, alpha,
            describe=describe, what="The embeddings", phrase=_phrase,
        )  # fmt: skip


def _phrase(test: JointTest, pool: RowStatistics, sides: Pair, outside: float) -> str:
    base = sides.base.mean(axis=0)
    scale = np.maximum(sides.base.std(axis=0), 1e-9)
    moved = float(np.sqrt((((sides.window.mean(axis=0) - base) / scale) ** 2).mean()))
    if outside >= 0.02:
        return f"{percent(outside)} of the texts lie as far out as 0.5 % of the baseline's do"
    return f"their middle has moved by {number(moved)} standard deviations in an average direction"


CHECK = EmbeddingDrift()
