"""Promoted baselines: the newest one of a model version is what its traffic is held to. Knows files as bytes only."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from service.store.database import Database
from service.store.schema import baselines


@dataclass(frozen=True, slots=True)
class Promotion:
    """That a baseline was promoted, and when (microseconds)."""

    number: int
    model_version: str
    baseline_id: str
    promoted: int


class Baselines:
    """The promotions of all model versions; every one is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def promote(self, model_version: str, baseline_id: str, files: Mapping[str, bytes], now: int) -> bool:
        """Make it the newest of its version; False where it is already. Raises SurroundingsError."""
        row = {
            "model_version": model_version,
            "baseline_id": baseline_id,
            "promoted": now,
            "files": _packed(files),
        }
        with self._database.writing() as connection:
            newest = (
                select(baselines.c.baseline_id)
                .where(baselines.c.model_version == model_version)
                .order_by(baselines.c.id.desc())
                .limit(1)
            )
            if connection.execute(newest).scalar() == baseline_id:
                return False
            connection.execute(insert(baselines), [row])
        return True

    def promotions(self, model_version: str | None = None) -> Sequence[Promotion]:
        """The newest first; of every version without one."""
        columns = (baselines.c.id, baselines.c.model_version, baselines.c.baseline_id, baselines.c.promoted)
        query = select(*columns).order_by(baselines.c.id.desc())
        if model_version is not None:
            query = query.where(baselines.c.model_version == model_version)
        with self._database.reading() as connection:
            return [Promotion(*row) for row in connection.execute(query)]

    def files(self, promotion: Promotion) -> Mapping[str, bytes]:
        """What was promoted, by file name."""
        query = select(baselines.c.files).where(baselines.c.id == promotion.number)
        with self._database.reading() as connection:
            return _unpacked(connection.execute(query).scalar_one())


def _packed(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def _unpacked(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        return {name: held.read(name) for name in held.namelist()}
