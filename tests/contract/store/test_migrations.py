"""A log that was written by the first schema is read by this one, row for row."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from model.errors import SurroundingsError
from service.store import indexing
from service.store.connecting import WRITE, connect, parse
from service.store.database import open_database
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome
from service.store.order import LOCKS
from service.store.packing import pack
from service.store.predictions import PredictionLog
from service.store.schema import REVISION
from service.store.verdicts import Verdicts
from tests.contract.conftest import new_database
from tests.contract.store.rows import NEWS, START, record, row_id

ROWS = 20
# As the first migration has them; never to be changed with the code.
MODEL = """INSERT INTO models (version, labels, features, name, first_seen)
    VALUES ('v1', '["World", "Sports", "Business", "Sci/Tech"]', '["characters", "tokens"]', 'news', 1)"""
PREDICTION = """INSERT INTO predictions (seq, id, time, model_version, baseline_id, engine, precision, reference,
    segment, label, confidence, truncated, text) VALUES (:seq, :id, :time, 'v1', 'b1', 'torch', 'fp32',
    :reference, NULL, :label, 0.5, :truncated, :text)"""
NUMBERS = """INSERT INTO prediction_numbers (model, time, seq, ordinal, segment, numbers)
    VALUES (1, :time, :seq, :seq, NULL, :numbers)"""
LABEL = """INSERT INTO labels (seq, prediction_seq, prediction_id, prediction_time, model, label, label_index, time,
    source, asked, first, newest) VALUES (1, 3, :id, :time, 1, 'Sports', 1, 5, 'feedback', NULL, :yes, :yes)"""
VERDICT = """INSERT INTO verdicts (model_version, slot, time, since, kind, severity, baseline_id, body)
    VALUES ('v1', 's', 7, 7, 'ok', 'none', 'b1', :body)"""
BODY = """{"kind": "ok", "severity": "none", "model_version": "v1", "baseline_id": "b1", "time": 7, "start": 0,
    "end": 7, "count": 3, "reasons": [], "findings": []}"""


def write_first_schema(url: str) -> None:
    """A database as the first release left it."""
    engine = connect(parse(url))
    config = Config()
    config.set_main_option("script_location", "service.store:migrations")
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        sqlite = connection.dialect.name == "sqlite"
        connection.execute(text(MODEL))
        for number in range(1, ROWS + 1):
            row = record(number)
            packed = pack([row], NEWS)
            packed["seq"] = number
            key = {"seq": number, "time": row.time}
            connection.execute(text(NUMBERS), {**key, "numbers": packed[0].tobytes()})
            values = {**key, "id": row.id.bytes if sqlite else row.id, "reference": f"r{number}", "label": row.label,
                      "truncated": row.prediction.truncated, "text": row.text}  # fmt: skip
            connection.execute(text(PREDICTION), values)
        third = record(3)
        labelled = {"id": third.id.bytes if sqlite else third.id, "time": third.time, "yes": True}
        connection.execute(text(LABEL), labelled)
        connection.execute(text(VERDICT), {"body": BODY})
        if not sqlite:
            connection.execute(text(f"SELECT setval('predictions_order', {ROWS}), setval('labels_order', 1)"))
    engine.dispose()


@pytest.fixture
def old_database(empty_url):
    write_first_schema(empty_url)
    with open_database(empty_url) as database:
        yield database


def test_rows_of_the_first_schema_are_read_by_this_one(old_database):
    log, labels, verdicts = PredictionLog(old_database), Labels(old_database), Verdicts(old_database)
    with old_database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == REVISION
    assert log.models() == [NEWS]
    assert (log.window("v1", START, START + 100).time - START).tolist() == list(range(1, ROWS + 1))
    assert log.texts([row_id(7)]) == {row_id(7): "text number 7"}
    assert log.labelled("v1", START, START + 100).truth.tolist() == [1]
    assert [one.label for one in labels.history(row_id(3))] == ["Sports"]
    assert verdicts.newest("v1")[0].count == 3
    assert log.total("v1") == ROWS


def test_and_written_on(old_database):
    log, labels = PredictionLog(old_database), Labels(old_database)
    log.append([record(50)])
    assert log.total("v1") == ROWS + 1
    window, _ = log.after("v1", ROWS, "predictions")
    assert (window.time - START).tolist() == [50]
    outcomes = labels.add([NewLabel(None, "r3", "World"), NewLabel(None, "r4", "World")], START)
    assert [one.outcome for one in outcomes] == [Outcome.CORRECTED, Outcome.STORED]
    assert (log.after("v1", 1, "labels")[0].time - START).tolist() == [4]


INDEXES = "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid IN ({})".format(
    "to_regclass('labels_of_prediction'), to_regclass('verdicts_model_version_id')"
)
BEAT = "UPDATE labels SET time = time + 1"


@pytest.fixture
def old_postgres(postgres_url):
    """The URL of a database of the first schema, and one to connect to it with."""
    url = new_database(postgres_url)
    write_first_schema(url)
    return url, url.replace("+psycopg", "")


def test_no_two_locks_of_postgresql_are_one():
    assert len(set(LOCKS.values())) == len(LOCKS)


def test_writers_go_on_while_indexes_are_built(old_postgres):
    url, plain = old_postgres
    with psycopg.connect(plain) as older, psycopg.connect(plain, autocommit=True) as writer:
        older.execute(BEAT)  # the build waits for this one to end
        with ThreadPoolExecutor(1) as thread:
            opening = thread.submit(open_database, url)
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
            )
            deadline = time.monotonic() + 30
            while not writer.execute(waits).fetchone()[0] and time.monotonic() < deadline:
                time.sleep(0.02)
            writer.execute("SET lock_timeout = 1000")
            with writer.transaction():
                for turn in ("predictions", "labels"):  # as every writer does, also one of an older release
                    writer.execute("SELECT pg_advisory_xact_lock(%s)", [LOCKS[turn]])
                written = writer.execute(
                    "INSERT INTO labels SELECT seq + 9, prediction_seq + 1, prediction_id, prediction_time, model, "
                    "label, label_index, time, source, asked, first, newest FROM labels"
                ).rowcount
            assert not opening.done()
            older.rollback()
            opening.result(timeout=30).close()
        assert written == 1
        assert writer.execute(INDEXES).fetchone()[0] == 2


def test_a_build_that_waits_too_long_says_so_and_is_begun_anew(old_postgres, monkeypatch):
    url, plain = old_postgres
    monkeypatch.setattr(indexing, "PATIENCE", 0.3)
    with psycopg.connect(plain) as older:
        older.execute(BEAT)
        with pytest.raises(SurroundingsError, match=r"held by a transaction that does not end; .*pg_stat_activity"):
            open_database(url)
        half = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('labels_of_prediction')"
        assert older.execute(half).fetchone() == (False,)
    with open_database(url) as database, database.reading() as connection:
        assert connection.execute(text(INDEXES)).scalar() == 2
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == REVISION


def test_several_processes_build_them_once(old_postgres):
    url, plain = old_postgres
    with ThreadPoolExecutor(4) as threads:
        for database in threads.map(open_database, [url] * 4):
            database.close()
    with psycopg.connect(plain) as connection:
        assert connection.execute(INDEXES).fetchone() == (2,)


@pytest.mark.parametrize("held", ["LOCK TABLE alembic_version", BEAT], ids=["the revision", "a table"])
def test_a_migration_does_not_wait_for_ever(old_postgres, monkeypatch, held):
    url, plain = old_postgres
    monkeypatch.setattr("service.store.database.BUSY_SECONDS", 1)
    with open_database(url), psycopg.connect(plain) as older:
        older.execute("UPDATE alembic_version SET version_num = '0003'")
        older.commit()
        older.execute(held)
        with pytest.raises(SurroundingsError, match="does not end"):
            open_database(url)
