"""The tables, as queries see them. `migrations/` makes them; a test holds the two against each other.

Knows nothing of connections. Times are microseconds since the epoch; `seq` is the order of commits.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.engine import Dialect

REVISION = "0004"
"""The migration that this code speaks; a test holds it against the newest file in `migrations/versions`."""


class Id(TypeDecorator[UUID]):
    """A UUID: the native type in PostgreSQL, 16 bytes in SQLite (SQLAlchemy's own takes 32 characters)."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or dialect.name == "postgresql" else UUID(bytes=value)


metadata = MetaData()

models = Table(
    "models", metadata,
    Column("id", BigInteger, primary_key=True),  # stands in narrow rows instead of the version
    Column("version", Text, nullable=False, unique=True),
    Column("labels", Text, nullable=False),
    Column("features", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
)  # fmt: skip

# The tables that every request writes have no foreign keys: the code has looked the model up already,
# in PostgreSQL each check would lock the model's row, and a partition could not be dropped.
predictions = Table(
    "predictions", metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", Id, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("baseline_id", Text),
    Column("engine", Text, nullable=False),
    Column("precision", Text, nullable=False),
    Column("reference", Text),
    Column("segment", Text),
    Column("label", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("text", Text),
)  # fmt: skip
Index("predictions_model_version_time", predictions.c.model_version, predictions.c.time)
Index("predictions_reference", predictions.c.reference, sqlite_where=predictions.c.reference.is_not(None),
      postgresql_where=predictions.c.reference.is_not(None))  # fmt: skip

prediction_numbers = Table(
    "prediction_numbers", metadata,
    Column("model", Integer, primary_key=True),
    Column("time", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),  # 1, 2, 3, … within the model: the newest row's is the total
    Column("segment", Text),
    Column("numbers", LargeBinary, nullable=False),
)  # fmt: skip
Index("prediction_numbers_model_seq", prediction_numbers.c.model, prediction_numbers.c.seq)

labels = Table(
    "labels", metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("prediction_seq", BigInteger, nullable=False),
    Column("prediction_id", Id, nullable=False),
    Column("prediction_time", BigInteger, nullable=False),
    Column("model", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("label_index", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("asked", Double),
    Column("first", Boolean, nullable=False),
    Column("newest", Boolean, nullable=False),
)  # fmt: skip
for _name, _columns, _flag, _unique in (
    ("labels_first_of_prediction", (labels.c.prediction_seq,), labels.c.first, True),
    ("labels_newest_of_prediction", (labels.c.prediction_seq,), labels.c.newest, True),
    ("labels_first", (labels.c.model, labels.c.seq), labels.c.first, False),
    ("labels_newest", (labels.c.model, labels.c.prediction_time), labels.c.newest, False),
):
    Index(_name, *_columns, unique=_unique, sqlite_where=_flag, postgresql_where=_flag)

Index("labels_of_prediction", labels.c.prediction_seq, labels.c.seq)

audit_rounds = Table(
    "audit_rounds", metadata,
    Column("id", BigInteger, primary_key=True),
    Column("model", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),  # predictions from this time on, and up to …
    Column("last", BigInteger, nullable=False),  # … this seq, had a chance
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scale", Double, nullable=False),
)  # fmt: skip
Index("audit_rounds_model_time", audit_rounds.c.model, audit_rounds.c.time)

audits = Table(
    "audits", metadata,
    Column("prediction_seq", BigInteger, primary_key=True),
    Column("prediction_id", Id, nullable=False),
    Column("prediction_time", BigInteger, nullable=False),
    Column("model", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("probability", Double, nullable=False),  # of being drawn in any round so far; grows with each
)  # fmt: skip
Index("audits_model_prediction_time", audits.c.model, audits.c.prediction_time)

pulse = Table("pulse", metadata, Column("beats", BigInteger, nullable=False))  # written to see whether one can


def _version() -> Column[str]:
    return Column("model_version", Text, ForeignKey("models.version"), nullable=False)


verdicts = Table(
    "verdicts", metadata,
    Column("id", BigInteger, primary_key=True),
    _version(),
    Column("slot", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),  # when the unbroken run of this kind began
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("baseline_id", Text, nullable=False),
    Column("body", Text, nullable=False),
)  # fmt: skip
Index("verdicts_model_version_time", verdicts.c.model_version, verdicts.c.time)
Index("verdicts_model_version_id", verdicts.c.model_version, verdicts.c.id)

rounds = Table(
    "rounds", metadata,
    Column("model_version", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("claimed", BigInteger, nullable=False),
    Column("done", BigInteger),
)  # fmt: skip

episodes = Table(
    "episodes", metadata,
    Column("id", Text, primary_key=True),
    _version(),
    Column("opened", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("quiet_since", BigInteger),
    Column("quiet_rounds", Integer, nullable=False),
    Column("resolved", BigInteger),
)  # fmt: skip
Index("episodes_model_version_opened", episodes.c.model_version, episodes.c.opened)
Index("episodes_open", episodes.c.model_version, unique=True, sqlite_where=episodes.c.resolved.is_(None),
      postgresql_where=episodes.c.resolved.is_(None))  # fmt: skip

stream_states = Table(
    "stream_states", metadata,
    Column("model_version", Text, ForeignKey("models.version"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)  # fmt: skip

outbox = Table(
    "outbox", metadata,
    Column("key", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),  # NULL once it is delivered or given up
    Column("delivered_at", BigInteger),
    Column("given_up_at", BigInteger),
    Column("last_error", Text),
)  # fmt: skip
Index("outbox_due", outbox.c.due_at, sqlite_where=outbox.c.due_at.is_not(None),
      postgresql_where=outbox.c.due_at.is_not(None))  # fmt: skip

reports = Table(
    "reports", metadata,
    Column("id", Text, primary_key=True),
    _version(),
    Column("episode", Text),
    Column("asked", BigInteger, nullable=False),
    Column("made", BigInteger),
    Column("html", LargeBinary),  # gzip
    Column("error", Text),
)  # fmt: skip
Index("reports_model_version_asked", reports.c.model_version, reports.c.asked)

baselines = Table(
    "baselines", metadata,
    Column("id", BigInteger, primary_key=True),
    Column("model_version", Text, nullable=False),
    Column("baseline_id", Text, nullable=False),
    Column("promoted", BigInteger, nullable=False),
    Column("files", LargeBinary, nullable=False),  # zip
)  # fmt: skip
Index("baselines_model_version", baselines.c.model_version, baselines.c.id)
