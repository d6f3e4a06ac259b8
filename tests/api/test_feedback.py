"""Labels: by id or by reference, late, repeated, corrected, unknown; each has one outcome and is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Service
from tests.api.stand_in import START
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
    history = service.house.parts.labels.history(next(iter(service.house.log.find([UUID(prediction)]))))
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


def count(service: Service, kind: str) -> float:
    return service.house.value("bertwatch_feedback_total", outcome=kind) or 0


def history(service: Service, prediction: str) -> list[tuple[str, bool]]:
    return [(each.label, each.newest) for each in service.house.parts.labels.history(UUID(prediction))]


def test_the_same_label_sent_by_many_at_once_is_stored_once(service: Service, prediction: str):
    """A client that heard no answer sends again, and may; also when the first has only just arrived."""
    before = count(service, "stored"), count(service, "repeated")
    with ThreadPoolExecutor(16) as clients:
        outcomes = list(clients.map(lambda _: outcome(service, prediction_id=prediction, label="World"), range(16)))
    assert sorted(outcomes) == ["repeated"] * 15 + ["stored"]
    assert history(service, prediction) == [("World", True)]
    assert (count(service, "stored"), count(service, "repeated")) == (before[0] + 1, before[1] + 15)


def test_a_label_may_change_its_mind_and_back(service: Service, prediction: str):
    """The latest to arrive counts, also where it is a late copy of an earlier one."""
    before = count(service, "corrected")
    assert [outcome(service, prediction_id=prediction, label=label) for label in ("World", "Sports", "World")] == [
        "stored", "corrected", "corrected",
    ]  # fmt: skip
    assert history(service, prediction) == [("World", False), ("Sports", False), ("World", True)]
    assert count(service, "corrected") == before + 2


def test_labels_come_in_any_order(service: Service):
    first, second = (service.post("/predict", {"text": "in order"}).json()["prediction_id"] for _ in range(2))
    assert outcome(service, prediction_id=second, label="World") == "stored"
    assert outcome(service, prediction_id=first, label="World") == "stored"


def test_a_label_before_its_prediction_is_unknown_and_may_come_again(service: Service):
    early = {"reference": "not predicted yet", "label": "World"}
    before = count(service, "unknown_prediction")
    is_problem(service.post("/feedback", early), 404, "not-found")
    assert count(service, "unknown_prediction") == before + 1
    service.post("/predict", {"text": "now it is", "reference": "not predicted yet"})
    assert outcome(service, **early) == "stored"


def test_a_label_that_is_years_late_is_a_label(service: Service, prediction: str, monkeypatch: pytest.MonkeyPatch):
    later = START + 3 * 365 * 86_400_000_000
    monkeypatch.setattr(type(service.house.parts), "clock", property(lambda _: lambda: later))
    delays = service.house.value("bertwatch_label_delay_seconds_sum") or 0
    assert outcome(service, prediction_id=prediction, label="World") == "stored"
    assert (service.house.value("bertwatch_label_delay_seconds_sum") or 0) - delays > 3 * 364 * 86_400


def test_an_unknown_label_changes_nothing_and_is_counted(service: Service, prediction: str):
    before = count(service, "unknown_label")
    outcome(service, prediction_id=prediction, label="World")
    is_problem(service.post("/feedback", {"prediction_id": prediction, "label": "Weather"}), 422, "invalid-input")
    assert history(service, prediction) == [("World", True)]
    assert count(service, "unknown_label") == before + 1
