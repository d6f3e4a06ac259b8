"""Two shares, or two sets of class counts, compared exactly. Knows counts only.

The baseline's frequencies are estimates too: taken as exact, a chi-square test fires on most quiet windows
once the window is larger than the baseline. Here both sides are samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def more_often(hits: ArrayLike, count: int, base_hits: ArrayLike, base_count: int) -> NDArray[np.float64]:
    """P(at least `hits`) if both sides share one rate: Fisher's exact test, one-sided (Fisher 1934).

    Exact at any size and any depth. Rows that come in clumps (copies of one message) are not independent,
    and then the number is too small.
    """
    hits, base_hits = np.asarray(hits), np.asarray(base_hits)
    tail = stats.hypergeom.sf(hits - 1, count + base_count, hits + base_hits, count)
    return np.asarray(np.clip(tail, 0.0, 1.0))


def differ(hits: ArrayLike, count: int, base_hits: ArrayLike, base_count: int) -> NDArray[np.float64]:
    """Two-sided: twice the smaller tail of Fisher's exact test, at most 1."""
    up = more_often(hits, count, base_hits, base_count)
    down = more_often(base_hits, base_count, hits, count)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(up, down)))


@dataclass(frozen=True, slots=True, eq=False)
class MixTest:
    """How two sets of class counts differ."""

    p_value: float
    distance: float
    """Total variation: the share of rows that would have to change class."""
    change: NDArray[np.float64]
    """(classes,): share in the window minus share in the baseline."""
    by_class: NDArray[np.float64]
    """(classes,): the p-value of each class against the rest."""


def compare_mix(counts: NDArray[np.int64], base_counts: NDArray[np.int64]) -> MixTest:
    """Whether two samples of classes come from one mix: each class against the rest, the smallest p times the classes.

    Exact at any size, where the usual chi-square test needs five expected rows in each cell and is wrong in the far
    tail. It is at its best when a few classes moved, and loses a little to chi-square when all moved somewhat.
    A class that occurs on neither side is left out.

    >>> bool(compare_mix(np.array([90, 10]), np.array([400, 400])).p_value < 1e-12)
    True
    """
    rows, base_rows = int(counts.sum()), int(base_counts.sum())
    seen = (counts + base_counts) > 0
    by_class = np.ones(len(counts))
    if rows == 0 or base_rows == 0 or seen.sum() < 2:
        return MixTest(1.0, 0.0, np.zeros(len(counts)), by_class)
    by_class[seen] = differ(counts[seen], rows, base_counts[seen], base_rows)
    change = counts / rows - base_counts / base_rows
    # two classes are one question
    questions = 1 if seen.sum() == 2 else int(seen.sum())
    p_value = min(1.0, float(by_class.min()) * questions)
    return MixTest(p_value, float(np.abs(change).sum() / 2), change, by_class)
