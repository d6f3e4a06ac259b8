"""The model versions that the log has seen, and what the numbers of their rows mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from model.errors import InputError
from model.prediction import ModelInfo
from service.store.database import Database
from service.store.schema import models
from service.store.statements import add_if_new


@dataclass(frozen=True, slots=True)
class Known:
    """A model version, and its number in the narrow tables."""

    number: int
    info: ModelInfo


class Catalog:
    """The model versions that the log has seen. A version never changes its meaning, so what was read is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Known] = {}

    def register(self, info: ModelInfo, now: int) -> None:
        """Make a version known; again and again does nothing.

        Raises InputError where the version is known with other labels or features: its rows could not be read.
        """
        row = {
            "version": info.version,
            "labels": json.dumps(info.labels),
            "features": json.dumps(info.features),
            "name": info.name,
            "first_seen": now,
        }
        with self._database.writing() as connection:
            connection.execute(add_if_new(connection, models, row))
            known = self._find(connection, info.version)
        if known is None or (known.info.labels, known.info.features) != (info.labels, info.features):
            raise InputError(
                f"The log knows model {info.version} with other labels or features; use another database, "
                "or the version of bertwatch that wrote it."
            )

    def models(self) -> Sequence[ModelInfo]:
        """All versions, in the order in which they came."""
        with self._database.reading() as connection:
            rows = connection.execute(select(models).order_by(models.c.first_seen, models.c.id)).all()
        return [self._keep(row).info for row in rows]

    def recall(self, version: str) -> Known:
        """As `get`, for callers without a transaction; asks the database once a version."""
        if version not in self._known:
            with self._database.reading() as connection:
                self.get(connection, version)
        return self._known[version]

    def find(self, connection: Connection, version: str) -> Known | None:
        return self._known.get(version) or self._find(connection, version)

    def get(self, connection: Connection, version: str) -> Known:
        """As `find`; raises InputError for a version that the log has never seen."""
        known = self.find(connection, version)
        if known is None:
            raise InputError(f"The log has never seen model {version}; serve it on this database first.")
        return known

    def _find(self, connection: Connection, version: str) -> Known | None:
        row = connection.execute(select(models).where(models.c.version == version)).one_or_none()
        return None if row is None else self._keep(row)

    def _keep(self, row: Row[Any]) -> Known:
        info = ModelInfo(
            version=row.version,
            labels=tuple(json.loads(row.labels)),
            features=tuple(json.loads(row.features)),
            name=row.name,
        )
        return self._known.setdefault(row.version, Known(row.id, info))
