"""Audits draw what they say with the probability they record, ask once, and mark the labels that come."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from model.errors import InputError
from service.store.audits import Audits
from service.store.database import Database
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome, Strategy
from service.store.predictions import PredictionLog
from tests.contract.store.rows import NEWS, START, record, row_id

NOW = START + 10_000
WINDOW = 5_000


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    return opened


@pytest.fixture
def audits(database: Database) -> Audits:
    return Audits(database, np.random.default_rng(0), WINDOW)


@pytest.fixture
def labels(database: Database) -> Labels:
    return Labels(database)


def fill(log: PredictionLog, rows: range) -> None:
    log.append([record(number) for number in rows])


def answer(labels: Labels, *ids, label: str = "World", now: int = NOW) -> None:
    assert {one.outcome for one in labels.add([NewLabel(each, None, label) for each in ids], now)} == {Outcome.STORED}


def test_as_many_as_wanted_are_drawn_from_the_window_only(audits, log):
    fill(log, range(4_900, 5_100))
    drawn = audits.ask("v1", NOW, 20)
    assert len({each.prediction_id for each in drawn}) == 20
    assert {each.prediction_id for each in drawn} <= {row_id(number) for number in range(5_000, 5_100)}
    assert {each.probability for each in drawn} == {0.2}


def test_what_was_asked_is_asked_again_before_anything_is_drawn(audits, log, labels):
    fill(log, range(6_000, 6_100))
    first = {each.prediction_id for each in audits.ask("v1", NOW, 10)}
    again = [each.prediction_id for each in audits.ask("v1", NOW, 10)]
    assert set(again) == first
    answer(labels, *again[:4])
    more = {each.prediction_id: each.probability for each in audits.ask("v1", NOW, 10)}
    assert len(more) == 10
    assert set(again[4:]) < set(more)
    assert set(again[:4]).isdisjoint(more)
    # 4 of the 90 that were open, for every row
    assert list(more.values()) == [pytest.approx(1 - 0.9 * (1 - 4 / 90))] * 10


def test_a_label_gets_the_probability_whoever_sends_it_and_a_volunteered_one_none(audits, log, labels):
    fill(log, range(6_000, 6_100))
    drawn = [each.prediction_id for each in audits.ask("v1", NOW, 10)]
    other = next(row_id(number) for number in range(6_000, 6_100) if row_id(number) not in drawn)
    answer(labels, drawn[0], other)
    assert [(one.asked, one.source) for one in labels.history(drawn[0])] == [(0.1, "audit")]
    assert [(one.asked, one.source) for one in labels.history(other)] == [(None, "feedback")]
    labels.add([NewLabel(drawn[0], None, "Sports")], NOW)
    assert [one.asked for one in labels.history(drawn[0])] == [0.1, 0.1]


def test_a_later_round_raises_the_probability_of_labels_that_have_come(audits, log, labels):
    fill(log, range(6_000, 6_100))
    drawn = [each.prediction_id for each in audits.ask("v1", NOW, 10)]
    answer(labels, *drawn)
    audits.ask("v1", NOW, 18)
    expected = pytest.approx(1 - 0.9 * 0.8)
    assert [labels.history(each)[-1].asked for each in drawn] == [expected] * 10
    window = log.labelled("v1", START, NOW)
    assert window.asked[np.isfinite(window.asked)].tolist() == [expected] * len(drawn)


def test_a_row_has_only_the_rounds_that_saw_it(audits, log, labels):
    fill(log, range(6_000, 6_050))
    old = {each.prediction_id for each in audits.ask("v1", NOW, 25)}
    answer(labels, *old)
    fill(log, range(7_000, 7_050))
    drawn = {each.prediction_id: each.probability for each in audits.ask("v1", NOW, 15)}
    newcomers = {row_id(number) for number in range(7_000, 7_050)}
    for each, probability in drawn.items():  # 15 of 75 open ones
        assert probability == pytest.approx(0.2 if each in newcomers else 1 - 0.5 * 0.8)
    assert set(drawn) & newcomers


def test_a_volunteered_row_that_is_drawn_counts_as_answered(audits, log, labels):
    fill(log, range(6_000, 6_100))
    answer(labels, *(row_id(number) for number in range(6_000, 6_050)))
    drawn = audits.ask("v1", NOW, 25)
    assert {each.prediction_id for each in drawn} <= {row_id(number) for number in range(6_050, 6_100)}
    window = log.labelled("v1", START, NOW)
    asked = np.isfinite(window.asked)
    assert asked.sum() == 25  # half of the fifty, as of the other fifty
    assert set(window.asked[asked].tolist()) == {0.5}


def test_unsure_predictions_are_asked_for_more_often_and_every_one_may_be(audits, log):
    fill(log, range(6_000, 6_600))
    drawn = {each.prediction_id: each.probability for each in audits.ask("v1", NOW, 300, Strategy.UNCERTAIN)}
    assert len(drawn) == 300
    assert min(drawn.values()) > 0.25
    by_confidence = sorted((row.prediction.confidence, drawn[row.id]) for row in log.find(list(drawn)).values())
    above_half = [probability for confidence, probability in by_confidence if confidence > 0.5]
    assert above_half[0] > above_half[-1] + 0.1
    assert above_half == sorted(above_half, reverse=True)


def test_labels_asked_for_out_of_doubt_stand_where_they_are_weighted_and_nowhere_else(audits, log, labels):
    """Neither the harm stream nor a window counts them; once an even round draws them, both do."""
    fill(log, range(6_000, 6_100))
    drawn = [each.prediction_id for each in audits.ask("v1", NOW, 40, Strategy.UNCERTAIN)]
    answer(labels, *drawn)
    assert len(log.labelled("v1", START, NOW)) == 40
    stream, _ = log.after("v1", 0, "labels")
    assert len(stream) == 20
    assert int(log.window("v1", START, NOW).known.sum()) == 20
    assert len(log.labelled("v1", START, NOW, even=True)) == 20
    audits.ask("v1", NOW, 60)  # all that are left: certain
    assert len(log.after("v1", 0, "labels")[0]) == 40
    assert set(log.labelled("v1", START, NOW).asked.tolist()) == {1.0}


def test_a_small_window_gives_all_it_has(audits, log):
    assert audits.ask("v1", NOW, 5) == []
    fill(log, range(6_000, 6_003))
    drawn = audits.ask("v1", NOW, 5)
    assert sorted(each.prediction_id for each in drawn) == [row_id(number) for number in range(6_000, 6_003)]
    assert {each.probability for each in drawn} == {1.0}
    assert len(audits.ask("v1", NOW, 5, Strategy.UNCERTAIN)) == 3


def test_a_round_that_was_overtaken_is_drawn_again(audits, log, database, monkeypatch):
    """Two replicas draw at once: the later one starts anew from what the other has drawn."""
    fill(log, range(6_000, 6_100))
    rival = Audits(database, np.random.default_rng(1), WINDOW)
    commit, raced = Audits._commit, []

    def late(self, *arguments):
        if self is audits and not raced:
            raced.append(rival.ask("v1", NOW, 10))
        return commit(self, *arguments)

    monkeypatch.setattr(Audits, "_commit", late)
    drawn = audits.ask("v1", NOW, 10)
    assert {each.prediction_id for each in drawn} == {each.prediction_id for each in raced[0]}
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_rounds")).scalar() == 1


def test_versions_are_audited_apart_and_an_unknown_one_is_refused(audits, log):
    fill(log, range(6_000, 6_010))
    with pytest.raises(InputError, match="never seen"):
        audits.ask("v7", NOW, 5)
