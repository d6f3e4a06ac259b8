"""POST /predict and /predict/batch from the outside: what the answer says is what the log holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.api.conftest import Service
from tests.api.stand_in import LABELS


def test_the_answer_is_the_committed_row(service: Service):
    answer = service.post("/predict", {"text": "hello", "reference": "r-1", "segment": "mail"})
    assert answer.status_code == 200
    said = answer.json()
    assert said.keys() == {"prediction_id", "label", "confidence", "scores", "model_version", "truncated"}
    record = service.house.log.find([UUID(said["prediction_id"])])[UUID(said["prediction_id"])]
    assert (record.text, record.reference, record.segment) == ("hello", "r-1", "mail")
    assert (said["label"], said["model_version"], said["truncated"]) == (record.label, "v1", False)
    assert said["scores"] == pytest.approx(dict(zip(LABELS, record.prediction.scores.tolist(), strict=True)))
    assert said["confidence"] == said["scores"][said["label"]]


def test_a_batch_is_answered_in_order(service: Service):
    before = service.house.rows()
    texts = ["x" * length for length in (7, 2, 9, 1)]
    answer = service.post("/predict/batch", {"items": [{"text": text} for text in texts]})
    assert answer.status_code == 200
    assert [each["label"] for each in answer.json()["predictions"]] == [LABELS[len(text) % 4] for text in texts]
    assert service.house.rows() == before + 4


@pytest.mark.parametrize(
    "text",
    [
        "\u202eright to left",
        "emoji 👩‍👩‍👧",
        "<script>alert(1)</script>",
        "\ttabs\r\nlines",
        "\x07bell",
        "﷽" * 50,
        " a ",
    ],
)
def test_a_strange_text_is_a_text_and_is_kept_as_it_is(service: Service, text: str):
    answer = service.post("/predict", {"text": text})
    assert answer.status_code == 200
    row = UUID(answer.json()["prediction_id"])
    assert service.house.log.texts([row])[row] == text


def test_many_clients_at_once_get_an_answer_and_a_row_each(service: Service):
    before = service.house.rows()

    def ask(number: int) -> str:
        return str(service.post("/predict", {"text": f"text {number}"}).json()["prediction_id"])

    with ThreadPoolExecutor(16) as clients:
        answered = set(clients.map(ask, range(200)))
    assert len(answered) == 200
    assert service.house.rows() == before + 200
    assert len(service.house.log.find([UUID(each) for each in answered])) == 200


def test_the_charset_may_be_named(service: Service):
    for content_type in ("application/json; charset=utf-8", 'application/json;charset="UTF-8"', "Application/JSON"):
        answer = service.client.post("/predict", content=b'{"text": "a"}', headers={"content-type": content_type})
        assert answer.status_code == 200


def test_of_a_key_that_stands_twice_the_last_counts(service: Service):
    answer = service.client.post(
        "/predict", content=b'{"text": "abc", "text": "de"}', headers={"content-type": "application/json"}
    )
    assert answer.json()["label"] == LABELS[2]
