"""What the monitor remembers: rounds, verdicts, episodes, stream states; keyed by model version.

Knows nothing of checks. A round leaves all of its traces or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from monitors.protocols import Episode, Memory, Outcome, Overtaken, StreamState
from monitors.verdict import Kind, Severity, Verdict
from service.store.database import Database
from service.store.nouns import WatchCounts
from service.store.order import take_turn
from service.store.outbox import enqueue
from service.store.schema import episodes, rounds, stream_states, verdicts
from service.store.statements import add_if_new, add_or_replace, in_parts
from service.store.verdict_json import decode_verdict, encode_verdict

NEWEST_FIRST = (verdicts.c.time.desc(), verdicts.c.id.desc())


class Verdicts:
    """Implements `monitors.protocols.Journal`, and answers what the status page and the metrics ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, version: str, slot: str, now: int) -> bool:
        """True for exactly one caller per (version, slot), also with several monitors on one database."""
        row = {"model_version": version, "slot": slot, "claimed": now}
        with self._database.writing() as connection:
            added = connection.execute(add_if_new(connection, rounds, row).returning(rounds.c.slot))
            return added.first() is not None

    def memory(self, version: str) -> Memory:
        """What a round begins with: the newest verdict, the open episode, the streams."""
        with self._database.reading() as connection:
            newest = _newest(connection, version)
            still_open = select(episodes).where(episodes.c.model_version == version, episodes.c.resolved.is_(None))
            episode = connection.execute(still_open).one_or_none()
            states = connection.execute(select(stream_states).where(stream_states.c.model_version == version)).all()
            round_number = _round(connection, version)
        return Memory(
            verdict=None if newest is None else _verdict(newest.body),
            episode=None if episode is None else _episode(episode),
            streams={row.name: StreamState(row.cursor, json.loads(row.state)) for row in states},
            round=round_number,
        )

    def commit(self, outcome: Outcome) -> None:
        """Verdict, episode, stream states with cursors, and outbox rows, in one transaction.

        `outcome.streams` is the whole memory: a stream that is not in it is forgotten. A notification whose
        key is known is not added again. Raises SurroundingsError, or Overtaken where another round has been committed
        after `outcome.after`; then nothing has changed.
        """
        verdict = outcome.verdict
        version = verdict.model_version
        body = json.dumps(encode_verdict(verdict), allow_nan=False)
        # NaN and infinity stay what they are here: nobody but the stream itself reads its state.
        states = {name: (stream.cursor, json.dumps(dict(stream.state))) for name, stream in outcome.streams.items()}
        with self._database.writing() as connection:
            take_turn(connection, "rounds")
            if outcome.after not in (None, _round(connection, version)):
                raise Overtaken("Another monitor has finished a round meanwhile; this one begins anew.")
            before = _newest(connection, version)
            unbroken = before is not None and before.kind == verdict.kind
            row = {
                "model_version": version,
                "slot": outcome.slot,
                "time": verdict.time,
                "since": before.since if before is not None and unbroken else verdict.time,
                "kind": str(verdict.kind),
                "severity": str(verdict.severity),
                "baseline_id": verdict.baseline_id,
                "body": body,
            }
            connection.execute(insert(verdicts), [row])
            if outcome.episode is not None:
                connection.execute(add_or_replace(connection, episodes, _episode_row(outcome.episode)))
            connection.execute(delete(stream_states).where(stream_states.c.model_version == version))
            if states:
                connection.execute(
                    insert(stream_states),
                    [
                        {"model_version": version, "name": name, "cursor": cursor, "state": state}
                        for name, (cursor, state) in states.items()
                    ],
                )
            enqueue(connection, outcome.notifications)
            claimed = (rounds.c.model_version == version) & (rounds.c.slot == outcome.slot)
            connection.execute(update(rounds).where(claimed).values(done=verdict.time))

    def newest(self, version: str) -> tuple[Verdict, int] | None:
        """The verdict of the last round, and since when verdicts have been of its kind."""
        with self._database.reading() as connection:
            row = _newest(connection, version)
        return None if row is None else (_verdict(row.body), int(row.since))

    def history(self, version: str, start: int, most: int) -> Sequence[Verdict]:
        """Verdicts from `start` on, oldest first, thinned evenly to at most `most`; the newest is among them."""
        query = select(verdicts.c.id).where(verdicts.c.model_version == version, verdicts.c.time >= start)
        with self._database.reading() as connection:
            ids = connection.execute(query.order_by(verdicts.c.time, verdicts.c.id)).scalars().all()
            chosen = [ids[len(ids) - 1 - place * len(ids) // most] for place in range(most)] if len(ids) > most else ids
            bodies: dict[int, str] = {}
            for part in in_parts(chosen):
                wanted = select(verdicts.c.id, verdicts.c.body).where(verdicts.c.id.in_(part))
                bodies.update((row.id, row.body) for row in connection.execute(wanted))
        return [_verdict(bodies[key]) for key in ids if key in bodies]

    def episodes(self, version: str, most: int = 20) -> Sequence[Episode]:
        """The last episodes, the newest first."""
        query = select(episodes).where(episodes.c.model_version == version)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(episodes.c.opened.desc(), episodes.c.id).limit(most)).all()
        return [_episode(row) for row in rows]

    def counts_since(self, version: str, since: int) -> WatchCounts:
        """For metrics."""
        times = ((verdicts, verdicts.c.time), (episodes, episodes.c.opened))
        with self._database.reading() as connection:
            counted = [
                select(func.count()).select_from(table).where(table.c.model_version == version, time >= since)
                for table, time in times
            ]
            rounds_, opened = (int(connection.execute(query).scalar_one()) for query in counted)
        return WatchCounts(rounds_, opened)


def _round(connection: Connection, version: str) -> int:
    """Numbers are drawn inside of a turn, so the largest is the newest, whatever the clocks of two monitors say."""
    query = select(func.max(verdicts.c.id)).where(verdicts.c.model_version == version)
    return int(connection.execute(query).scalar() or 0)


def _newest(connection: Connection, version: str) -> Row[Any] | None:
    query = select(verdicts).where(verdicts.c.model_version == version).order_by(*NEWEST_FIRST).limit(1)
    return connection.execute(query).one_or_none()


def _verdict(body: str) -> Verdict:
    return decode_verdict(json.loads(body))


def _episode_row(episode: Episode) -> dict[str, Any]:
    return {
        "id": episode.id,
        "model_version": episode.model_version,
        "opened": episode.opened,
        "kind": str(episode.kind),
        "severity": str(episode.severity),
        "reasons": json.dumps(episode.reasons),
        "quiet_since": episode.quiet_since,
        "quiet_rounds": episode.quiet_rounds,
        "resolved": episode.resolved,
    }


def _episode(row: Row[Any]) -> Episode:
    return Episode(
        id=row.id,
        model_version=row.model_version,
        opened=row.opened,
        kind=Kind(row.kind),
        severity=Severity(row.severity),
        reasons=tuple(json.loads(row.reasons)),
        quiet_since=row.quiet_since,
        quiet_rounds=row.quiet_rounds,
        resolved=row.resolved,
    )
