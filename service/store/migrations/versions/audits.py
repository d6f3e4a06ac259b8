"""Audits: which predictions were drawn to be labelled, with which probability, and the rounds that drew them."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

TYPES = {
    "sqlite": {"UUID": "BLOB", "SERIAL": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {"UUID": "UUID", "SERIAL": "BIGSERIAL PRIMARY KEY"},
}

TABLES = """
CREATE TABLE audit_rounds (
    id {SERIAL}, model INTEGER NOT NULL, start BIGINT NOT NULL, last BIGINT NOT NULL,
    time BIGINT NOT NULL, kind TEXT NOT NULL, scale DOUBLE PRECISION NOT NULL
);
CREATE INDEX audit_rounds_model_time ON audit_rounds (model, time);
CREATE TABLE audits (
    prediction_seq BIGINT NOT NULL PRIMARY KEY, prediction_id {UUID} NOT NULL, prediction_time BIGINT NOT NULL,
    model INTEGER NOT NULL, time BIGINT NOT NULL, kind TEXT NOT NULL, probability DOUBLE PRECISION NOT NULL
);
CREATE INDEX audits_model_prediction_time ON audits (model, prediction_time)
"""


def upgrade() -> None:
    for statement in TABLES.format(**TYPES[op.get_bind().dialect.name]).split(";"):
        op.execute(statement)
