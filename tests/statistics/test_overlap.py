"""The false alarms of a year at the shipped schedule: windows of an hour every five minutes, told once an episode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitors.budget import SPENT, Budget
from monitors.checks import all_checks, all_streams
from monitors.statistics.overlap import new_alarms
from monitors.verdict import State
from tests.statistics.simulation import baseline_of, draw, evidence_of, without_labels

pytestmark = pytest.mark.slow
OVERLAP, QUIET = 12, 3


def begun(alarms: np.ndarray) -> int:
    """Episodes: alarms before which at least `QUIET` rounds were quiet."""
    at = np.flatnonzero(alarms)
    return 0 if len(at) == 0 else 1 + int((np.diff(at) > QUIET).sum())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("statistics", [1, 30])
def test_five_hundred_quiet_years(statistics):
    """Maxima of normal scores at the very level that the shipped settings give a check: notices of all checks that can
    alarm by chance stay within what is spent of the budget of twelve a year; 1 in 10,000 at the bound."""
    spread = Budget(300, 1, 12, all_checks(), all_streams(), window_seconds=3600, quiet_rounds=QUIET)
    able = sum(getattr(check, "budgeted", True) for check in all_checks())
    threshold = stats.norm.isf(-np.expm1(np.log1p(-spread.check_alpha) / statistics) / 2)
    rng, episodes, years = np.random.default_rng(statistics), 0, 500
    for _ in range(years // 10):
        rounds = int(10 * spread.rounds_per_year)
        largest = np.zeros(rounds, np.float32)
        for _ in range(statistics):
            steps = np.concatenate([[0.0], np.cumsum(rng.normal(size=rounds + OVERLAP - 1))])
            np.maximum(largest, np.abs(steps[OVERLAP:] - steps[:-OVERLAP]) / np.sqrt(OVERLAP), out=largest,
                       casting="same_kind")  # fmt: skip
        episodes += begun(largest > threshold)
    allowed = SPENT * 12 / able * years
    assert episodes <= stats.poisson.isf(1e-4, allowed)
    assert episodes >= 0.5 * stats.poisson.ppf(1e-4, allowed)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["class_mix", "output_drift"])
def test_the_checks_themselves_alarm_in_clumps(name):
    """Sliding windows of 480 rows, 40 new ones a round, 60 rounds to a baseline: the alarms that begin an episode are
    no more than `new_alarms` says of all that the level allows."""
    check = next(check for check in all_checks() if check.name == name)
    rng, alpha, episodes, rounds = np.random.default_rng(7), 0.02, 0, 0
    start = baseline_of(draw(rng, 800))
    for _ in range(40):
        held = replace(start, reference=draw(rng, 800))
        traffic = without_labels(draw(rng, 480 + 40 * 59))
        alarms = [
            check.run(held, evidence_of(traffic.take(slice(40 * at, 40 * at + 480))), alpha).state is State.ALARM
            for at in range(60)
        ]
        episodes, rounds = episodes + begun(np.array(alarms)), rounds + 60
    expected = alpha * rounds * new_alarms(alpha, OVERLAP, QUIET)
    assert episodes <= stats.poisson.isf(1e-4, expected)
