"""What calibrate expects follows traffic, margin and budget, and admits what it does not see."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from click.testing import CliRunner

from model.errors import InputError
from model.prediction import Predictions
from monitors.baseline import fit_baseline, save_baseline
from monitors.budget import SPENT, Budget
from monitors.calibration import (
    COMPARISONS,
    POINTS,
    Effort,
    Need,
    Traffic,
    Trial,
    calibrate,
    labels_needed,
    predictions_needed,
    predictions_one_by_one,
    strangest,
)
from monitors.checks import all_checks, all_streams
from monitors.verdict import Aspect, Finding, State
from service.cli import main
from service.expectation import expectation_json, expectation_lines
from tests.statistics.simulation import MODEL, World, baseline_of, draw

BASE = baseline_of(draw(np.random.default_rng(0), 800))
OUTPUT = [check for check in all_checks() if check.name == "output_drift"]
SMALL = Effort(streams=12, most_labels=4000, quiet_labels=200, windows=4, sizes=(50, 200, 800))
TRAFFIC = Traffic(10_000, 0.1, 3600, 200, 86_400)


def trial(baseline=BASE, effort=SMALL, checks=OUTPUT, alpha=0.01, told=None):
    alphas = {check.name: alpha for check in all_checks()} | {"harm": 0.05}
    progress = (told if told is not None else []).append
    return Trial(baseline, checks, alphas, effort, np.random.default_rng(0), progress)


def expect(margin=0.02, **about):
    return calibrate(trial(**about), TRAFFIC, margin=margin, harm="harm", false_notices_per_year=12)


def test_losses_within_the_margin_need_no_labels_and_larger_ones_fewer():
    told = []
    found = expect(told=told)
    assert [loss.points for loss in found.losses] == sorted(POINTS)
    assert [loss.accepted for loss in found.losses] == [True, False, False, False]
    assert found.losses[0].labels is None
    assert found.losses[1].labels == Need(None, None, 4000), "−3 at a margin of 2 is more than 800 rows can tell"
    assert 50 < found.losses[3].labels.median < 2000
    assert found.notices_per_year == pytest.approx(SPENT * 12)
    assert found.page_probability == 0.05
    assert sum(told) == SMALL.steps


def test_the_same_seed_gives_the_same_answer_and_it_is_json():
    found = expect()
    assert asdict(expect()) == asdict(found)
    as_json = expectation_json(found, TRAFFIC)
    assert json.loads(json.dumps(as_json, allow_nan=False)) == as_json
    ten = as_json["losses"][3]["labels"]
    assert ten["median_days"] == pytest.approx(ten["median"] / 1000)


def test_the_delay_of_the_test_is_counted_to_the_label():
    """Against the same bets, label by label."""
    from monitors.statistics.betting import advance, place_bets, start

    one = trial(effort=replace(SMALL, streams=1))
    found = labels_needed(one, (700, 800), 0.02, 0.3, 0.05)
    rng = np.random.default_rng(0)
    wager = place_bets(100, 800, 0.02)
    rate = rng.beta(100.5, 700.5)
    wealth = replace(advance(wager, start(wager), rng.random(200) < rate), peak=np.zeros(()))
    wrong = rng.random(4000) < rate + 0.3
    labels = 0
    while wealth.peak <= 20:
        wealth = advance(wager, wealth, wrong[labels : labels + 1])
        labels += 1
    assert found.median == found.nine_of_ten == labels


def test_stranger_texts_are_seen_in_smaller_windows_and_none_at_the_rate_of_chance():
    reference = draw(np.random.default_rng(1), 800, World(strange=0.05))
    held = baseline_of(reference)
    half, tenth = (predictions_needed(trial(held), share, 0) for share in (0.5, 0.1))
    assert half.median <= 200
    assert tenth.median is None or tenth.median >= half.median
    assert predictions_needed(trial(held, alpha=1e-4), 0.0, 0) == Need(None, None, 800)


def test_one_by_one_stranger_texts_are_seen_sooner_and_none_at_the_rate_of_chance():
    streams = [stream for stream in all_streams() if stream.reads == "predictions"]
    one = trial(baseline_of(draw(np.random.default_rng(1), 800, World(strange=0.05))))
    one = replace(one, streams=streams, alphas={**one.alphas, "stream_drift": 1e-3})
    all_of_them, fifth = (predictions_one_by_one(one, share) for share in (1.0, 0.2))
    assert all_of_them.median <= 40
    assert all_of_them.median <= fifth.median <= 400
    assert predictions_one_by_one(one, 0.0) == Need(None, None, 800)


def test_the_delay_of_a_stream_is_counted_from_the_change_in_steps():
    """A stream that alarms at its 330th prediction, of which 200 were quiet."""

    class Counting:
        name, title, aspect, reads = "counting", "Counting", Aspect.INPUT, "predictions"

        def advance(self, baseline, state, new, *, margin, alpha):
            read = (state or {"read": 0})["read"] + len(new)
            return {"read": read}, Finding(self.name, self.aspect, State.ALARM if read >= 330 else State.OK, "So many.")

    one = replace(trial(effort=replace(SMALL, quiet_predictions=200)), streams=[Counting()])
    one = replace(one, alphas={**one.alphas, "counting": 0.01})
    assert predictions_one_by_one(one, 0.1) == Need(140, 140, 800)


def test_the_strangest_rows_are_those_far_out_and_unknown_numbers_do_no_harm():
    usual = draw(np.random.default_rng(2), 760)
    assert len(strangest(usual)) == 38
    far = replace(usual, projection=usual.projection.copy())
    far.projection[:5] += 40
    far.features[:, 3] = np.nan
    assert set(range(5)) <= set(strangest(far).tolist())


def test_a_window_holds_what_comes_in_its_time_or_reaches_back():
    assert TRAFFIC.rows_in_window == 416
    assert replace(TRAFFIC, predictions_per_day=2400).rows_in_window == 200
    assert replace(TRAFFIC, predictions_per_day=100).rows_in_window == 100


def test_a_baseline_without_labels_is_refused():
    reference = replace(BASE.reference, truth=np.full(800, -1))
    with pytest.raises(InputError, match="no labelled row"):
        expect(baseline=replace(BASE, reference=reference))


def test_a_person_reads_what_is_not_seen():
    lines = "\n".join(expectation_lines(expect(), TRAFFIC, 0.02))
    assert "never" not in lines, "at the margin one stream in four pages, for the baseline is uncertain"
    assert "−2  points  on the fence: the loss is the margin of 2 points that you accept; some streams page" in lines
    assert "−3  points  not within 4,000 labels" in lines
    assert "416 predictions in the window" in lines
    assert "until the test of predictions one by one speaks" in lines


def test_the_budget_names_every_check_that_is_tried():
    budget = Budget(300, 1, 12, all_checks(), all_streams())
    assert {check.name for check in all_checks() if check.aspect in COMPARISONS} <= set(budget.alphas)
    assert "harm" in budget.alphas


@pytest.mark.slow
def test_the_command_prints_json_alone(tmp_path):
    rows = BASE.reference
    numbers = (rows.scores, rows.features, rows.projection)
    scores, features, projection = (column.astype(np.float32) for column in numbers)
    held = fit_baseline(
        model=MODEL, engine="simulated", precision="fp32", texts=None, dataset={"name": "simulated"}, created="",
        predictions=Predictions(rows.predicted, scores, features, projection, rows.truncated), truth=rows.truth,
    )  # fmt: skip
    save_baseline(held, tmp_path / "baseline")
    done = CliRunner().invoke(main, ["calibrate", "--baseline", str(tmp_path / "baseline"), "--json"])
    assert done.exit_code == 0, done.output
    assert [loss["points"] for loss in json.loads(done.stdout)["losses"]] == [2, 3, 5, 10]
