"""PostgreSQL dies under load, or ends its connections: nothing answered is lost, and answers come again by themselves.

The long form kills the server 20 times and ends all backends 100 times (`SERVER_KILLS` and `TERMINATIONS` in the
environment say otherwise); about 4 minutes together.
"""

from __future__ import annotations

import os
import random
import time

import httpx
import psycopg
import pytest

from tests.e2e.load import Load, check_log, say
from tests.processes import Service, until
from tests.servers.postgres import PostgresServer, running_postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SERVER_KILLS = int(os.environ.get("SERVER_KILLS", "20"))
TERMINATIONS = int(os.environ.get("TERMINATIONS", "100"))
ANSWER_SECONDS = 5.0
"""From the moment that the server takes connections again, or that backends were ended, to the next answer."""
END_ALL = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bertwatch'"


def kill_server(server: PostgresServer, service: Service, load: Load, moments: random.Random) -> float:
    """Seconds from the server's return to the next answer. Meanwhile there are refusals, and readiness is down."""
    time.sleep(moments.uniform(0, 0.3))
    refused = load.codes[503]
    server.kill()
    until(lambda: load.codes[503] > refused, 30, "a refusal while the server is away")
    assert httpx.get(f"{service.url}/readyz", timeout=20).status_code == 503
    server.start()
    took = load.wait_for_answer(time.monotonic(), ANSWER_SECONDS)
    until(service.ready, ANSWER_SECONDS, "ready again")
    return took


def end_backends(url: str, load: Load, moments: random.Random) -> tuple[int, float]:
    """How many backends were ended, and seconds to the next answer."""
    time.sleep(moments.uniform(0, 0.1))
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as administrator:
        ended = administrator.execute(END_ALL).rowcount
    return ended, load.wait_for_answer(time.monotonic(), ANSWER_SECONDS)


def break_often(kills: int, terminations: int, service: Service, server: PostgresServer) -> None:
    moments, slowest, ended = random.Random(0), 0.0, 0
    with service, Load(service.url) as load:
        load.wait_for_answer(time.monotonic(), 30)
        for number in range(terminations):
            count, took = end_backends(server.url, load, moments)
            ended, slowest = ended + count, max(slowest, took)
            if number % 10 == 9:
                say(f"{number + 1} of {terminations} times: {ended} backends ended")
        assert ended >= terminations
        refused = load.codes[503]
        say(f"{terminations} terminations: {refused} refused, answers after at most {slowest:.2f} s")
        slowest = 0.0
        for number in range(kills):
            slowest = max(slowest, kill_server(server, service, load, moments))
            say(f"server kill {number + 1} of {kills}: {len(load.answered)} answered")
        say(f"{kills} server kills: {load.codes[503] - refused} refused, answers after at most {slowest:.2f} s")
    assert set(load.codes) <= {200, 503}, load.codes
    rows = check_log(server.url, load.ids)
    say(f"{len(load.answered)} answered, {rows} rows, 0 missing, 0 twice")


def test_postgresql_breaks_and_nothing_is_lost_short(tiny_model, tiny_baseline, tmp_path, free_port):
    with running_postgres(durable=True) as server:
        settings = {"model": tiny_model, "baseline": tiny_baseline, "database": server.url}
        break_often(2, 10, Service(free_port, tmp_path / "serve.log", **settings), server)


@pytest.mark.slow
@pytest.mark.timeout(120 + 15 * SERVER_KILLS + 10 * TERMINATIONS)
def test_postgresql_breaks_and_nothing_is_lost(tiny_model, tiny_baseline, tmp_path, free_port):
    with running_postgres(durable=True) as server:
        settings = {"model": tiny_model, "baseline": tiny_baseline, "database": server.url}
        break_often(SERVER_KILLS, TERMINATIONS, Service(free_port, tmp_path / "serve.log", **settings), server)
