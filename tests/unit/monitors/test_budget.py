"""The budget is spread over everything that can alarm, at the owner's schedule, and never overspent."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monitors.budget import MOST, SPENT, Budget
from monitors.checks import all_checks, all_streams
from monitors.statistics.betting import advance, place_bets, start
from monitors.verdict import State
from service.settings import Settings
from service.wiring import checks
from tests.statistics.simulation import World, baseline_of, draw, evidence_of, without_labels


def budget(interval: float = 300, pages: float = 1, notices: float = 12) -> Budget:
    return Budget(interval, pages, notices, all_checks(), all_streams())


@pytest.mark.parametrize("interval", [60, 300, 3600])
def test_a_year_of_quiet_rounds_stays_within_the_budget(interval):
    spread = budget(interval)
    able = [check for check in all_checks() if getattr(check, "budgeted", True)]
    streams = [stream for stream in all_streams() if stream.reads == "predictions"]
    expected = spread.check_alpha * len(able) * spread.rounds_per_year + spread.notice_stream_alpha * len(streams)
    assert expected == pytest.approx(SPENT * 12)


def test_the_spent_part_keeps_a_month_at_one_notice():
    assert stats.poisson.cdf(1, SPENT) >= 0.95


def test_every_check_and_stream_has_its_share():
    spread = budget()
    assert set(spread.alphas) == {one.name for one in (*all_checks(), *all_streams())}
    assert all(0 < alpha <= MOST for alpha in spread.alphas.values())


def test_checks_that_cannot_alarm_by_chance_take_no_share():
    able = [check for check in all_checks() if getattr(check, "budgeted", True)]
    assert {check.name for check in all_checks()} - {check.name for check in able} == {
        "accuracy", "estimated_accuracy", "label_shift", "silence",
    }  # fmt: skip
    assert Budget(300, 1, 12, able, all_streams()).check_alpha == budget().check_alpha


def test_label_shift_alarms_only_where_the_class_mix_does_and_so_takes_no_share():
    rng = np.random.default_rng(3)
    held = baseline_of(draw(rng, 800))
    both = [check for check in all_checks() if check.name in {"class_mix", "label_shift"}]
    told = []
    for share in np.tile([0.25, 0.32, 0.4], 10):
        window = without_labels(draw(rng, 200, World(mix=(share, *[(1 - share) / 3] * 3))))
        told.append(tuple(check.run(held, evidence_of(window), 0.01).state is State.ALARM for check in both))
    assert (True, True) in told
    assert (False, True) not in told


def test_compressed_time_needs_a_budget_of_its_own_and_then_works():
    assert budget(interval=2).check_alpha < 1e-6
    assert 1e-4 < budget(interval=2, pages=1000, notices=100_000).check_alpha < 1e-2


def test_streams_over_labels_share_the_pages_and_streams_over_predictions_are_paid_from_notices():
    labels = [stream for stream in all_streams() if stream.reads == "labels"]
    few = budget(pages=0.01, notices=1e-6)
    assert few.stream_alpha == pytest.approx(SPENT * 0.01 / len(labels))
    assert budget(pages=1000).stream_alpha == MOST
    spread = budget(notices=0.01)
    assert spread.notice_stream_alpha < MOST
    assert spread.notice_stream_alpha == budget(notices=0.01, pages=1000).notice_stream_alpha
    for stream in all_streams():
        share = spread.stream_alpha if stream.reads == "labels" else spread.notice_stream_alpha
        assert spread.alphas[stream.name] == share


def test_the_smallest_budget_that_is_taken_can_still_page():
    """Labels that are all wrong prove harm at its threshold; at a tenth of it nothing could."""
    wager = place_bets(50, 800, 0.02)
    most = advance(wager, start(wager), np.ones(2_000, bool)).peak
    least = next(one.ge for one in Settings.model_fields["false_pages_per_year"].metadata)
    assert 1 / budget(pages=least).stream_alpha < most < 1 / budget(pages=least / 10).stream_alpha


def test_as_shipped_every_round_is_counted_as_if_its_rows_were_all_new():
    """Of a window of more than 4,000 rows a round looks at others than the last: overlap must buy no alarms."""
    chosen = checks(Settings())
    able = [chosen.alphas[check.name] for check in chosen.checks if getattr(check, "budgeted", True)]
    assert sum(able) * budget().rounds_per_year < SPENT * 12
