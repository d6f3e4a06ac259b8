"""Intervals of a share. Knows counts, nothing of what was counted."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import betaincinv

from model.prediction import Estimate


def exact_interval(hits: int, count: int, confidence: float = 0.95) -> Estimate:
    """A share with its Clopper-Pearson interval, which covers at least `confidence` at any count and any share.

    Clopper and Pearson 1934, *The use of confidence or fiducial limits*. Wider than `wilson_interval`; use it where a
    promise hangs on it. It cannot see rows that are copies of each other: they count as fresh ones. No rows: [0, 1].

    >>> exact_interval(90, 100)
    Estimate(value=0.9, low=0.8237774..., high=0.9509953..., count=100)
    """
    if count <= 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    tail = (1 - confidence) / 2
    low = 0.0 if hits <= 0 else float(betaincinv(hits, count - hits + 1, tail))
    high = 1.0 if hits >= count else float(betaincinv(hits + 1, count - hits, 1 - tail))
    return Estimate(hits / count, low, high, count)


def wilson_interval(hits: int, count: int, confidence: float = 0.95) -> Estimate:
    """A share with Wilson's score interval, which covers `confidence` on average over shares.

    Wilson 1927; Brown, Cai and DasGupta 2001 recommend it for small counts. Narrower than
    `exact_interval`, and may cover a little less than it says at shares near 0 and 1. No rows: [0, 1].
    """
    if count <= 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    z = float(stats.norm.isf((1 - confidence) / 2))
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (1 + z * z / count)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), count)
