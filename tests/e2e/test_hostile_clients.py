"""Clients that send too much or too slowly, against a service of its own: memory and other callers do not suffer.

All of it is the long form, with the real limits: a minute and a half.
"""

from __future__ import annotations

import contextlib
import select
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from service.connection import BODY_SECONDS, HEAD_SECONDS
from tests.processes import Service

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
HALF_OPEN = 500
MEGABYTE = 1_000_000
ALLOWANCE = 2.0
"""Seconds after a limit in which a closed connection must have been noticed by the test."""


@pytest.fixture(scope="module")
def service(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("clients")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    database = f"sqlite:///{directory / 'log.db'}"
    with Service(port, directory / "serve.log", model=tiny_model, database=database) as running:
        ask(port)
        yield running


def port_of(service: Service) -> int:
    return int(service.url.rsplit(":", 1)[1])


def ask(port: int, path: str = "/livez") -> float:
    """Seconds until a 200, on a new connection."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
    return time.monotonic() - began


def memory(service: Service) -> int:
    assert service.process is not None
    return int(psutil.Process(service.process.pid).memory_info().rss)


@pytest.mark.parametrize("chunked", [False, True])
def test_100_megabytes_are_refused_at_once_and_not_kept(service: Service, chunked: bool) -> None:
    chunk = b"a" * 65_536
    framed = b"10000\r\n" + chunk + b"\r\n" if chunked else chunk
    length = b"transfer-encoding: chunked" if chunked else b"content-length: 104857600"
    before, most, sent, refused_after = memory(service), 0, 0, None
    with socket.create_connection(("127.0.0.1", port_of(service)), timeout=30) as wire:
        wire.sendall(HEAD + length + b"\r\n\r\n")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 100 * 1024 * 1024:
                wire.sendall(framed)
                sent += len(chunk)
                if refused_after is None and select.select([wire], [], [], 0)[0]:
                    assert wire.recv(65_536).startswith(b"HTTP/1.1 413")
                    refused_after = sent
                if sent % (10 * 1024 * 1024) == 0:
                    most = max(most, memory(service))
    grown = (max(most, memory(service)) - before) / MEGABYTE
    said = f"{'chunked' if chunked else 'known length'}: 413 after {refused_after} bytes, memory +{grown:.1f} MB"
    print(said, file=sys.stderr)  # noqa: T201 - the figures for the README
    assert refused_after is not None
    assert refused_after < 10 * 1024 * 1024, said  # the limit is 4 MB; a body of known length need not even begin
    assert grown <= 10, said


def test_500_half_open_clients_are_closed_in_time(service: Service) -> None:
    """A third is silent, a third sends a byte of its head now and then, a third a byte of its body."""
    port = port_of(service)
    before = memory(service)
    with ExitStack() as wires:
        opened = []
        for number in range(HALF_OPEN):
            kind = ("silent", "head", "body")[number % 3]
            wire = wires.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            if kind == "head":
                wire.sendall(b"POST /predict HTTP/1.1\r\nhost:")
            elif kind == "body":
                wire.sendall(HEAD + b'content-length: 5000\r\n\r\n{"text": "')
            wire.setblocking(False)
            opened.append((wire, kind, time.monotonic()))
        closed: dict[str, list[float]] = {"silent": [], "head": [], "body": []}
        lively = [ask(port)]
        while opened and time.monotonic() - opened[0][2] < BODY_SECONDS + 5 * ALLOWANCE:
            time.sleep(0.25)
            lively.append(ask(port))
            still = []
            for wire, kind, since in opened:
                if has_ended(wire, b"" if kind == "silent" else b"a"):
                    closed[kind].append(time.monotonic() - since)
                else:
                    still.append((wire, kind, since))
            opened = still
    grown = (memory(service) - before) / MEGABYTE
    slowest = {kind: max(seconds, default=0.0) for kind, seconds in closed.items()}
    said = (
        f"{len(opened)} left open; closed after at most {slowest['silent']:.1f} s (silent), "
        f"{slowest['head']:.1f} s (head) "
        f"and {slowest['body']:.1f} s (body); /livez within {1000 * max(lively):.0f} ms, in the median "
        f"{1000 * statistics.median(lively):.1f} ms; memory +{grown:.1f} MB"
    )
    print(said, file=sys.stderr)  # noqa: T201 - the figures for the README
    assert not opened, said
    assert max(slowest["silent"], slowest["head"]) < HEAD_SECONDS + ALLOWANCE, said
    assert slowest["body"] < BODY_SECONDS + ALLOWANCE, said
    assert statistics.median(lively) < 0.1, said


def has_ended(wire: socket.socket, drip: bytes) -> bool:
    """Whether the service has refused or closed it; sends a byte more if it has not."""
    with contextlib.suppress(BlockingIOError):
        try:
            answer = wire.recv(65_536)
        except ConnectionResetError:
            return True
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")
        return True
    with contextlib.suppress(OSError):
        wire.send(drip)
    return False
