"""Audits: predictions drawn at random to be labelled, each with the probability with which it was drawn.

A round gives every prediction of its window a coin of its own, whether it is labelled or not and whether it was drawn
before or not; so what a round does depends on no label, and k rounds ask for a row with probability
1 - (1 - p1)…(1 - pk). That number is kept for every drawn row, grows with each round, and becomes `asked` of its label,
whoever sends it. Knows nothing of accuracy or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from model.errors import SurroundingsError
from monitors.statistics.sampling import chances, compound, draw_systematic, scale_for, unsure
from service.store.catalog import Catalog, Known
from service.store.database import Database
from service.store.nouns import Asked, Strategy
from service.store.order import take_turn
from service.store.packing import unpack
from service.store.schema import audit_rounds, audits, labels, prediction_numbers
from service.store.statements import in_parts
from service.store.windows import between, read_unlabelled

MOST_ROWS = 1_000_000
"""Newest predictions of the window that a round looks at."""
TRIES = 5
Kind = Literal["uniform", "uncertain"]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """The predictions that a round gives a chance, all arrays (n,)."""

    known: Known
    newest: int | None
    """The newest round when this was read; if another has come since, this is out of date."""
    seq: NDArray[np.int64]
    time: NDArray[np.int64]
    ids: NDArray[np.uint8]
    """(n, 16)."""
    unsure: NDArray[np.float64]
    open: NDArray[np.bool_]
    """Neither labelled nor drawn: what a round is for."""
    before: NDArray[np.bool_]
    """Drawn in an earlier round."""
    rounds: list[Any]
    """Earlier rounds that had some of these predictions in their window, oldest first."""

    def weight(self, kind: str) -> NDArray[np.float64]:
        return np.ones(len(self.seq)) if kind == "uniform" else self.unsure

    def earlier(self) -> NDArray[np.float64]:
        """(n,): the probability of having been drawn in an earlier round."""
        return compound((self._chance_in(past) for past in self.rounds), len(self.seq))

    def _chance_in(self, past: Any) -> NDArray[np.float64]:
        seen = (self.time >= past.start) & (self.seq <= past.last)
        return np.where(seen, chances(self.weight(past.kind), past.scale), 0.0)


class Audits:
    """Asks for labels; may be used from several threads."""

    def __init__(self, database: Database, rng: np.random.Generator, window: int) -> None:
        self._database = database
        self._catalog = Catalog(database)
        self._rng = rng
        self._window = window

    def ask(self, version: str, now: int, count: int, strategy: Strategy = Strategy.UNIFORM) -> Sequence[Asked]:
        """`count` unlabelled predictions of the last `window` microseconds, in random order; fewer if there are none.

        What was asked for before and is not labelled yet is asked for again before anything is drawn, so asking twice
        draws once. UNIFORM draws every prediction with the same probability. UNCERTAIN draws half of them so, and half
        with a probability in proportion to the deviation that the model's confidence implies: every prediction keeps
        a chance. Raises InputError for a version that the log has never seen, SurroundingsError.
        """
        for _ in range(TRIES):
            waiting = self._waiting(version, now)
            missing = count - len(waiting)
            if missing <= 0 or self._draw(version, now, missing, strategy):
                break
        else:
            raise SurroundingsError("Others draw audits from the same log all the time; ask again later.")
        found = self._waiting(version, now) if missing > 0 else waiting
        return [found[at] for at in self._rng.permutation(len(found))[:count]]

    def _waiting(self, version: str, now: int) -> Sequence[Asked]:
        """What was drawn and is not labelled."""
        with self._database.reading() as connection:
            known = self._catalog.get(connection, version)
            query = select(audits.c.prediction_id, audits.c.probability).where(
                audits.c.model == known.number,
                audits.c.prediction_time >= now - self._window,
                ~exists().where(labels.c.prediction_seq == audits.c.prediction_seq),
            )
            return [Asked(row.prediction_id, row.probability) for row in connection.execute(query)]

    def _draw(self, version: str, now: int, missing: int, strategy: Strategy) -> bool:
        """Rounds for `missing` new predictions; False if another round came between reading and writing."""
        evenly = missing if strategy is Strategy.UNIFORM else missing - missing // 2
        plan: list[tuple[Kind, int]] = [("uniform", evenly), ("uncertain", missing - evenly)]
        for kind, wanted in plan:
            if wanted == 0:
                continue
            with self._database.reading() as connection:
                frame = _read_frame(connection, self._catalog.get(connection, version), now - self._window, now)
            if not frame.open.any():
                return True
            if not self._commit(frame, kind, wanted, now):
                return False
        return True

    def _commit(self, frame: _Frame, kind: Kind, wanted: int, now: int) -> bool:
        weight = frame.weight(kind)
        scale = scale_for(weight[frame.open], wanted)
        if np.isinf(scale):  # more than there are: everything that is open is certain
            scale = 1 / float(weight[weight > 0].min()) if (weight > 0).any() else 0.0
        chance = chances(weight, scale)
        heads = np.zeros(len(chance), np.bool_)
        for group in (frame.open, ~frame.open):  # apart, so that as many open ones come as were wanted
            heads[group] = draw_systematic(chance[group], self._rng)
        probability = compound([frame.earlier(), chance], len(chance))
        this = {
            "model": frame.known.number,
            "start": int(frame.time.min()),
            "last": int(frame.seq.max()),
            "time": now,
            "kind": kind,
            "scale": scale,
        }
        with self._database.writing() as connection:
            take_turn(connection, "labels")
            if _newest_round(connection, frame.known) != frame.newest:
                return False
            connection.execute(insert(audit_rounds).values(this))
            _add_drawn(connection, frame, heads, probability, this)
            _grow(connection, frame, heads, probability, kind)
        return True


def asked_of(connection: Connection, seqs: Sequence[int]) -> Mapping[int, tuple[float, str]]:
    """Probability and source of those predictions that an audit has drawn, by seq."""
    found: dict[int, tuple[float, str]] = {}
    for part in in_parts(seqs):
        query = select(audits).where(audits.c.prediction_seq.in_(part))
        found.update((row.prediction_seq, (row.probability, SOURCES[row.kind])) for row in connection.execute(query))
    return found


SOURCES = {"uniform": "audit", "uncertain": "audit_uncertain"}
"""What a label's `source` says of how its prediction was drawn; `audit` if an even draw ever did."""
UNEVEN = SOURCES["uncertain"]
"""Asked for because the model was unsure: such labels say nothing about accuracy unless they are weighted."""


def _newest_round(connection: Connection, known: Known) -> int | None:
    return connection.execute(select(func.max(audit_rounds.c.id)).where(audit_rounds.c.model == known.number)).scalar()


def _read_frame(connection: Connection, known: Known, start: int, end: int) -> _Frame:
    inside = between(known, start, end)
    newest_first = select(prediction_numbers.c.time).where(inside).order_by(prediction_numbers.c.time.desc())
    start = connection.execute(newest_first.offset(MOST_ROWS - 1).limit(1)).scalar() or start
    rows = read_unlabelled(connection, known, between(known, start, end), (prediction_numbers.c.time,))
    numbers = rows.numbers if len(rows.numbers) else unpack([], known.info)
    confidence = numbers["scores"][np.arange(len(numbers)), numbers["label"]].astype(np.float64)
    of_period = (
        (labels.c.model == known.number) & (labels.c.prediction_time >= start) & (labels.c.prediction_time < end)
    )
    labelled = connection.execute(select(labels.c.prediction_seq).where(labels.c.first, of_period)).scalars().all()
    of_window = (audits.c.model == known.number) & (audits.c.prediction_time >= start)
    drawn = connection.execute(select(audits.c.prediction_seq).where(of_window)).scalars().all()
    seq = numbers["seq"].astype(np.int64)
    before = np.isin(seq, np.array(drawn, np.int64))
    past = select(audit_rounds).where(audit_rounds.c.model == known.number, audit_rounds.c.time > start)
    return _Frame(
        known=known,
        newest=_newest_round(connection, known),
        seq=seq,
        time=numbers["time"].astype(np.int64),
        ids=np.ascontiguousarray(numbers["id"]),
        unsure=unsure(confidence),
        open=~before & ~np.isin(seq, np.array(labelled, np.int64)),
        before=before,
        rounds=list(connection.execute(past.order_by(audit_rounds.c.id)).all()),
    )


def _add_drawn(
    connection: Connection,
    frame: _Frame,
    heads: NDArray[np.bool_],
    probability: NDArray[np.float64],
    this: Mapping[str, Any],
) -> None:
    """A row for each prediction whose coin fell on heads for the first time."""
    rows = [
        {
            "prediction_seq": int(frame.seq[at]),
            "prediction_id": UUID(bytes=frame.ids[at].tobytes()),
            "prediction_time": int(frame.time[at]),
            "model": this["model"],
            "time": this["time"],
            "kind": this["kind"],
            "probability": float(probability[at]),
        }
        for at in np.flatnonzero(heads & ~frame.before)
    ]
    if rows:
        connection.execute(insert(audits), rows)


def _grow(
    connection: Connection, frame: _Frame, heads: NDArray[np.bool_], probability: NDArray[np.float64], kind: Kind
) -> None:
    """This round gave another chance to all that were ever drawn, and their labels stand for fewer rows now."""
    drawn = np.flatnonzero(heads | frame.before)
    if not len(drawn):
        return
    grown = [{"of": int(frame.seq[at]), "grown": float(probability[at])} for at in drawn]
    of_audit = update(audits).where(audits.c.prediction_seq == bindparam("of"))
    of_label = update(labels).where(labels.c.prediction_seq == bindparam("of"))
    connection.execute(of_audit.values(probability=bindparam("grown")), grown)
    connection.execute(of_label.values(asked=bindparam("grown")), grown)
    evenly = [{"of": int(frame.seq[at])} for at in np.flatnonzero(heads & frame.before)]
    if kind == "uniform" and evenly:
        connection.execute(of_audit.values(kind="uniform"), evenly)
        connection.execute(of_label.where(labels.c.source == UNEVEN).values(source=SOURCES["uniform"]), evenly)
