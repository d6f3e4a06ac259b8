"""The table of metrics: one declaration each, counters at 0, bounded labels, and what the newest verdict says."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from model.prediction import Estimate
from monitors.protocols import Episode
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict
from service.collector import EPISODE_COMBINATIONS, VERDICT_COMBINATIONS, StoredState, StoredStateCollector
from service.errors import PROBLEMS
from service.metrics import ALL_METRICS, EXEMPLAR, FEEDBACK_OUTCOMES, LATENCY_OBJECTIVE, METRICS, STAGES, Metrics
from service.store.nouns import OutboxCounts, Space, WatchCounts
from tests.api.stand_in import INFO

VERDICT = Verdict(
    kind=Kind.SUSPECTED_HARM,
    severity=Severity.TICKET,
    model_version="v1",
    baseline_id="b1",
    time=1_767_225_600_000_000,
    start=0,
    end=1,
    count=500,
    reasons=("The inputs have changed.",),
    findings=(
        Finding("inputs", Aspect.INPUT, State.ALARM, "changed", score=4.5, threshold=3.0, count=500),
        Finding("labels", Aspect.HARM, State.INSUFFICIENT, "too few labels"),
    ),
    accuracy=Estimate(0.86, 0.83, 0.89, 400),
    coverage=0.4,
    label_lag=90.0,
    estimated_accuracy=Estimate(0.8, 0.75, 0.85, 500),
    estimate_trusted=False,
    baseline_accuracy=0.87,
)
SPACE = Space(used=4096, free=8192)


def stored(verdict: Verdict | None = None, episode: Episode | None = None) -> CollectorRegistry:
    registry = CollectorRegistry()
    counts = OutboxCounts(waiting=2, failed=1)
    state = StoredState("v1", verdict, episode, counts, SPACE, 300.0, WatchCounts(rounds=9, episodes=3), delivered=5)
    registry.register(StoredStateCollector(lambda: state))
    return registry


def test_names_follow_the_rules_of_prometheus():
    for metric in ALL_METRICS:
        assert re.fullmatch(r"bertwatch_[a-z_]+", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith("."), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name
    assert len(METRICS) == len(ALL_METRICS)


def test_everything_declared_is_exposed_and_nothing_else_of_ours():
    metrics = Metrics(CollectorRegistry())
    metrics.know_routes([("/predict", "POST")])
    metrics.know_model(INFO, "torch", "fp32", "b1")
    metrics.know_build("0.1")
    state = StoredState("v1", VERDICT, None, OutboxCounts(0, 0), SPACE, 300.0, WatchCounts(0, 0), 0)
    metrics.registry.register(StoredStateCollector(lambda: state))
    families = {
        family.name: family for family in text_string_to_metric_families(generate_latest(metrics.registry).decode())
    }
    expected = {metric.name.removesuffix("_total") for metric in ALL_METRICS}
    assert {name for name in families if name.startswith("bertwatch_")} == expected
    for metric in ALL_METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.documentation == metric.help
        assert family.type == metric.kind
        assert {key for sample in family.samples for key in sample.labels} - {"le"} == set(metric.labels)


def test_counters_are_there_at_zero_from_the_start():
    metrics = Metrics(CollectorRegistry())
    metrics.know_routes([("/predict", "POST")])
    metrics.know_model(INFO, "torch", "fp32", None)
    value = metrics.registry.get_sample_value
    for code in ("200", "500", "503"):
        labels = {"route": "/predict", "method": "POST", "code": code}
        assert value("bertwatch_http_requests_total", labels) == 0
    for label in INFO.labels:
        assert value("bertwatch_predictions_total", {"label": label}) == 0
    for outcome in FEEDBACK_OUTCOMES:
        assert value("bertwatch_feedback_total", {"outcome": outcome}) == 0
    for problem in PROBLEMS:
        assert value("bertwatch_problems_total", {"problem": problem.slug}) == 0
    assert value("bertwatch_log_failures_total") == 0


def test_a_batch_is_told_apart_into_tokens_and_inference():
    metrics = Metrics(CollectorRegistry())
    metrics.batch_taken([0.1, 0.3])
    metrics.batch_classified(0.5, 0.125)
    value = metrics.registry.get_sample_value
    sums = {stage: value("bertwatch_stage_duration_seconds_sum", {"stage": stage}) for stage in STAGES}
    assert sums == {"queue": 0.4, "tokenise": 0.125, "infer": 0.375, "commit": 0}


def exemplars(content: str) -> dict[str, dict[str, str]]:
    """Series of the OpenMetrics form that carry an exemplar, by name."""
    return {
        sample.name: sample.exemplar.labels
        for family in openmetrics_families(content)
        for sample in family.samples
        if sample.exemplar
    }


def test_a_bucket_names_a_prediction_in_the_openmetrics_form_alone():
    metrics, wanted = Metrics(CollectorRegistry()), UUID(int=7)
    metrics.request_ended("/predict", "POST", 200, 0.3, wanted)
    metrics.request_ended("/feedback", "POST", 200, 0.3)
    encoder, content_type = choose_encoder("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    told = exemplars(encoder(metrics.registry).decode())
    assert told == {"bertwatch_http_request_duration_seconds_bucket": {EXEMPLAR: str(wanted)}}
    assert str(wanted) not in generate_latest(metrics.registry).decode()


def test_the_latency_objective_is_a_boundary_of_the_histogram():
    assert LATENCY_OBJECTIVE == 0.25
    assert LATENCY_OBJECTIVE in METRICS["bertwatch_http_request_duration_seconds"].buckets


def test_an_unknown_method_is_counted_as_other():
    metrics = Metrics(CollectorRegistry())
    metrics.request_began()
    metrics.request_ended("other", "BREW", 405, 0.001)
    labels = {"route": "other", "method": "other", "code": "405"}
    assert metrics.registry.get_sample_value("bertwatch_http_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("bertwatch_http_requests_in_progress") == 0


def test_the_newest_verdict_is_exported():
    registry = stored(VERDICT)

    def value(name: str, /, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model_version": "v1", **labels})

    assert value("bertwatch_online_accuracy_ratio") == 0.86
    assert value("bertwatch_online_accuracy_ratio_low") == 0.83
    assert value("bertwatch_online_accuracy_ratio_high") == 0.89
    assert value("bertwatch_online_accuracy_ratio_labels") == 400
    assert value("bertwatch_baseline_accuracy_ratio") == 0.87
    assert value("bertwatch_label_coverage_ratio") == 0.4
    assert value("bertwatch_label_lag_seconds") == 90
    assert value("bertwatch_estimated_accuracy_ratio") == 0.8
    assert value("bertwatch_estimated_accuracy_trusted") == 0
    assert value("bertwatch_monitor_last_success_timestamp_seconds") == 1_767_225_600
    assert value("bertwatch_verdict_active", verdict="suspected_harm", severity="ticket") == 1
    assert value("bertwatch_verdict_active", verdict="ok", severity="none") == 0
    assert value("bertwatch_check_state", check="inputs", state="alarm") == 1
    assert value("bertwatch_check_state", check="inputs", state="ok") == 0
    assert registry.get_sample_value("bertwatch_outbox_notifications", {"state": "failed"}) == 1
    assert registry.get_sample_value("bertwatch_notifications_delivered_last_day") == 5
    assert (value("bertwatch_check_rounds_last_day"), value("bertwatch_episodes_last_day")) == (9, 3)
    assert registry.get_sample_value("bertwatch_store_bytes") == 4096
    assert registry.get_sample_value("bertwatch_store_free_bytes") == 8192


def test_score_and_threshold_have_identical_labels():
    families = {family.name: family for family in stored(VERDICT).collect()}
    score, threshold = (families[f"bertwatch_check_{name}"].samples for name in ("score", "threshold"))
    assert [sample.labels for sample in score] == [sample.labels for sample in threshold] != []
    assert (score[0].value, threshold[0].value) == (4.5, 3.0)


def test_before_the_first_verdict_states_stand_at_zero_and_numbers_are_absent():
    registry, v1 = stored(), {"model_version": "v1"}
    assert registry.get_sample_value("bertwatch_online_accuracy_ratio", v1) is None
    assert registry.get_sample_value("bertwatch_online_accuracy_ratio_labels", v1) == 0
    assert registry.get_sample_value("bertwatch_monitor_last_success_timestamp_seconds", v1) == 0
    for name, combinations in (
        ("bertwatch_verdict_active", VERDICT_COMBINATIONS),
        ("bertwatch_episode_active", EPISODE_COMBINATIONS),
    ):
        for kind, severity in combinations:
            assert registry.get_sample_value(name, {**v1, "verdict": kind, "severity": severity}) == 0


@pytest.mark.parametrize("severity", [Severity.NOTICE, Severity.TICKET, Severity.PAGE])
def test_the_open_episode_is_one_of_its_series(severity: Severity):
    episode = Episode("e1", "v1", 1, Kind.HARMFUL, severity, ("Accuracy has fallen.",))
    families = {family.name: family for family in stored(VERDICT, episode).collect()}
    active = [sample for sample in families["bertwatch_episode_active"].samples if sample.value]
    assert [sample.labels for sample in active] == [{"model_version": "v1", "verdict": "harmful", "severity": severity}]


def test_a_store_that_cannot_be_read_is_said_and_breaks_no_scrape():
    def broken() -> StoredState:
        raise OSError("gone")

    registry = CollectorRegistry()
    registry.register(StoredStateCollector(broken))
    assert [family.name for family in registry.collect()] == ["bertwatch_store_readable"]
    assert registry.get_sample_value("bertwatch_store_readable") == 0
