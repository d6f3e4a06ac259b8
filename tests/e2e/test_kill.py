"""A 200 is a committed row: the service is killed under load, and no answered prediction is missing.

The long form kills it 100 times on each database (`KILLS` in the environment says otherwise); about 5 minutes each.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.load import Load, check_log, say
from tests.processes import Service, until
from tests.servers.postgres import postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("KILLS", "100"))
ANSWERS = 50
"""Before a kill, at least."""


def kill_times(times: int, service: Service, url: str) -> int:
    """Kill the service `times` times under load; returns how many predictions were answered."""
    moments = random.Random(0)
    with Load(service.url) as load:
        for life in range(times):
            service.start()
            before = len(load.answered)
            until(lambda before=before: len(load.answered) >= before + ANSWERS, 60, f"{ANSWERS} answers")
            time.sleep(moments.uniform(0, 0.3))  # wherever in a commit this may be
            family = service.family()
            assert len(family) > 1, "the monitor is a child of the service"
            os.kill(family[0].pid, signal.SIGKILL)
            assert service.process is not None
            service.process.wait()
            _, alive = psutil.wait_procs(family[1:], timeout=15)
            assert not alive, f"left behind after a kill: {alive}"
            say(f"kill {life + 1} of {times}: {len(load.answered)} answered")
    assert set(load.codes) <= {0, 200, 503}
    rows = check_log(url, load.ids)
    say(f"{times} kills: {len(load.answered)} answered, {rows} rows, 0 missing, 0 twice")
    return len(load.answered)


def new_service(url: str, model: Path, baseline: Path, directory: Path, port: int) -> Service:
    return Service(port, directory / "serve.log", model=model, baseline=baseline, database=url)


def test_kill_loses_nothing_short(tiny_model, tiny_baseline, tmp_path, free_port):
    url = f"sqlite:///{tmp_path / 'log.db'}"
    service = new_service(url, tiny_model, tiny_baseline, tmp_path, free_port)
    assert kill_times(3, service, url) >= 3 * ANSWERS


@pytest.mark.slow
@pytest.mark.timeout(60 + 20 * KILLS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_kill_loses_nothing(database, tiny_model, tiny_baseline, tmp_path, free_port):
    if database == "sqlite":
        url = f"sqlite:///{tmp_path / 'log.db'}"
        answered = kill_times(KILLS, new_service(url, tiny_model, tiny_baseline, tmp_path, free_port), url)
    else:
        with postgres_server(durable=True) as url:
            answered = kill_times(KILLS, new_service(url, tiny_model, tiny_baseline, tmp_path, free_port), url)
    assert answered >= KILLS * ANSWERS
