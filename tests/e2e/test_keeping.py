"""A service with `retention_days` loses its old rows by itself, once its monitor has started."""

from __future__ import annotations

import time

import pytest

from model.artifact import open_artifact
from service.store.database import open_database
from service.store.predictions import PredictionLog
from tests.contract.store.rows import record
from tests.processes import Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DAY = 86_400_000_000


def test_the_monitor_takes_old_rows_out(tiny_model, tiny_baseline, tmp_path, free_port):
    url, now = f"sqlite:///{tmp_path / 'log.db'}", time.time_ns() // 1000
    info = open_artifact(str(tiny_model)).info
    with open_database(url) as database:
        log = PredictionLog(database)
        log.register(info, now - 9 * DAY)
        log.append([record(number, model=info, time=now - 3 * DAY + number) for number in range(1500)])
        log.append([record(5000 + number, model=info, time=now - DAY // 2 + number) for number in range(20)])
        settings = {"model": tiny_model, "baseline": tiny_baseline, "database": url, "retention_days": 2, "interval": 2}
        with Service(free_port, tmp_path / "serve.log", **settings) as service:
            until(lambda: log.count(info.version, 0, now - 2 * DAY) == 0, 60, "the old rows are gone")
            assert log.count(info.version, 0, now) == 20
            assert service.status()["predictions"]["total"] == 1520
