"""Notifications that wait for delivery. Knows nothing of channels, and holds no address of a receiver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from monitors.protocols import Notification
from monitors.verdict import Severity
from service.store.database import Database
from service.store.nouns import OutboxCounts
from service.store.schema import outbox
from service.store.statements import add_if_new

LEASE = 120_000_000
"""Microseconds for which a notification that was handed out is not handed out again: a second monitor on the
same database leaves it alone, and after a crash in between it is tried once more."""


class Outbox:
    """Implements `monitors.protocols.Outbox`; may be used from several processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, notifications: Sequence[Notification]) -> None:
        """Put messages in, due at once; a known key is not added again."""
        with self._database.writing() as connection:
            enqueue(connection, notifications)

    def due(self, now: int, limit: int = 20) -> Sequence[Notification]:
        """Take what is due and the first of its thread, the oldest first; what follows waits, due or not.

        Whoever takes it says `delivered` or `failed`; others do not get it.
        """
        with self._database.reading() as connection:  # most of the time there is nothing, and nothing to lock
            if connection.execute(select(outbox.c.key).where(outbox.c.due_at <= now).limit(1)).first() is None:
                return []
        waiting = select(outbox).where(outbox.c.due_at.is_not(None)).order_by(outbox.c.created, outbox.c.key)
        first: dict[tuple[str, str], Notification] = {}
        ready: list[Notification] = []
        with self._database.writing() as connection:
            for row in connection.execute(waiting):
                notification = _notification(row)
                if first.setdefault(notification.thread, notification) is notification and row.due_at <= now:
                    ready.append(notification)
            keys = [notification.key for notification in ready[:limit]]
            # Asked again: on PostgreSQL somebody else may have taken one since it was read here.
            still_due = outbox.c.key.in_(keys) & (outbox.c.due_at <= now)
            take = update(outbox).where(still_due).values(due_at=now + LEASE).returning(outbox.c.key)
            taken = set(connection.execute(take).scalars())
        return [notification for notification in ready if notification.key in taken]

    def delivered(self, key: str, now: int) -> None:
        """Never hand it out again."""
        with self._database.writing() as connection:
            done = update(outbox).where(outbox.c.key == key, outbox.c.delivered_at.is_(None))
            connection.execute(
                done.values(delivered_at=now, due_at=None, given_up_at=None, attempts=outbox.c.attempts + 1)
            )

    def failed(self, key: str, now: int, retry_at: int | None, error: str) -> None:
        """Count an attempt; `retry_at` None gives up for good. `error` holds no secret and no text."""
        with self._database.writing() as connection:
            tried = update(outbox).where(outbox.c.key == key, outbox.c.delivered_at.is_(None))
            connection.execute(
                tried.values(
                    attempts=outbox.c.attempts + 1,
                    due_at=retry_at,
                    given_up_at=now if retry_at is None else None,
                    last_error=error.replace("\0", ""),
                )
            )

    def counts(self) -> OutboxCounts:
        """For metrics and the status page."""
        query = select(func.count(outbox.c.due_at), func.count(outbox.c.given_up_at))
        with self._database.reading() as connection:
            waiting, given_up = connection.execute(query).one()
        return OutboxCounts(waiting, given_up)

    def delivered_since(self, since: int) -> int:
        """How many were delivered since then, for metrics."""
        query = select(func.count()).select_from(outbox).where(outbox.c.delivered_at >= since)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        key=row.key,
        event=row.event,
        severity=Severity(row.severity),
        title=row.title,
        body=row.body,
        created=row.created,
        attempts=row.attempts,
    )


def enqueue(connection: Connection, notifications: Sequence[Notification]) -> None:
    """Put messages in, within the caller's transaction; a known key is not added again."""
    for notification in notifications:
        row = {
            "key": notification.key,
            "event": notification.event,
            "severity": str(notification.severity),
            "title": notification.title,
            "body": notification.body,
            "created": notification.created,
            "attempts": notification.attempts,
            "due_at": notification.created,
        }
        connection.execute(add_if_new(connection, outbox, row))
