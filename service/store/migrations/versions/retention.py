"""Indexes by which rows are found that go together: all labels of a prediction, all rounds of a model version."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


INDEXES = {
    "labels_of_prediction": "labels (prediction_seq, seq)",
    "verdicts_model_version_id": "verdicts (model_version, id)",
}
"""On PostgreSQL they are there already, where the tables were: see `service.store.indexing`."""


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
