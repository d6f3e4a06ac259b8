"""Intervals of 95 %: exact ones for shares, the bootstrap for the rest. Knows nothing of labels or models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv

from model.prediction import Estimate

Z = 1.959963984540054
_TAIL = 0.025
_CHUNK = 4_000_000
"""Numbers held at a time while resampling: 32 MB."""


def proportion(hits: float, count: int) -> Estimate:
    """A share with its Clopper-Pearson interval: it covers at least 95 %, also at 0, at 1 and for few rows.

    Clopper, Pearson 1934, *The use of confidence or fiducial limits illustrated in the case of the binomial*.
    """
    low = 0.0 if hits <= 0 else float(betaincinv(hits, count - hits + 1, _TAIL))
    high = 1.0 if hits >= count else float(betaincinv(hits + 1, count - hits, 1 - _TAIL))
    return Estimate(float(hits) / count, low, high, count)


def f1_estimate(hits: int, misses: int, count: int) -> Estimate:
    """F1 = 2·hits / (2·hits + misses), with an exact interval; `misses` are false positives and false negatives.

    F1 grows with the share hits / (hits + misses), which is binomial given its rows, so that the exact
    interval of the share maps to one of F1 (Lam, Gopal, Qian 2023, arXiv 2309.14621).
    """
    share = proportion(hits, hits + misses)
    value, low, high = (2 * j / (1 + j) for j in (share.value, share.low, share.high))
    return Estimate(value, low, high, count)


def percentile(value: float, draws: NDArray[np.float64], count: int) -> Estimate:
    """The bootstrap's percentile interval, widened to hold the value itself. `draws`: (resamples,)."""
    low, high = np.quantile(draws, (_TAIL, 1 - _TAIL))
    return Estimate(value, min(value, float(low)), max(value, float(high)), count)


def above_chance(value: float, draws: NDArray[np.float64], noise: NDArray[np.float64], count: int) -> Estimate:
    """Interval of a figure that chance can only raise, as a calibration error. `draws`, `noise`: (resamples,).

    A resample adds chance of its own, so that the percentile interval lies too high. Hence its upper end, which errs
    on the safe side, with the lower end of the basic bootstrap, 2·value − quantile; and 0 where the value is no
    larger than the `noise` that a figure of 0 would show (Bröcker, Smith 2007, consistency resampling).
    """
    high = float(np.quantile(draws, 1 - _TAIL))
    low = 0.0 if value <= np.quantile(noise, 1 - _TAIL) else max(0.0, 2 * value - high)
    return Estimate(value, min(value, low), max(value, high), count)


def resampled_counts(counts: NDArray[np.int64], resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Bootstrap of rows that are known only by the cell they fall into. (cells,) → (resamples, cells)."""
    total = int(counts.sum())
    return rng.multinomial(total, counts / total, size=resamples)


def resampled_means(columns: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means of each column over bootstrap resamples of the rows. (n, columns) → (resamples, columns)."""
    rows = len(columns)
    means = np.empty((resamples, columns.shape[1]))
    step = max(1, _CHUNK // rows)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        weights = np.empty((size, rows))
        for row in weights:
            row[:] = np.bincount(rng.integers(0, rows, rows, dtype=np.int32), minlength=rows)
        means[start : start + size] = weights @ columns / rows
    return means


def around(value: float, error: float, count: int) -> Estimate:
    """A share with its standard error, as an interval on the logit scale, which stays between 0 and 1."""
    width = Z * error / (value * (1 - value))
    logit = float(np.log(value / (1 - value)))
    low, high = (float(1 / (1 + np.exp(-edge))) for edge in (logit - width, logit + width))
    return Estimate(value, low, high, count)


def auc_score_interval(value: float, positives: int, negatives: int) -> Estimate:
    """Interval of an area under the curve that needs no variance of the sample: also at 0, at 1, for one row.

    All areas that are within `Z` of their own standard errors of the value (Newcombe 2006, method 5, with
    the variance of Hanley, McNeil 1982).
    """

    def error(area: float) -> float:
        first, second = area / (2 - area), 2 * area**2 / (1 + area)
        spread = area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
        return float(np.sqrt(max(spread, 0.0) / (positives * negatives)))

    low = _root(lambda area: value - area - Z * error(area), 0.0, value)
    high = _root(lambda area: area - value - Z * error(area), 1.0, value)
    return Estimate(value, low, high, positives + negatives)


def _root(excess: Callable[[float], float], edge: float, value: float) -> float:
    """Where `excess` changes its sign between the edge of [0, 1] and the value; the edge where it does not."""
    near = value + (edge - value) * 1e-9
    if edge == value or excess(edge) <= 0 or excess(near) >= 0:
        return edge
    return float(brentq(excess, edge, near, xtol=1e-10))
