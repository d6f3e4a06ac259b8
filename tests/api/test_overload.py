"""More than can be done: refused at once and said so; and nothing is computed for a client that has left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from service.predictor import Limits
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
