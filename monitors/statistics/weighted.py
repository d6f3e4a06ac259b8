"""A share from rows that were drawn with unequal, known chances. Knows hits and chances, nothing of who drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.prediction import Estimate


def weighted_share(hits: NDArray[np.bool_], chance: NDArray[np.float64], confidence: float = 0.95) -> Estimate:
    """Hájek's estimate of a share, with an interval. Both (n,); each chance in (0, 1].

    A row that had one chance in ten stands for ten rows: the sum of 1 / chance over the hits, divided by the sum over
    all (Horvitz and Thompson 1952; Hájek 1971, who divides by the estimated number of rows and not by the known one).
    The variance is the linearised one with replacement (Särndal, Swensson and Wretman 1992, 5.7): it takes no credit
    for a sample that is most of the rows, so that it speaks of the rows to come as well. The interval is Wilson's with
    the effective number of rows that this variance implies, and Student's quantile; of seven intervals for shares in
    complex samples Wilson's covers best (Franco, Little, Louis and Slud 2019). With equal chances it is Wilson's own
    but for the quantile and n - 1. It covers as it says from about 30 rows on, on average over shares.
    `count` is the number of rows, not the effective one. No rows: [0, 1].

    >>> weighted_share(np.array([True, True, False]), np.array([0.5, 0.25, 0.5]))
    Estimate(value=0.75, low=0.0622..., high=0.9926..., count=3)
    """
    count = len(hits)
    if count == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    weight = 1.0 / chance
    share = float((weight * hits).sum() / weight.sum())
    effective = _effective_rows(np.asarray(hits, np.float64), weight, share)
    z = float(stats.t.isf((1 - confidence) / 2, max(count - 1, 1)))
    middle = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z * float(np.sqrt(share * (1 - share) / effective + (z / (2 * effective)) ** 2)) / (1 + z * z / effective)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), count)


def count_alike(asked: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,): which rows may be counted without weights: those that were volunteered (no chance in (0, 1]), and those
    that were drawn, if all had the same chance. Of rows drawn out of doubt too many are wrong.

    >>> count_alike(np.array([np.nan, 0.2, 0.2])).tolist(), count_alike(np.array([np.nan, 0.2, 0.3])).tolist()
    ([True, True, True], [True, False, False])
    """
    drawn = np.asarray((asked > 0) & (asked <= 1))
    return ~drawn if len(np.unique(asked[drawn])) > 1 else np.ones(len(asked), np.bool_)


def _effective_rows(hits: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """The number of equally likely rows that would be as precise; by the weights alone where all rows agree."""
    total = float(weight.sum())
    count = len(hits)
    variance = float((weight**2 * (hits - share) ** 2).sum()) / total**2
    if variance <= 0 or count < 2:
        return total**2 / float((weight**2).sum())
    return share * (1 - share) / (variance * count / (count - 1))
