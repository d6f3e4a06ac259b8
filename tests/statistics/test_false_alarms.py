"""The long simulations: false alarms at the rates that are promised, over thousands of quiet windows and streams.

Tolerance everywhere: a true rate at the promise exceeds the bound in one run of 10,000.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitors.checks import all_checks
from monitors.statistics.maxima import tail_probability
from monitors.statistics.permutation import PERMUTATIONS, _Standard, assignments
from monitors.statistics.rows import RowStatistics, describe_cloud, describe_rows
from monitors.verdict import State
from tests.statistics.simulation import baseline_of, draw, evidence_of, without_labels

pytestmark = pytest.mark.slow
BASE = baseline_of(draw(np.random.default_rng(0), 800))


def at_most(rate: float, count: int) -> float:
    return float(stats.binom.isf(1e-4, count, rate))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("base", "window"), [(800, 50), (800, 200), (200, 200), (800, 1000)])
@pytest.mark.parametrize("name", ["input_drift", "output_drift", "embedding_drift", "class_mix", "data_faults"])
def test_quiet_windows(name, base, window):
    """1,000 quiet windows, each with a baseline of its own, at 5 %, 1 % and 0.1 %."""
    rng = np.random.default_rng([base, window])
    check = next(check for check in all_checks() if check.name == name)
    p_values = np.ones(1000)
    for trial in range(1000):
        held = replace(BASE, reference=draw(rng, base))
        p_values[trial] = check.run(held, evidence_of(without_labels(draw(rng, window))), 0.01).p_value
    for rate in (0.05, 0.01, 0.001):
        assert (p_values < rate).sum() <= at_most(rate, 1000)


def text_pool(rng: np.random.Generator, rows: int) -> RowStatistics:
    window = draw(rng, rows)
    return describe_rows(window.features, window.model.features)


def cloud_pool(rng: np.random.Generator, rows: int) -> RowStatistics:
    window = draw(rng, rows)
    return describe_cloud(window.projection, window.predicted)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("window", [50, 200, 2000])
@pytest.mark.parametrize("make", [text_pool, cloud_pool])
def test_fitted_tail(make, window):
    """200,000 permutations of one pool: what is fitted to 1,000 of them agrees with the count, far into the tail.

    Anticonservative by at most a factor of 2.5 at 1 in 10,000, where the count itself has 20 events.
    """
    pool = make(np.random.default_rng(window), 800 + window)
    standardise = _Standard(pool, window)
    maxima = np.stack(
        [np.abs(standardise(assignments(pool.rows, window, PERMUTATIONS, seed))).max(axis=1) for seed in range(200)]
    )
    for rate in (1e-2, 1e-3, 1e-4):
        at = float(np.quantile(maxima, 1 - rate))
        fitted = np.median([tail_probability(batch, at) for batch in maxima[:50]])
        assert rate / 2.5 < fitted < rate * 4


@pytest.mark.timeout(1800)
def test_a_month_of_hours_at_the_shipped_budget():
    """10 months of 720 hourly rounds of 500 without drift, one baseline a month: at most one notice in 90 % of them.

    Embeddings, texts and scores are asked at the threshold that the budget gives them at one round an hour.
    """
    from monitors.budget import Budget

    rng = np.random.default_rng(5)
    checks = [
        check for check in all_checks() if check.name in {"input_drift", "output_drift", "class_mix", "data_faults"}
    ]
    alpha = Budget(3600, 1, 12, all_checks()).check_alpha
    notices = []
    for _ in range(10):
        held = replace(BASE, reference=draw(rng, 800))
        rounds = 0
        for _ in range(720):
            evidence = evidence_of(without_labels(draw(rng, 500)))
            rounds += any(check.run(held, evidence, alpha).state is State.ALARM for check in checks)
        notices.append(rounds)
    assert np.mean(np.array(notices) <= 1) >= 0.9
