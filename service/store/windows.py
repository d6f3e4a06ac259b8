"""Queries of the narrow table, and their rows as windows. Knows nothing of texts or of who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, and_, select, true

from monitors.window import Window, empty_window
from service.store.catalog import Known
from service.store.packing import to_window, unpack
from service.store.schema import labels, prediction_numbers
from service.store.statements import stream

GOLDEN = 2_654_435_769
"""2³² divided by the golden ratio."""
WITH_ITS_LABEL = and_(
    prediction_numbers.c.model == labels.c.model,
    prediction_numbers.c.time == labels.c.prediction_time,
    prediction_numbers.c.seq == labels.c.prediction_seq,
)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one model as they lie in the table, decoded."""

    numbers: NDArray[np.void]
    segment: NDArray[np.object_]
    others: list[tuple[Any, ...]]
    """What a query asked for besides."""


def of_model(known: Known) -> ColumnElement[bool]:
    return prediction_numbers.c.model == known.number


def between(known: Known, start: int, end: int) -> ColumnElement[bool]:
    """Rows of [start, end)."""
    return and_(of_model(known), prediction_numbers.c.time >= start, prediction_numbers.c.time < end)


def one_in(steps: float) -> ColumnElement[bool]:
    """One row in so many, always the same ones; all of them where `steps` is 1 or less.

    Rows are numbered within the model in the order of commits. The fractional parts of their multiples of the golden
    ratio are spread more evenly than chance would (Weyl 1916; Knuth's multiplicative hashing), and fall in step with no
    pattern of the traffic, as every tenth row would.
    """
    if steps <= 1:
        return true()
    spread = prediction_numbers.c.ordinal % (1 << 24) * GOLDEN % (1 << 32)
    return spread < int((1 << 32) / steps)


def read_unlabelled(
    connection: Connection,
    known: Known,
    where: ColumnElement[bool],
    order: tuple[ColumnElement[Any], ...],
    most: int | None = None,
) -> Rows:
    columns = (prediction_numbers.c.numbers, prediction_numbers.c.segment)
    return _read(connection, known, select(*columns).where(where).order_by(*order).limit(most))


def read_labelled(connection: Connection, known: Known, where: ColumnElement[bool], most: int | None = None) -> Rows:
    """Rows with a label, in the order in which the labels arrived; `others` is (seq, label, its time, asked)."""
    query = (
        select(
            prediction_numbers.c.numbers,
            prediction_numbers.c.segment,
            labels.c.seq,
            labels.c.label_index,
            labels.c.time,
            labels.c.asked,
        )
        .join_from(labels, prediction_numbers, WITH_ITS_LABEL)
        .where(labels.c.model == known.number, where)
        .order_by(labels.c.seq)
        .limit(most)
    )
    return _read(connection, known, query)


def attach_labels(
    connection: Connection, known: Known, rows: Rows, period: tuple[int, int], where: ColumnElement[bool]
) -> Window:
    """The rows with the newest label of each; `where` limits the labels that are looked at.

    Labels of other models may be among them; whoever leaves them out chooses the index that is read.
    """
    count = len(rows.numbers)
    if not count:
        return empty_window(known.info, *period)
    truth = np.full(count, -1, np.int64)
    label_time = np.zeros(count, np.int64)
    asked = np.full(count, np.nan)
    query = select(labels.c.prediction_seq, labels.c.label_index, labels.c.time, labels.c.asked).where(
        labels.c.newest, where
    )
    found = [row for part in stream(connection, query) for row in part]
    if found:
        of, index, arrived, probability = zip(*found, strict=True)
        place, known_rows = _places(rows.numbers["seq"], np.array(of, np.int64))
        truth[place] = np.array(index, np.int64)[known_rows]
        label_time[place] = np.array(arrived, np.int64)[known_rows]
        asked[place] = np.array(probability, np.float64)[known_rows]
    return to_window(
        known.info, period, rows.numbers, segment=rows.segment, truth=truth, label_time=label_time, asked=asked
    )


def labelled_window(known: Known, rows: Rows, period: tuple[int, int]) -> Window:
    """What `read_labelled` read."""
    if not len(rows.numbers):
        return empty_window(known.info, *period)
    _, index, arrived, probability = zip(*rows.others, strict=True)
    return to_window(
        known.info,
        period,
        rows.numbers,
        segment=rows.segment,
        truth=np.array(index, np.int64),
        label_time=np.array(arrived, np.int64),
        asked=np.array(probability, np.float64),
    )


def period_of(rows: Rows) -> tuple[int, int]:
    """The half-open period that just covers the rows."""
    time = rows.numbers["time"]
    return (int(time.min()), int(time.max()) + 1) if len(time) else (0, 0)


def _read(connection: Connection, known: Known, query: Select[Any]) -> Rows:
    numbers, segment = [], []
    others: list[tuple[Any, ...]] = []
    for part in stream(connection, query):
        blobs, names, *rest = zip(*part, strict=True)
        numbers.append(unpack(blobs, known.info))
        segment.append(np.array(names, object))
        others.extend(zip(*rest, strict=True))
    if not numbers:
        return Rows(unpack([], known.info), np.zeros(0, object), [])
    return Rows(np.concatenate(numbers), np.concatenate(segment), others)


def _places(seqs: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where the wanted numbers stand among `seqs` (in any order), and which of them do."""
    order = np.argsort(seqs, kind="stable")
    place = order[np.minimum(np.searchsorted(seqs, wanted, sorter=order), len(seqs) - 1)]
    found = seqs[place] == wanted
    return place[found], found
