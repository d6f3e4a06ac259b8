"""Labels: by id or by reference, late, repeated, corrected, unknown; each has one outcome and is counted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Service
from tests.api.test_bad_input import is_problem


@pytest.fixture
def prediction(service: Service) -> str:
    return str(service.post("/predict", {"text": "hello"}).json()["prediction_id"])


def outcome(service: Service, **body: Any) -> str:
    answer = service.post("/feedback", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


def test_first_again_and_corrected(service: Service, prediction: str):
    assert outcome(service, prediction_id=prediction, label="World") == "stored"
    assert outcome(service, prediction_id=prediction, label="World") == "repeated"
    assert outcome(service, prediction_id=prediction, label="Sports") == "corrected"
    history = service.house.parts.labels.history(next(iter(service.house.log.find([_uuid(prediction)]))))
    assert [(each.label, each.newest) for each in history] == [("World", False), ("Sports", True)]


def test_by_reference_it_is_the_newest_prediction_of_that_name(service: Service):
    service.post("/predict", {"text": "one", "reference": "twice"})
    newest = service.post("/predict", {"text": "two", "reference": "twice"}).json()["prediction_id"]
    answer = service.post("/feedback", {"reference": "twice", "label": "World"}).json()
    assert answer == {"prediction_id": newest, "reference": "twice", "outcome": "stored"}


def test_an_unknown_prediction_gets_404(service: Service):
    is_problem(service.post("/feedback", {"prediction_id": str(uuid4()), "label": "World"}), 404, "not-found")
    is_problem(service.post("/feedback", {"reference": "SECRETWORD", "label": "World"}), 404, "not-found")


def test_an_unknown_label_gets_422(service: Service, prediction: str):
    said = is_problem(
        service.post("/feedback", {"prediction_id": prediction, "label": "SECRETWORD"}), 422, "invalid-input"
    )
    assert said["errors"][0]["field"] == "label"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"label": "World"}, "needs prediction_id or reference"),
        ({"prediction_id": str(uuid4()), "reference": "a", "label": "World"}, "and not both"),
        ({"prediction_id": "SECRETWORD", "label": "World"}, "prediction_id is not a UUID"),
        ({"prediction_id": 7, "label": "World"}, "prediction_id is not a UUID"),
        ({"prediction_id": str(uuid4())}, "label is missing"),
        ({"reference": "a", "label": "SECRETWORD\x00"}, "label holds a NUL"),
    ],
)
def test_a_label_that_names_nothing_gets_422(service: Service, body: dict[str, Any], reason: str):
    assert reason in is_problem(service.post("/feedback", body), 422, "invalid-input")["detail"]


def test_a_batch_has_an_outcome_for_each(service: Service, prediction: str):
    unknown = str(uuid4())
    items = [
        {"prediction_id": prediction, "label": "World"},
        {"prediction_id": prediction, "label": "World"},
        {"prediction_id": unknown, "label": "World"},
        {"prediction_id": prediction, "label": "Weather"},
        {"prediction_id": prediction, "label": "Business"},
    ]
    answer = service.post("/feedback/batch", {"items": items})
    assert answer.status_code == 200
    assert [each["outcome"] for each in answer.json()["results"]] == [
        "stored", "repeated", "unknown_prediction", "unknown_label", "corrected",
    ]  # fmt: skip


def test_outcomes_and_delays_are_counted(service: Service, prediction: str):
    house = service.house
    before = house.value("bertwatch_feedback_total", outcome="stored") or 0
    delays = house.value("bertwatch_label_delay_seconds_count") or 0
    outcome(service, prediction_id=prediction, label="World")
    outcome(service, prediction_id=prediction, label="World")
    assert house.value("bertwatch_feedback_total", outcome="stored") == before + 1
    assert house.value("bertwatch_label_delay_seconds_count") == delays + 1


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)
