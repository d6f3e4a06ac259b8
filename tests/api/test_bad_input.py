"""Bad input, row by row: each gets its problem document, of one shape, without an echo; nothing is logged."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.api.conftest import Service

JSON = {"content-type": "application/json"}
MARK = "SECRETWORD"

BODIES: dict[str, tuple[bytes, str]] = {
    "empty body": (b"", "not valid JSON"),
    "no JSON": (b"text=SECRETWORD", "not valid JSON"),
    "truncated": (b'{"text": "SECRETWORD', "not valid JSON"),
    "rubbish after it": (b'{"text": "a"} SECRETWORD', "not valid JSON"),
    "byte-order mark": (b'\xef\xbb\xbf{"text": "SECRETWORD"}', "not valid JSON"),
    "UTF-16": ('{"text": "SECRETWORD"}'.encode("utf-16"), "not valid JSON"),
    "Latin-1": ('{"text": "é SECRETWORD"}'.encode("latin-1"), "not valid JSON"),
    "lone surrogate": (b'{"text": "SECRETWORD \\ud800"}', "not valid JSON"),
    "lone low surrogate": (b'{"text": "\\udc00 SECRETWORD"}', "not valid JSON"),
    "surrogate in UTF-8": (b'{"text": "\xed\xa0\x80"}', "not valid JSON"),
    "depth": (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
    "depth of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not valid JSON"),
    "NaN": (b'{"text": NaN}', "text is not a string"),
    "Infinity": (b'{"text": -Infinity}', "text is not a string"),
    "a number of 5,000 digits": (b'{"text": ' + b"9" * 5000 + b"}", ""),
    "null": (b"null", "body is not an object"),
    "an array": (b'["SECRETWORD"]', "body is not an object"),
    "a string": (b'"SECRETWORD"', "body is not an object"),
    "no text": (b"{}", "text is missing"),
    "text is null": (b'{"text": null}', "text is not a string"),
    "text is an object": (b'{"text": {"SECRETWORD": 1}}', "text is not a string"),
    "empty text": (b'{"text": ""}', "text is empty"),
    "white space": (b'{"text": " \\n\\t\\u00a0"}', "text is empty"),
    "long text": (json.dumps({"text": "SECRETWORD" * 5001}).encode(), "text is longer than 50000 characters"),
    "NUL": (b'{"text": "SECRETWORD\\u0000"}', "text holds a NUL character"),
    "NUL in the reference": (b'{"text": "a", "reference": "SECRETWORD\\u0000"}', "reference holds a NUL character"),
    "NUL in the segment": (b'{"text": "a", "segment": "\\u0000"}', "segment holds a NUL character"),
    "long reference": (json.dumps({"text": "a", "reference": "r" * 257}).encode(), "reference is longer than 256"),
    "long segment": (json.dumps({"text": "a", "segment": "s" * 65}).encode(), "segment is longer than 64"),
    "empty reference": (b'{"text": "a", "reference": ""}', "reference is empty"),
    "a misspelt field": (b'{"text": "a", "SECRETWORD": "b"}', "holds a field that is not known here"),
}


def is_problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= said.keys() <= {"type", "title", "status", "detail", "errors"}
    assert (said["type"], said["status"]) == (f"urn:bertwatch:problem:{slug}", status)
    assert said["title"]
    assert said["detail"]
    assert MARK not in answer.text
    assert all(MARK not in value for value in answer.headers.values())
    return said


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_gets_422_and_the_reason(service: Service, case: str):
    body, reason = BODIES[case]
    before = service.house.rows()
    said = is_problem(service.client.post("/predict", content=body, headers=JSON), 422, "invalid-input")
    assert reason in said["detail"]
    assert service.house.rows() == before


@pytest.mark.parametrize("path", ["/predict/batch", "/feedback", "/feedback/batch"])
@pytest.mark.parametrize("case", ["empty body", "NaN", "lone surrogate", "depth", "null", "UTF-16"])
def test_every_body_is_read_in_the_same_way(service: Service, path: str, case: str):
    is_problem(service.client.post(path, content=BODIES[case][0], headers=JSON), 422, "invalid-input")


def test_a_batch_says_which_item_is_wrong(service: Service):
    before = service.house.rows()
    items = [{"text": "a"}, {"text": ""}, {"text": "b", "segment": 7}]
    said = is_problem(service.post("/predict/batch", {"items": items}), 422, "invalid-input")
    assert said["errors"] == [
        {"field": "items.1.text", "reason": "is empty"},
        {"field": "items.2.segment", "reason": "is not a string"},
    ]
    assert service.house.rows() == before


def test_the_list_of_errors_is_bounded(service: Service):
    said = is_problem(service.post("/predict/batch", {"items": [{}] * 200}), 422, "invalid-input")
    assert len(said["errors"]) == 20
    assert "199 more" in said["detail"]


@pytest.mark.parametrize(("count", "reason"), [(0, "holds no item"), (257, "holds more than 256 items")])
def test_a_batch_has_at_least_one_item_and_not_too_many(service: Service, count: int, reason: str):
    said = is_problem(service.post("/predict/batch", {"items": [{"text": "a"}] * count}), 422, "invalid-input")
    assert reason in said["detail"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"text": "a"}'),
        ({"content-type": "text/plain"}, b'{"text": "a"}'),
        ({"content-type": "application/x-www-form-urlencoded"}, b"text=a"),
        ({"content-type": "application/json; charset=utf-16"}, b'{"text": "a"}'),
        ({"content-type": "application/json", "content-encoding": "gzip"}, gzip.compress(b'{"text": "a"}', mtime=0)),
        ({"content-type": "application/json", "content-encoding": "SECRETWORD"}, b'{"text": "a"}'),
    ],
)
def test_what_is_not_plain_JSON_gets_415(service: Service, headers: dict[str, str], body: bytes):
    is_problem(service.client.post("/predict", content=body, headers=headers), 415, "unsupported-media-type")


def test_a_body_over_the_limit_gets_413(service: Service):
    big = b'{"text": "' + b"a" * 5_000_000 + b'"}'
    is_problem(service.client.post("/predict", content=big, headers=JSON), 413, "body-too-large")


def test_a_body_over_the_limit_gets_413_also_when_it_does_not_say_its_length(service: Service):
    chunks = (b"a" * 65_536 for _ in range(80))
    is_problem(service.client.post("/predict", content=chunks, headers=JSON), 413, "body-too-large")


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "/predict/SECRETWORD", "/pages/../../etc/passwd", "/%00"])
def test_an_unknown_address_gets_404(service: Service, path: str):
    is_problem(service.client.get(path), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("DELETE", "/status"), ("OPTIONS", "/feedback")])
def test_a_wrong_method_gets_405_and_the_right_ones(service: Service, method: str, path: str):
    answer = service.client.request(method, path)
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] in ("POST", "GET")


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf", "SECRETWORD"])
def test_a_timeout_that_is_none_gets_422(service: Service, value: str):
    is_problem(service.post("/predict", {"text": "a"}, **{"x-request-timeout": value}), 422, "invalid-input")


@pytest.mark.parametrize("hours", ["0", "-3", "nan", "inf", "SECRETWORD", "1e9", ""])
def test_hours_that_are_none_get_422(service: Service, hours: str):
    is_problem(service.client.get("/status/history", params={"hours": hours}), 422, "invalid-input")


def test_problems_are_counted_by_kind(service: Service):
    before = service.house.value("bertwatch_problems_total", problem="invalid-input")
    service.post("/predict", {"text": ""})
    assert service.house.value("bertwatch_problems_total", problem="invalid-input") == (before or 0) + 1
