"""Prediction-powered accuracy: covers as it says, narrower where guesses are good, no worse where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.statistics.binomial import wilson_interval
from monitors.statistics.ppi import powered_share

GUESSES = {"good": lambda chance, rng: chance, "biased": lambda chance, rng: chance**3,
           "worthless": lambda chance, rng: rng.random(len(chance))}  # fmt: skip


def simulate(kind, labels, rows, draws, *, active=False, seed=0):
    """Coverage of the true accuracy 0.9, and mean width against Wilson's interval for as many plain labels."""
    rng = np.random.default_rng(seed)
    covered, width, plain = 0, 0.0, 0.0
    for _ in range(draws):
        chance = rng.beta(4.5, 0.5, rows)
        right = rng.random(rows) < chance
        guess = GUESSES[kind](chance, rng)
        unsure = np.sqrt(np.maximum(guess * (1 - guess), 0.01))
        share = 0.5 / rows + 0.5 * unsure / unsure.sum() if active else np.full(rows, 1 / rows)
        asked = np.minimum(labels * share, 1.0)
        drawn = rng.random(rows) < asked
        found = powered_share(right[drawn], guess[drawn], guess, asked[drawn])
        covered += found.low <= 0.9 <= found.high
        width += found.high - found.low
        classical = wilson_interval(int(right[:labels].sum()), labels)
        plain += classical.high - classical.low
    return covered / draws, width / plain


@pytest.mark.parametrize("kind", GUESSES)
@pytest.mark.parametrize("active", [False, True])
def test_it_covers_and_is_as_narrow_as_the_guesses_are_good(kind, active):
    """400 draws: a true coverage of 95 % falls below 91.5 % once in a thousand."""
    coverage, ratio = simulate(kind, 100, 1000, 400, active=active)
    assert coverage >= 0.915
    assert ratio < {"good": 0.97, "biased": 0.98, "worthless": 1.06}[kind]
    if active and kind == "good":
        assert ratio < 0.9


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", GUESSES)
@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("labels", [50, 100, 300])
def test_coverage_over_two_thousand_draws(kind, active, labels):
    coverage, _ = simulate(kind, labels, 20 * labels, 2000, active=active, seed=labels)
    assert 0.935 <= coverage <= 0.975


def test_perfect_guesses_leave_only_the_rows_chance_and_opposite_ones_are_not_bet_against():
    rng = np.random.default_rng(1)
    right = rng.random(4000) < 0.8
    found = powered_share(right[:100], right[:100].astype(float), right.astype(float))
    assert found.value == pytest.approx(right.mean(), abs=0.005)
    assert found.high - found.low < 0.04
    opposite = powered_share(right[:100], 1.0 - right[:100], 1.0 - right)
    assert opposite.value == pytest.approx(right[:100].mean())


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_labels_say_nothing(count):
    found = powered_share(np.ones(count, bool), np.ones(count), np.ones(10))
    assert (found.low, found.high, found.count) == (0.0, 1.0, count)


def test_rows_that_are_all_right_leave_room_for_doubt():
    found = powered_share(np.ones(50, bool), np.full(50, 0.9), np.full(1000, 0.9))
    assert (found.value, found.high) == pytest.approx((1.0, 1.0))
    assert 0.85 < found.low < 0.95
