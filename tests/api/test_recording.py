"""POST /predictions: what was predicted elsewhere stands in the same log; what is wrong leaves no row."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import Connection, event

from model.prediction import CutOff, ModelInfo, text_fingerprint
from service.made_elsewhere import NoPredictor
from service.store.database import Database
from tests.api.conftest import Service
from tests.api.stand_in import INFO, LABELS, START, wait_until
from tests.api.test_bad_input import is_problem

CHURN = ModelInfo(version="churn-1", labels=("no", "yes"), features=("tenure", "charge"), name="churn")
GOOD = {"model_version": "churn-1", "features": {"tenure": 14}, "scores": {"no": 0.25, "yes": 0.75}}


@pytest.fixture(autouse=True)
def _known(service: Service) -> None:
    service.house.log.register(CHURN, START)


@pytest.fixture
def alone(start, tmp_path):
    """A service without a model, whose own version is that of the churn model's baseline."""

    def begin(**options: Any) -> Service:
        return start(record_only=CHURN, **options)

    return begin


def record(service: Service, **body: Any) -> dict[str, Any]:
    answer = service.post("/predictions", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def row(service: Service, answer: dict[str, Any]):
    return service.house.log.find([UUID(answer["prediction_id"])])[UUID(answer["prediction_id"])]


def test_a_row_holds_what_was_sent(service: Service):
    answer = record(service, **GOOD, reference="customer-1", segment="web", time="2026-01-01T01:00:00+01:00")
    assert answer == {
        "prediction_id": answer["prediction_id"], "label": "yes", "confidence": 0.75, "model_version": "churn-1",
    }  # fmt: skip
    found = row(service, answer)
    assert (found.label, found.reference, found.segment, found.engine) == ("yes", "customer-1", "web", "elsewhere")
    assert found.time == START
    assert found.text is None
    assert found.text_hash == 0
    assert found.prediction.scores.tolist() == [0.25, 0.75]
    np.testing.assert_array_equal(found.prediction.features, np.array([14, np.nan], np.float32))
    assert np.isnan(found.prediction.projection).all()
    window = service.house.log.window("churn-1", START, START + 1)
    assert window.predicted.tolist() == [1]


def test_a_label_may_come_along_or_later(service: Service):
    before = service.house.value("bertwatch_feedback_total", outcome="stored")
    now = record(service, **GOOD, label="no")
    later = record(service, **GOOD)["prediction_id"]
    assert service.post("/feedback", {"prediction_id": later, "label": "yes"}).json()["outcome"] == "stored"
    history = service.house.parts.labels.history(UUID(now["prediction_id"]))
    assert [(each.label, each.newest) for each in history] == [("no", True)]
    assert service.house.value("bertwatch_feedback_total", outcome="stored") == before + 2


def test_several_are_committed_together_or_not_at_all(service: Service):
    before = service.house.log.total("churn-1")
    answer = record(service, items=[GOOD, {**GOOD, "scores": {"yes": 0.1, "no": 0.9}}])
    assert [each["label"] for each in answer["predictions"]] == ["yes", "no"]
    refused = service.post("/predictions", {"items": [GOOD, {**GOOD, "label": "perhaps"}, GOOD]})
    assert is_problem(refused, 422, "invalid-input")["errors"] == [
        {"field": "items.1.label", "reason": "is not one of the model's labels; /status lists them"}
    ]
    assert service.house.log.total("churn-1") == before + 2


def test_a_text_is_kept_and_counted(service: Service):
    scores = dict.fromkeys(LABELS, 0.25)
    answer = record(service, model_version=INFO.version, text="Late goal decides it", scores=scores)
    found = row(service, answer)
    assert found.text == "Late goal decides it"
    assert found.text_hash == text_fingerprint("Late goal decides it")
    np.testing.assert_array_equal(found.prediction.features, np.array([20, np.nan], np.float32))  # no tokenizer here


@pytest.mark.parametrize(("store_text", "hashed"), [("hash", True), ("none", False)])
def test_texts_are_kept_as_the_setting_says(alone, store_text: str, hashed: bool):
    service = alone(store_text=store_text)
    found = row(service, record(service, **GOOD, text="a secret"))
    assert "secret" not in (found.text or "")
    assert bool(found.text) == hashed
    assert (found.text_hash != 0) == hashed


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scores": {"no": 0.25}}, "scores"),
        ({"scores": {"no": 0.25, "maybe": 0.75}}, "scores"),
        ({"scores": {"no": 0.25, "yes": 0.25}}, "scores"),
        ({"scores": {"no": -0.25, "yes": 1.25}}, "scores"),
        ({"scores": {"no": "0.25", "yes": 0.75}}, "scores"),
        ({"scores": {"no": True, "yes": 0.0}}, "scores"),
        ({"scores": [0.25, 0.75]}, "scores"),
        ({"scores": None}, "scores"),
        ({"features": {"a secret name": 1}}, "features"),
        ({"features": {"tenure": 1e39}}, "features"),
        ({"features": {"tenure": "a secret value"}}, "features"),
        ({"label": "perhaps"}, "label"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-01-01T00:00:00"}, "time"),
        ({"time": 1767225600}, "time"),
        ({"time": "1999-01-01T00:00:00Z"}, "time"),
        ({"time": "2126-01-01T00:00:00Z"}, "time"),
        ({"text": " "}, "text"),
        ({"segment": ""}, "segment"),
        ({"model_version": ""}, "model_version"),
        ({"secret": 1}, "body"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_no_row(service: Service, change: dict[str, Any], field: str):
    before = service.house.log.total("churn-1")
    answer = service.post("/predictions", {**GOOD, **change})
    problem = is_problem(answer, 422, "invalid-input")
    assert problem["errors"][0]["field"] == field
    assert "secret" not in answer.text
    in_batch = service.post("/predictions", {"items": [{**GOOD, **change}]})
    named = is_problem(in_batch, 422, "invalid-input")["errors"][0]["field"]
    assert named == ("items.0" if field == "body" else f"items.0.{field}")
    assert service.house.log.total("churn-1") == before


@pytest.mark.parametrize(
    "body",
    [b'{"scores": {"no": NaN, "yes": 1}}', b'{"items": []}', b"[]", b"7", b'{"items": 7}',
     b'{"scores": {"\\ud800": 1}}',
     b'{"model_version": "churn-1", "features": {"tenure": 1' + 5000 * b"0" + b'}, "scores": {"no": 1, "yes": 0}}'],
)  # fmt: skip
def test_hostile_bodies_are_refused(service: Service, body: bytes):
    answer = service.client.post("/predictions", content=body, headers={"content-type": "application/json"})
    is_problem(answer, 422, "invalid-input")


@pytest.mark.parametrize("version", ["never-seen", "nul\x00", "x" * 65])
def test_an_unknown_version_has_no_row(service: Service, version: str):
    answer = service.post("/predictions", {**GOOD, "model_version": version})
    assert answer.status_code == (404 if version == "never-seen" else 422)
    assert version not in answer.text


def test_a_service_with_a_model_wants_the_version_named(service: Service):
    refused = service.post("/predictions", {"scores": GOOD["scores"]})
    assert is_problem(refused, 422, "invalid-input")["errors"][0]["field"] == "model_version"


def test_other_versions_do_not_enter_this_services_counters(service: Service):
    before = service.client.get("/metrics").text.count("\n")
    record(service, **GOOD)
    after = service.client.get("/metrics").text
    assert after.count("\n") == before
    assert 'label="yes"' not in after


def test_without_a_model_texts_are_refused_and_predictions_taken(alone):
    service = alone()
    is_problem(service.post("/predict", {"text": "hello"}), 409, "no-model-here")
    is_problem(service.post("/predict/batch", {"items": [{"text": "hello"}]}), 409, "no-model-here")
    answer = record(service, scores={"no": 0.4, "yes": 0.6})
    assert answer["model_version"] == "churn-1"
    assert row(service, answer).baseline_id == "b7"
    assert service.client.get("/readyz").status_code == 200
    status = service.client.get("/status").json()
    assert status["model"]["engine"] == "elsewhere"
    assert status["predictions"]["total"] == 1
    assert service.house.value("bertwatch_predictions_total", label="yes") == 1
    assert "bertwatch_model_info" in service.client.get("/metrics").text


def test_the_baselines_cut_off_says_which_label_it_is(alone):
    service = alone(cut_off=CutOff(positive=1, value=0.8))
    assert record(service, scores={"no": 0.25, "yes": 0.75})["label"] == "no"
    assert record(service, scores={"no": 0.2, "yes": 0.8})["label"] == "yes"
    assert service.client.get("/status").json()["model"]["cut_off"] == {"label": "yes", "value": 0.8}


def test_no_answer_without_a_committed_row(alone, monkeypatch):
    service = alone()

    def broken(self: Database) -> Any:
        raise OSError("no room left")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", broken)
        is_problem(service.post("/predictions", {"scores": GOOD["scores"]}), 503, "log-unavailable")
        assert service.house.value("bertwatch_log_writable") == 0
    assert service.client.get("/readyz").status_code == 200
    assert service.house.value("bertwatch_log_writable") == 1
    record(service, scores=GOOD["scores"])


def test_the_stand_in_for_a_predictor_ends_with_the_service(alone):
    service = alone()
    assert isinstance(service.house.parts.predictor, NoPredictor)
    service.stop()
    assert not service.house.parts.predictor.accepting


def test_single_rows_that_come_together_share_commits(service: Service):
    """Twelve requests wait behind another writer; then a few transactions hold them all, with their labels."""
    house, committed = service.house, []

    def count(connection: Connection) -> None:
        committed.append(connection)

    before = house.log.total("churn-1")
    with ThreadPoolExecutor(12) as clients:
        with house.database.writing():
            asked = [clients.submit(record, service, **GOOD, label="no") for _ in range(12)]
            wait_until(lambda: house.value("bertwatch_http_requests_in_progress") == 12)
            time.sleep(0.2)  # from the door to the log
            event.listen(house.database._engine, "commit", count)
        ids = {each.result(20)["prediction_id"] for each in asked}
    event.remove(house.database._engine, "commit", count)
    assert len(ids) == 12
    assert house.log.total("churn-1") == before + 12
    assert len(committed) <= 12, "each by itself would take 12 for the rows, and 12 for the labels"
