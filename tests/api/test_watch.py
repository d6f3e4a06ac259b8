"""Status, history, reports, metrics and probes, on a store that a monitor has written to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitors.checks import all_checks, all_streams
from monitors.protocols import Episode, Outcome
from monitors.verdict import Kind, Severity
from service.errors import PROBLEMS
from tests.api.conftest import Service
from tests.api.stand_in import INFO, START, wait_until
from tests.api.test_bad_input import is_problem
from tests.unit.service.test_metrics import VERDICT, exemplars

HOUR = 3_600_000_000


@pytest.fixture
def watched(start: Callable[..., Service]) -> Service:
    """Two rounds have run; the second opened an episode and asked for a report."""
    service = start()
    details = {
        "class_mix": {"World": 0.25},
        "confidence": 0.91,
        "baseline_class_mix": {"World": 0.3},
        "words": ["<script>"],
    }
    first = replace(VERDICT, kind=Kind.OK, severity=Severity.NONE, time=START - HOUR, details=details)
    second = replace(VERDICT, time=START - 60_000_000, details=details)
    episode = Episode("e1", "v1", second.time, second.kind, second.severity, second.reasons)
    for slot, verdict, opened in (("1", first, None), ("2", second, episode)):
        service.house.parts.verdicts.commit(Outcome(slot, verdict, opened, {}, ()))
    service.house.parts.reports.ask("v1", START, "e1")
    return service


def test_the_status_of_a_service_that_has_seen_nothing(start: Callable[..., Service]):
    said = start().client.get("/status").json()
    assert said["model"] == {
        "version": "v1", "name": "stand-in", "labels": ["World", "Sports", "Business", "Sci/Tech"],
        "engine": "stand-in", "precision": "fp32", "baseline": "b1", "cut_off": None,
    }  # fmt: skip
    assert said["predictions"] == {"total": 0, "last_hour": 0, "newest": None, "latency": None}
    assert (said["accuracy"], said["estimated_accuracy"], said["verdict"]) == (None, None, None)
    assert (said["checks"], said["episodes"], said["reports"]) == ([], [], [])
    assert said["monitor"] == {"last_round": None, "interval_seconds": 300.0, "stale": True}


def test_the_status_says_what_the_newest_verdict_says(watched: Service):
    watched.post("/predict", {"text": "a"})
    said = watched.client.get("/status").json()
    latency = said["predictions"].pop("latency")
    assert 0 < latency["p50"] <= latency["p99"]
    assert said["predictions"] == {"total": 1, "last_hour": 1, "newest": "2026-01-01T00:00:00.000Z"}
    assert said["accuracy"] == {
        "value": 0.86, "low": 0.83, "high": 0.89, "labels": 400, "coverage": 0.4, "lag_seconds": 90.0, "baseline": 0.87,
    }  # fmt: skip
    assert said["estimated_accuracy"] == {"value": 0.8, "low": 0.75, "high": 0.85, "trusted": False}
    verdict = said["verdict"]
    assert (verdict["kind"], verdict["severity"], verdict["reasons"]) == (
        "suspected_harm", "ticket", ["The inputs have changed."],
    )  # fmt: skip
    assert verdict["time"] == verdict["since"] == "2025-12-31T23:59:00.000Z"
    assert verdict["details"]["words"] == ["<script>"]
    assert [(check["check"], check["state"]) for check in said["checks"]] == [
        ("inputs", "alarm"),
        ("labels", "insufficient"),
    ]
    assert said["checks"][0].keys() == {
        "check", "title", "aspect", "state", "score", "threshold", "p_value", "count", "summary", "estimate", "details",
    }  # fmt: skip
    [episode] = said["episodes"]
    assert (episode["id"], episode["resolved"]) == ("e1", None)
    assert episode["report"] == said["reports"][0]["id"]
    assert said["reports"][0]["state"] == "waiting"
    assert said["monitor"]["stale"] is False


def test_history_is_oldest_first(watched: Service):
    said = watched.client.get("/status/history", params={"hours": 24}).json()
    assert [point["verdict"] for point in said["points"]] == ["ok", "suspected_harm"]
    assert said["points"][1] == {
        "time": "2025-12-31T23:59:00.000Z", "verdict": "suspected_harm", "severity": "ticket", "count": 500,
        "accuracy": {"value": 0.86, "low": 0.83, "high": 0.89, "labels": 400},
        "estimated_accuracy": {"value": 0.8, "low": 0.75, "high": 0.85, "trusted": False},
        "drift": 1.5, "class_mix": {"World": 0.25}, "confidence": 0.91,
    }  # fmt: skip
    assert said["baseline"] == {"accuracy": 0.87, "class_mix": {"World": 0.3}}
    assert len(watched.client.get("/status/history", params={"hours": 0.5}).json()["points"]) == 1


def test_a_scrape_tells_what_the_store_tells(watched: Service):
    watched.post("/predict", {"text": "a"})
    answer = watched.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples: dict[tuple[str, frozenset[Any]], float] = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }

    def value(name: str, /, **labels: str) -> float:
        return samples[name, frozenset(labels.items())]

    assert value("bertwatch_online_accuracy_ratio", model_version="v1") == 0.86
    assert value("bertwatch_episode_active", model_version="v1", verdict="suspected_harm", severity="ticket") == 1
    assert value("bertwatch_store_bytes") > 0
    assert value("bertwatch_store_free_bytes") > 0
    assert value("bertwatch_predictions_total", label="Sports") == 1
    assert value("bertwatch_http_requests_total", route="/predict", method="POST", code="200") == 1
    runs = {"model_version": "v1", "name": "stand-in", "engine": "stand-in", "precision": "fp32", "baseline": "b1"}
    assert value("bertwatch_model_info", **runs) == 1
    assert value("bertwatch_store_readable") == 1
    assert value("bertwatch_queue_limit") == 256


def test_an_answer_of_each_kind_is_named_beside_the_bucket_that_counts_it(watched: Service):
    """In the OpenMetrics form, for Prometheus' store of exemplars: a slow or doubtful answer leads to its row."""
    alone = watched.post("/predict", {"text": "a"}).json()["prediction_id"]
    answer = watched.client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert exemplars(answer.text) == {
        f"bertwatch_{name}_bucket": {"prediction_id": alone}
        for name in ("http_request_duration_seconds", "prediction_confidence_ratio", "text_tokens")
    }
    batch = watched.post("/predict/batch", {"items": [{"text": "b"}, {"text": "c"}]}).json()["predictions"]
    told = watched.client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"}).text
    [line] = [line for line in told.splitlines() if 'route="/predict/batch"' in line and "prediction_id" in line]
    assert batch[0]["prediction_id"] in line
    assert "prediction_id" not in watched.client.get("/metrics").text


def test_a_replica_has_less_than_2000_series_at_its_worst(start: Callable[..., Service]):
    """Every status that we know on every route and method, every check in the verdict, fifty classes."""
    info = replace(INFO, labels=tuple(f"class {number}" for number in range(50)))
    service = start(record_only=info)
    metrics, checks = service.house.metrics, (*all_checks(), *all_streams())
    for route in {"/predict", "/predict/batch", *service.client.get("/openapi.json").json()["paths"], "other"}:
        for code in {200, 202, 204, 304, *(problem.status for problem in PROBLEMS)}:
            for method in ("GET", "POST", "HEAD"):
                metrics.request_began()
                metrics.request_ended(route, method, code, 0.1)
    found = [replace(VERDICT.findings[0], check=check.name, aspect=check.aspect) for check in checks]
    verdict = replace(VERDICT, findings=tuple(found))
    service.house.parts.verdicts.commit(Outcome("1", verdict, None, {}, ()))
    lines = service.client.get("/metrics").text.splitlines()
    series = [line for line in lines if not line.startswith("#")]
    assert any(checks[-1].name in line for line in series)
    assert any("class 49" in line for line in series)
    assert len(series) < 2000


def test_a_report_is_asked_for_made_and_shown_in_a_sandbox(watched: Service):
    asked = watched.client.post("/reports")
    assert asked.status_code == 202
    said = asked.json()
    is_problem(watched.client.get(said["href"]), 404, "not-found")
    watched.house.parts.reports.save(said["id"], START + 1, "<!doctype html><script>1</script>", None)
    shown = watched.client.get(said["href"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    states = {each["id"]: each["state"] for each in watched.client.get("/reports").json()["reports"]}
    assert states[said["id"]] == "made"


def test_a_report_that_failed_says_so(watched: Service):
    report = watched.client.post("/reports").json()["id"]
    watched.house.parts.reports.save(report, START + 1, None, "the window is empty")
    listed = {each["id"]: each for each in watched.client.get("/reports").json()["reports"]}
    assert (listed[report]["state"], listed[report]["made"]) == ("failed", None)
    is_problem(watched.client.get(f"/reports/{report}"), 404, "not-found")


def test_a_page_of_another_site_cannot_ask_for_reports(watched: Service):
    is_problem(watched.client.post("/reports", headers={"sec-fetch-site": "cross-site"}), 403, "forbidden")


def test_readiness_goes_down_before_the_end(watched: Service):
    assert watched.client.get("/readyz").status_code == 200
    watched.readiness.leaving = True
    answer = watched.client.get("/readyz")
    is_problem(answer, 503, "stopping")
    assert answer.headers["connection"] == "close"
    assert watched.client.get("/livez").status_code == 200
    assert watched.post("/predict", {"text": "still answered"}).status_code == 200


def test_a_log_that_cannot_be_written_gives_503_until_it_can(watched: Service, monkeypatch: pytest.MonkeyPatch):
    house = watched.house
    working = house.append

    def broken(_: object) -> None:
        raise OSError("disk full")

    house.append = broken
    monkeypatch.setattr(type(house.log), "check_writable", lambda _: house.append([]))
    answer = watched.post("/predict", {"text": "a"})
    is_problem(answer, 503, "log-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert house.rows() == 0
    assert house.value("bertwatch_log_failures_total") == 1
    house.append = working
    wait_until(lambda: watched.client.get("/readyz").status_code == 200)
    assert watched.post("/predict", {"text": "a"}).status_code == 200
    assert house.rows() == 1


def test_a_database_that_is_gone_is_503_everywhere_and_comes_back(start: Callable[..., Service], tmp_path: Any):
    service = start()
    file = tmp_path / "service" / "log.db"
    service.post("/predict", {"text": "a"})
    hidden = file.with_suffix(".hidden")
    file.rename(hidden)
    file.mkdir()
    is_problem(service.post("/predict", {"text": "b"}), 503, "log-unavailable")
    is_problem(service.post("/feedback", {"reference": "a", "label": "World"}), 503, "log-unavailable")
    is_problem(service.client.get("/readyz"), 503, "log-unavailable")
    assert service.client.get("/livez").status_code == 200
    file.rmdir()
    hidden.rename(file)
    wait_until(lambda: service.client.get("/readyz").status_code == 200)
    assert service.post("/predict", {"text": "c"}).status_code == 200
    assert service.house.rows() == 2
