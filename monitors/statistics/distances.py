"""How far apart two columns are, in the units that other tools speak: PSI, Jensen–Shannon, Wasserstein, chi-square.

Effect sizes for a person, equal to Evidently's on the same columns; no check decides by them. All grow with noise: of
two samples of the same traffic none is 0, the less so the fewer rows there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

FEW = 20
"""Different values in the baseline up to which each is a bin of its own."""
SMALL, LARGE = 0.1, 0.25
"""PSI below the one is small, above the other large (Siddiqi 2006, *Credit Risk Scorecards*)."""
_EMPTY = 1e-4
_LEAST_SPREAD = 1e-3


def shares(values: NDArray[np.float64], base: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of both columns in bins that they have in common: (bins,) of `values` and of `base`, without NaN.

    Bins of equal width over both, by Sturges' rule (1926); or, where the baseline has few different values, one a
    value. Raises ValueError where a side is empty.
    """
    if len(values) == 0 or len(base) == 0:
        raise ValueError("there is nothing to compare")
    if len(np.unique(base)) > FEW:
        edges = np.histogram_bin_edges(np.concatenate([base, values]), bins="sturges")
        return np.histogram(values, edges)[0] / len(values), np.histogram(base, edges)[0] / len(base)
    found, place = np.unique(np.concatenate([base, values]), return_inverse=True)
    now, then = (np.bincount(side, minlength=len(found)) for side in (place[len(base) :], place[: len(base)]))
    return now / len(values), then / len(base)


def psi(now: NDArray[np.float64], then: NDArray[np.float64]) -> float:
    """Population stability index of two sets of shares (Siddiqi 2006): Jeffreys' divergence (Jeffreys 1946).

    An empty bin counts as a ten-thousandth, or as a millionth of the smallest share where that is smaller already.

    >>> round(psi(np.array([0.5, 0.5]), np.array([0.9, 0.1])), 3)
    0.879
    """
    first, second = _filled(then), _filled(now)
    return float(((first - second) * np.log(first / second)).sum())


def size(index: float) -> str:
    """A PSI in a word."""
    return "small" if index < SMALL else "moderate" if index < LARGE else "large"


def jensen_shannon(now: NDArray[np.float64], then: NDArray[np.float64]) -> float:
    """Distance of two sets of shares, 0 to 0.83 (√ln 2): the root of their divergence from their mean.

    Lin 1991; Endres and Schindelin 2003, that the root is a distance.
    """
    return float(distance.jensenshannon(then, now))


def wasserstein(values: NDArray[np.float64], base: NDArray[np.float64]) -> float:
    """How far rows would have to move on average, in standard deviations of the baseline (Vaserstein 1969; Ramdas,
    García Trillos and Cuturi 2017). Of finite values, both sides with some."""
    return float(stats.wasserstein_distance(base, values)) / max(float(np.std(base)), _LEAST_SPREAD)


def chi_square(counts: NDArray[np.int64], base_counts: NDArray[np.int64]) -> float:
    """Pearson's p-value (1900) for counts (classes,), the baseline's shares taken as exact; 1 of less than two classes.

    They are estimates: on quiet traffic this alarms the more often the larger the window is. `fisher.compare_mix`
    decides; this is what others show. A class that the baseline has not gives 0.
    """
    seen = (counts + base_counts) > 0
    if seen.sum() < 2 or counts.sum() == 0 or base_counts.sum() == 0:
        return 1.0
    expected = base_counts[seen] * (counts.sum() / base_counts.sum())
    if (expected == 0).any():
        return 0.0
    return float(stats.chisquare(counts[seen], expected).pvalue)


def _filled(found: NDArray[np.float64]) -> NDArray[np.float64]:
    least = float(found[found > 0].min())
    return np.where(found == 0, least / 1e6 if least <= _EMPTY else _EMPTY, found)
