"""How rare is a maximum of many correlated z-scores, beyond what the permutations at hand can count?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

TAIL = 0.1
"""Share of the largest permuted maxima that the tail is fitted to."""


def tail_probability(maxima: NDArray[np.float64], observed: float) -> float:
    """P(maximum ≥ observed) from a tail fitted to permuted maxima.

    The maximum of F independent |z| exceeds t with probability 1 − (1 − 2Φ(−t))^F. Correlated scores behave in the
    tail like fewer independent ones (Knijnenburg and others 2009 fit a free generalised Pareto tail; here its shape is
    known, which leaves one number to fit). −log(1 − 2Φ(−t)) of such a maximum is exponential with rate F, so F is the
    maximum-likelihood rate of the upper tenth, censored below. A floor keeps the answer honest about what
    was counted: it is never below Φ's own tail for a single score.

    It leans on each score being normal in its tail; `permutation` makes them so, `tests/statistics` checks it.

    >>> rng = np.random.default_rng(0)
    >>> p = tail_probability(np.abs(rng.normal(size=(1000, 50))).max(axis=1), 5.0)
    >>> 1.5e-5 < p < 6e-5  # 50 independent scores: 2.9e-5
    True
    """
    rates = np.sort(_rarity(maxima))
    upper = max(int(TAIL * len(rates)), 1)
    effective = upper / (rates[:upper].sum() + (len(rates) - upper) * rates[upper - 1])
    return float(-np.expm1(-max(effective, 1.0) * _rarity(np.array([observed]))[0]))


def _rarity(maxima: NDArray[np.float64]) -> NDArray[np.float64]:
    tail = np.clip(2 * stats.norm.sf(maxima), 1e-300, 1 - 1e-12)
    return np.asarray(-np.log1p(-tail))
