"""The fitted tail of the joint test down to one in a million: against maxima whose distribution is known, and against
ten million permutations counted.

`PERMUTATIONS` gives how far the shipped budget must trust it: a check has about 1e-5 a round.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from monitors.statistics.maxima import tail_probability
from monitors.statistics.permutation import PERMUTATIONS, _Standard
from tests.statistics.test_false_alarms import cloud_pool, text_pool

pytestmark = pytest.mark.slow
RATES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


def beyond(threshold: float, scores: int, shared: float) -> float:
    """P(the largest of |z| ≥ threshold) of so many normal scores with one correlation between any two: given what
    they share they are independent, so that one integral gives it."""
    own = np.sqrt(1 - shared)

    def given(common: float) -> float:
        middle = np.sqrt(shared) * common
        outside = stats.norm.sf((threshold - middle) / own) + stats.norm.sf((threshold + middle) / own)
        return float(stats.norm.pdf(common) * -np.expm1(scores * np.log1p(-min(outside, 1 - 1e-15))))

    if shared == 0:
        return float(-np.expm1(scores * np.log1p(-2 * stats.norm.sf(threshold))))
    return float(integrate.quad(given, -12, 12, points=[-threshold, threshold], limit=500, epsabs=0, epsrel=1e-6)[0])


@pytest.mark.parametrize(("scores", "shared", "least"), [(1, 0.0, 0.9), (50, 0.0, 0.85), (300, 0.0, 0.85),
                                                         (50, 0.3, 0.6), (300, 0.5, 0.25)])  # fmt: skip
def test_maxima_whose_distribution_is_known(scores, shared, least):
    """Independent scores: right to a few per cent at any depth. With one strong correlation between all of them, which
    the columns of a text have not, it says a quarter of the truth at worst."""
    rng = np.random.default_rng(scores)
    for rate in RATES:
        threshold = optimize.brentq(lambda t, rate=rate: np.log(beyond(t, scores, shared) / rate), 1, 9)
        fitted = []
        for _ in range(40):
            common = np.sqrt(shared) * rng.normal(size=(PERMUTATIONS, 1))
            z = common + np.sqrt(1 - shared) * rng.normal(size=(PERMUTATIONS, scores))
            fitted.append(tail_probability(np.abs(z).max(axis=1), threshold) / rate)
        assert least < np.median(fitted) < 1.2


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("make", "window"), [(text_pool, 50), (cloud_pool, 200)])
def test_ten_million_permutations(make, window):
    """The real columns: what is fitted to 1,000 permutations against the count of 10,000,000, where it has 20 events,
    which is at about two in a million. Too small by a factor of 1.5 at most, beyond what the count leaves open."""
    pool = make(np.random.default_rng(window), 800 + window)
    standardise, rng = _Standard(pool, window), np.random.default_rng(5)
    thresholds = np.arange(4.0, 7.0, 0.25)
    counts, fitted, batches = np.zeros(len(thresholds)), [], 10_000
    for batch in range(batches):
        chosen = np.argpartition(rng.random((1000, pool.rows), dtype=np.float32), window, axis=1)[:, :window]
        drawn = np.zeros((1000, pool.rows), np.float32)
        np.put_along_axis(drawn, chosen, 1.0, axis=1)
        maxima = np.abs(standardise(drawn)).max(axis=1)
        counts += (maxima[:, None] >= thresholds).sum(axis=0)
        if batch < 50:
            fitted.append([tail_probability(maxima, threshold) for threshold in thresholds])
    deep = counts >= 20
    least = stats.chi2.ppf(0.005, 2 * counts[deep]) / 2 / (1000 * batches)
    assert (np.median(fitted, axis=0)[deep] > least / 1.5).all()
    assert counts[deep][-1] < 100, "the comparison reaches 1e-5"
