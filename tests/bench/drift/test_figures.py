"""The benchmark's own arithmetic; quick, pure, part of `make test`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.drift.figures import (
    MISSED,
    OPEN,
    REACHED,
    Rate,
    bounded,
    fires,
    joint_score,
    quiet_months,
    shown,
    threshold_at,
    within,
)
from tests.bench.drift.jobs import Effort, Job, plan, rounds
from tests.bench.drift.scenarios import ALL, LABELS_ONLY, QUIET, half
from tests.bench.drift.tables import Found, label_free
from tests.bench.drift.tape import HOUR, Tape, hours
from tests.statistics.simulation import draw


def test_a_bound_holds_when_the_end_of_the_interval_does():
    assert Rate(99, 100).ends[0] == pytest.approx(0.9455, abs=1e-4)  # Clopper and Pearson
    assert (Rate(99, 100).at_least(0.94), Rate(99, 100).at_least(0.96), Rate(80, 100).at_least(0.96)) == (
        REACHED,
        OPEN,
        MISSED,
    )
    assert (Rate(0, 400).at_most(0.01), Rate(0, 100).at_most(0.01), Rate(9, 100).at_most(0.01)) == (
        REACHED,
        OPEN,
        MISSED,
    )
    assert Rate(0, 0).at_most(0.01) == OPEN
    assert Rate(40, 4000).about(0.01) == REACHED
    assert Rate(80, 4000).about(0.01) == MISSED
    assert bounded("error", 1.5, 1.4, 0.01).result == REACHED
    assert bounded("error", 1.5, 1.4, 0.1).result == OPEN
    assert [shown(share) for share in (0.5, 0.05, 0.0012, 0.0)] == ["50", "5.0", "0.12", "0"]


def test_at_a_threshold_no_more_of_the_quiet_scores_fire_than_asked():
    scores = np.random.default_rng(0).normal(size=1000)
    at = threshold_at(scores, 0.01)
    assert (scores > at).sum() == 10
    assert threshold_at(scores, 0.0) == scores.max()


def test_events_of_all_months_together_say_how_many_months_have_more_than_one():
    value, low = quiet_months(0, 20)
    assert value == 1.0
    assert low == pytest.approx(0.985, abs=0.002)  # a mean of at most 3.69 / 20
    assert quiet_months(7, 20)[0] == pytest.approx(0.951, abs=0.001)
    assert quiet_months(7, 20)[1] < 0.9


def test_several_p_values_share_one_false_alarm_rate():
    p_values = {"a": 0.004, "b": 0.5}
    assert joint_score(p_values) == pytest.approx(2.398, abs=1e-3)
    assert fires(p_values, 0.01)
    assert not fires(p_values | {"c": 1.0}, 0.01)
    assert within([0.5, 0.0], 3) == pytest.approx(0.4375)


def test_halves_are_fixed_by_the_name_and_cover_both_kinds():
    assert {half(name) for name in ("class_mix_30", "upper_case")} == {"tune", "report"}
    assert len({one.name for one in ALL}) == len(ALL) >= 30
    assert 0.4 <= np.mean([half(one.name) == "tune" for one in ALL]) <= 0.6
    assert {half(name) for name in LABELS_ONLY} == {"tune", "report"}


def test_every_piece_has_a_file_of_its_own():
    effort = Effort({800: 500, 2400: 250}, 10, 60, 120, 2, 1, 150, 10)
    jobs = [*plan("sample", effort, ["evidently", "driftlens"], ["spam_30"]), *rounds("sample", effort)]
    assert len({job.key for job in jobs}) == len(jobs)
    assert (
        sum(job.arguments["draws"] for job in jobs if job.what == "windows" and job.arguments["base"] == 2400) == 1000
    )
    assert not [job for job in jobs if job.arguments.get("peer") == "driftlens" and job.arguments["size"] < 200]


def test_a_tape_shows_rows_and_labels_when_their_time_has_come():
    rng = np.random.default_rng(0)
    tape = Tape(hours([draw(rng, 50), draw(rng, 50)], 0.5, HOUR, rng))
    tape.now = HOUR
    assert len(tape.window("v", 0, HOUR)) == tape.end_cursor("predictions") == 50
    assert not tape.window("v", 0, HOUR).known.any()
    tape.now = 2 * HOUR
    labelled = tape.labelled("v", 0, 2 * HOUR)
    assert 10 < len(labelled) == tape.end_cursor("labels") < 50
    assert (np.diff(labelled.label_time) >= 0).all()
    seen, cursor = tape.after("v", 0, "labels", 7)
    assert len(seen) == cursor == 7
    assert seen.known.all()


def test_the_error_of_an_estimate_is_a_mean_over_scenarios():
    def row(estimate: float, accuracy: float, trusted: bool) -> dict[str, object]:
        return {"estimate": estimate, "accuracy": accuracy, "trusted": trusted}

    report = [one.name for one in ALL if half(one.name) == "report" and one.name not in LABELS_ONLY][:2]
    pieces = {
        "verdicts": [
            (Job("a", "verdicts", "w", {"scenario": report[0]}), [row(0.9, 0.9, True)] * 4),
            (Job("b", "verdicts", "w", {"scenario": report[1]}), [row(0.9, 0.6, False)] * 2),
            (Job("c", "verdicts", "w", {"scenario": QUIET}), [row(0.9, 0.9, True)] * 2),
            (Job("d", "verdicts", "another world", {"scenario": QUIET}), [row(0.0, 0.9, True)] * 2),
        ]
    }
    sheet = label_free(Found("w", "report", {report[0]: 0.0, report[1]: 0.3}, pieces))
    assert sheet.rows[0] == ("bertwatch", "10.00", "10.00", "0.00", "30.00")
    assert [target.result for target in sheet.targets] == [MISSED, MISSED, REACHED, OPEN, OPEN, OPEN]
