"""More than can be done: refused at once and said so; and nothing is computed for a client that has left."""

from __future__ import annotations

import gc
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from model.prediction import Record
from service.door import Door
from service.predictor import Limits
from service.turnkeeper import RefusalLog
from tests.api.conftest import Service
from tests.api.stand_in import wait_until
from tests.api.test_bad_input import is_problem


def test_when_the_queue_is_full_the_answer_is_503_and_says_when_to_come_again(start: Callable[..., Service]):
    service = start(limits=Limits(workers=1, max_batch=1, queue_size=2))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(3) as clients:
        accepted = [clients.submit(service.post, "/predict", {"text": "first"})]
        assert house.classifier.entered.acquire(timeout=10)
        accepted += [clients.submit(service.post, "/predict", {"text": f"text {number}"}) for number in range(2)]
        wait_until(lambda: house.value("bertwatch_queue_depth") == 2)
        refused = service.post("/predict", {"text": "one too many"})
        is_problem(refused, 503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        is_problem(service.post("/predict/batch", {"items": [{"text": "a"}]}), 503, "overloaded")
        assert service.client.get("/livez").status_code == 200
        house.classifier.open.set()
        assert [answer.result().status_code for answer in accepted] == [200, 200, 200]
    assert house.rows() == 3
    assert "one too many" not in house.classifier.texts


def test_long_texts_fill_the_queue_before_many_do(start: Callable[..., Service]):
    service = start(limits=Limits(workers=1, max_batch=1, queue_size=100, queue_tokens=600))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(3) as clients:
        accepted = [clients.submit(service.post, "/predict", {"text": "first"})]
        assert house.classifier.entered.acquire(timeout=10)
        accepted += [clients.submit(service.post, "/predict", {"text": "word " * 500})]
        wait_until(lambda: house.value("bertwatch_queue_tokens") == 512)
        is_problem(service.post("/predict", {"text": "word " * 500}), 503, "overloaded")
        accepted += [clients.submit(service.post, "/predict", {"text": "short"})]
        wait_until(lambda: house.value("bertwatch_queue_depth") == 2)
        house.classifier.open.set()
        assert [answer.result().status_code for answer in accepted] == [200, 200, 200]
    assert house.value("bertwatch_queue_tokens") == 0
    assert house.rows() == 3


def test_a_full_queue_is_said_before_the_body_is_read_and_counted_for_its_route(start: Callable[..., Service]):
    service = start(limits=Limits(workers=1, max_batch=1, queue_size=1))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(2) as clients:
        accepted = [clients.submit(service.post, "/predict", {"text": "first"})]
        assert house.classifier.entered.acquire(timeout=10)
        accepted += [clients.submit(service.post, "/predict", {"text": "second"})]
        wait_until(lambda: house.value("bertwatch_queue_depth") == 1)
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as wire:
            wire.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
            assert wire.recv(65_536).startswith(b"HTTP/1.1 503")
        assert service.post("/feedback", {}).status_code == 422, "other routes have no queue"
        house.classifier.open.set()
        assert [answer.result().status_code for answer in accepted] == [200, 200]
    refused = {"route": "/predict", "method": "POST", "code": "503"}
    assert house.value("bertwatch_http_requests_total", **refused) == 1
    assert house.value("bertwatch_problems_total", problem="overloaded") == 1


@pytest.fixture
def full(start: Callable[..., Service], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, list[str]]]:
    """A service of which one worker is busy and five places are free; and the addresses of those that passed its door.

    Its worker goes on at the end.
    """
    passed: list[str] = []
    enter = Door.__call__

    async def count(door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope.get("path", ""))
        await enter(door, scope, receive, send)

    monkeypatch.setattr(Door, "__call__", count)
    service = start(limits=Limits(workers=1, max_batch=1, queue_size=5), keys=["key"])
    service.client.headers["authorization"] = "Bearer key"
    service.house.classifier.open.clear()
    with ThreadPoolExecutor(1) as client:
        first = client.submit(service.post, "/predict", {"text": "first"})
        assert service.house.classifier.entered.acquire(timeout=10)
        passed.clear()
        yield service, passed
        service.house.classifier.open.set()
        assert first.result().status_code == 200


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=10)


def ask(text: str, *headers: str) -> bytes:
    body = json.dumps({"text": text}).encode()
    lines = (
        "POST /predict HTTP/1.1",
        "host: x",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


KEY = "authorization: Bearer key"


def test_of_a_shoal_as_many_are_let_in_as_there_are_places(full: tuple[Service, list[str]]):
    """All of it lies in the sockets when the loop reads: each request would find the same five places free."""
    service, passed = full
    loop = service.server.servers[0].get_loop()
    with ExitStack() as open_wires:
        wires = [open_wires.enter_context(connect(service)) for _ in range(50)]
        assert service.client.get("/livez").status_code == 200, "all are connected"
        loop.call_soon_threadsafe(time.sleep, 0.5)
        for number, wire in enumerate(wires):
            wire.sendall(ask(f"text {number}", *([KEY] if number >= 10 else [])))
        wait_until(lambda: service.house.value("bertwatch_problems_total", problem="overloaded") == 35)
        wait_until(lambda: service.house.value("bertwatch_queue_depth") == 5)
        assert passed.count("/predict") == 10 + 5, "nobody else had a task of its own"
        service.house.classifier.open.set()
        codes = sorted(wire.recv(65_536)[9:12] for wire in wires)
    assert codes == [b"200"] * 5 + [b"401"] * 10 + [b"503"] * 35, "who has no key takes nobody's place"
    assert service.post("/predict", {"text": "again"}).status_code == 200, "all places were given back"


def test_those_who_are_turned_away_get_the_answer_of_the_door(full: tuple[Service, list[str]]):
    service, passed = full
    with ExitStack() as open_wires:
        *others, wire = (open_wires.enter_context(connect(service)) for _ in range(6))
        for other in others:
            other.sendall(ask("waits", KEY))
        wait_until(lambda: service.house.value("bertwatch_queue_depth") == 5)
        passed.clear()
        answers = []
        for headers in [(KEY,), (KEY, "expect: 100-continue")]:
            wire.sendall(ask("refused", *headers))
            answers.append(wire.recv(65_536))
        assert passed == ["/predict"], "the second alone passed the door"
        short, long = (re.sub(rb"date: [^\r]+", b"", answer) for answer in answers)
        assert short == long
        assert short.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        wire.sendall(ask("refused"))
        assert wire.recv(65_536).startswith(b"HTTP/1.1 401"), "who has no key is not told how busy it is"
        wire.sendall(ask("refused", KEY)[:-5])
        assert wire.recv(65_536).startswith(b"HTTP/1.1 503"), "before the body is there"
        wire.sendall(ask("refused", KEY)[-5:] + ask("refused", KEY, "connection: close"))
        last = wire.recv(65_536)
        assert last.startswith(b"HTTP/1.1 503")
        assert b"connection: close" in last
        assert wire.recv(1) == b""
        assert service.house.value("bertwatch_http_requests_in_progress") == 6
        assert service.house.value("bertwatch_problems_total", problem="overloaded") == 4


def test_neither_answers_nor_refusals_leave_rings_of_objects(full: tuple[Service, list[str]]):
    """The server has Python look for them but seldom."""
    service, _ = full

    def ask_from_a_hundred(code: bytes) -> int:
        """How many objects could not be freed without looking for rings."""
        standing = len(service.server.server_state.connections)
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                with connect(service) as wire:
                    wire.sendall(ask("one", KEY))
                    assert wire.recv(65_536).startswith(b"HTTP/1.1 " + code)
            for _ in range(100):
                with connect(service) as wire:
                    wire.sendall(3 * ask("never answered", KEY))
            wait_until(lambda: len(service.server.server_state.connections) <= standing)
            return gc.collect()
        finally:
            gc.enable()

    with ExitStack() as open_wires:
        for _ in range(5):
            open_wires.enter_context(connect(service)).sendall(ask("waits", KEY))
        wait_until(lambda: service.house.value("bertwatch_queue_depth") == 5)
        assert ask_from_a_hundred(b"503") < 50
    service.house.classifier.open.set()
    wait_until(lambda: service.house.value("bertwatch_queue_depth") == 0)
    assert ask_from_a_hundred(b"200") < 50


def test_a_slow_log_fills_the_queue_too(start: Callable[..., Service]):
    """Workers that are quick must not heap up answers that nobody has committed."""
    service = start(limits=Limits(workers=1, queue_size=2))
    house = service.house
    commit, slow = house.append, threading.Event()

    def slowly(records: Sequence[Record]) -> None:
        assert slow.wait(20)
        commit(records)

    house.append = slowly
    with ThreadPoolExecutor(4) as clients:
        answers = [clients.submit(service.post, "/predict", {"text": "first"})]
        wait_until(lambda: len(house.classifier.texts) == 1)
        answers += [clients.submit(service.post, "/predict", {"text": f"text {number}"}) for number in range(2)]
        wait_until(lambda: len(house.classifier.texts) == 3 or any(answer.done() for answer in answers))
        is_problem(service.post("/predict", {"text": "one too many"}), 503, "overloaded")
        slow.set()
        codes = [answer.result().status_code for answer in answers]
    assert house.rows() == codes.count(200) >= 2
    assert service.post("/predict", {"text": "again"}).status_code == 200


def test_refusals_are_counted_in_one_line_a_second(capsys: pytest.CaptureFixture[str]):
    moment = [0.0]
    refusals = RefusalLog(lambda: moment[0])
    for number in range(3001):
        moment[0] = number / 1000
        refusals.refused()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert re.findall(r"overloaded +refused=(\d+)", plain) == ["1", "1000", "1000", "1000"]


def test_a_request_waits_no_longer_than_it_says(start: Callable[..., Service]):
    service = start(limits=Limits(workers=1, max_batch=1))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(service.post, "/predict", {"text": "first"})
        assert house.classifier.entered.acquire(timeout=10)
        late = service.post("/predict", {"text": "late"}, **{"x-request-timeout": "0.05"})
        is_problem(late, 503, "deadline-exceeded")
        assert late.headers["retry-after"]
        house.classifier.open.set()
        assert first.result().status_code == 200
    assert service.post("/predict", {"text": "next"}).status_code == 200
    assert house.classifier.texts == ["first", "next"]


def test_nothing_is_computed_for_a_client_that_has_left(start: Callable[..., Service]):
    service = start(limits=Limits(workers=1, max_batch=1))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(service.post, "/predict", {"text": "first"})
        assert house.classifier.entered.acquire(timeout=10)
        with socket.create_connection(("127.0.0.1", service.port)) as leaving:
            body = b'{"text": "nobody waits for this"}'
            head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            leaving.sendall(head % len(body) + body)
            wait_until(lambda: house.value("bertwatch_queue_depth") == 1)
        wait_until(lambda: house.value("bertwatch_clients_gone_total") == 1)
        house.classifier.open.set()
        assert first.result().status_code == 200
    assert service.post("/predict", {"text": "next"}).status_code == 200
    assert house.classifier.texts == ["first", "next"]
    assert house.rows() == 2


def test_stopping_answers_what_was_accepted(start: Callable[..., Service]):
    service = start(limits=Limits(workers=2, max_batch=2))
    house = service.house
    house.classifier.open.clear()
    with ThreadPoolExecutor(20) as clients:
        accepted = [
            clients.submit(
                httpx.post, f"http://127.0.0.1:{service.port}/predict", json={"text": f"{number}"}, timeout=20
            )
            for number in range(20)
        ]
        wait_until(lambda: house.value("bertwatch_http_requests_in_progress") == 20)
        service.server.stop()
        wait_until(lambda: not service.readiness)
        house.classifier.open.set()
        assert [answer.result().status_code for answer in accepted] == [200] * 20
    service.stop()
    assert house.rows() == 20
