"""An audit draws with the chances it says, and what it estimates from them is true and covers as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitors.checks.accuracy import CHECK, ENOUGH
from monitors.statistics.sampling import chances, compound, draw_systematic, scale_for, unsure
from monitors.statistics.weighted import weighted_share
from monitors.window import Window
from tests.statistics.simulation import baseline_of, draw, evidence_of

ROUNDS = 2_000


# drawing


@pytest.mark.parametrize("wanted", [1, 7, 40, 99])
def test_the_chances_sum_to_what_is_wanted(wanted):
    weight = np.random.default_rng(wanted).gamma(0.5, size=100)
    chance = chances(weight, scale_for(weight, wanted))
    assert chance.sum() == pytest.approx(wanted)
    assert chance.max() <= 1


def test_more_than_there_are_makes_all_certain_and_nothing_makes_none():
    weight = np.array([0.0, 0.1, 0.3])
    assert chances(weight, scale_for(weight, 5)).tolist() == [0.0, 1.0, 1.0]
    assert chances(weight, scale_for(weight, 0)).tolist() == [0.0, 0.0, 0.0]
    assert chances(np.zeros(0), scale_for(np.zeros(0), 3)).tolist() == []


def test_each_row_is_drawn_as_often_as_its_chance_says_and_the_count_is_fixed():
    rng = np.random.default_rng(1)
    chance = chances(rng.gamma(1.0, size=40), 0.3)
    chance *= 12 / chance.sum()
    drawn = np.array([draw_systematic(chance, rng) for _ in range(20_000)])
    assert set(drawn.sum(axis=1).tolist()) == {12}
    error = np.sqrt(chance * (1 - chance) / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - chance) < 4.5 * np.maximum(error, 1e-9)).all()


def test_rounds_compound_to_what_is_seen():
    """An even round and an uneven one: the share of rows drawn in either is the recorded probability."""
    rng = np.random.default_rng(2)
    rounds = [np.full(30, 0.2), chances(unsure(rng.uniform(0.4, 1.0, 30)), 0.9)]
    probability = compound(rounds, 30)
    drawn = np.array([draw_systematic(rounds[0], rng) | draw_systematic(rounds[1], rng) for _ in range(20_000)])
    assert np.abs(drawn.mean(axis=0) - probability).max() < 4.5 * 0.5 / np.sqrt(len(drawn))


def test_the_unsure_are_those_near_a_half():
    assert unsure(np.array([0.5, 0.9, 1.0, np.nan])).tolist() == pytest.approx([0.5, 0.3, 0.0, 0.5])


# estimating


def test_equal_chances_give_the_plain_share():
    hits = np.arange(100) < 87
    estimate = weighted_share(hits, np.full(100, 0.25))
    assert (estimate.value, estimate.count) == (pytest.approx(0.87), 100)
    assert estimate == weighted_share(hits, np.full(100, 0.9))


def test_no_rows_and_rows_that_agree_still_have_an_honest_interval():
    assert (
        weighted_share(np.zeros(0, bool), np.zeros(0)).low,
        weighted_share(np.zeros(0, bool), np.zeros(0)).high,
    ) == (
        0.0,
        1.0,
    )
    sure = weighted_share(np.ones(30, bool), np.full(30, 0.5))
    assert (sure.value, sure.high) == (1.0, 1.0)
    assert 0.8 < sure.low < 0.92
    assert weighted_share(np.ones(1, bool), np.ones(1)).low < 0.1


def test_a_row_stands_for_as_many_as_its_chance_left_out():
    hits = np.array([True] * 60 + [False] * 40)
    chance = np.array([0.1] * 60 + [0.4] * 40)
    assert weighted_share(hits, chance).value == pytest.approx(600 / 700)


@pytest.mark.parametrize("count", [60, 100, 300])
@pytest.mark.parametrize("uneven", [False, True], ids=["uniform", "uncertain"])
def test_the_interval_covers(count, uneven):
    """2,000 audits of a window of 4,000, drawn as the store draws them, accuracy 0.87: nominal 95 %."""
    rng = np.random.default_rng(count)
    held, values = 0, []
    accuracy = 0.3 + 0.7 * 9 / (9 + 2)
    for _ in range(ROUNDS):
        confidence = 0.3 + 0.7 * rng.beta(9, 2, 4_000)
        right = rng.random(4_000) < confidence
        rounds = [np.full(4_000, (count / 2 if uneven else count) / 4_000)]
        drawn = draw_systematic(rounds[0], rng)
        if uneven:
            doubt = unsure(confidence)
            rounds.append(chances(doubt, scale_for(doubt[~drawn], count / 2)))
            drawn |= draw_systematic(rounds[1], rng)
        estimate = weighted_share(right[drawn], compound(rounds, 4_000)[drawn])
        held += estimate.low <= accuracy <= estimate.high
        values.append(estimate.value)
    assert 0.935 <= held / ROUNDS <= 0.97
    assert abs(np.mean(values) - accuracy) < 4.5 * np.std(values) / np.sqrt(ROUNDS)


def test_unweighted_labels_of_an_uneven_audit_would_deceive():
    """The guard of the guard: without weights the same labels miss the truth nearly always."""
    rng = np.random.default_rng(5)
    confidence = 0.3 + 0.7 * rng.beta(9, 2, 40_000)
    doubt = unsure(confidence)
    chance = chances(doubt, scale_for(doubt, 2_000))
    drawn = draw_systematic(chance, rng)
    right = rng.random(40_000) < confidence
    assert weighted_share(right[drawn], np.ones(int(drawn.sum()))).high < right.mean() - 0.01
    weighted = weighted_share(right[drawn], chance[drawn])
    assert weighted.low < right.mean() < weighted.high


# the check

BASE = baseline_of(draw(np.random.default_rng(100), 800))


def labelled(seed: int, audited: int, volunteered: int, *, right_of_volunteered: float) -> Window:
    """Labels of one hour: audited ones as they come, volunteered ones from people who complain."""
    rng = np.random.default_rng(seed)
    rows = draw(rng, audited + volunteered)
    asked = np.full(len(rows), np.nan)
    chosen = rng.permutation(len(rows))[:audited]
    asked[chosen] = 0.1
    truth = rows.truth.copy()
    complaints = np.setdiff1d(np.arange(len(rows)), chosen)
    wrong = rng.random(len(complaints)) >= right_of_volunteered
    truth[complaints] = np.where(wrong, (rows.predicted[complaints] + 1) % 4, rows.predicted[complaints])
    return replace(rows, asked=asked, truth=truth)


def run(labels: Window):
    return CHECK.run(BASE, evidence_of(draw(np.random.default_rng(1), 300), labels), 0.01)


def test_audited_labels_are_shown_and_volunteered_ones_stand_beside():
    finding = run(labelled(3, 400, 600, right_of_volunteered=0.3))
    assert finding.estimate.count == finding.count == 400
    assert abs(finding.estimate.value - BASE.accuracy.value) < 0.08
    assert "on 400 audited labels" in finding.summary
    assert finding.details["volunteered"]["labels"] == 600
    assert finding.details["volunteered"]["high"] < 0.4
    assert finding.details["audit"]["shown"] is True


def test_too_few_audited_labels_are_not_shown():
    finding = run(labelled(4, ENOUGH - 1, 300, right_of_volunteered=0.9))
    assert finding.estimate.count == 300 + ENOUGH - 1
    assert finding.details["audit"] | {"reach": 0} == {"labels": ENOUGH - 1, "needed": 30, "reach": 0, "shown": False}
    assert finding.details["audited"]["labels"] == ENOUGH - 1


def test_an_audit_that_most_of_the_window_came_after_is_not_shown():
    labels = labelled(6, 200, 200, right_of_volunteered=0.3)
    late = np.where(np.isfinite(labels.asked), labels.time // 4, labels.time)
    finding = run(replace(labels, time=late))
    assert finding.details["audit"]["shown"] is False
    assert finding.estimate.count == 400
    alone = replace(labels, time=late).take(np.isfinite(labels.asked))
    assert run(alone).details["audit"]["shown"] is True


@pytest.mark.parametrize("volunteered", [5, 0])
def test_labels_asked_for_out_of_doubt_are_never_counted_like_others(volunteered):
    """The audit is old: its labels, wrong ones asked for four times as often, are weighted or left out."""
    labels = labelled(9, 200, volunteered, right_of_volunteered=1.0)
    old = np.where(np.isfinite(labels.asked), labels.time // 4, labels.time)
    uneven = np.where(labels.correct, 0.1, 0.4)
    labels = replace(labels, time=old, asked=np.where(np.isfinite(labels.asked), uneven, np.nan))
    finding = run(labels)
    weighted = weighted_share(labels.correct[:200], labels.asked[:200])
    if volunteered:
        assert (finding.estimate.value, finding.estimate.count) == (1.0, 5)
    else:
        assert finding.estimate == weighted
    few = run(replace(labels, time=old).take(slice(0, 20))).estimate
    assert volunteered or few.value > labels.correct[:20].mean()


def test_a_probability_that_is_none_is_not_believed():
    labels = labelled(7, 100, 0, right_of_volunteered=1.0)
    finding = run(replace(labels, asked=np.zeros(100)))
    assert finding.details["audited"] is None
    assert finding.estimate.count == 100


def test_the_accuracy_shown_weighs_each_audited_label():
    """Wrong answers asked for four times as often as right ones count a quarter each."""
    labels = labelled(8, 400, 0, right_of_volunteered=1.0)
    finding = run(replace(labels, asked=np.where(labels.correct, 0.1, 0.4)))
    right, wrong = labels.correct.sum(), (~labels.correct).sum()
    assert finding.estimate.value == pytest.approx(right / (right + wrong / 4))
