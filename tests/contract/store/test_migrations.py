"""A log that was written by the first schema is read by this one, row for row."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from service.store.connecting import WRITE, connect, parse
from service.store.database import open_database
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome
from service.store.packing import pack
from service.store.predictions import PredictionLog
from service.store.schema import REVISION
from service.store.verdicts import Verdicts
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
