"""True labels as they arrive: late, again, corrected. The newest wins, every one is kept.

Knows nothing of accuracy, and of HTTP only that each label has one of five outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from service.store.audits import asked_of
from service.store.catalog import Catalog, Known
from service.store.database import ConnectionLost, Database
from service.store.group import GroupCommit
from service.store.nouns import LabelOutcome, NewLabel, Outcome, StoredLabel
from service.store.order import draw, take_turn
from service.store.schema import labels, predictions
from service.store.statements import in_parts, storable


class Labels:
    """The labels of the log; may be used from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._catalog = Catalog(database)
        self._committed: GroupCommit[tuple[NewLabel, int], LabelOutcome] = GroupCommit(self._write)

    def add(self, new: Sequence[NewLabel], now: int) -> Sequence[LabelOutcome]:
        """Commit all labels in this order, with those of other threads, and say what became of each.

        An id counts before a reference; a reference on several predictions means the newest of them.
        Raises SurroundingsError.
        """
        return self._committed([(label, now) for label in new]) if new else []

    def _write(self, new: Sequence[tuple[NewLabel, int]]) -> Sequence[LabelOutcome]:
        try:
            return self._insert(new)
        except ConnectionLost:  # what has been committed by the first try is now a repetition
            return self._insert(new)

    def _insert(self, new: Sequence[tuple[NewLabel, int]]) -> Sequence[LabelOutcome]:
        with self._database.writing() as connection:
            take_turn(connection, "labels")
            targets = _targets(connection, [label for label, _ in new])
            seqs = [row.seq for row in targets if row is not None]
            held = _newest_labels(connection, seqs)
            drawn = asked_of(connection, seqs)
            outcomes: list[LabelOutcome] = []
            rows: list[dict[str, Any]] = []
            written: dict[int, dict[str, Any]] = {}
            for (label, now), target in zip(new, targets, strict=True):
                if target is None:
                    outcomes.append(LabelOutcome(Outcome.UNKNOWN_PREDICTION))
                    continue
                known = self._catalog.get(connection, target.model_version)
                outcome = _judge(label, target, known, held)
                first = outcome is Outcome.STORED
                delay = (now - target.time) / 1_000_000 if first else None
                outcomes.append(LabelOutcome(outcome, target.id, delay))
                if first or outcome is Outcome.CORRECTED:
                    if target.seq in written:  # corrected within this very batch
                        written[target.seq]["newest"] = False
                    written[target.seq] = _row(label, target, known, now, drawn, first=first)
                    held[target.seq] = label.label
                    rows.append(written[target.seq])
            _commit(connection, rows)
        return outcomes

    def history(self, prediction_id: UUID) -> Sequence[StoredLabel]:
        """Every label that a prediction has had, in order of arrival."""
        with self._database.reading() as connection:
            of_prediction = select(predictions.c.seq).where(predictions.c.id == prediction_id)
            seq = connection.execute(of_prediction).scalar()
            query = select(labels).where(labels.c.prediction_seq == seq).order_by(labels.c.seq)
            rows = [] if seq is None else connection.execute(query).all()
        return [StoredLabel(row.label, row.time, row.source, row.asked, row.newest) for row in rows]


def _judge(label: NewLabel, target: Row[Any], known: Known, held: Mapping[int, str]) -> Outcome:
    if label.label not in known.info.labels:
        return Outcome.UNKNOWN_LABEL
    if target.seq not in held:
        return Outcome.STORED
    return Outcome.REPEATED if held[target.seq] == label.label else Outcome.CORRECTED


def _targets(connection: Connection, new: Sequence[NewLabel]) -> list[Row[Any] | None]:
    """The prediction that each label is about."""
    ids = list({label.prediction_id for label in new if label.prediction_id is not None})
    references = list({label.reference for label in new if label.prediction_id is None and label.reference is not None})
    columns = select(
        predictions.c.seq,
        predictions.c.id,
        predictions.c.time,
        predictions.c.model_version,
        predictions.c.reference,
    ).order_by(predictions.c.time, predictions.c.seq)  # so that the newest is the last to take its place
    by_id: dict[UUID, Any] = {}
    by_reference: dict[str, Any] = {}
    for ids_part in in_parts(ids):
        by_id.update((row.id, row) for row in connection.execute(columns.where(predictions.c.id.in_(ids_part))))
    for part in in_parts([reference for reference in references if storable(reference)]):
        found = connection.execute(columns.where(predictions.c.reference.in_(part)))
        by_reference.update((row.reference, row) for row in found)
    return [
        by_id.get(label.prediction_id) if label.prediction_id else by_reference.get(label.reference or "")
        for label in new
    ]


def _newest_labels(connection: Connection, seqs: Sequence[int]) -> dict[int, str]:
    held: dict[int, str] = {}
    for part in in_parts(seqs):
        query = select(labels.c.prediction_seq, labels.c.label)
        query = query.where(labels.c.prediction_seq.in_(part), labels.c.newest)
        held.update((row.prediction_seq, row.label) for row in connection.execute(query))
    return held


def _row(
    label: NewLabel, target: Row[Any], known: Known, now: int, drawn: Mapping[int, tuple[float, str]], *, first: bool
) -> dict[str, Any]:
    asked, source = drawn.get(target.seq, (label.asked, label.source))
    return {
        "prediction_seq": target.seq,
        "prediction_id": target.id,
        "prediction_time": target.time,
        "model": known.number,
        "label": label.label,
        "label_index": known.info.labels.index(label.label),
        "time": now,
        "source": source,
        "asked": asked,
        "first": first,
        "newest": True,
    }


def _commit(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    start = draw(connection, "labels", len(rows))
    superseded = [{"superseded": row["prediction_seq"]} for row in rows if not row["first"]]
    if superseded:
        old = update(labels).where(labels.c.prediction_seq == bindparam("superseded"), labels.c.newest)
        connection.execute(old.values(newest=False), superseded)
    connection.execute(insert(labels), [{"seq": start + at, **row} for at, row in enumerate(rows)])
