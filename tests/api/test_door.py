"""Keys, security headers, pages, documentation: what every answer has, and who gets which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.conftest import Service, new_house, serving
from tests.api.stand_in import wait_until
from tests.api.test_bad_input import is_problem

KEYS = ("first-key", "second-key")
DATA = [
    ("POST", "/predict"), ("POST", "/predict/batch"), ("POST", "/feedback"), ("POST", "/feedback/batch"),
    ("GET", "/status"), ("GET", "/status/history"), ("GET", "/metrics"), ("GET", "/reports"), ("POST", "/reports"),
    ("GET", "/reports/x"), ("GET", "/nothing"), ("GET", "/livez/"),
]  # fmt: skip
OPEN = ["/livez", "/readyz", "/", "/pages/app.js", "/docs", "/openapi.json"]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with new_house(tmp_path_factory.mktemp("locked"), keys=KEYS) as house, serving(house) as running:
        yield running


def test_without_a_key_only_probes_and_pages_answer(locked: Service):
    for method, path in DATA:
        answer = locked.client.request(method, path, json={"text": "a"} if method == "POST" else None)
        is_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in OPEN:
        assert locked.client.get(path).status_code == 200, path
    assert locked.house.rows() == 0


@pytest.mark.parametrize(
    "authorization",
    ["first-key", "Basic first-key", "Bearer", "Bearer first-ke", "Bearer first-key2", "Bearer first-key x",
     "Bearer \xff\xfe", "bearerfirst-key"],
)  # fmt: skip
def test_a_wrong_key_is_no_key(locked: Service, authorization: str):
    answer = locked.client.get("/status", headers={"authorization": authorization.encode("latin-1")})
    is_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("authorization", ["Bearer first-key", "bearer second-key", "BEARER  first-key"])
def test_each_key_opens(locked: Service, authorization: str):
    assert locked.client.get("/status", headers={"authorization": authorization}).status_code == 200


def test_every_answer_tells_the_browser_to_be_careful(service: Service):
    for path in (*OPEN, "/status", "/nothing", "/predict", "/metrics"):
        headers = service.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["content-security-policy"], path
        assert "server" not in headers, path


def test_pages_are_served_with_their_types_and_tags(service: Service):
    index = service.client.get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in index.headers["content-security-policy"]
    script = service.client.get("/pages/charts/line.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    again = service.client.get("/pages/charts/line.js", headers={"if-none-match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/pages/", "/pages/none.js", "/pages/../log.db", "/pages/%2e%2e/log.db", "/pages/..%2flog.db"]
)
def test_no_other_file_is_served(service: Service, path: str):
    is_problem(service.client.get(path), 404, "not-found")


def test_HEAD_is_GET_without_a_body(service: Service):
    got, head = service.client.get("/docs"), service.client.head("/docs")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


def test_the_openapi_document_has_an_example_for_everything(service: Service):
    document = service.client.get("/openapi.json").json()
    assert {"/predict", "/predict/batch", "/predictions", "/feedback", "/feedback/batch", "/status", "/status/history",
            "/audit", "/livez", "/readyz", "/metrics", "/reports", "/reports/{report}",
            } == set(document["paths"])  # fmt: skip
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            if method == "post" and path != "/reports":
                body = operation["requestBody"]["content"]["application/json"]
                assert body["examples"], where
                assert body["schema"]["$ref"].rsplit("/", 1)[-1] in document["components"]["schemas"], where
            for status, answer in operation["responses"].items():
                for media in answer["content"].values():
                    if media and path not in ("/metrics", "/reports/{report}"):
                        assert media.get("example") is not None or media.get("examples"), f"{where} {status}"


def test_the_examples_of_the_document_work(service: Service):
    document = service.client.get("/openapi.json").json()
    for path in ("/predict", "/predict/batch"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in body["examples"].values():
            assert service.post(path, example["value"]).status_code == 200


def test_the_documentation_needs_no_network(service: Service):
    page = service.client.get("/docs").text
    assert "POST /predict/batch" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_the_access_log_holds_no_word_of_a_caller(service: Service, capfd: pytest.CaptureFixture[str]):
    service.post("/predict", {"text": "SECRETWORD", "reference": "SECRETWORD"})
    service.post("/predict", {"text": "", "SECRETWORD": 1})
    service.client.get("/SECRETWORD?q=SECRETWORD", headers={"x-header": "SECRETWORD"})
    service.post("/predict", {"text": service.house.classifier.poison + "SECRETWORD"})
    wait_until(lambda: service.house.value("bertwatch_http_requests_in_progress") == 0)
    said = "".join(capfd.readouterr())
    assert said.count("not-found") == 1
    assert "SECRETWORD" not in said
