"""The right to erasure: what of a prediction could tell about a person goes, and what accuracy rests on stays.

Of a row go its text, its fingerprint, its reference, its segment, its features and the projection of its embedding;
class, scores, time and label stay, so that nothing that was concluded changes. Reports that may have seen it go whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, bindparam, delete, select, update

from service.store.catalog import Catalog, Known
from service.store.database import Database
from service.store.order import take_turn
from service.store.packing import unpack
from service.store.schema import prediction_numbers, predictions, reports
from service.store.statements import in_parts, storable, stream

BLANK = {"text": None, "reference": None, "segment": None}


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    predictions: int
    reports: int
    """Drift reports made since the first of them, or being made, and gone; others can be asked for."""
    swept: bool
    """Whether the disk holds nothing of it any more; False where a reader still holds an older view."""


class Erasure:
    """Finds predictions by what a person knows of them, and blanks them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = Catalog(database)

    def of_reference(self, reference: str) -> Sequence[UUID]:
        """Every prediction with this key of the caller's own."""
        if not storable(reference):
            return []
        with self._database.reading() as connection:
            return (
                connection.execute(select(predictions.c.id).where(predictions.c.reference == reference)).scalars().all()
            )

    def of_text(self, sha256: str) -> Sequence[UUID]:
        """Every prediction whose text, in UTF-8, has this SHA-256 (64 hexadecimal digits); reads all texts."""
        query = select(predictions.c.id, predictions.c.text).where(predictions.c.text.is_not(None))
        found: list[UUID] = []
        with self._database.reading() as connection:
            for rows in stream(connection, query):
                found += [
                    row if isinstance(row, UUID) else UUID(bytes=row)
                    for row, text in rows
                    if text == sha256 or hashlib.sha256(text.encode()).hexdigest() == sha256
                ]
        return found

    def erase(self, ids: Sequence[UUID]) -> Erased:
        """Blank the predictions with these ids; unknown ones are left out. Raises SurroundingsError."""
        erased = dropped = 0
        for part in in_parts(ids):
            columns = (predictions.c.seq, predictions.c.time, predictions.c.model_version)
            with self._database.writing() as connection:
                take_turn(connection, "predictions")
                rows = connection.execute(select(*columns).where(predictions.c.id.in_(part))).all()
                for version in {row.model_version for row in rows}:
                    mine = [row for row in rows if row.model_version == version]
                    blank(connection, self._catalog.get(connection, version), [row.seq for row in mine])
                    since = reports.c.made.is_(None) | (reports.c.made >= min(row.time for row in mine))
                    seen = delete(reports).where(reports.c.model_version == version, since)
                    dropped += connection.execute(seen).rowcount
            erased += len(rows)
        swept = self._database.sweep("predictions", "prediction_numbers", "reports") if erased else True
        return Erased(erased, dropped, swept)


def blank(connection: Connection, known: Known, seqs: Sequence[int]) -> None:
    """Within the caller's transaction; the rows are all of this model version."""
    if not seqs:
        return
    rows = connection.execute(
        select(prediction_numbers.c.time, prediction_numbers.c.seq, prediction_numbers.c.numbers)
        .join(
            predictions,
            (predictions.c.seq == prediction_numbers.c.seq) & (predictions.c.time == prediction_numbers.c.time),
        )
        .where(predictions.c.seq.in_(seqs), prediction_numbers.c.model == known.number)
    ).all()
    packed = unpack([row.numbers for row in rows], known.info).copy()
    packed["text_hash"] = 0
    packed["features"] = np.nan
    packed["projection"] = np.nan
    connection.execute(update(predictions).where(predictions.c.seq.in_(seqs)).values(**BLANK))
    if rows:
        of_row = (
            (prediction_numbers.c.model == known.number)
            & (prediction_numbers.c.time == bindparam("of_time"))
            & (prediction_numbers.c.seq == bindparam("of_seq"))
        )
        change = update(prediction_numbers).where(of_row).values(numbers=bindparam("blanked"), segment=None)
        connection.execute(
            change,
            [{"of_time": row.time, "of_seq": row.seq, "blanked": packed[at].tobytes()} for at, row in enumerate(rows)],
        )
