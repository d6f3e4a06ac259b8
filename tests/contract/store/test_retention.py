"""What is old goes in small transactions, with what belongs to it; what the present needs stays."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from monitors.protocols import Notification
from monitors.verdict import Kind, Severity
from service.store.audits import Audits
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome
from service.store.outbox import Outbox
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.retention import Retention
from service.store.verdicts import Verdicts
from tests.contract.store.rows import NEWS, SPAM, START, record, row_id
from tests.contract.store.test_verdicts import EPISODE, OUTCOME, VERDICT

DAY = 86_400_000_000
NOW = START + 100 * DAY


@pytest.fixture
def log(database):
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    opened.register(SPAM, START)
    return opened


@pytest.fixture
def labels(database):
    return Labels(database)


def no_pause(_: float) -> None:
    """Nobody else writes."""


def old_and_new(log, labels, old: int = 30, new: int = 10) -> None:
    """Predictions 0 … of the first day and 1000 … of today, each third of them labelled, some twice."""
    log.append([record(number, time=START + number, reference=f"r{number}") for number in range(old)])
    log.append([record(1000 + number, time=NOW - new + number) for number in range(new)])
    every = [row_id(number, START + number) for number in range(0, old, 3)]
    every += [row_id(1000 + number, NOW - new + number) for number in range(0, new, 3)]
    labels.add([NewLabel(row, None, "World") for row in every], NOW)
    labels.add([NewLabel(row, None, "Sports") for row in every[::2]], NOW)


def count(database, table: str) -> int:
    with database.reading() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_old_predictions_go_with_their_labels_and_the_rest_stays(log, labels, database):
    old_and_new(log, labels)
    accuracy = log.labelled("v1", NOW - DAY, NOW).correct.tolist()
    gone = Retention(database, no_pause, rows=7).prune(NOW - 90 * DAY)
    assert gone == {"predictions": 30, "labels": 15}
    assert log.find([row_id(number, START + number) for number in range(30)]) == {}
    assert log.window("v1", 0, NOW).time.tolist() == list(range(NOW - 10, NOW))
    assert log.labelled("v1", NOW - DAY, NOW).correct.tolist() == accuracy
    assert (count(database, "predictions"), count(database, "prediction_numbers")) == (10, 10)
    assert count(database, "labels") == 6
    assert log.total("v1") == 40, "the total is of all that were ever served"
    assert Retention(database, no_pause).prune(NOW - 90 * DAY) == {}
    outcome = labels.add([NewLabel(None, "r3", "World")], NOW)[0].outcome
    assert outcome is Outcome.UNKNOWN_PREDICTION
    log.append([record(5000, time=NOW)])
    assert log.total("v1") == 41


def test_the_newest_of_a_version_loses_its_words_and_carries_the_total_on(log, labels, database):
    """Of a version that is served no more, too."""
    log.append([record(number, model=SPAM, reference="mine", segment="eu") for number in range(5)])
    Retention(database, no_pause).prune(NOW)
    assert log.total("v2") == 5
    [left] = log.find([row_id(4)]).values()
    assert (left.text, left.reference, left.segment, left.text_hash) == (None, None, None, 0)
    assert log.window("v2", 0, NOW).segment.tolist() == [None]


def test_each_transaction_is_small_and_others_write_in_between(log, labels, database):
    old_and_new(log, labels, old=50)
    sizes, written = [], []

    def deleted(_, cursor, statement, *__) -> None:
        if statement.startswith("DELETE FROM predictions"):
            sizes.append(cursor.rowcount)

    def write(_: float) -> None:
        thread = threading.Thread(target=log.append, args=([record(9000 + len(written), time=NOW)],))
        thread.start()
        thread.join(5)
        written.append(not thread.is_alive())

    event.listen(database._engine, "after_cursor_execute", deleted)
    Retention(database, write, rows=8).prune(NOW - DAY)
    assert sizes == [8, 8, 8, 8, 8, 8, 2]
    assert len(written) >= 7
    assert all(written)
    assert log.total("v1") == 60 + len(written)


def test_it_ends_early_when_it_is_told_to(log, labels, database):
    old_and_new(log, labels, old=50)
    Retention(database, lambda _: True, rows=8).prune(NOW - DAY)
    assert count(database, "predictions") == 52


def test_rows_that_come_meanwhile_with_an_old_time_are_for_the_next_time(log, database):
    """Whole rows, and the work ends however many come."""
    log.append([record(number) for number in range(20)])
    late = iter(range(100, 200))

    def write(_: float) -> None:
        log.append([record(next(late), time=START + 5)])

    Retention(database, write, rows=6).prune(START + 15)
    with database.reading() as connection:
        seqs = [set(connection.execute(text(f"SELECT seq FROM {table}")).scalars())
                for table in ("predictions", "prediction_numbers")]  # fmt: skip
    came = next(late) - 100
    assert seqs[0] == seqs[1]
    assert len(seqs[0]) == 5 + came
    assert log.total("v1") == 20 + came


def test_old_rounds_go_and_what_is_open_stays(log, database):
    """The newest verdict, the open episode and what was told of it are the present, however old they are."""
    verdicts, outbox, reports = Verdicts(database), Outbox(database), Reports(database, 5)

    def told(episode: str) -> Notification:
        return Notification(f"{episode}/opened#1", "opened", Severity.PAGE, "Title", "Body", START)

    for minute in range(5):
        verdict = replace(VERDICT, kind=Kind.OK, time=START + minute)
        verdicts.claim("v1", f"s{minute}", START + minute)
        verdicts.commit(replace(OUTCOME, slot=f"s{minute}", verdict=verdict, episode=None, notifications=[]))
    for time, name, resolved in ((START + 6, "old", START + 9), (START + 7, "open", None)):
        episode = replace(EPISODE, id=name, opened=START + 5, resolved=resolved)
        verdicts.commit(replace(OUTCOME, slot=name, verdict=replace(VERDICT, time=time), episode=episode,
                                notifications=[told(name)]))  # fmt: skip
    outbox.add([told("waiting")])
    for name in ("old", "open"):
        outbox.delivered(told(name).key, START + 7)
    for asked in (START, NOW):
        reports.save(reports.ask("v1", asked, None), asked, "page", None)
    before, memory = verdicts.newest("v1"), verdicts.memory("v1")
    gone = Retention(database, no_pause, rows=2).prune(NOW - DAY)
    assert gone == {"verdicts": 6, "rounds": 5, "reports": 1, "outbox": 1, "episodes": 1}
    assert (verdicts.newest("v1"), verdicts.memory("v1")) == (before, memory)
    assert [each.id for each in verdicts.episodes("v1")] == ["open"]
    assert {each.key for each in outbox.due(NOW)} == {told("waiting").key}
    outbox.add([told("open")])
    assert outbox.due(NOW) == [], "what was told of an open episode is not told again"
    assert len(reports.listed("v1", 9)) == 1


def test_audits_of_old_predictions_go_and_their_rounds(log, labels, database):
    import numpy as np

    old_and_new(log, labels)
    audits = Audits(database, np.random.default_rng(0), 200 * DAY)
    audits.ask("v1", START + DAY, 10)
    audits.ask("v1", NOW, 15)
    Retention(database, no_pause).prune(NOW - DAY)
    assert count(database, "audit_rounds") == 1
    with database.reading() as connection:
        left = connection.execute(text("SELECT min(prediction_time) FROM audits")).scalar()
    assert left is None or left >= NOW - DAY
    assert audits.ask("v1", NOW, 3) is not None
