"""The first schema. Plain SQL, so that it stays what it was when `schema.py` moves on."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TYPES = {
    "sqlite": {"UUID": "BLOB", "BYTES": "BLOB", "SERIAL": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {"UUID": "UUID", "BYTES": "BYTEA", "SERIAL": "BIGSERIAL PRIMARY KEY"},
}

# What each database does its own way. SQLite: AUTOINCREMENT, so that `seq` never comes twice, and a narrow
# table that lies on disk in the order in which windows read it. PostgreSQL: sequences that are drawn from
# under a lock (see `order.py`), and keys that hold the time, so that the tables can be partitioned by it.
SEQ = {"sqlite": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGINT NOT NULL"}
PREDICTIONS_KEY = {"sqlite": "UNIQUE (id)", "postgresql": "PRIMARY KEY (id, time)"}
LABELS_KEY = {"sqlite": "", "postgresql": ", PRIMARY KEY (seq)"}
NARROW = {"sqlite": "WITHOUT ROWID", "postgresql": ""}
ONLY = {
    "sqlite": (),
    "postgresql": (
        "CREATE SEQUENCE predictions_order",
        "CREATE SEQUENCE labels_order",
        "CREATE INDEX predictions_seq ON predictions (seq)",
    ),
}

TABLES = """
CREATE TABLE models (
    id {SERIAL}, version TEXT NOT NULL UNIQUE, labels TEXT NOT NULL, features TEXT NOT NULL,
    name TEXT NOT NULL, first_seen BIGINT NOT NULL
);
CREATE TABLE predictions (
    seq {SEQ}, id {UUID} NOT NULL, time BIGINT NOT NULL, model_version TEXT NOT NULL, baseline_id TEXT,
    engine TEXT NOT NULL, precision TEXT NOT NULL, reference TEXT, segment TEXT, label TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL, truncated BOOLEAN NOT NULL, text TEXT, {PREDICTIONS_KEY}
);
CREATE INDEX predictions_model_version_time ON predictions (model_version, time);
CREATE INDEX predictions_reference ON predictions (reference) WHERE reference IS NOT NULL;
CREATE TABLE prediction_numbers (
    model INTEGER NOT NULL, time BIGINT NOT NULL, seq BIGINT NOT NULL, ordinal BIGINT NOT NULL,
    segment TEXT, numbers {BYTES} NOT NULL, PRIMARY KEY (model, time, seq)
) {NARROW};
CREATE INDEX prediction_numbers_model_seq ON prediction_numbers (model, seq);
CREATE TABLE labels (
    seq {SEQ}, prediction_seq BIGINT NOT NULL, prediction_id {UUID} NOT NULL, prediction_time BIGINT NOT NULL,
    model INTEGER NOT NULL, label TEXT NOT NULL, label_index INTEGER NOT NULL, time BIGINT NOT NULL,
    source TEXT NOT NULL, asked DOUBLE PRECISION, first BOOLEAN NOT NULL, newest BOOLEAN NOT NULL {LABELS_KEY}
);
CREATE UNIQUE INDEX labels_first_of_prediction ON labels (prediction_seq) WHERE first{TRUE};
CREATE UNIQUE INDEX labels_newest_of_prediction ON labels (prediction_seq) WHERE newest{TRUE};
CREATE INDEX labels_first ON labels (model, seq) WHERE first{TRUE};
CREATE INDEX labels_newest ON labels (model, prediction_time) WHERE newest{TRUE};
CREATE TABLE pulse (beats BIGINT NOT NULL);
INSERT INTO pulse (beats) VALUES (0);
CREATE TABLE verdicts (
    id {SERIAL}, model_version TEXT NOT NULL REFERENCES models (version), slot TEXT NOT NULL, time BIGINT NOT NULL,
    since BIGINT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL, baseline_id TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX verdicts_model_version_time ON verdicts (model_version, time);
CREATE TABLE rounds (
    model_version TEXT NOT NULL, slot TEXT NOT NULL, claimed BIGINT NOT NULL, done BIGINT,
    PRIMARY KEY (model_version, slot)
);
CREATE TABLE episodes (
    id TEXT NOT NULL PRIMARY KEY, model_version TEXT NOT NULL REFERENCES models (version), opened BIGINT NOT NULL,
    kind TEXT NOT NULL, severity TEXT NOT NULL, reasons TEXT NOT NULL, quiet_since BIGINT,
    quiet_rounds INTEGER NOT NULL, resolved BIGINT
);
CREATE INDEX episodes_model_version_opened ON episodes (model_version, opened);
CREATE UNIQUE INDEX episodes_open ON episodes (model_version) WHERE resolved IS NULL;
CREATE TABLE stream_states (
    model_version TEXT NOT NULL REFERENCES models (version), name TEXT NOT NULL, cursor BIGINT NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (model_version, name)
);
CREATE TABLE outbox (
    key TEXT NOT NULL PRIMARY KEY, event TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL,
    body TEXT NOT NULL, created BIGINT NOT NULL, attempts INTEGER NOT NULL, due_at BIGINT,
    delivered_at BIGINT, given_up_at BIGINT, last_error TEXT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY, model_version TEXT NOT NULL REFERENCES models (version), episode TEXT,
    asked BIGINT NOT NULL, made BIGINT, html {BYTES}, error TEXT
);
CREATE INDEX reports_model_version_asked ON reports (model_version, asked)
"""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    words = {
        **TYPES[dialect],
        "SEQ": SEQ[dialect],
        "PREDICTIONS_KEY": PREDICTIONS_KEY[dialect],
        "LABELS_KEY": LABELS_KEY[dialect],
        "NARROW": NARROW[dialect],
        "TRUE": {"sqlite": " = 1", "postgresql": ""}[dialect],  # as SQLAlchemy writes the condition of a query
    }
    for statement in (*TABLES.format(**words).split(";"), *ONLY[dialect]):
        op.execute(statement)
