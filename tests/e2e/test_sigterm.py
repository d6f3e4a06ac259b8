"""SIGTERM under load: readiness goes first, whoever got in is answered, nobody is reset, the exit status is 0.

The long form takes about five minutes.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from tests.e2e.load import check_log
from tests.processes import Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CLIENTS = 16
LONGEST_END = 30
IDLE = 0.4
"""A connection that was idle for longer may be closed, as HTTP has it: a test that stalls is no fault."""


class Refused(Exception):
    """The service takes no new connection."""


class Caller:
    """One client on raw sockets; every second one opens a connection for each request."""

    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self.keeps = number % 2 == 0
        self.number = number
        self.chance = random.Random(number)
        self.answered: list[str] = []
        self.faults: list[str] = []
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        with contextlib.suppress(Refused):
            while not self.faults:
                self.visit()
        self.ended = True

    def visit(self) -> None:
        """One connection, for as long as the service keeps it."""
        try:
            wire = socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST_END)
        except OSError:
            raise Refused from None
        with wire, wire.makefile("rb") as reader:
            free_since = time.monotonic()
            for count in range(1_000_000):
                time.sleep(self.chance.random() * 0.01)
                idle = time.monotonic() - free_since
                status, closes, body = self.ask(wire, reader, count)
                if status is None and idle > IDLE:
                    return
                if status != 200:
                    self.faults.append(f"{status} after {idle:.3f} s, request {count} of a connection: {body[:200]!r}")
                    return
                self.answered.append(json.loads(body)["prediction_id"])
                free_since = time.monotonic()
                if closes or not self.keeps:
                    return

    def ask(self, wire: socket.socket, reader: object, count: int) -> tuple[int | None, bool, bytes]:
        """Status (None: no answer), whether the connection ends, and the body."""
        body = json.dumps({"text": f"Bank number {self.number} raised rates {count}."}).encode()
        head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
        try:
            wire.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
            lines = iter(reader.readline, b"\r\n")  # type: ignore[attr-defined]  # a file of bytes
            first = next(lines, b"")
            if not first:
                return None, True, b""
            headers = dict(line.lower().strip().split(b": ", 1) for line in lines)
            answer = reader.read(int(headers[b"content-length"]))  # type: ignore[attr-defined]
        except OSError as error:
            return None, True, str(error).encode()
        return int(first.split()[1]), headers.get(b"connection") == b"close", answer


def probe(port: int, path: str) -> int:
    """The status of a GET on a connection of its own; 0 where none is taken."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        first = wire.makefile("rb").readline()
        return int(first.split()[1]) if first else -1
    return 0


def end_once(service: Service, port: int) -> tuple[list[str], float]:
    """Start, load, SIGTERM; the ids of all answers, and how long it took to end."""
    service.start()
    assert service.process is not None
    family = service.family()
    callers = [Caller(port, number) for number in range(CLIENTS)]
    for caller in callers:
        caller.thread.start()
    until(lambda: sum(len(caller.answered) for caller in callers) > 50, 30, "50 answers")
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    while (ready := probe(port, "/readyz")) == 200:
        pass
    alive = probe(port, "/livez")
    at_readiness = sum(len(caller.answered) for caller in callers)
    status = service.process.wait(LONGEST_END)
    seconds = time.monotonic() - began
    for caller in callers:
        caller.thread.join(10)
    faults = [fault for caller in callers for fault in caller.faults]
    assert not faults, f"{len(faults)} of {CLIENTS} clients were not answered: {faults[:3]}"
    assert all(caller.ended for caller in callers)
    assert status == 0
    assert (ready, alive) == (503, 200), "readiness goes first, while requests are taken"
    answers = [answer for caller in callers for answer in caller.answered]
    assert len(answers) > at_readiness, "and they are answered"
    _, left = psutil.wait_procs(family[1:], timeout=15)
    assert not left
    return answers, seconds


def end_times(times: int, service: Service, port: int, url: str) -> float:
    """SIGTERM `times` times; the longest end in seconds. Every answer stands in the log, and nothing else does."""
    answered: list[str] = []
    longest = 0.0
    for _ in range(times):
        answers, seconds = end_once(service, port)
        answered += answers
        longest = max(longest, seconds)
    assert check_log(url, {UUID(answer) for answer in answered}) == len(answered)
    said = f"{times} × SIGTERM, {len(answered)} answers, the longest end {longest:.1f} s"
    print(said, file=sys.stderr)  # noqa: T201 - the figures for the README
    return longest


@pytest.fixture
def service(tiny_model: Path, tiny_baseline: Path, sqlite_url: str, tmp_path: Path, free_port: int) -> Service:
    return Service(free_port, tmp_path / "serve.log", model=tiny_model, baseline=tiny_baseline, database=sqlite_url)


def test_SIGTERM_answers_everyone_short(service: Service, free_port: int, sqlite_url: str) -> None:
    assert end_times(3, service, free_port, sqlite_url) < LONGEST_END


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_SIGTERM_answers_everyone(service: Service, free_port: int, sqlite_url: str) -> None:
    assert end_times(50, service, free_port, sqlite_url) < LONGEST_END
