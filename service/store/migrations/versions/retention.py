"""Indexes by which rows are found that go together: all labels of a prediction, all rounds of a model version."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("CREATE INDEX labels_of_prediction ON labels (prediction_seq, seq)")
    op.execute("CREATE INDEX verdicts_model_version_id ON verdicts (model_version, id)")
