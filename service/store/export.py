"""The log of a model version as rows for a file, read in parts within one moment of the database.

Columns are those that `bertwatch check` and `bertwatch evaluate` read. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import and_, select, tuple_

from monitors.prediction_file import AFTER, BEFORE, feature_columns
from monitors.window_file import PROJECTION_COLUMNS, SCORE_PREFIX
from service.store.catalog import Catalog, Known
from service.store.database import Database
from service.store.packing import unpack
from service.store.schema import labels, prediction_numbers, predictions

ROWS_AT_A_TIME = 5000


class Export:
    """Rows of one model version, in order of time."""

    def __init__(self, database: Database, version: str, rows: int = ROWS_AT_A_TIME) -> None:
        """Raises InputError for a version that the log has never seen."""
        self._database = database
        self._known: Known = Catalog(database).recall(version)
        self._rows = rows
        info = self._known.info
        scores = [f"{SCORE_PREFIX}{label}" for label in info.labels]
        self.numbers: Sequence[str] = (*scores, *feature_columns(info), *PROJECTION_COLUMNS)
        """Columns of numbers, NaN where nothing is known."""
        self.columns: Sequence[str] = (*BEFORE, *self.numbers, *AFTER)

    def parts(self) -> Iterator[dict[str, Sequence[Any]]]:
        """Columns of at most `rows` rows at a time: `numbers` as arrays, times in microseconds, others as values."""
        last: tuple[int, int] | None = None
        with self._database.reading() as connection:
            while True:
                query = _query(self._known).limit(self._rows)
                if last is not None:
                    query = query.where(tuple_(prediction_numbers.c.time, prediction_numbers.c.seq) > last)
                rows = connection.execute(query).all()
                if not rows:
                    return
                yield self._columns(rows)
                last = rows[-1].time, rows[-1].seq

    def _columns(self, rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
        packed = unpack([row.numbers for row in rows], self._known.info)
        values = np.concatenate(
            [packed["scores"], packed["features"], packed["projection"].astype(np.float32)], axis=1, dtype=np.float32
        )
        columns: dict[str, Sequence[Any]] = {
            name: [getattr(row, name) for row in rows] for name in (*BEFORE, *AFTER) if name not in ("id", "text_hash")
        }
        columns["id"] = [str(row.id) for row in rows]
        columns["text_hash"] = packed["text_hash"].tolist()
        columns |= {name: values[:, at] for at, name in enumerate(self.numbers)}  # type: ignore[misc]  # an array is one
        return columns


def _query(known: Known) -> Any:
    with_row = and_(predictions.c.seq == prediction_numbers.c.seq, predictions.c.time == prediction_numbers.c.time)
    with_label = and_(labels.c.prediction_seq == prediction_numbers.c.seq, labels.c.newest)
    return (
        select(
            prediction_numbers.c.time,
            prediction_numbers.c.seq,
            prediction_numbers.c.numbers,
            predictions.c.id,
            predictions.c.label.label("predicted"),
            predictions.c.confidence,
            labels.c.label.label("label"),
            labels.c.time.label("label_time"),
            labels.c.source.label("label_source"),
            labels.c.asked,
            predictions.c.segment,
            predictions.c.reference,
            predictions.c.truncated,
            predictions.c.model_version,
            predictions.c.baseline_id,
            predictions.c.engine,
            predictions.c.precision,
            predictions.c.text,
        )
        .join_from(prediction_numbers, predictions, with_row)
        .outerjoin(labels, with_label)
        .where(prediction_numbers.c.model == known.number)
        .order_by(prediction_numbers.c.time, prediction_numbers.c.seq)
    )
