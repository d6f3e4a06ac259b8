"""Forgetting a person: the words are gone from the tables and from the disk, and accuracy is what it was."""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import func, select, text

from service.store import connecting
from service.store.database import open_database
from service.store.erasure import Erasure
from service.store.labels import Labels
from service.store.nouns import NewLabel
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.schema import predictions
from tests.contract.store.rows import NEWS, SPAM, START, record, row_id

SECRET = "Eleonore Musterfrau has lost her kidney"
SHA256 = hashlib.sha256(SECRET.encode()).hexdigest()


@pytest.fixture
def log(database):
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    opened.register(SPAM, START)
    opened.append([record(1, text=SECRET, reference="patient-7", segment="ward 3"), record(2), record(3, text=SHA256)])
    opened.append([record(4, model=SPAM, text=SECRET, reference="patient-7")])
    return opened


def test_what_tells_of_a_person_goes_and_what_accuracy_rests_on_stays(log, database):
    Labels(database).add([NewLabel(row_id(1), None, "World")], START + 9)
    before, others = log.labelled("v1", START, START + 10), log.find([row_id(2)])[row_id(2)]
    said = log.find([row_id(1)])[row_id(1)]
    done = Erasure(database).erase([row_id(1), row_id(77)])
    assert (done.predictions, done.swept) == (1, True)
    after, row = log.labelled("v1", START, START + 10), log.find([row_id(1)])[row_id(1)]
    assert (row.text, row.reference, row.segment, row.text_hash) == (None, None, None, 0)
    assert np.isnan(row.prediction.features).all()
    assert np.isnan(row.prediction.projection).all()
    assert (row.label, row.time, row.prediction.label) == (said.label, said.time, said.prediction.label)
    assert np.array_equal(row.prediction.scores, said.prediction.scores)
    assert after.correct.tolist() == before.correct.tolist()
    assert after.segment.tolist() == [None]
    assert log.by_reference("patient-7").id == row_id(4), "only what was asked for"
    kept = log.find([row_id(2)])[row_id(2)]
    assert (kept.text, kept.text_hash) == (others.text, others.text_hash)
    assert log.total("v1") == 3


def test_rows_are_found_by_their_text_or_its_fingerprint_and_by_reference(log, database):
    erasure = Erasure(database)
    assert sorted(erasure.of_text(SHA256)) == [row_id(1), row_id(3), row_id(4)]
    assert sorted(erasure.of_reference("patient-7")) == [row_id(1), row_id(4)]
    assert erasure.of_reference("\0") == []
    assert erasure.of_text("0" * 64) == []
    assert erasure.erase(erasure.of_text(SHA256)).predictions == 3
    assert erasure.of_text(SHA256) == []


def test_reports_that_may_have_seen_it_go_and_older_ones_stay(log, database):
    """One that is being made has read it already; one that was asked for before it was made after it."""
    reports = Reports(database, 9)
    older, asked_before, seen, waiting = (
        reports.ask("v1", START + at, name) for at, name in ((-5, "a"), (-4, "b"), (5, "c"), (6, "d"))
    )
    other = reports.ask("v2", START + 5, None)
    reports.save(older, START - 3, "page", None)
    for report in (asked_before, seen, other):
        reports.save(report, START + 7, "page", None)
    assert Erasure(database).erase([row_id(1)]).reports == 3
    reports.save(waiting, START + 8, "page that was being made", None)
    assert [row.id for row in reports.listed("v1", 9)] == [older]
    assert [row.id for row in reports.listed("v2", 9)] == [other]


def test_the_disk_holds_no_word_of_it(tmp_path):
    """Neither the file nor the write-ahead log, while the service goes on."""
    path = tmp_path / "log.db"
    with open_database(f"sqlite:///{path}") as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(1, text=SECRET), replace(record(2), text="Another text."), record(3, text=SECRET * 300)])
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"Musterfrau" in found
        assert Erasure(database).erase([row_id(1), row_id(3)]).swept
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"Musterfrau" not in found
        assert b"Another text." in found
        log.append([record(4)])


@pytest.mark.parametrize("later", [False, True])
def test_a_reader_in_the_way_is_reported(log, database, later):
    """What someone reads of an older moment stays on disk; who reads a newer one is in nobody's way."""
    with ExitStack() as held:
        if not later:
            held.enter_context(reading_all(database))
        assert Erasure(database).erase([row_id(1)]).swept is later
        held.enter_context(reading_all(database))
    assert database.sweep("predictions")


@contextmanager
def reading_all(database):
    with database.reading() as connection:
        connection.execute(select(func.count()).select_from(predictions)).scalar()
        yield


def test_commits_go_on_while_a_reader_is_in_the_way_of_a_sweep(tmp_path):
    """SQLite's own wait for a reader holds every writer off for as long."""
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(1, text=SECRET)])
        done = []
        with reading_all(database):
            log.append([record(2)])
            sweep = threading.Thread(target=lambda: done.append(database.sweep("predictions")))
            sweep.start()
            number = 3
            while sweep.is_alive():
                log.append([record(number)])
                number += 1
            sweep.join()
        assert done == [False]
        assert number > 5, "several commits fall into one sweep"
        with database.reading() as connection:
            assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() == 1000 * connecting.BUSY_SECONDS
