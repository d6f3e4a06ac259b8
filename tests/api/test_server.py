"""The socket, and the end: SIGTERM answers what was accepted, and the exit status is 0."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from model.errors import SurroundingsError
from service.connection import GRACE_SECONDS
from service.leaving import someone_waits, turn_newcomers_away
from service.server import bind
from service.store.database import open_database
from service.store.predictions import PredictionLog
from tests.api.conftest import Service
from tests.api.test_bad_input import is_problem


def test_port_0_takes_a_free_one_and_no_child_inherits_it():
    with bind("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
        assert not os.get_inheritable(listener.fileno())


def test_a_port_in_use_is_said_in_one_sentence():
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(SurroundingsError, match=f"Port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


def test_a_port_in_TIME_WAIT_is_free():
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        accepted.close()  # the side that closes first waits
        client.close()
    bind("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a" * 300])
def test_an_address_of_another_machine_is_said_in_one_sentence(host: str):
    with pytest.raises(SurroundingsError, match=r"address|Cannot listen"):
        bind(host, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot turn newcomers away")
def test_newcomers_are_turned_away_and_who_got_in_is_still_taken():
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        listener.settimeout(5)
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            assert turn_newcomers_away(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.2)
            assert someone_waits(listener)
            taken, _ = listener.accept()
            assert not someone_waits(listener)
            listener.close()
            with taken:
                early.sendall(b"asked before the end")
                assert taken.recv(99) == b"asked before the end"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)


def test_IPv6_can_be_listened_to():
    try:
        listener = bind("::1", 0)
    except SurroundingsError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert listener.family == socket.AF_INET6


def test_before_its_start_a_service_is_not_ready(start: Callable[..., Service]):
    service = start()
    service.readiness.started = False
    is_problem(service.client.get("/readyz"), 503, "stopping")


def test_a_request_that_is_half_here_at_the_end_is_answered(start: Callable[..., Service]):
    service = start()
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as wire:
        wire.sendall(b"GET /livez HTTP/1.1\r\nhost:")
        assert service.client.get("/livez").status_code == 200, "the half has been read"
        service.client.close()
        service.server.stop()
        time.sleep(3 * GRACE_SECONDS)
        wire.sendall(b" x\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
    service.thread.join(10)
    assert not service.thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_everything_accepted_be_answered_and_ends_with_0(tmp_path: Path, number: signal.Signals):
    command = [sys.executable, "-m", "tests.api.process", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        url = f"http://127.0.0.1:{port}"

        def ask(client: int) -> int:
            """Ask until an answer says that the connection closes, as a client or a load balancer does."""
            with httpx.Client(timeout=20) as wire:
                for answered in range(1, 10_000):
                    answer = wire.post(f"{url}/predict", json={"text": f"from {client}"})
                    assert answer.status_code == 200
                    if answer.headers.get("connection") == "close":
                        return answered
                    if client == 0 and answered == 5:
                        process.send_signal(number)
            raise AssertionError("the service never told its clients to leave")

        with ThreadPoolExecutor(8) as clients:
            counts = list(clients.map(ask, range(8)))
        assert process.wait(20) == 0
    finally:
        process.kill()
        _, said = process.communicate()
    assert "Traceback" not in said
    with open_database(f"sqlite:///{tmp_path}/log.db") as database:
        assert PredictionLog(database).total("v1") == sum(counts)
