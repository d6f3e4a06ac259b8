"""How rows enter the prediction log: numbered in a turn, whole, once, together with what other threads bring.

Knows nothing of how they are read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.engine import Dialect

from model.prediction import Record
from service.store.catalog import Catalog, Known
from service.store.database import ConnectionLost, Database
from service.store.group import GroupCommit
from service.store.order import draw, take_turn
from service.store.packing import pack
from service.store.schema import Id, prediction_numbers, predictions
from service.store.statements import Prepared, check_storable

ADD_PREDICTIONS, ADD_NUMBERS = Prepared(insert(predictions)), Prepared(insert(prediction_numbers))
NEWEST_ORDINAL = Prepared(
    text("SELECT ordinal FROM prediction_numbers WHERE model = :number ORDER BY seq DESC LIMIT 1")
)
ID = Id()
PROBES = [
    {
        "seq": -1 - row, "id": UUID(int=row), "time": 0, "model_version": "", "baseline_id": None, "engine": "",
        "precision": "", "reference": None, "segment": None, "label": "", "confidence": 0.0, "truncated": False,
        "text": "probe " * 300,
    }
    for row in range(8)
]  # fmt: skip
"""Rows that never stay: eight kilobytes, a page of PostgreSQL; no column is long enough to be compressed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The rows of one model version in a batch."""

    known: Known
    places: Sequence[int]
    packed: NDArray[np.void]
    """(len(places),), without `seq`, which is drawn within the transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """What one caller appends, known to be storable."""

    records: Sequence[Record]
    parts: Sequence[_Part]


class Appender:
    """The writing half of the log; may be used from several threads."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._committed: GroupCommit[_Batch, None] = GroupCommit(self._write)

    def append(self, records: Sequence[Record]) -> None:
        """As `PredictionLog.append`; there is at least one record."""
        self._committed([self._checked(records)])

    def _checked(self, records: Sequence[Record]) -> _Batch:
        for record in records:
            check_storable(record.text, record.reference, record.segment, record.label)
        of_version: dict[str, list[int]] = {}
        for place, record in enumerate(records):
            of_version.setdefault(record.model_version, []).append(place)
        parts = []
        for version, places in of_version.items():
            known = self._catalog.recall(version)
            parts.append(_Part(known, places, pack([records[place] for place in places], known.info)))
        return _Batch(records, parts)

    def _write(self, batches: Sequence[_Batch]) -> Sequence[None]:
        try:
            self._insert(batches)
        except ConnectionLost:  # in a new turn the rows are there, or never will be
            self._insert(batches, again=True)
        return [None] * len(batches)

    def _insert(self, batches: Sequence[_Batch], *, again: bool = False) -> None:
        """All batches in one transaction. `again`: they may have been committed by an earlier try."""
        with self._database.writing() as connection:
            take_turn(connection, "predictions")
            if again and _is_there(connection, batches[0].records[0]):
                return
            first = draw(connection, "predictions", sum(len(batch.records) for batch in batches))
            totals: dict[int, int] = {}
            rows, numbers = [], []
            for batch in batches:
                rows += [_row(record, first + place, connection.dialect) for place, record in enumerate(batch.records)]
                for part in batch.parts:
                    total = totals.get(part.known.number)
                    total = total_of(connection, part.known) if total is None else total
                    numbers += _numbers(batch.records, part, first, total + 1)
                    totals[part.known.number] = total + len(part.places)
                first += len(batch.records)
            ADD_PREDICTIONS.execute_all(connection, rows)
            ADD_NUMBERS.execute_all(connection, numbers)


def probe(connection: Connection) -> None:
    """Within the caller's transaction: find out whether rows can be added, and leave none."""
    tried = connection.begin_nested()
    connection.execute(insert(predictions), PROBES)
    tried.rollback()


def total_of(connection: Connection, known: Known) -> int:
    """Rows of this version ever committed."""
    return int(NEWEST_ORDINAL.execute(connection, number=known.number) or 0)


def _is_there(connection: Connection, record: Record) -> bool:
    query = select(predictions.c.seq).where(predictions.c.id == record.id, predictions.c.time == record.time)
    return connection.execute(query).first() is not None


def _numbers(records: Sequence[Record], part: _Part, first: int, ordinal: int) -> list[dict[str, Any]]:
    """The narrow rows of a part whose batch begins with the seq `first`."""
    part.packed["seq"] = [first + place for place in part.places]
    return [
        {
            "model": part.known.number,
            "time": records[place].time,
            "seq": first + place,
            "ordinal": ordinal + row,
            "segment": records[place].segment,
            "numbers": part.packed[row].tobytes(),
        }
        for row, place in enumerate(part.places)
    ]


def _row(record: Record, seq: int, dialect: Dialect) -> dict[str, Any]:
    confidence = record.prediction.confidence
    return {
        "seq": seq,
        "id": ID.process_bind_param(record.id, dialect),
        "time": record.time,
        "model_version": record.model_version,
        "baseline_id": record.baseline_id,
        "engine": record.engine,
        "precision": record.precision,
        "reference": record.reference,
        "segment": record.segment,
        "label": record.label,
        "confidence": 0.0 if math.isnan(confidence) else confidence,
        "truncated": record.prediction.truncated,
        "text": record.text,
    }
