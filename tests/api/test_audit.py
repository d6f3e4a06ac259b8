"""GET /audit asks, /feedback answers, the log knows with which probability; and what /status says of speed."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from service.latency import RecentLatency
from tests.api.conftest import Service
from tests.api.stand_in import INFO
from tests.conftest import bertwatch


@pytest.fixture(scope="module")
def asked(service: Service) -> Service:
    """A service that has answered forty texts."""
    items = [{"text": "x" * (1 + number), "segment": "shop" if number % 2 else None} for number in range(40)]
    assert service.post("/predict/batch", {"items": items}).status_code == 200
    return service


def test_a_sample_is_asked_for_and_its_labels_are_known_as_asked(asked: Service):
    entries = asked.client.get("/audit", params={"count": 10}).json()
    assert len({entry["prediction_id"] for entry in entries}) == 10
    first = entries[0]
    assert first.keys() == {"prediction_id", "text", "label", "confidence", "scores", "segment", "probability"}
    assert set(first["text"]) == {"x"}
    assert first["label"] == INFO.labels[len(first["text"]) % 4]
    assert first["scores"][first["label"]] == pytest.approx(first["confidence"]) == pytest.approx(0.7)
    assert first["probability"] == pytest.approx(0.25)
    answer = asked.post("/feedback", {"prediction_id": first["prediction_id"], "label": "World"})
    assert answer.json()["outcome"] == "stored"
    [stored] = asked.house.parts.labels.history(UUID(first["prediction_id"]))
    assert (stored.asked, stored.source) == (pytest.approx(0.25), "audit")
    again = asked.client.get("/audit", params={"count": 9}).json()
    assert {entry["prediction_id"] for entry in again} == {entry["prediction_id"] for entry in entries[1:]}


def test_a_client_cannot_say_with_which_probability_it_was_asked(asked: Service):
    entry = asked.client.get("/audit", params={"count": 5}).json()[0]
    body = {"prediction_id": entry["prediction_id"], "label": "World", "asked": 1.0}
    assert asked.post("/feedback", body).status_code == 422


def test_the_strategy_may_be_chosen(asked: Service):
    assert len(asked.client.get("/audit", params={"count": 30, "strategy": "uncertain"}).json()) == 30


@pytest.mark.parametrize(
    "query",
    ["count=0", "count=-1", "count=501", "count=1e3", "count=٣", "count=", "strategy=best", "count=" + "9" * 400],
)
def test_a_wrong_question_is_refused_by_name(asked: Service, query: str):
    answer = asked.client.get(f"/audit?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in {"count", "strategy"}


def test_another_site_cannot_make_a_reader_draw(asked: Service):
    assert asked.client.get("/audit", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_without_stored_texts_there_is_none_to_read(start):
    service = start(store_text="hash")
    service.post("/predict", {"text": "a secret"})
    [entry] = service.client.get("/audit").json()
    assert entry["text"] is None
    assert "secret" not in json.dumps(entry)


def test_an_empty_log_has_nothing_to_ask(start):
    assert start().client.get("/audit").json() == []


def test_the_command_asks_the_same_log(tmp_path: Path, start):
    service = start()
    items = [{"text": "y" * (1 + number)} for number in range(12)]
    assert service.post("/predict/batch", {"items": items}).status_code == 200
    url = f"sqlite:///{tmp_path / 'service'}/log.db"
    output = tmp_path / "ask.jsonl"
    years = str((2**31) * 1.0)  # the stand-in's clock is far from the wall's
    done = bertwatch("audit", "--count", "5", "--output", output, "--database", url, "--accuracy-window", years)
    assert done.returncode == 0, done.stderr
    assert "5 predictions to label" in done.stdout
    entries = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert {len(entry["text"]) <= 12 for entry in entries} == {True}
    assert {entry["probability"] for entry in entries} == {5 / 12}
    again = bertwatch("audit", "--count", "5", "--output", output, "--database", url)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert list(tmp_path.glob(".*unfinished*")) == []


def test_the_command_says_what_is_missing(tmp_path: Path):
    done = bertwatch("audit", "--database", f"sqlite:///{tmp_path / 'empty.db'}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no prediction yet" in done.stderr


def test_status_says_how_quick_answers_were(start):
    service = start()
    assert service.client.get("/status").json()["predictions"]["latency"] is None
    other = start("other")
    other.post("/predict", {"text": "a"})
    other.post("/predict", {"text": ""})  # refused: no prediction
    latency = other.client.get("/status").json()["predictions"]["latency"]
    assert 0 < latency["p50"] <= latency["p99"] < 10
    assert latency["p50"] == latency["p99"]  # of one


def test_old_answers_are_forgotten():
    moment = [0.0]
    recent = RecentLatency(lambda: moment[0])
    for number in range(100):
        recent.add(number / 100)
    assert recent.quantiles() == {"p50": pytest.approx(0.495), "p99": pytest.approx(0.9801)}
    moment[0] = 299.0
    recent.add(7.0)
    moment[0] = 301.0
    assert recent.quantiles() == {"p50": 7.0, "p99": 7.0}
    moment[0] = 1000.0
    assert recent.quantiles() is None
