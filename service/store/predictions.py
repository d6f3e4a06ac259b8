"""The prediction log: what was served, in the order in which it was committed, for ever readable by its version.

Knows nothing of queues, checks or HTTP. A row is on disk when `append` returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from model.prediction import ModelInfo, Record
from monitors.protocols import MOST_ROWS, ROWS_AT_A_TIME
from monitors.window import Window
from service.store.appending import Appender, probe, total_of
from service.store.audits import UNEVEN
from service.store.catalog import Catalog, Known
from service.store.database import Database
from service.store.nouns import LogSummary, Space
from service.store.packing import to_prediction, unpack
from service.store.schema import labels, models, prediction_numbers, predictions, pulse
from service.store.statements import in_parts, storable
from service.store.windows import (
    attach_labels,
    between,
    labelled_window,
    of_model,
    one_in,
    period_of,
    read_labelled,
    read_unlabelled,
)

BY_TIME = (prediction_numbers.c.time, prediction_numbers.c.seq)
EVEN = labels.c.source != UNEVEN
HOUR = 3_600_000_000
FINGERPRINT = re.compile(r"(sha256:)?[0-9a-f]{64}")


class PredictionLog:
    """Implements `monitors.protocols.Log`; may be used from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = Catalog(database)
        self._appender = Appender(database, self._catalog)

    def register(self, info: ModelInfo, now: int) -> None:
        """Make a model version known; needed before its first row, harmless afterwards."""
        self._catalog.register(info, now)

    def models(self) -> Sequence[ModelInfo]:
        """All versions, in the order in which they came."""
        return self._catalog.models()

    def known(self, version: str) -> ModelInfo | None:
        """What the numbers of this version's rows mean; None where it was never registered."""
        if not storable(version):
            return None
        with self._database.reading() as connection:
            found = self._catalog.find(connection, version)
        return None if found is None else found.info

    def append(self, records: Sequence[Record]) -> None:
        """Commit all records, in this order, or none; together with what other threads append at the same time.

        Raises InputError for a record that cannot be stored, SurroundingsError where the database fails.
        """
        if not records:
            return
        self._appender.append(records)

    def window(self, version: str, start: int, end: int, most: int = MOST_ROWS) -> Window:
        """Rows of [start, end) in order of time, with the newest label of each where there is one; of more than
        `most`, about so many, spread evenly over all.

        Labels that an audit asked for because the model was unsure are left out here and in `after`: whoever counts
        them like others finds too many errors. `labelled` has them, with the probability to weight them by.
        """
        with self._database.reading() as connection:
            known = self._catalog.get(connection, version)
            within = between(known, start, end)
            count = connection.execute(select(func.count()).where(within)).scalar_one()
            rows = read_unlabelled(connection, known, within & one_in(count / max(most, 1)), BY_TIME)
            of_period = (labels.c.prediction_time >= start) & (labels.c.prediction_time < end)
            of_model_too = labels.c.model == known.number
            return attach_labels(connection, known, rows, (start, end), of_model_too & of_period & EVEN)

    def labelled(self, version: str, start: int, end: int, *, even: bool = False) -> Window:
        """Rows of [start, end) that have a label, in the order in which the newest labels arrived; `even` leaves out
        what `window` leaves out."""
        with self._database.reading() as connection:
            known = self._catalog.get(connection, version)
            of_period = (labels.c.prediction_time >= start) & (labels.c.prediction_time < end)
            which = labels.c.newest & of_period
            rows = read_labelled(connection, known, which & EVEN if even else which)
        return labelled_window(known, rows, (start, end))

    def count(self, version: str, start: int, end: int) -> int:
        with self._database.reading() as connection:
            known = self._catalog.find(connection, version)
            if known is None:
                return 0
            return connection.execute(select(func.count()).where(between(known, start, end))).scalar_one()

    def start_of_last(self, version: str, rows: int, end: int) -> int | None:
        """Time of the `rows`-th newest row before `end`; None where there are fewer."""
        with self._database.reading() as connection:
            known = self._catalog.find(connection, version)
            if known is None or rows < 1:
                return None
            query = select(prediction_numbers.c.time).where(of_model(known), prediction_numbers.c.time < end)
            newest_first = prediction_numbers.c.time.desc()
            return connection.execute(query.order_by(newest_first).offset(rows - 1).limit(1)).scalar()

    def after(
        self, version: str, cursor: int, reads: Literal["predictions", "labels"], most: int = ROWS_AT_A_TIME
    ) -> tuple[Window, int]:
        """The first `most` rows committed after `cursor` in commit order, and the cursor after the last of them.

        A cursor of 0 is the beginning. A cursor that does not move is the end.

        For "labels": one row per *first* label of a prediction, with that label as its truth, whatever
        has corrected it since: what a stream has read does not depend on when it read.
        """
        with self._database.reading() as connection:
            known = self._catalog.get(connection, version)
            if reads == "labels":
                rows = read_labelled(connection, known, labels.c.first & EVEN & (labels.c.seq > cursor), most)
                end = int(rows.others[-1][0]) if rows.others else cursor
                return labelled_window(known, rows, period_of(rows)), end
            new = of_model(known) & (prediction_numbers.c.seq > cursor)
            rows = read_unlabelled(connection, known, new, (prediction_numbers.c.seq,), most)
            end = int(rows.numbers["seq"][-1]) if len(rows.numbers) else cursor
            # Not by model too: SQLite would walk all its newest labels for each part, instead of those of the rows.
            of_rows = (labels.c.prediction_seq > cursor) & (labels.c.prediction_seq <= end)
            return attach_labels(connection, known, rows, period_of(rows), EVEN & of_rows), end

    def end_cursor(self, reads: Literal["predictions", "labels"]) -> int:
        """The cursor that stands after everything committed so far."""
        table = predictions if reads == "predictions" else labels
        with self._database.reading() as connection:
            return int(connection.execute(select(func.max(table.c.seq))).scalar() or 0)

    def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Texts of the rows whose text is stored; others are left out, and so are SHA-256 sums of texts."""
        found: dict[UUID, str] = {}
        with self._database.reading() as connection:
            for part in in_parts(ids):
                query = select(predictions.c.id, predictions.c.text)
                query = query.where(predictions.c.id.in_(part), predictions.c.text.is_not(None))
                found.update((row.id, row.text) for row in connection.execute(query))
        return {row: text for row, text in found.items() if not FINGERPRINT.fullmatch(text)}

    def total(self, version: str) -> int:
        """How many rows of this version have been committed; exact, and as quick for millions as for one."""
        with self._database.reading() as connection:
            known = self._catalog.find(connection, version)
            return 0 if known is None else total_of(connection, known)

    def newest_time(self, version: str) -> int | None:
        """Time of the newest prediction."""
        with self._database.reading() as connection:
            known = self._catalog.find(connection, version)
            if known is None:
                return None
            return connection.execute(select(func.max(prediction_numbers.c.time)).where(of_model(known))).scalar()

    def summary(self, version: str, now: int) -> LogSummary:
        """Total, rows of the last hour and time of the newest row; cheap enough for every scrape."""
        return LogSummary(self.total(version), self.count(version, now - HOUR, now + 1), self.newest_time(version))

    def space(self) -> Space:
        """What the database takes and has left; cheap enough for every scrape."""
        return self._database.space()

    def check_writable(self) -> None:
        """Commit something. Raises SurroundingsError where a record could not be committed at this moment.

        Rows that need a new page are taken back again: PostgreSQL may have room to change a number, and none for a row.
        """
        with self._database.writing() as connection:
            probe(connection)
            connection.execute(update(pulse).values(beats=pulse.c.beats + 1))

    def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Record]:
        """The rows with these ids; unknown ones are left out."""
        with self._database.reading() as connection:
            records = [
                record for part in in_parts(ids) for record in self._find(connection, predictions.c.id.in_(part))
            ]
        return {record.id: record for record in records}

    def by_reference(self, reference: str) -> Record | None:
        """The newest row with the caller's own key."""
        if not storable(reference):
            return None
        with self._database.reading() as connection:
            return next(iter(self._find(connection, predictions.c.reference == reference, limit=1)), None)

    def _find(self, connection: Connection, where: ColumnElement[bool], limit: int | None = None) -> list[Record]:
        query = (
            select(predictions, prediction_numbers.c.numbers)
            .join_from(predictions, models, models.c.version == predictions.c.model_version)
            .join(
                prediction_numbers,
                (prediction_numbers.c.model == models.c.id)
                & (prediction_numbers.c.time == predictions.c.time)
                & (prediction_numbers.c.seq == predictions.c.seq),
            )
            .where(where)
            .order_by(predictions.c.time.desc(), predictions.c.seq.desc())
            .limit(limit)
        )
        rows = connection.execute(query).all()
        return [_record(row, self._catalog.get(connection, row.model_version)) for row in rows]


def _record(row: Row[Any], known: Known) -> Record:
    numbers = unpack([row.numbers], known.info)[0]
    return Record(
        id=row.id,
        time=row.time,
        model_version=row.model_version,
        baseline_id=row.baseline_id,
        engine=row.engine,
        precision=row.precision,
        label=row.label,
        prediction=to_prediction(numbers),
        text=row.text,
        text_hash=int(numbers["text_hash"]),
        reference=row.reference,
        segment=row.segment,
    )
