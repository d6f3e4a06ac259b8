"""The disk: a row is on it before its 200 leaves, and where it is full nobody is told that something was logged."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.e2e.load import Load, check_log, say
from tests.e2e.sync_trace import Proof, attached, prove
from tests.processes import Service, until
from tests.servers.postgres import PostgresServer, running_postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

UNSAFE = Path(__file__).with_name("unsafe_serve.py")
ROOT = Path(__file__).parents[2]
HEALTHY_SECONDS = 5.0
"""After there is space again."""


def ask_together(url: str, clients: int, each: int) -> None:
    """`clients` at the same time, `each` requests one after the other; every text has a token of its own."""

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        for number in range(each):
            token = f"token{client}of{number}end"  # twice: PostgreSQL's log parts what lies across two of its pages
            body = json.dumps({"text": f"{token}: rates rise again and again, as rates do, says the bank. {token}"})
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


def traced(service: Service, directory: Path, log_file: str, server: PostgresServer | None = None) -> Proof:
    """What strace saw of 40 answers to one client, and 40 to eight."""
    with service:
        assert service.process is not None
        pids = [service.process.pid]
        if server is not None:
            pids += [server.pid, *(child.pid for child in psutil.Process(server.pid).children())]
        with attached(pids, directory / "trace"):
            ask_together(service.url, 1, 40)
            ask_together(service.url, 8, 5)
    return prove([directory / "trace"], log_file)


@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_each_row_is_on_disk_before_its_answer(synchronous, tiny_model, tmp_path, free_port):
    """Every 200 leaves after an fdatasync of what was written for its text; with synchronous=OFF none does."""
    service = Service(
        free_port, tmp_path / "serve.log", model=tiny_model, monitor=False, database=f"sqlite:///{tmp_path}/log.db"
    )
    if synchronous == "OFF":
        service.command = [sys.executable, str(UNSAFE)]
        service.environment["PYTHONPATH"] = str(ROOT)
    proof = traced(service, tmp_path, "log.db-wal")
    assert proof.answers == 80
    if synchronous == "FULL":
        assert proof.too_early == ()
        assert proof.syncs >= 40  # one client alone shares its commits with nobody
    else:
        assert len(proof.too_early) == 80


@pytest.mark.slow
@pytest.mark.parametrize("durable", [True, False])
def test_each_row_is_on_the_servers_disk_before_its_answer(durable, tiny_model, tmp_path, free_port):
    """The same on PostgreSQL, and on one that runs with fsync=off."""
    with running_postgres(durable=durable) as server:
        service = Service(
            free_port, tmp_path / "serve.log", model=tiny_model, monitor=False, database=server.url, workers=2
        )
        proof = traced(service, tmp_path, "pg_wal", server)
    assert proof.answers == 80
    assert len(proof.too_early) == (0 if durable else 80)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory. Skips where this user may not mount one."""
    if os.geteuid() != 0:
        pytest.skip("a disk that can be filled is a mount, which takes root")
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(ballast: Path) -> None:
    """Until nothing more fits."""
    with ballast.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 512):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue


def fill_and_free(service: Service, url: str, disk: Path) -> None:
    """While it is full there are 503 and no 200 without a row; with space again all is well within 5 seconds."""
    with Load(service.url) as load:
        load.wait_for_answer(time.monotonic(), 30)
        fill(disk / "ballast")
        until(lambda: load.codes[503] >= 50, 60, "50 refusals on a full disk")
        assert httpx.get(f"{service.url}/readyz", timeout=10).status_code == 503
        assert httpx.get(f"{service.url}/livez", timeout=10).status_code == 200
        (disk / "ballast").unlink()
        took = load.wait_for_answer(time.monotonic(), HEALTHY_SECONDS)
        until(service.ready, HEALTHY_SECONDS, "ready again")
        before = len(load.answered)
        until(lambda: len(load.answered) > before + 50, 30, "50 answers more")
    assert set(load.codes) == {200, 503}
    rows = check_log(url, load.ids)
    say(f"full disk: {load.codes[503]} refused, answers {took:.2f} s after space, {rows} rows")


def test_a_full_disk_under_sqlite(tiny_model, tiny_baseline, tmp_path, free_port):
    with small_disk(tmp_path / "disk", 24) as disk:
        url = f"sqlite:///{disk / 'log.db'}"
        settings = {"model": tiny_model, "baseline": tiny_baseline, "database": url}
        with Service(free_port, tmp_path / "serve.log", **settings) as service:
            fill_and_free(service, url, disk)


@pytest.mark.slow
def test_a_full_disk_under_postgresql(tiny_model, tiny_baseline, tmp_path, free_port):
    """The tables stand on a disk of their own: where the server's own log finds no space it ends, as it must."""
    with running_postgres(durable=True) as server, small_disk(server.directory / "disk", 32) as disk:
        server.own(disk)
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as administrator:
            administrator.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            administrator.execute(b"CREATE DATABASE small TABLESPACE small")
        url = server.url.replace("/postgres?", "/small?")
        settings = {"model": tiny_model, "baseline": tiny_baseline, "database": url}
        with Service(free_port, tmp_path / "serve.log", **settings) as service:
            fill_and_free(service, url, disk)
