"""What the wire may carry: endless, slow, broken and random requests. The service refuses them and stays upright."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import psutil
import pytest

import service.connection
from tests.api.conftest import Service
from tests.api.stand_in import wait_until

HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def exchange(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts and read until the service closes or has answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # what was answered before counts
            for part in parts:
                wire.sendall(part)
                time.sleep(pause)
            while chunk := wire.recv(65_536):
                answer += chunk
        return answer


def is_well(running: Service) -> bool:
    return (
        running.client.get("/livez").status_code == 200 and running.post("/predict", {"text": "a"}).status_code == 200
    )


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),  # a TLS greeting
        (b"GET\r\n\r\n", b"400"),
        (b"BREW /pot HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\nhost: x\r\n\r\n", b"400"),
        (b"GET /caf\xe9 HTTP/1.1\r\nhost: x\r\n\r\n", b"40"),
        (b"GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"40"),
        (b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"40"),
        (b"CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n", b"40"),
        (HEAD + b"content-length: -1\r\n\r\n", b"400"),
        (HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", b"400"),
        (HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"400"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nZZ\r\n", b"400"),
        (HEAD + b"connection: close\r\ncontent-length: 99999999999999999999999\r\n\r\n", b"4"),
        (HEAD + b"x: " + b"a" * 200_000, b"431"),
    ],
    ids=lambda value: repr(value[-40:]) if isinstance(value, bytes) else None,
)
def test_a_broken_request_gets_a_problem_document(service: Service, sent: bytes, status: bytes):
    answer = exchange(service.port, sent)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert b"application/problem+json" in answer
    assert is_well(service)


def test_an_upgrade_is_not_taken(service: Service):
    answer = exchange(
        service.port,
        b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 200")


def test_100_megabytes_are_refused_at_once_and_not_kept(service: Service):
    me = psutil.Process(os.getpid())
    before = me.memory_info().rss
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as wire:
        wire.sendall(HEAD + b"content-length: 100000000\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 413")
        chunk = b"a" * 1_000_000
        for _ in range(100):
            wire.sendall(chunk)
        # The refused body is read and dropped, so the same connection goes on.
        wire.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
    assert me.memory_info().rss - before < 10_000_000


def test_an_endless_body_without_a_length_is_refused(service: Service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as wire:
        wire.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
        for _ in range(100):
            wire.sendall(chunk)
        assert wire.recv(65_536).startswith(b"HTTP/1.1 413")


def test_slow_heads_and_bodies_are_closed_while_others_are_answered(
    start: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service.connection, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(service.connection, "BODY_SECONDS", 1.0)
    running = start()
    with ExitStack() as open_wires:
        silent, half_heads, half_bodies = (
            [
                open_wires.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
                for _ in range(40)
            ]
            for _ in range(3)
        )
        for wire in half_heads:
            wire.sendall(b"POST /predict HTTP/1.1\r\nhost:")
        for wire in half_bodies:
            wire.sendall(HEAD + b'content-length: 50\r\n\r\n{"text": "')
        assert is_well(running)
        for wire in silent:
            assert wire.recv(65_536) == b""
        for wire in half_heads + half_bodies:
            answer = b""
            while chunk := wire.recv(65_536):
                answer += chunk
            assert answer.startswith(b"HTTP/1.1 408")
    wait_until(lambda: running.house.value("bertwatch_clients_gone_total") == 40)
    assert running.house.value("bertwatch_problems_total", problem="request-too-slow") == 80
    assert is_well(running)


def test_each_body_has_its_own_time(start: Callable[..., Service], monkeypatch: pytest.MonkeyPatch):
    """Of requests behind each other, whose reads end within bodies: none of them is slow."""
    monkeypatch.setattr(service.connection, "BODY_SECONDS", 1.0)
    body = b'{"text": "a"}'
    head = HEAD + b"content-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", start().port), timeout=10) as wire:
        wire.sendall(head + body[:5])
        for _ in range(5):
            time.sleep(0.4)
            wire.sendall(body[5:] + head + body[:5])
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        wire.sendall(body[5:])
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")


def test_a_slow_request_that_arrives_in_time_is_answered(service: Service):
    body = b'{"text": "a"}'
    answer = exchange(
        service.port,
        HEAD[:20],
        HEAD[20:] + b"content-length: 13\r\nconnection: close\r\n\r\n",
        body[:4],
        body[4:],
        pause=0.05,
    )
    assert answer.startswith(b"HTTP/1.1 200")


def test_pipelined_requests_are_answered_in_order(service: Service):
    one = HEAD + b'content-length: 13\r\n\r\n{"text": "a"}'
    last = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = exchange(service.port, one + one + last)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.rstrip().endswith(b'{"status":"ok"}')
