"""What is older than it shall be goes, in small transactions between which others write. Knows no clock.

A prediction goes with its labels and audits. What stays: the newest verdict of a model version, its open episode with
its notifications, and of the version's newest prediction the numbers that carry its total, without its words.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select

from service.store.catalog import Catalog
from service.store.database import Database
from service.store.erasure import blank
from service.store.order import take_turn
from service.store.schema import (
    audit_rounds,
    audits,
    episodes,
    labels,
    models,
    outbox,
    prediction_numbers,
    predictions,
    reports,
    rounds,
    verdicts,
)

ROWS_AT_A_TIME = 1000
"""In one transaction: some ten milliseconds for which writers wait."""
Pause = Callable[[float], object]
"""Waits so many seconds between two transactions; a true value ends the work there."""


class Retention:
    """Takes old rows away; several processes may do so at once."""

    def __init__(self, database: Database, pause: Pause = time.sleep, rows: int = ROWS_AT_A_TIME) -> None:
        self._database = database
        self._catalog = Catalog(database)
        self._pause = pause
        self._rows = rows

    def prune(self, before: int) -> Mapping[str, int]:
        """Take away what is from before that moment; the numbers of rows that went, by table that lost any.

        Raises SurroundingsError; what went until then is gone.
        """
        gone: Counter[str] = Counter()
        with self._database.reading() as connection:
            newest = func.max(
                prediction_numbers.c.seq
            )  # what comes meanwhile, with whatever time, is for the next time
            query = select(models.c.id, models.c.version, newest).join_from(
                models, prediction_numbers, prediction_numbers.c.model == models.c.id
            )
            versions = connection.execute(query.group_by(models.c.id, models.c.version)).all()
        for number, version, last in versions:
            if not self._repeat(gone, partial(self._predictions, number=number, last=last, before=before)):
                return gone
            self._blank_newest(version, before)
        for table, where in _others(before):
            if not self._repeat(gone, partial(self._of, table=table, where=where)):
                return gone
        return gone

    def _repeat(self, gone: Counter[str], step: Callable[[Connection], Mapping[str, int]]) -> bool:
        """Until a step finds nothing; False where the pause says to end. Writers get as much time as a step takes."""
        while True:
            began = time.monotonic()
            with self._database.writing() as connection:
                went = step(connection)
            gone.update({table: count for table, count in went.items() if count})
            if not any(went.values()):
                return True
            if self._pause(max(0.01, time.monotonic() - began)):
                return False

    def _predictions(self, connection: Connection, number: int, last: int, before: int) -> Mapping[str, int]:
        take_turn(connection, "predictions")
        take_turn(connection, "labels")
        of_model = prediction_numbers.c.model == number
        found = connection.execute(
            select(prediction_numbers.c.time, prediction_numbers.c.seq)
            .where(of_model, prediction_numbers.c.time < before, prediction_numbers.c.seq < last)
            .order_by(prediction_numbers.c.time, prediction_numbers.c.seq)
            .limit(self._rows)
        ).all()
        if not found:
            return {}
        seqs = [row.seq for row in found]
        period = prediction_numbers.c.time.between(found[0].time, found[-1].time)
        went = {
            "labels": connection.execute(delete(labels).where(labels.c.prediction_seq.in_(seqs))).rowcount,
            "audits": connection.execute(delete(audits).where(audits.c.prediction_seq.in_(seqs))).rowcount,
            "predictions": connection.execute(delete(predictions).where(predictions.c.seq.in_(seqs))).rowcount,
        }
        connection.execute(delete(prediction_numbers).where(of_model, period, prediction_numbers.c.seq.in_(seqs)))
        return went

    def _blank_newest(self, version: str, before: int) -> None:
        known = self._catalog.recall(version)
        with self._database.writing() as connection:
            newest = (
                select(prediction_numbers.c.time, prediction_numbers.c.seq)
                .where(prediction_numbers.c.model == known.number)
                .order_by(prediction_numbers.c.seq.desc())
            )
            row = connection.execute(newest.limit(1)).first()
            if row is not None and row.time < before:
                blank(connection, known, [row.seq])

    def _of(self, connection: Connection, table: Table, where: ColumnElement[bool]) -> Mapping[str, int]:
        key = next(iter(table.primary_key)) if table is not rounds else table.c.slot
        old = select(key).where(where).limit(self._rows)
        return {table.name: connection.execute(delete(table).where(key.in_(old), where)).rowcount}


def _others(before: int) -> list[tuple[Table, ColumnElement[bool]]]:
    """What is old and belongs to no prediction."""
    other = verdicts.alias()
    newer = exists().where(
        other.c.model_version == verdicts.c.model_version, other.c.time > verdicts.c.time, other.c.id > verdicts.c.id
    )
    length = func.length(episodes.c.id) + 1
    told_of_open = exists().where(
        episodes.c.resolved.is_(None), func.substr(outbox.c.key, 1, length) == episodes.c.id.concat("/")
    )
    return [
        (verdicts, (verdicts.c.time < before) & newer),
        (rounds, rounds.c.claimed < before),
        (audit_rounds, audit_rounds.c.time < before),
        (reports, (reports.c.asked < before) & reports.c.made.is_not(None)),
        (outbox, (outbox.c.created < before) & outbox.c.due_at.is_(None) & ~told_of_open),
        (episodes, episodes.c.resolved < before),
    ]
