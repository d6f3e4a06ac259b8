"""Drift reports: asked for, made, read, dropped when newer ones are enough. Knows nothing of what is in them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from uuid import uuid4

from sqlalchemy import delete, insert, select, update

from service.store.database import Database
from service.store.nouns import ReportRow
from service.store.schema import reports
from service.store.statements import storable


class Reports:
    """Implements `monitors.protocols.Reports`. Keeps the newest `kept` finished reports."""

    def __init__(self, database: Database, kept: int, new_id: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._database = database
        self._kept = kept
        self._new_id = new_id

    def ask(self, version: str, now: int, episode: str | None) -> str:
        """The id of the report to be made (an existing id where one is waiting for the same episode)."""
        waits = select(reports.c.id).where(
            reports.c.model_version == version,
            reports.c.made.is_(None),
            reports.c.episode.is_not_distinct_from(episode),
        )
        with self._database.writing() as connection:
            waiting = connection.execute(waits.order_by(reports.c.asked).limit(1)).scalar()
            if waiting is not None:
                return str(waiting)
            report = self._new_id()
            row = {"id": report, "model_version": version, "episode": episode, "asked": now}
            connection.execute(insert(reports), [row])
        return report

    def waiting(self, version: str) -> Sequence[str]:
        """The ids of the reports that are to be made, in the order in which they were asked for."""
        query = select(reports.c.id).where(reports.c.model_version == version, reports.c.made.is_(None))
        with self._database.reading() as connection:
            return connection.execute(query.order_by(reports.c.asked, reports.c.id)).scalars().all()

    def save(self, report: str, now: int, html: str | None, error: str | None) -> None:
        """The page, or why there is none; the oldest finished reports beyond `kept` go."""
        page = None if html is None else gzip.compress(html.encode("utf-8", "replace"), compresslevel=6, mtime=0)
        newest = (
            select(reports.c.id)
            .where(reports.c.made.is_not(None))
            .order_by(reports.c.made.desc(), reports.c.asked.desc())
            .limit(self._kept)
        )
        with self._database.writing() as connection:
            connection.execute(update(reports).where(reports.c.id == report).values(made=now, html=page, error=error))
            connection.execute(delete(reports).where(reports.c.made.is_not(None), reports.c.id.not_in(newest)))

    def html(self, report: str) -> str | None:
        """The page; None where there is no such report, or where it is not made."""
        if not storable(report):
            return None
        with self._database.reading() as connection:
            packed = connection.execute(select(reports.c.html).where(reports.c.id == report)).scalar()
        return None if packed is None else gzip.decompress(packed).decode()

    def listed(self, version: str, most: int) -> Sequence[ReportRow]:
        """The reports of a version, the last asked for first."""
        columns = [reports.c[name] for name in ("id", "asked", "made", "episode", "error")]
        query = select(*columns).where(reports.c.model_version == version)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(reports.c.asked.desc(), reports.c.id).limit(most)).all()
        return [ReportRow(*row) for row in rows]
