"""What no honest caller sends, on both databases: refused with a problem document, never with a 500.

The routes, the predictor and the database are the real ones, the classifier is a stand-in. The long form: ten minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from tests.api.bodies import GOOD, SKELETONS, bad_bodies, requests
from tests.api.conftest import Service, new_house, serving
from tests.api.test_bad_input import is_problem
from tests.servers.postgres import postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

JSON = {"content-type": "application/json"}
ALLOWED = {200, 404, 422}
NOT_PROMISED = {"positive_data_acceptance", "max_response_time"}
"""A document cannot say that a label must be one of the served model's: some of what it allows is refused."""


def repeatable(cases: int) -> settings:
    return settings(
        max_examples=cases, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("hostile")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if request.param == "sqlite":
        with new_house(directory) as house, serving(house) as running:
            yield running
    else:
        with postgres_server() as url, new_house(directory, url) as house, serving(house) as running:
            yield running


def post(service: Service, path: str, body: bytes) -> Any:
    return service.client.post(path, content=body, headers=JSON)


@pytest.mark.parametrize("path", SKELETONS)
def test_no_bad_body_is_taken(service: Service, path: str):
    before = service.house.rows()
    assert post(service, path, GOOD[path]).status_code in (200, 404)
    good = service.house.rows()
    for name, body in bad_bodies(path):
        answer = post(service, path, body)
        assert answer.status_code == 422, (name, answer.text)
        is_problem(answer, 422, "invalid-input")
    assert service.house.rows() == good <= before + 1


def test_every_route_that_reads_a_body_is_among_them(service: Service):
    document = service.client.get("/openapi.json").json()
    reading = {path for path, item in document["paths"].items() if "requestBody" in item.get("post", {})}
    assert reading == set(SKELETONS)


@pytest.mark.parametrize(
    "query",
    [
        "count=%00",
        "count=%ff",
        "count=-1",
        "count=" + "9" * 5000,
        "strategy=%ed%a0%80",
        "strategy=%00",
        "count=1&count=x",
    ],
)
def test_no_question_for_labels_breaks_anything(service: Service, query: str):
    is_problem(service.client.get(f"/audit?{query}"), 422, "invalid-input")


@pytest.mark.parametrize("name", ["%00", "%ff", "%ed%a0%80", "x" * 5000, "..%2f..", "%F0%9F%92%A9"])
def test_no_name_of_a_report_breaks_anything(service: Service, name: str):
    is_problem(service.client.get(f"/reports/{name}"), 404, "not-found")


def test_of_a_key_that_stands_twice_the_last_counts_everywhere(service: Service):
    first = post(service, "/predict", b'{"text": NaN, "text": "abcd"}')
    assert (first.status_code, first.json()["label"]) == (200, "World")
    label = b'{"prediction_id": "%s", "label": "nonsense", "label": "Sports"}' % first.json()["prediction_id"].encode()
    assert post(service, "/feedback", label).json()["outcome"] == "stored"


def try_bodies(service: Service, cases: int) -> dict[int, int]:
    """How often each status was the answer."""
    known = [service.post("/predict", {"text": f"known {number}"}).json()["prediction_id"] for number in range(5)]
    seen: dict[int, int] = {}

    @repeatable(cases)
    @given(case=requests(known))
    def one(case: tuple[str, bytes]) -> None:
        path, body = case
        answer = post(service, path, body)
        assert answer.status_code in ALLOWED, (path, body, answer.text)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

    one()
    return seen


def test_no_random_body_breaks_anything(service: Service):
    seen = try_bodies(service, 300)
    assert min(seen.get(200, 0), seen.get(422, 0)) > 20, f"good and bad ones are among them: {seen}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_random_body_of_10_000_breaks_anything(service: Service):
    assert sum(try_bodies(service, 10_000).values()) >= 10_000


def follow_the_document(service: Service, cases: int, *modes: GenerationMode) -> int:
    """Schemathesis sends to each operation what the document allows or does not; how much it was."""
    document = schemathesis.openapi.from_url(f"{service.client.base_url}/openapi.json")
    promised = CHECKS.get_by_names([name for name in CHECKS.get_all_names() if name not in NOT_PROMISED])
    sent = 0
    for result in document.get_all_operations():
        operation = result.ok()
        asks = bool(operation.body or operation.query)
        for mode in modes if asks else modes[:1]:

            @repeatable(cases)
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: Any) -> None:
                nonlocal sent
                case.call_and_validate(checks=promised)
                sent += 1

            one()
    return sent


def test_the_document_holds(service: Service):
    assert follow_the_document(service, 10, GenerationMode.POSITIVE) > 50


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_document_holds_for_long(service: Service):
    assert follow_the_document(service, 150, GenerationMode.POSITIVE, GenerationMode.NEGATIVE) > 1000
