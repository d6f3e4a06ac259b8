"""Writers that meet share a transaction; one that lost its connection within a commit writes exactly once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event, text

from model.errors import InputError
from service.store.database import ConnectionLost, Database
from service.store.group import MOST_ITEMS, GroupCommit
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome
from service.store.order import take_turn
from service.store.predictions import PredictionLog
from tests.contract.store.rows import NEWS, START, record, row_id

CALLERS = 16


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    return opened


def commits_of(database: Database, stream, calls: list[Callable[[], object]]) -> int:
    """How many transactions are committed for calls that come while another writer holds its turn."""
    committed: list[object] = []

    def count(connection: Connection) -> None:
        committed.append(connection)

    event.listen(database._engine, "commit", count)
    started = threading.Barrier(len(calls) + 1)

    def make(call: Callable[[], object]) -> None:
        started.wait(20)
        call()

    threads = [threading.Thread(target=make, args=(call,)) for call in calls]
    with database.writing() as connection:
        take_turn(connection, stream)
        for thread in threads:
            thread.start()
        started.wait(20)
        threads[0].join(0.3)  # all of them come to wait behind this transaction
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    event.remove(database._engine, "commit", count)
    return len(committed) - 1


def test_rows_that_are_appended_at_once_share_commits(log, database):
    log.append([record(1000)])  # the model version is known now
    calls = [lambda number=number: log.append([record(number), record(number + 100)]) for number in range(CALLERS)]
    assert commits_of(database, "predictions", calls) <= CALLERS // 2
    assert log.total("v1") == 2 * CALLERS + 1
    window, _ = log.after("v1", 0, "predictions")
    seen = (window.time - START).tolist()[1:]
    assert sorted(seen) == [*range(CALLERS), *range(100, 100 + CALLERS)]
    assert all(seen[at] + 100 == seen[at + 1] for at in range(0, len(seen), 2))  # a batch stays together


def test_labels_that_come_at_once_share_commits_and_each_has_its_outcome(log, database):
    log.append([record(number) for number in range(CALLERS - 1)])
    labels, said = Labels(database), {}

    def add(number: int) -> None:
        said[number] = labels.add([NewLabel(row_id(number), None, "Sports")], START + 2_000_000)[0]

    calls = [lambda number=number: add(number) for number in range(CALLERS)]
    assert commits_of(database, "labels", calls) <= CALLERS // 2
    stored = {number: one for number, one in said.items() if one.outcome is Outcome.STORED}
    assert {number: one.prediction_id for number, one in stored.items()} == {
        number: row_id(number) for number in range(CALLERS - 1)
    }
    assert said[CALLERS - 1].outcome is Outcome.UNKNOWN_PREDICTION


def test_what_cannot_be_stored_costs_the_others_nothing(log, database):
    failed: list[InputError] = []

    def refuse() -> None:
        with pytest.raises(InputError) as error:
            log.append([record(50, text="\0")])
        failed.append(error.value)

    calls = [lambda number=number: log.append([record(number)]) for number in range(8)]
    commits_of(database, "predictions", [*calls, refuse])
    assert len(failed) == 1
    assert log.total("v1") == 8


def test_a_group_is_not_larger_than_it_may_be_and_an_error_reaches_each():
    sizes: list[int] = []
    entered, go = threading.Event(), threading.Event()

    def write(items):
        entered.set()
        assert go.wait(20)
        sizes.append(len(items))
        if len(items) < 10:
            raise ConnectionLost("gone")
        return items

    commit: GroupCommit[int, int] = GroupCommit(write)
    results: list[int] = []

    def call(items) -> None:
        try:
            results.append(len(commit(items)))
        except ConnectionLost:
            results.append(-1)

    threads = [threading.Thread(target=call, args=([1, 2, 3],))]
    threads[0].start()
    assert entered.wait(20)
    threads += [threading.Thread(target=call, args=(range(MOST_ITEMS - 10),)) for _ in range(3)]
    for thread in threads[1:]:
        thread.start()
    threads[1].join(0.2)
    go.set()
    for thread in threads:
        thread.join(20)
    assert sorted(sizes) == [3, MOST_ITEMS - 10, MOST_ITEMS - 10, MOST_ITEMS - 10]
    assert sorted(results) == [-1, MOST_ITEMS - 10, MOST_ITEMS - 10, MOST_ITEMS - 10]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # an SQLite file has no connection to lose
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_that_breaks_at_the_commit_writes_exactly_once(log, database, moment):
    """Whether the server had committed or not, the row is there once and the caller hears of nothing."""
    labels, broken = Labels(database), []

    def cut(connection) -> None:
        if not broken:
            broken.append(connection)
            if moment == "after":
                connection.connection.commit()
                connection.connection.cursor().execute("SELECT 1")  # the driver still has something to commit
            pid = connection.connection.driver_connection.info.backend_pid
            with database._engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    event.listen(database._engine, "commit", cut)
    log.append([record(1), record(2)])
    assert len(broken) == 1
    assert log.total("v1") == 2
    broken.clear()
    outcome = labels.add([NewLabel(row_id(1), None, "Sports")], START)[0].outcome
    assert outcome is (Outcome.STORED if moment == "before" else Outcome.REPEATED)
    assert [one.label for one in labels.history(row_id(1))] == ["Sports"]
