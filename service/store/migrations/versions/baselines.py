"""Promoted baselines: which one a model version is held to, with its files."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

TYPES = {
    "sqlite": {"BYTES": "BLOB", "SERIAL": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {"BYTES": "BYTEA", "SERIAL": "BIGSERIAL PRIMARY KEY"},
}

TABLES = """
CREATE TABLE baselines (
    id {SERIAL}, model_version TEXT NOT NULL, baseline_id TEXT NOT NULL, promoted BIGINT NOT NULL,
    files {BYTES} NOT NULL
);
CREATE INDEX baselines_model_version ON baselines (model_version, id)
"""


def upgrade() -> None:
    for statement in TABLES.format(**TYPES[op.get_bind().dialect.name]).split(";"):
        op.execute(statement)
