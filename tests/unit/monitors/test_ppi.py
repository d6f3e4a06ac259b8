"""Prediction-powered accuracy: covers as it says, narrower where guesses are good, no worse where they are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitors.checks.accuracy import CHECK
from monitors.statistics.binomial import wilson_interval
from monitors.statistics.ppi import powered_share, trustworthy
from tests.statistics.simulation import baseline_of, draw, evidence_of, without_labels

BASE = baseline_of(draw(np.random.default_rng(0), 800))

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


def test_guesses_are_left_aside_where_labels_cannot_say_what_they_are_worth():
    assert trustworthy(np.arange(50) < 45)
    assert not trustworthy(np.arange(49) < 40)
    assert not trustworthy(np.arange(500) < 496)


# the check


def hour(seed, labels, rows=2000, *, asked=None):
    """An hour of predictions of which `labels` have one, drawn evenly; the whole hour is the sample."""
    rng = np.random.default_rng(seed)
    served = draw(rng, rows)
    labelled = served.take(np.sort(rng.permutation(rows)[:labels]))
    if asked is not None:
        labelled = replace(labelled, asked=np.full(labels, asked))
    sample = without_labels(served)
    return replace(evidence_of(served, labelled), served=rows, sample=sample), served


def width(figure):
    return figure["high"] - figure["low"] if isinstance(figure, dict) else figure.high - figure.low


@pytest.mark.parametrize("asked", [None, 0.05], ids=["evenly", "audited"])
def test_the_accuracy_shown_is_narrower_with_guesses_and_near_the_truth(asked):
    ratios = []
    for seed in range(20):
        evidence, served = hour(seed, 100, asked=asked)
        finding = CHECK.run(BASE, evidence, 0.01)
        assert abs(finding.estimate.value - served.correct.mean()) < 0.15
        assert finding.estimate.count == 100
        if finding.details["classical"]:
            ratios.append(width(finding.estimate) / width(finding.details["classical"]))
    assert len(ratios) >= 15
    assert np.mean(ratios) < 0.9


def test_without_a_sample_or_with_most_rows_labelled_plain_labels_stand_alone():
    evidence, _ = hour(1, 100)
    plain = CHECK.run(BASE, replace(evidence, sample=None), 0.01)
    assert plain.details["classical"] is None
    assert plain.estimate.value == pytest.approx(evidence.labelled.correct.mean())
    most, _ = hour(1, 1200)
    assert CHECK.run(BASE, most, 0.01).details["classical"] is None


def test_labels_that_fall_on_hard_rows_get_no_help_from_guesses():
    evidence, served = hour(2, 100)
    hard = served.take(np.argsort(served.scores.max(axis=1))[:100])
    finding = CHECK.run(BASE, replace(evidence, labelled=hard), 0.01)
    assert finding.details["classical"] is None
    assert finding.estimate.value == pytest.approx(hard.correct.mean())


def test_a_baseline_that_teaches_nothing_leaves_labels_alone():
    evidence, _ = hour(3, 100)
    right = replace(BASE.reference, truth=BASE.reference.predicted)
    assert CHECK.run(replace(BASE, reference=right), evidence, 0.01).details["classical"] is None
    small = replace(BASE, reference=BASE.reference.take(slice(0, 100)))
    assert CHECK.run(small, evidence, 0.01).details["classical"] is None
