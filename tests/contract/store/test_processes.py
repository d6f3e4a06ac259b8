"""Several processes on one database: nothing is missed, nothing comes twice, nothing answered is lost."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from uuid import UUID

import pytest

from service.store.database import Database, open_database
from service.store.predictions import PredictionLog
from tests.contract.store.processes import Writer, writers
from tests.contract.store.rows import NEWS, START, record

BATCHES = 150


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    return opened


def follow(log: PredictionLog, reads, expected: int) -> list[int]:
    """Read on from the cursor while others write."""
    cursor, seen = 0, []
    deadline = time.monotonic() + 60
    while len(seen) < expected and time.monotonic() < deadline:
        window, cursor = log.after("v1", cursor, reads)
        seen += (window.time - START).tolist()
    return seen


def test_a_reader_misses_no_row_of_two_writers(log, database_url):
    """Each writer's rows are also in its own order, and a batch stays together."""
    ways = (Writer(database_url, "predictions", 0, BATCHES), Writer(database_url, "predictions", 10_000, BATCHES))
    with writers(*ways) as running:
        seen = follow(log, "predictions", 6 * BATCHES)
        for writer in running:
            assert writer.finish() == ["done"]
    assert sorted(seen) == [*range(3 * BATCHES), *range(10_000, 10_000 + 3 * BATCHES)]
    assert [row for row in seen if row < 10_000] == list(range(3 * BATCHES))
    assert all(seen[at] + 1 == seen[at + 1] and seen[at] + 2 == seen[at + 2] for at in range(0, len(seen), 3))
    assert log.total("v1") == 6 * BATCHES
    assert len(log.after("v1", log.end_cursor("predictions"), "predictions")[0]) == 0


def test_a_reader_misses_no_label_of_two_writers(log, database_url):
    """Both label the same rows: one of the two is first, and each row comes once."""
    log.append([record(number) for number in range(300)])
    with writers(Writer(database_url, "labels", 0, 200), Writer(database_url, "labels", 100, 200)) as running:
        seen = follow(log, "labels", 300)
        for writer in running:
            assert writer.finish() == ["done"]
    assert sorted(seen) == list(range(300))


def test_a_slot_is_claimed_by_one_of_two_processes(log, database_url):
    with writers(Writer(database_url, "claims", 0, 100), Writer(database_url, "claims", 0, 100)) as running:
        claimed = [line for writer in running for line in writer.finish() if line != "done"]
    assert sorted(map(int, claimed)) == list(range(100))


def test_processes_that_start_at_once_upgrade_once(empty_url):
    with writers(*(Writer(empty_url, "open") for _ in range(3))) as running:
        for writer in running:
            assert writer.finish() == ["done"]
    with open_database(empty_url) as database:
        assert PredictionLog(database).models() == []


def test_kill_9_loses_no_answered_row(log, database, database_url, tmp_path: Path):
    """Every id that the process has said after its commit is in the log, once, and the file is whole."""
    said: list[str] = []
    for life in range(2):
        with writers(Writer(database_url, "until killed", 100_000 * life)) as (writer,):
            said += [writer.output.readline().strip() for _ in range(40)]
            said += writer.kill()
    ids = {UUID(line) for line in said}
    assert len(ids) == len(said) >= 80
    assert set(log.find(list(ids))) == ids
    window, _ = log.after("v1", 0, "predictions")
    assert log.total("v1") == len(window) == len({row.tobytes() for row in window.ids})
    assert len(ids) <= len(window) <= len(ids) + 2
    if database.dialect == "sqlite":
        database.close()
        with contextlib.closing(sqlite3.connect(tmp_path / "log.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
