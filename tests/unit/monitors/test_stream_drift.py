"""Predictions one by one: quick to see what is strange, quiet where nothing is, and no more than a notice by itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from monitors.checks.stream_drift import STREAM, TOGETHER, _normal, strangeness
from monitors.in_memory import MemoryLog
from monitors.judgement import judge
from monitors.protocols import ROWS_AT_A_TIME
from monitors.statistics.conformal import BLOCK, _p_values, advance, make_bins, start, uniform
from monitors.verdict import Kind, Severity, State
from tests.statistics.simulation import World, baseline_of, draw, evidence_of, without_labels
from tests.unit.monitors import test_runner

BASE = baseline_of(draw(np.random.default_rng(0), 800))


def read(state, rows, base=BASE):
    return STREAM.advance(base, state, rows, margin=0.02, alpha=0.05)


def delay(world, seed, most=1500, before=0):
    rng = np.random.default_rng(seed)
    state = read(None, without_labels(draw(rng, before)))[0] if before else None
    rows = without_labels(draw(rng, most, world))
    for at in range(most):
        state, finding = read(state, rows.take(slice(at, at + 1)))
        if finding.state is State.ALARM:
            return at + 1
    return most


def test_p_values_are_ranks_among_all_that_came_before():
    rng = np.random.default_rng(1)
    shape, usual, new = (rng.normal(size=(rows, 2)) for rows in (50, 60, 40))
    bins = make_bins(shape)
    p_values, counts = _p_values(start(bins, usual), bins.place(new), 3)
    before = bins.place(np.concatenate([usual, new]))
    ties = uniform(3, 0, 40, 2)
    for row in range(40):
        for score in range(2):
            mine, others = before[60 + row, score], before[: 60 + row, score]
            rank = (others > mine).sum() + ties[row, score] * ((others == mine).sum() + 1)
            assert p_values[row, score] == pytest.approx(rank / (61 + row))
    assert counts.sum() == 2 * 100


def test_ties_are_broken_evenly_and_by_place_alone():
    drawn = uniform(7, 0, 5000, 3)
    assert abs(drawn.mean() - 0.5) < 0.01
    assert np.histogram(drawn, 10, (0, 1))[0].min() > 1300
    assert (uniform(7, 100, 5, 3) == drawn[100:105]).all()
    assert (uniform(8, 0, 5000, 3) != drawn).all()


def test_quiet_streams_of_the_bare_statistic_stay_quiet():
    """200 streams of 6,000 rows, each with a baseline of its own; 5 % is 10 of them, 20 comes once in a thousand."""
    rng = np.random.default_rng(2)
    fired = 0
    for seed in range(200):
        shape, usual = rng.exponential(size=(100, 2)), rng.exponential(size=(100, 2))
        bins = make_bins(shape)
        fired += advance(bins, start(bins, usual), rng.exponential(size=(6000, 2)), seed).peak > 20
    assert fired <= 20


def test_quiet_streams_of_the_check_stay_quiet():
    rng = np.random.default_rng(3)
    fired = 0
    for trial in range(40):
        held = replace(BASE, reference=draw(rng, 400), id=str(trial))
        fired += read(None, without_labels(draw(rng, 3000)), held)[1].state is State.ALARM
    assert fired <= 7  # 5 % of 40 is 2; 8 comes once in a thousand


def test_strange_predictions_are_seen_within_a_few():
    """On a fresh baseline of 800 rows, and after 3,000 quiet predictions."""
    for before in (0, 3000):
        assert np.median([delay(World(strange=1.0), seed, before=before) for seed in range(5)]) <= 5
        assert np.median([delay(World(strange=0.2), seed, before=before) for seed in range(5)]) <= 40
        assert np.median([delay(World(strange=0.05), seed, before=before) for seed in range(5)]) <= 250


def test_the_state_is_bounded_and_batches_make_no_difference():
    rows = without_labels(draw(np.random.default_rng(4), 5 * BLOCK + 3))
    whole, said = read(None, rows)
    assert len(json.dumps(whole)) < 20_000
    state = None
    for first in range(0, len(rows), 50):
        state, finding = read(
            None if state is None else json.loads(json.dumps(state)), rows.take(slice(first, first + 50))
        )
    assert (state, finding) == (whole, said)
    later, _ = read(whole, without_labels(draw(np.random.default_rng(5), 20_000)))
    assert len(json.dumps(later)) < 20_000


def test_it_stays_fired_and_begins_anew_with_another_baseline():
    state, finding = read(None, without_labels(draw(np.random.default_rng(6), 200, World(strange=1.0))))
    assert finding.state is State.ALARM
    assert finding.gross is False
    quiet = without_labels(draw(np.random.default_rng(7), 500))
    assert read(state, quiet)[1].state is State.ALARM
    again, finding = read(state, quiet, replace(BASE, id="another"))
    assert (again["rows"], finding.state) == (500, State.OK)


def test_rows_and_baselines_that_know_nothing_say_nothing():
    blind = without_labels(draw(np.random.default_rng(8), 300, World(strange=1.0)))
    for column in ("features", "projection", "scores"):
        getattr(blind, column)[:, 0] = np.nan
    assert read(None, blind)[1].state is State.OK
    small = replace(BASE, reference=BASE.reference.take(slice(0, 60)))
    assert read(None, blind, small)[1].state is State.INSUFFICIENT


def verdict(stream_fired, window):
    rows = without_labels(draw(np.random.default_rng(9), 200, World(strange=1.0 if stream_fired else 0.0)))
    finding = read(None, rows)[1]
    return judge([finding], BASE, evidence_of(window), margin=0.02, page_without_labels=True)


def test_by_itself_it_is_benign_drift_where_labels_say_so_and_never_a_page():
    rng = np.random.default_rng(10)
    assert verdict(True, draw(rng, 400)).kind is Kind.BENIGN_DRIFT
    assert verdict(True, without_labels(draw(rng, 400))).severity.rank <= Severity.TICKET.rank


def test_a_quiet_stream_does_not_stand_in_for_a_window_without_rows():
    assert verdict(False, draw(np.random.default_rng(11), 0)).kind is Kind.INSUFFICIENT_DATA


class Parts(MemoryLog):
    asked: list

    def after(self, version, cursor, reads, most=ROWS_AT_A_TIME):
        rows, end = super().after(version, cursor, reads, most)
        self.asked.append(len(rows))
        return rows, end


def test_a_stream_far_behind_reads_the_log_in_parts_and_each_row_once(monkeypatch):
    monkeypatch.setattr("monitors.runner.ROWS_AT_A_TIME", 40)
    stream = test_runner.Errors()
    world = test_runner.World(streams=[stream])
    world.log = Parts(test_runner.MODEL)
    world.log.asked = []
    world.serve(count=100, labelled=True)
    world.round()
    assert world.log.asked == [40, 40, 20]
    assert len(stream.read) == len(set(stream.read)) == 100
    assert world.round().streams["errors"].cursor == 100


def test_texts_and_embeddings_together_are_a_view_of_their_own():
    """The geometric mean of the two distances; what is unknown on either side proves nothing."""
    normal = _normal(BASE.reference)
    assert normal.names[-1] == TOGETHER
    seen = strangeness(normal.views, without_labels(draw(np.random.default_rng(12), 50)))
    texts, _, embeddings, together = seen.T
    assert together**2 == pytest.approx(texts * embeddings)
    blind = without_labels(draw(np.random.default_rng(13), 5))
    blind.projection[:, 0] = np.nan
    assert (strangeness(normal.views, blind)[:, -1] == 0).all()
