"""The replay client against a real server that keeps the HTTP contract, on a port of its own."""

import asyncio
import socket
import threading
import time
from uuid import uuid4

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from model.datasets import LabelledTexts, load_dataset
from model.errors import InputError, SurroundingsError
from service.replay import Pace, Row, drifted, replay, rows_of


class Service:
    """A stand-in that obeys the contract, remembers what came, and refuses or fails when told to."""

    def __init__(self):
        self.predicted = []
        self.labels = {}
        self.batches = []
        self.times = {}
        self.busy = 0
        self.most_at_once = 0
        self.refuse_every = 0
        self.key = None
        self.delay = 0.0
        self.requests = 0
        self.app = FastAPI()
        self.app.get("/livez")(lambda: {})
        self.app.post("/predict")(self.predict)
        self.app.post("/feedback/batch")(self.feedback)

    async def predict(self, request: Request):
        self.requests += 1
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return JSONResponse({"title": "Unauthorized"}, 401)
        if self.refuse_every and self.requests % self.refuse_every == 0:
            return JSONResponse({"title": "Busy"}, 503, headers={"Retry-After": "0"})
        body = await request.json()
        if body["text"] == "too long":
            return JSONResponse({"title": "Invalid"}, 422)
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        await asyncio.sleep(self.delay)
        self.busy -= 1
        prediction = str(uuid4())
        self.predicted.append(body | {"id": prediction})
        self.times[prediction] = time.monotonic()
        return {"prediction_id": prediction, "label": "a", "confidence": 1.0, "scores": {}, "truncated": False}

    async def feedback(self, request: Request):
        items = (await request.json())["items"]
        self.batches.append(len(items))
        results = []
        for item in items:
            self.labels[item["prediction_id"]] = item["label"]
            self.times[item["prediction_id"]] -= time.monotonic()
            results.append({"outcome": "unknown_label" if item["label"] == "odd" else "stored"})
        return {"results": results}


@pytest.fixture(scope="module")
def listening():
    """A running server whose service is exchanged for every test."""
    listener = socket.create_server(("127.0.0.1", 0))
    held = {}

    async def app(scope, receive, send):
        await held["service"].app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield held, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def service(listening):
    held, _ = listening
    held["service"] = Service()
    return held["service"]


@pytest.fixture
def url(listening):
    return listening[1]


def rows(count, label="a"):
    return [Row(f"text {number}", label, reference=f"r{number}") for number in range(count)]


def send(url, what, pace=None, **more):
    return asyncio.run(replay(what, url, pace or Pace(), **more))


def test_every_row_is_sent_once_and_every_label_follows(service, url):
    seen = []
    summary = send(url, rows(300) + rows(20, "b"), Pace(label_delay=0.0), progress=seen.append)
    assert (summary.sent, summary.answered, summary.failed, summary.refused) == (320, 320, 0, 0)
    assert (summary.correct, summary.labelled, summary.labels_failed) == (300, 320, 0)
    assert sorted(body["text"] for body in service.predicted) == sorted(row.text for row in rows(300) + rows(20))
    assert service.labels == {body["id"]: service.labels[body["id"]] for body in service.predicted}
    assert sorted(service.labels.values()).count("b") == 20
    assert max(service.batches) <= 256
    assert seen[-1] == summary
    assert "segment" not in service.predicted[0]


def test_labels_wait_for_their_delay_and_a_share_of_them_is_chosen_by_seed(service, url):
    summary = send(url, rows(200), Pace(label_delay=0.3, label_share=0.5, seed=1))
    assert 70 < summary.labelled < 130
    assert summary.labelled == len(service.labels)
    assert max(service.times[prediction] for prediction in service.labels) <= -0.3
    chosen = {body["text"] for body in service.predicted if body["id"] in service.labels}
    service.labels.clear()
    service.predicted.clear()
    send(url, rows(200), Pace(label_delay=0.0, label_share=0.5, seed=1))
    assert chosen == {body["text"] for body in service.predicted if body["id"] in service.labels}


def test_no_labels_leave_without_a_delay_and_unknown_ones_are_counted(service, url):
    assert send(url, rows(5)).labelled == 0
    assert service.labels == {}
    summary = send(url, rows(4, "odd"), Pace(label_delay=0.0))
    assert (summary.labelled, summary.labels_failed) == (0, 4)


def test_a_refusal_is_waited_out_and_counted(service, url):
    service.refuse_every = 3
    summary = send(url, rows(60))
    assert summary.answered == 60
    assert summary.refused >= 20
    assert service.requests == 60 + summary.refused


def test_rows_that_the_service_will_not_take_fail_and_the_others_go_on(service, url):
    summary = send(url, [Row("too long", "a"), Row("half a pair \ud800", "a"), *rows(3)])
    assert (summary.sent, summary.answered, summary.failed) == (5, 4, 1)


def test_without_a_rate_no_more_requests_are_under_way_than_allowed(service, url):
    service.delay = 0.02
    send(url, rows(40), Pace(concurrency=4))
    assert service.most_at_once == 4


def test_a_rate_is_kept_whether_or_not_answers_keep_up(service, url):
    service.delay = 0.8
    summary = send(url, rows(30), Pace(rate=100))
    assert service.most_at_once > 16, "an open loop does not wait for answers"
    assert summary.seconds >= 0.29 + 0.8


def test_rows_may_be_endless_and_are_taken_one_at_a_time(service, url):
    def until(stop):
        number = 0
        while len(service.predicted) < stop:
            yield Row(f"text {number}", "a")
            number += 1

    summary = send(url, until(25), Pace(concurrency=2))
    assert 25 <= summary.answered <= 28


def test_a_key_is_sent_and_a_wrong_one_is_said(service, url):
    service.key = "right"
    assert send(url, rows(3), key="right").answered == 3
    with pytest.raises(InputError, match="refuses the key"):
        send(url, rows(500), key="wrong")
    assert service.requests < 100, "it gives up at once"


def test_a_service_that_is_not_there_or_is_another_is_said(service, url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SurroundingsError, match="No service answers at"):
        send(f"http://127.0.0.1:{port}", rows(1))
    with pytest.raises(InputError, match="must begin with http"):
        send("localhost:8000", rows(1))
    with pytest.raises(SurroundingsError, match="does not answer as bertwatch does"):
        send(url + "/somewhere", rows(1))


def test_a_service_that_goes_away_ends_the_replay(service):
    """Answers five requests, then closes every connection."""

    async def scene():
        answered = 0

        async def talk(reader, writer):
            nonlocal answered
            while answered < 5 and (head := await reader.readuntil(b"\r\n\r\n")):
                if b"content-length" in head.lower():
                    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                    await reader.readexactly(length)
                answered += 1
                body = b'{"prediction_id": "p", "label": "a"}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await replay(rows(1000), f"http://127.0.0.1:{port}", Pace(concurrency=1))

    with pytest.raises(SurroundingsError, match="stopped answering after 4 predictions"):
        asyncio.run(scene())


def test_a_dataset_becomes_rows_and_a_scenario_begins_where_it_is_told():
    texts = load_dataset("sample", split="live", rows="11-60")
    drifting = drifted(texts, "case", after=20)
    sent = list(rows_of(drifting))
    assert len(sent) == 50
    assert [row.text for row in sent[:20]] == texts.texts[:20]
    assert all(row.text.isupper() for row in sent[20:])
    assert (sent[0].reference, sent[0].segment) == ("11", texts.segments[0])
    with pytest.raises(InputError, match="There is no scenario"):
        drifted(texts, "plague", after=0)
    own = LabelledTexts("x", "", ("a",), ["t"], ["a"], np.array([1]), references=["theirs"])
    assert list(rows_of(own)) == [Row("t", "a", "theirs", None)]
