"""One test over many numbers: standardise each under permutation, take the largest, and ask how often chance does so.

Knows columns and rows, nothing of texts, models or baselines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitors.statistics.maxima import tail_probability
from monitors.statistics.rows import RowStatistics

PERMUTATIONS = 1000
BATCH = 250
ENOUGH = 25
"""Exceedances after which more permutations cannot change anybody's mind (Besag and Clifford's h)."""
DEEP = 10
"""With fewer exceedances than this the p-value is read off the fitted tail."""


@dataclass(frozen=True, slots=True, eq=False)
class JointTest:
    """What the joint test found."""

    p_value: float
    largest: float
    """The largest standardised difference, in standard deviations."""
    z: NDArray[np.float64]
    """(statistics,): the standardised difference of each, positive where the window has more."""
    permutations: int
    """How many permutations were drawn before the answer was clear."""


@lru_cache(maxsize=PERMUTATIONS // BATCH)
def assignments(rows: int, window: int, permutations: int, seed: int | tuple[int, int]) -> NDArray[np.float32]:
    """(permutations, rows) of 0 and 1: which rows play the window. The same arguments give the same matrix, which the
    views of one window share."""
    rng = np.random.default_rng(seed)
    chosen = np.argpartition(rng.random((permutations, rows), dtype=np.float32), window, axis=1)[:, :window]
    matrix = np.zeros((permutations, rows), np.float32)
    np.put_along_axis(matrix, chosen, 1.0, axis=1)
    matrix.setflags(write=False)
    return matrix


def joint_test(pool: RowStatistics, window: int, *, seed: int) -> JointTest:
    """Whether the last `window` rows of the pool differ from the rows before them in any statistic.

    Each statistic is a sum of a per-row number over the window. Under the hypothesis every row may as well
    have been in the window, so its mean and spread over all assignments are known; each is standardised and
    the largest |z| is the test's statistic. Its null distribution comes from random assignments of baseline
    and window rows together, with all statistics computed at once as one matrix product. This is exact at
    any size (Westfall and Young 1993 for the maximum; Phipson and Smyth 2010 for the +1). Permutations stop
    early once it is clear that nothing is there (Besag and Clifford 1991); where almost none exceeds,
    the p-value comes from a tail fitted to the permuted maxima (see `maxima`), so that it can be far
    below 1/1001.

    It cannot see what no statistic of a single row shows, such as a change of order in time.

    >>> rng = np.random.default_rng(0)
    >>> from monitors.statistics.rows import describe_rows
    >>> pool = describe_rows(np.r_[rng.normal(size=(300, 2)), rng.normal(2, 1, (100, 2))], ("a", "b"))
    >>> joint_test(pool, 100, seed=0).p_value < 1e-6
    True
    """
    observed = np.zeros((1, pool.rows), np.float32)
    observed[0, pool.rows - window :] = 1.0
    standardise = _Standard(pool, window)
    z = standardise(observed)[0]
    largest = float(np.abs(z).max(initial=0.0))
    maxima = np.zeros(0)
    exceeding = 0
    for start in range(0, PERMUTATIONS, BATCH):
        drawn = assignments(pool.rows, window, BATCH, (seed, start))
        batch = np.abs(standardise(drawn)).max(axis=1, initial=0.0)
        maxima = np.concatenate([maxima, batch])
        exceeding = int((maxima >= largest).sum())
        if exceeding >= ENOUGH:
            break
    p_value = (exceeding + 1) / (len(maxima) + 1)
    if exceeding < DEEP and largest > 0:
        p_value = tail_probability(maxima, largest)
    return JointTest(p_value=min(p_value, 1.0), largest=largest, z=z, permutations=len(maxima))


class _Standard:
    """Sums over assigned rows, turned into z-scores that are close to normal far into the tail.

    Sums of 0/1 columns go through the exact hypergeometric distribution, sums within a label are standardised given
    how many rows of that label were drawn, and all others by their permutation mean and variance.
    """

    def __init__(self, pool: RowStatistics, window: int) -> None:
        self._pool = pool
        self._matrix = np.ascontiguousarray(pool.matrix, dtype=np.float32)
        rows = pool.rows
        self._centre = window * pool.matrix.mean(axis=0)
        variance = pool.matrix.var(axis=0, ddof=1) * window * (rows - window) / rows
        self._scale = np.sqrt(np.maximum(variance, 1e-30))
        self._uneven = _uneven(pool.matrix, min(window, rows - window))
        counts = np.rint(pool.matrix[:, pool.binary].sum(axis=0)).astype(np.int64)
        sizes, self._table_of = np.unique(counts, return_inverse=True)
        self._tables = np.zeros((len(sizes), int(sizes.max(initial=0)) + 1))
        for row, size in enumerate(sizes):
            self._tables[row, : size + 1] = _hypergeometric_scores(rows, int(size), window)

    def __call__(self, drawn: NDArray[np.float32]) -> NDArray[np.float64]:
        pool = self._pool
        sums = np.asarray(drawn @ self._matrix, dtype=np.float64)
        z = (sums - self._centre) / self._scale
        z[:, self._uneven] = 0.0
        z[:, pool.binary] = self._tables[self._table_of, np.rint(sums[:, pool.binary]).astype(np.int64)]
        for member, columns in pool.within:
            size = int(pool.matrix[:, member].sum())
            drawn_members = np.rint(sums[:, member])
            # scores within a label have mean 0 and variance 1 over its members
            variance = drawn_members * (size - drawn_members) / max(size - 1, 1)
            enough = (drawn_members >= 5) & (size - drawn_members >= 5)
            scale = np.sqrt(np.where(enough, variance, 1.0))
            z[:, columns] = np.where(enough[:, None], sums[:, columns] / scale[:, None], 0.0)
        if pool.whitened is not None:
            q = (z[:, pool.whitened] ** 2).sum(axis=1)
            z = np.column_stack([z, _chi_square_scores(q, len(pool.whitened))])
        return np.asarray(z)


def _uneven(matrix: NDArray[np.float64], drawn: int) -> NDArray[np.bool_]:
    """(statistics,): columns so skewed or peaked that a sum of `drawn` of them is not normal at five deviations.

    By the first terms of the Edgeworth series the tail there is off by exp(21 skew/√n + 26 kurtosis/n). What such a
    column knows is left to its 0/1 columns, whose distribution is exact.
    """
    centred = matrix.astype(np.float32) - matrix.mean(axis=0, dtype=np.float32)
    square = centred * centred
    scale = np.maximum(square.mean(axis=0), 1e-12)
    skew = np.abs((square * centred).mean(axis=0)) / scale**1.5 / np.sqrt(drawn)
    kurtosis = ((square * square).mean(axis=0) / scale**2 - 3.0) / drawn
    return np.asarray((skew > 0.06) | (kurtosis > 0.04))


def _hypergeometric_scores(rows: int, marked: int, window: int) -> NDArray[np.float64]:
    """(marked + 1,): the normal score of finding k marked rows in the window, from exact tails; 0 in the middle."""
    k = np.arange(marked + 1)
    with np.errstate(divide="ignore"):
        mass = np.exp(stats.hypergeom.logpmf(k, rows, marked, window))
    lower = np.clip(np.cumsum(mass), 1e-300, 1.0)
    upper = np.clip(np.cumsum(mass[::-1])[::-1], 1e-300, 1.0)
    up = np.maximum(stats.norm.isf(upper), 0.0)
    down = np.maximum(stats.norm.isf(lower), 0.0)
    return np.asarray(up - down)


def _chi_square_scores(q: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
    """The |z| that is as rare, both tails taken together, as a chi-square of `q` is on one side."""
    tail = np.clip(stats.chi2.sf(q, degrees), 1e-300, 1.0)
    return np.asarray(stats.norm.isf(tail / 2))
