"""A 200 is a committed row: the service is killed under load, and no answered prediction is missing."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.processes import Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CLIENTS = 16


def load(url: str, answered: list[str], stop: threading.Event, client_number: int) -> None:
    """Ask until told to stop; keep the id of every 200."""
    with httpx.Client(timeout=10) as client:
        count = 0
        while not stop.is_set():
            try:
                answer = client.post(
                    f"{url}/predict", json={"text": f"Bank number {client_number} raised rates {count}."}
                )
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                answered.append(answer.json()["prediction_id"])
            count += 1


def logged(path: Path) -> list[str]:
    """The ids in the log, with the database's own word that it is whole."""
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ids = [bytes(row[0]).hex() if isinstance(row[0], bytes) else str(row[0]).replace("-", "") for row in
               database.execute("SELECT id FROM predictions")]  # fmt: skip
    database.close()
    return ids


def kill_times(times: int, tiny_model: Path, tiny_baseline: Path, tmp_path: Path, port: int) -> int:
    """Kill the service `times` times under load; returns how many predictions were answered."""
    answered: list[str] = []
    service = Service(
        port, tmp_path / "serve.log", model=tiny_model, baseline=tiny_baseline,
        database=f"sqlite:///{tmp_path / 'log.db'}",
    )  # fmt: skip
    for _ in range(times):
        service.start()
        before = len(answered)
        stop = threading.Event()
        clients = [
            threading.Thread(target=load, args=(service.url, answered, stop, number)) for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        until(lambda before=before: len(answered) > before + 50, 30, "50 answers")
        family = service.family()
        assert len(family) > 1, "the monitor is a child of the service"
        os.kill(family[0].pid, signal.SIGKILL)
        stop.set()
        for client in clients:
            client.join(20)
        assert service.process is not None
        service.process.wait()
        _, alive = psutil.wait_procs(family[1:], timeout=15)
        assert not alive, f"left behind after a kill: {alive}"
    ids = logged(tmp_path / "log.db")
    assert len(set(ids)) == len(ids)
    missing = {answer.replace("-", "") for answer in answered} - set(ids)
    assert not missing, f"{len(missing)} of {len(answered)} answered predictions are not in the log"
    return len(answered)


def test_kill_loses_nothing_short(tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int) -> None:
    assert kill_times(3, tiny_model, tiny_baseline, tmp_path, free_port) > 150


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_loses_nothing(tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int) -> None:
    assert kill_times(20, tiny_model, tiny_baseline, tmp_path, free_port) > 1000
