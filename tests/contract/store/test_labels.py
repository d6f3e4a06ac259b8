"""Labels: late, repeated, corrected, out of order, unknown; each has one outcome, and none is lost."""

from __future__ import annotations

import pytest

from service.store.database import Database
from service.store.labels import Labels
from service.store.nouns import LabelOutcome, NewLabel, Outcome, StoredLabel
from service.store.predictions import PredictionLog
from tests.contract.store.rows import NEWS, SPAM, START, record, row_id


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    opened.register(SPAM, START)
    opened.append([record(number, reference=f"r{number}") for number in range(8)])
    return opened


@pytest.fixture
def labels(database: Database, log: PredictionLog) -> Labels:
    return Labels(database)


def add(labels: Labels, *new: NewLabel, now: int = START + 1_000_000) -> list[Outcome]:
    return [one.outcome for one in labels.add(new, now)]


def by_id(number: int, label: str) -> NewLabel:
    return NewLabel(row_id(number), None, label)


def test_every_outcome(labels):
    assert add(labels, by_id(1, "World"), by_id(2, "World")) == [Outcome.STORED, Outcome.STORED]
    assert add(
        labels, by_id(1, "World"), by_id(2, "Sports"), by_id(99, "World"), by_id(3, "Weather"), by_id(3, "ham")
    ) == [
        Outcome.REPEATED,
        Outcome.CORRECTED,
        Outcome.UNKNOWN_PREDICTION,
        Outcome.UNKNOWN_LABEL,
        Outcome.UNKNOWN_LABEL,
    ]
    assert add(labels) == []


def test_an_outcome_names_the_prediction_and_the_delay_of_its_first_label(labels):
    assert labels.add([NewLabel(None, "r1", "World")], START + 1 + 2_500_000) == [
        LabelOutcome(Outcome.STORED, row_id(1), 2.5)
    ]
    assert labels.add([by_id(1, "Sports"), by_id(77, "Sports")], START) == [
        LabelOutcome(Outcome.CORRECTED, row_id(1), None),
        LabelOutcome(Outcome.UNKNOWN_PREDICTION, None, None),
    ]


def test_references_name_the_newest_row(labels, log):
    """Also across versions: the label must be one of the newest row's model."""
    log.append([record(20, model=SPAM, reference="r1")])
    assert add(labels, NewLabel(None, "r1", "World")) == [Outcome.UNKNOWN_LABEL]
    assert add(labels, NewLabel(None, "r1", "spam")) == [Outcome.STORED]
    assert [one.label for one in labels.history(row_id(20))] == ["spam"]
    assert labels.history(row_id(1)) == []


def test_what_no_database_can_hold_is_unknown(labels):
    assert add(labels, NewLabel(None, "r\0", "World"), NewLabel(None, "\ud800", "World"), by_id(1, "\ud800")) == [
        Outcome.UNKNOWN_PREDICTION,
        Outcome.UNKNOWN_PREDICTION,
        Outcome.UNKNOWN_LABEL,
    ]
    assert add(labels, NewLabel(None, None, "World")) == [Outcome.UNKNOWN_PREDICTION]


def test_history_is_kept_and_the_newest_wins(labels, log):
    labels.add([by_id(1, "World")], START + 100)
    labels.add([NewLabel(row_id(1), None, "Sports", "audit", 0.5)], START + 300)
    labels.add([by_id(1, "World")], START + 200)  # arrives last, whatever its clock says
    assert labels.history(row_id(1)) == [
        StoredLabel("World", START + 100, "feedback", None, False),
        StoredLabel("Sports", START + 300, "audit", 0.5, False),
        StoredLabel("World", START + 200, "feedback", None, True),
    ]
    window = log.labelled("v1", START, START + 10)
    assert (window.truth.tolist(), window.label_time.tolist()) == ([0], [START + 200])


def test_a_batch_is_taken_in_order(labels, log):
    """The same prediction twice in one batch is a first label and its correction."""
    assert add(labels, by_id(1, "World"), by_id(1, "Sports"), by_id(1, "Sports"), NewLabel(None, "r1", "World")) == [
        Outcome.STORED,
        Outcome.CORRECTED,
        Outcome.REPEATED,
        Outcome.CORRECTED,
    ]
    assert [(one.label, one.newest) for one in labels.history(row_id(1))] == [
        ("World", False),
        ("Sports", False),
        ("World", True),
    ]
    assert log.labelled("v1", START, START + 10).truth.tolist() == [0]


def test_labelled_rows_come_in_the_order_of_their_newest_labels(labels, log):
    add(labels, by_id(5, "World"), by_id(2, "World"), by_id(7, "World"))
    add(labels, by_id(5, "Sports"))
    window = log.labelled("v1", START + 2, START + 7)
    assert (window.time - START).tolist() == [2, 5]
    assert window.truth.tolist() == [0, 1]
    assert (window.start, window.end) == (START + 2, START + 7)


def test_a_stream_reads_each_first_label_once(labels, log):
    """In order of arrival, as it arrived; corrections and repetitions do not come again."""
    add(labels, by_id(5, "World"))
    add(labels, by_id(2, "Business"), by_id(5, "Sports"), by_id(2, "Business"))
    window, cursor = log.after("v1", 0, "labels")
    assert (window.time - START).tolist() == [5, 2]
    assert window.truth.tolist() == [0, 2]
    add(labels, by_id(5, "Business"), by_id(1, "World"))
    window, end = log.after("v1", cursor, "labels")
    assert (window.time - START).tolist() == [1]
    assert log.after("v1", end, "labels")[1] == end
    assert len(log.after("v1", log.end_cursor("labels"), "labels")[0]) == 0
    assert len(log.after("v2", 0, "labels")[0]) == 0


def test_many_labels_at_once(labels, log):
    log.append([record(number, reference=f"r{number}") for number in range(100, 2_600)])
    new = [by_id(number, "World") for number in range(100, 1_300)]
    new += [NewLabel(None, f"r{number}", "Sports") for number in range(1_300, 2_600)]
    assert set(add(labels, *new)) == {Outcome.STORED}
    window, _ = log.after("v1", 0, "labels")
    assert (window.time - START).tolist() == list(range(100, 2_600))
