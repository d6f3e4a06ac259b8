"""How often alarms of windows that overlap are new ones. Knows thresholds and overlaps, nothing of windows."""

from __future__ import annotations

import numpy as np
from scipy import stats

DRAWS = 40_000


def new_alarms(alpha: float, overlap: float, quiet: int, *, statistics: int = 300, seed: int = 0) -> float:
    """The share of alarms before which `quiet` rounds did not alarm: the rounds' extremal index (Leadbetter 1983).

    A round looks at `overlap` times as many rows as came since the round before, so that one unlucky stretch alarms in
    several rounds, and people are told once. `alpha` is the probability of an alarm a round. Scores are those of sums
    over the window, normal, with correlation 1 − k/overlap between rounds k apart; given one beyond the threshold
    (drawn from the normal tail), the following ones are normal with known mean and covariance, and drawn from that.
    It is exact for one statistic at any threshold; of the maximum of several, each has its alarms at a higher
    threshold, where they clump less: `statistics` is more of them than a check has, which errs to the safe side.

    Without overlap it is 1. A baseline that is itself unlucky makes alarms come together beyond this.

    >>> new_alarms(1e-5, 1.0, 3)
    1.0
    >>> 0.6 < new_alarms(1e-5, 12.0, 3) < 0.8
    True
    """
    if overlap <= 1:
        return 1.0
    tail = alpha / statistics / 2
    threshold = float(stats.norm.isf(tail))
    rng = np.random.default_rng(seed)
    first = stats.norm.isf(tail * rng.random(DRAWS))
    lags = np.arange(1, quiet + 1)
    near = np.maximum(1 - lags / overlap, 0.0)
    between = np.maximum(1 - np.abs(lags[:, None] - lags) / overlap, 0.0) - np.outer(near, near)
    values, vectors = np.linalg.eigh(between)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    after = first[:, None] * near + rng.normal(size=(DRAWS, quiet)) @ root.T
    return float((after <= threshold).all(axis=1).mean())
