"""The statistics keep what their docstrings promise: exact values, coverage, false-alarm rates, equal batches."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from scipy import stats

import monitors.statistics
from monitors.statistics.atc import atc_estimate
from monitors.statistics.bbse import estimate_label_shift
from monitors.statistics.betting import HELP, Wealth, advance, place_bets, start
from monitors.statistics.binomial import exact_interval, wilson_interval
from monitors.statistics.confidence import confidence_estimate, temper
from monitors.statistics.correctness import fit_correctness
from monitors.statistics.fisher import compare_mix, differ, more_often
from monitors.statistics.holm import holm
from monitors.statistics.ks import ks_distance, ks_test
from monitors.statistics.maxima import tail_probability
from monitors.statistics.permutation import joint_test
from monitors.statistics.rows import describe_cloud, describe_rows, normal_scores
from monitors.statistics.support import fit_support

MODULES = [module.name for module in pkgutil.iter_modules(monitors.statistics.__path__)]


def at_most(rate: float, count: int) -> float:
    """The number of events that a true rate exceeds in one of 10,000 tries: the tolerance of every simulation here."""
    return float(stats.binom.isf(1e-4, count, rate))


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    """Every example in a docstring is true."""
    found = doctest.testmod(importlib.import_module(f"monitors.statistics.{name}"), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


# intervals


@pytest.mark.parametrize("hits", [0, 1, 37, 99, 100])
def test_exact_interval_is_scipys(hits):
    ours = exact_interval(hits, 100)
    theirs = stats.binomtest(hits, 100).proportion_ci(method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("hits", [0, 1, 37, 99, 100])
def test_wilson_interval_is_scipys(hits):
    ours = wilson_interval(hits, 100)
    theirs = stats.binomtest(hits, 100).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_intervals_without_rows_say_nothing():
    assert (exact_interval(0, 0).low, exact_interval(0, 0).high) == (0.0, 1.0)
    assert (wilson_interval(0, 0).low, wilson_interval(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.87])
def test_exact_interval_covers(share):
    """2,000 samples of 120 rows: the truth is outside in at most 5 %."""
    draws = np.random.default_rng(1).binomial(120, share, 2000)
    held = [exact_interval(int(hits), 120) for hits in draws]
    assert sum(not one.low <= share <= one.high for one in held) <= at_most(0.05, 2000)


# comparisons of two samples


def test_fisher_is_scipys():
    table = [[18, 182], [40, 760]]
    assert more_often(18, 200, 40, 800) == pytest.approx(stats.fisher_exact(table, "greater").pvalue)


def test_differ_reaches_deep():
    assert 0 < differ(150, 200, 100, 800) < 1e-50


def test_mix_of_the_same_classes_is_quiet():
    """2,000 quiet windows larger than the baseline, where a chi-square against fixed frequencies fires on most."""
    rng = np.random.default_rng(2)
    pairs = zip(rng.multinomial(2000, [0.25] * 4, 2000), rng.multinomial(800, [0.25] * 4, 2000), strict=True)
    p_values = np.array([compare_mix(window, base).p_value for window, base in pairs])
    assert (p_values < 0.05).sum() <= at_most(0.05, 2000)
    assert (p_values < 0.01).sum() <= at_most(0.01, 2000)


def test_mix_leaves_out_a_class_that_never_occurs():
    with_it = compare_mix(np.array([60, 40, 0]), np.array([200, 200, 0]))
    without = compare_mix(np.array([60, 40]), np.array([200, 200]))
    assert with_it.p_value == without.p_value
    assert compare_mix(np.array([60, 0]), np.array([200, 0])).p_value == 1.0


def test_ks_is_exact_far_out():
    rng = np.random.default_rng(3)
    base, window = rng.normal(size=800), rng.normal(1, 1, 200)
    found = ks_test(window, base)
    assert found.p_value == pytest.approx(stats.ks_2samp(window, base, method="exact").pvalue)
    assert found.p_value < 1e-20
    assert ks_distance(window, base) == pytest.approx(found.distance)


def test_ks_of_nothing():
    assert ks_test(np.array([np.nan]), np.arange(5.0)).p_value == 1.0
    assert ks_distance(np.array([]), np.arange(5.0)) == 0.0


def test_holm_never_rejects_less_than_bonferroni():
    p_values = np.random.default_rng(4).random(50)
    assert (holm(p_values) <= np.minimum(1, 50 * p_values) + 1e-12).all()
    assert (holm(p_values) >= p_values).all()


# the joint test


def mixed(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Columns as text numbers are: round, skewed, sparse, constant."""
    length = np.round(np.exp(rng.normal(3, 0.5, rows)))
    sparse = (rng.random(rows) < 0.03) * rng.random(rows)
    return np.column_stack([length, np.round(length / 6), sparse, rng.normal(size=rows), np.ones(rows)])


def test_normal_scores_share_ties_and_leave_constants():
    scores = normal_scores(np.column_stack([np.r_[np.zeros(5), np.ones(5)], np.ones(10)]))
    assert np.ptp(scores[:5, 0]) == 0
    assert (scores[:, 1] == 0).all()
    assert scores[:, 0].std() == pytest.approx(1)


@pytest.mark.parametrize(("base", "window", "windows"), [(800, 50, 400), (200, 400, 150)])
def test_joint_test_fires_at_its_rate(base, window, windows):
    """Quiet windows, each with a baseline of its own."""
    rng = np.random.default_rng(base)
    names = [str(i) for i in range(5)]
    p_values = np.array(
        [
            joint_test(describe_rows(mixed(rng, base + window), names), window, seed=trial).p_value
            for trial in range(windows)
        ]
    )
    assert (p_values < 0.05).sum() <= at_most(0.05, windows)
    assert (p_values < 0.01).sum() <= at_most(0.01, windows)
    assert 0.35 < p_values.mean() < 0.75


def test_joint_test_fires_at_its_rate_on_clouds():
    """60 quiet windows of 200 with 32 correlated directions and four labels."""
    rng = np.random.default_rng(5)
    turn = rng.normal(size=(32, 32))
    p_values = []
    for trial in range(60):
        cloud, labels = rng.normal(size=(1000, 32)) @ turn, rng.integers(0, 4, 1000)
        p_values.append(joint_test(describe_cloud(cloud, labels), 200, seed=trial).p_value)
    assert (np.array(p_values) < 0.05).sum() <= at_most(0.05, 60)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x, rng: np.add(x, [0, 0, 0, 0.5, 0]), id="location"),
        pytest.param(lambda x, rng: x * [1, 1, 1, 2.0, 1], id="spread"),
        pytest.param(
            lambda x, rng: np.where((rng.random(len(x)) < 0.06)[:, None], np.add(x, [0, 0, 0, 9, 0]), x),
            id="tail of 6 %",
        ),
        pytest.param(
            lambda x, rng: np.where(rng.random((len(x), 1)) < 0.15, np.add(x, [0, 0, 0.5, 0, 0]), x), id="sparse"
        ),
    ],
)
def test_joint_test_sees(change):
    rng = np.random.default_rng(6)
    names = [str(i) for i in range(5)]
    for trial in range(5):
        pool = describe_rows(np.concatenate([mixed(rng, 800), change(mixed(rng, 300), rng)]), names)
        assert joint_test(pool, 300, seed=trial).p_value < 1e-4


def test_joint_test_sees_a_class_that_moved_while_the_whole_did_not():
    """Two labels move in opposite directions: means, spreads and tails of the whole stay what they were."""
    rng = np.random.default_rng(7)
    cloud, labels = rng.normal(size=(1300, 32)), rng.integers(0, 2, 1300)
    cloud[800:, 3] += np.where(labels[800:] == 0, 0.8, -0.8)
    test = joint_test(describe_cloud(cloud, labels), 500, seed=0)
    assert test.p_value < 1e-6


def test_joint_test_is_repeatable():
    pool = describe_rows(mixed(np.random.default_rng(9), 500), [str(i) for i in range(5)])
    assert joint_test(pool, 100, seed=3).p_value == joint_test(pool, 100, seed=3).p_value


def test_fitted_tail_reaches_beyond_the_permutations():
    """The tail fitted to 1,000 maxima of 60 half-correlated scores, against 500,000 counted ones."""
    rng = np.random.default_rng(10)

    def maxima(count: int) -> np.ndarray:
        shared = rng.normal(size=(count, 1))
        return np.abs(0.7 * shared + np.sqrt(0.51) * rng.normal(size=(count, 60))).max(axis=1)

    counted = np.concatenate([maxima(50_000) for _ in range(10)])
    for rate in (1e-3, 1e-4):
        at = float(np.quantile(counted, 1 - rate))
        fitted = np.array([tail_probability(maxima(1000), at) for _ in range(20)])
        assert rate / 2 < np.median(fitted) < rate * 3


# the betting test


@pytest.mark.parametrize("sizes", [[1] * 300, [300], [99, 1, 1, 150, 49]])
def test_batches_do_not_matter(sizes):
    """One by one, all at once, in odd pieces: the very same numbers."""
    rng = np.random.default_rng(11)
    wrong, surplus = rng.random(300) < 0.2, np.where(rng.random(300) < 0.5, rng.normal(0, 0.1, 300), np.nan)
    wager = place_bets(80, 800, 0.02)
    whole = advance(wager, start(wager), wrong, surplus)
    pieces = start(wager)
    ends = np.cumsum(sizes)[:-1]
    for part, help_of_part in zip(np.split(wrong, ends), np.split(surplus, ends), strict=True):
        pieces = advance(wager, pieces, part, help_of_part)
    assert pieces.peak == whole.peak
    assert (pieces.money == whole.money).all()
    assert (pieces.labels, pieces.errors) == (whole.labels, whole.errors) == (300, int(wrong.sum()))


def bet(rng: np.random.Generator, streams: int, rates: np.ndarray, *, rows: int = 800, margin: float = 0.02) -> Wealth:
    """Streams against baselines drawn anew, each with 10 % errors."""
    wager = place_bets(rng.binomial(rows, 0.1, streams), rows, margin)
    return advance(wager, start(wager), rng.random((streams, len(rates))) < rates)


@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("rows", [60, 800])
def test_quiet_streams_stay_quiet(margin, rows):
    """150 streams of 2,000 labels as good as ever, each with a baseline of its own."""
    fired = bet(np.random.default_rng(12), 150, np.full(2000, 0.1), rows=rows, margin=margin).peak > 20
    assert fired.sum() <= at_most(0.05, 150)


def test_streams_in_step_are_those_one_by_one():
    rng = np.random.default_rng(13)
    errors, wrong = np.array([60, 80, 100]), rng.random((3, 80)) < 0.3
    together = advance(place_bets(errors, 800, 0.02), start(place_bets(errors, 800, 0.02)), wrong)
    for at in range(3):
        wager = place_bets(int(errors[at]), 800, 0.02)
        assert advance(wager, start(wager), wrong[at]).peak == pytest.approx(together.peak[at])


def test_swapped_labels_are_seen_within_forty():
    """Half of the answers suddenly wrong, at once and after 1,000 quiet labels."""
    assert (bet(np.random.default_rng(14), 50, np.full(40, 0.6)).peak > 20).mean() > 0.9
    late = np.r_[np.full(1000, 0.1), np.full(40, 0.6)]
    assert (bet(np.random.default_rng(15), 50, late).peak > 20).mean() > 0.9


def test_a_loss_within_the_margin_is_no_proof_of_one_beyond_it():
    """1,000 labels at two points below are much evidence of a loss, and hardly any of more than five points."""
    rng = np.random.default_rng(16)
    assert (bet(rng, 60, np.full(1000, 0.15), margin=0.10).peak > 20).mean() < 0.25
    assert (bet(rng, 60, np.full(1000, 0.15), margin=0.0).peak > 20).mean() > 0.5


@pytest.mark.parametrize("lie", ["none", "constant", "noise", "against"])
def test_wrong_guesses_raise_no_false_alarm(lie):
    """Guesses that know nothing, or point the wrong way, on labels that fall evenly."""
    rng = np.random.default_rng(17)
    wrong = rng.random((150, 1500)) < 0.1
    guess = {"none": np.full(wrong.shape, np.nan), "constant": np.full(wrong.shape, 0.4),
             "noise": rng.random(wrong.shape) * HELP, "against": np.where(wrong, 0.0, HELP)}[lie]  # fmt: skip
    middle = HELP * 0.9 if lie == "against" else np.nanmean(guess) if lie != "none" else 0.0
    wager = place_bets(rng.binomial(800, 0.1, 150), 800, 0.02)
    wealth = advance(wager, start(wager), wrong, guess - middle)
    assert (wealth.money >= 0).all()
    assert (wealth.peak > 20).sum() <= at_most(0.05, 150)


def test_good_guesses_save_labels():
    """Errors that a guess knows half of: fewer labels at the median than without, on the same streams."""
    rng = np.random.default_rng(18)
    chance = np.where(rng.random((100, 600)) < 0.25, 0.55, 0.08)
    wrong = rng.random(chance.shape) < chance
    wager = place_bets(rng.binomial(800, 0.1, 100), 800, 0.02)
    delays = []
    for surplus in (None, np.minimum(chance, HELP) - np.minimum(chance, HELP).mean()):
        wealth, seen = start(wager), np.full(100, np.inf)
        for label in range(600):
            helped = None if surplus is None else surplus[:, label : label + 1]
            wealth = advance(wager, wealth, wrong[:, label : label + 1], helped)
            seen = np.minimum(seen, np.where(wealth.peak > 20, label + 1, np.inf))
        delays.append(np.median(seen))
    assert delays[1] < 0.9 * delays[0] < 600


@pytest.mark.parametrize(("errors", "count"), [(0, 50), (50, 50), (1, 2), (0, 1)])
def test_degenerate_baselines_bet_without_breaking(errors, count):
    wager = place_bets(errors, count, 0.02)
    wealth = advance(wager, start(wager), np.ones(500, np.bool_))
    assert np.isfinite(wealth.peak)
    assert np.isfinite(wealth.money).all()


# accuracy without labels


def test_temper_keeps_the_order_and_softens():
    scores = np.array([[0.9, 0.08, 0.02], [0.2, 0.5, 0.3]])
    softer = temper(scores, 2.0)
    assert softer.sum(axis=1) == pytest.approx([1, 1])
    assert (softer.argmax(axis=1) == scores.argmax(axis=1)).all()
    assert (softer.max(axis=1) < scores.max(axis=1)).all()
    assert temper(scores, 1.0) == pytest.approx(scores)


def test_estimates_of_the_baseline_are_its_accuracy():
    rng = np.random.default_rng(16)
    confidence = rng.beta(5, 1, 2000)
    correct = rng.random(2000) < confidence**1.3
    assert confidence_estimate(confidence, confidence, correct).mean() == pytest.approx(correct.mean())
    assert atc_estimate(confidence, confidence, correct).mean() == pytest.approx(correct.mean(), abs=1e-3)
    table = np.column_stack([confidence, rng.normal(size=2000)])
    assert fit_correctness(table, correct)(table).mean() == pytest.approx(correct.mean(), abs=1e-6)


def test_regression_follows_what_makes_answers_wrong():
    rng = np.random.default_rng(17)
    hard = rng.normal(size=4000)
    correct = rng.random(4000) < 1 / (1 + np.exp(-(2 - 1.5 * hard)))
    fitted = fit_correctness(hard[:, None], correct)
    later = rng.normal(1, 1, 4000)
    truth = (1 / (1 + np.exp(-(2 - 1.5 * later)))).mean()
    assert fitted(later[:, None]).mean() == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("rows", [100, 800])
def test_fresh_rows_lie_inside_the_support(rows):
    """Of 2,000 fresh rows few are outside, also where the baseline is small against 20 columns."""
    rng = np.random.default_rng(18)
    support = fit_support(rng.normal(size=(rows, 20)))
    assert support.outside(rng.normal(size=(2000, 20))).mean() < 0.05
    assert support.outside(rng.normal(4, 1, (200, 20))).all()


def test_what_was_always_the_same_and_changes_is_outside():
    rng = np.random.default_rng(19)
    base = np.column_stack([rng.normal(size=500), np.zeros(500)])
    assert fit_support(base).outside(np.array([[0.0, 0.4]])).all()


# label shift


def test_label_shift_recovers_the_mix_and_its_interval_covers():
    rng = np.random.default_rng(20)
    right = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.05, 0.1, 0.85]])
    mix = np.array([0.6, 0.3, 0.1])
    covered = []
    for _ in range(60):
        confusion = np.stack([rng.multinomial(270, row) for row in right])
        found = estimate_label_shift(confusion, rng.multinomial(600, mix @ right), rng=rng)
        covered.append((found.low <= mix) & (mix <= found.high))
        assert np.abs(found.share - mix).max() < 0.15
    assert np.mean(covered) > 0.88  # nominal 0.95 over 180 dependent intervals
