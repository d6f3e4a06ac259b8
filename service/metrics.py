"""Every metric, declared once, and the one place that counts.

Knows nothing of HTTP or stores. `ALL_METRICS` is the table that the documentation is tested against; the
entries marked `collected` are filled by `service.collector` from the newest stored verdict at each scrape.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from model.prediction import ModelInfo, Record
from service.errors import PROBLEMS, Problem
from service.latency import RecentLatency
from service.store.nouns import Outcome

LATENCY_OBJECTIVE = 0.25
"""Seconds; one boundary of the latency histogram, so that the objective is counted and not interpolated."""

_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, LATENCY_OBJECTIVE, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STAGE = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512)
_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_DELAYS = (60.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0, 30 * 86_400.0)

METHODS = ("GET", "POST", "HEAD", "other")
OTHER = "other"
TIMED = ("/predict", "/predict/batch")
"""Routes whose answer times the status page shows."""
STAGES = ("queue", "tokenise", "infer", "commit")
EXEMPLAR = "prediction_id"
"""The label of exemplars: which prediction a bucket of answer times, confidence or length last counted."""
FEEDBACK_OUTCOMES = tuple(str(outcome) for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the table. `name` is the name that Prometheus shows, with `_total` for counters."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    collected: bool = False


def _stored(name: str, help_text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", labels, help_text, collected=True)


def _of_version(name: str, help_text: str, *labels: str) -> Metric:
    """Keyed by model version too: replicas of v1 and v2 may be scraped side by side."""
    return _stored(name, help_text, "model_version", *labels)


_OF_THE_SERVICE: tuple[Metric, ...] = (
    # requests
    Metric("bertwatch_http_requests_total", "counter", ("route", "method", "code"), "Requests answered."),
    Metric("bertwatch_http_request_duration_seconds", "histogram", ("route",), "Time from head to answer.", _LATENCY),
    Metric("bertwatch_http_requests_in_progress", "gauge", (), "Requests being answered now."),
    Metric("bertwatch_problems_total", "counter", ("problem",), "Problem documents sent, by the last part of type."),
    Metric("bertwatch_clients_gone_total", "counter", (), "Requests whose client left before the answer."),
    # the way of a prediction
    Metric(
        "bertwatch_stage_duration_seconds",
        "histogram",
        ("stage",),
        "Time of a text in the queue, and of a batch in tokenise, infer and commit.",
        _STAGE,
    ),
    Metric("bertwatch_queue_depth", "gauge", (), "Texts that wait for a worker."),
    Metric("bertwatch_queue_limit", "gauge", (), "Texts that may wait; beyond it the answer is 503."),
    Metric("bertwatch_queue_tokens", "gauge", (), "Tokens that wait, at four characters each."),
    Metric("bertwatch_queue_tokens_limit", "gauge", (), "Tokens that may wait; beyond it the answer is 503."),
    Metric("bertwatch_workers", "gauge", (), "Single-thread engine workers."),
    Metric("bertwatch_batch_texts", "histogram", (), "Texts that a worker took at a time.", _TEXTS),
    Metric("bertwatch_predictions_total", "counter", ("label",), "Predictions committed, by served label."),
    Metric("bertwatch_prediction_confidence_ratio", "histogram", (), "Score of the served label.", _SHARES),
    Metric("bertwatch_text_tokens", "histogram", (), "Tokens of a text that the model read.", _TOKENS),
    Metric("bertwatch_texts_truncated_total", "counter", (), "Texts longer than the model reads."),
    Metric("bertwatch_log_rows_total", "counter", (), "Rows committed to the prediction log."),
    Metric("bertwatch_log_failures_total", "counter", (), "Commits that failed; their requests got 503."),
    Metric("bertwatch_log_writable", "gauge", (), "1 while the last commit succeeded, else 0."),
    # labels
    Metric("bertwatch_feedback_total", "counter", ("outcome",), "Labels received, by what became of them."),
    Metric("bertwatch_label_delay_seconds", "histogram", (), "Time from a prediction to its first label.", _DELAYS),
    # what runs
    Metric(
        "bertwatch_model_info",
        "gauge",
        ("model_version", "name", "engine", "precision", "baseline"),
        "1 for the served model.",
    ),
    Metric("bertwatch_build_info", "gauge", ("version", "python"), "1 for the running build."),
)

_FROM_THE_STORE: tuple[Metric, ...] = (
    _stored("bertwatch_store_readable", "1 if this scrape could read the store, else 0."),
    _stored("bertwatch_store_bytes", "Size of the database."),
    _stored("bertwatch_store_free_bytes", "Room left on the disk of an SQLite database; a server's disk is not seen."),
    _of_version("bertwatch_online_accuracy_ratio", "Accuracy over the accuracy window, from labels."),
    _of_version("bertwatch_online_accuracy_ratio_low", "Lower end of its 95 % interval."),
    _of_version("bertwatch_online_accuracy_ratio_high", "Upper end of its 95 % interval."),
    _of_version("bertwatch_online_accuracy_ratio_labels", "Labels behind it."),
    _of_version("bertwatch_baseline_accuracy_ratio", "Accuracy of the baseline."),
    _of_version("bertwatch_label_coverage_ratio", "Share of the accuracy window that has a label."),
    _of_version("bertwatch_label_lag_seconds", "Median time from prediction to label."),
    _of_version("bertwatch_estimated_accuracy_ratio", "Accuracy estimated without labels."),
    _of_version("bertwatch_estimated_accuracy_ratio_low", "Lower end of its interval."),
    _of_version("bertwatch_estimated_accuracy_ratio_high", "Upper end of its interval."),
    _of_version("bertwatch_estimated_accuracy_trusted", "1 if the estimate may be believed, else 0."),
    _of_version("bertwatch_check_score", "Score of a check; above the threshold is an alarm.", "check", "aspect"),
    _of_version("bertwatch_check_threshold", "Threshold of the same check.", "check", "aspect"),
    _of_version("bertwatch_check_state", "1 for the state that a check is in.", "check", "state"),
    _of_version("bertwatch_check_rows", "Rows that a check looked at.", "check"),
    _of_version("bertwatch_verdict_active", "1 for the newest verdict.", "verdict", "severity"),
    _of_version("bertwatch_episode_active", "1 for the open episode.", "verdict", "severity"),
    _of_version("bertwatch_window_rows", "Predictions in the newest verdict's window."),
    _of_version("bertwatch_monitor_last_success_timestamp_seconds", "End of the last round of checks; 0 before it."),
    _of_version("bertwatch_monitor_interval_seconds", "Time between two rounds of checks."),
    # No counters: what is counted stands in the log, and goes from it with age.
    _of_version("bertwatch_check_rounds_last_day", "Rounds of checks that ended within 24 hours."),
    _of_version("bertwatch_episodes_last_day", "Episodes that were opened within 24 hours."),
    _stored("bertwatch_notifications_delivered_last_day", "Notifications that a receiver took within 24 hours."),
    _stored("bertwatch_outbox_notifications", "Notifications waiting, or given up for good (failed).", "state"),
)
"""What the newest stored verdict says."""

ALL_METRICS: tuple[Metric, ...] = _OF_THE_SERVICE + _FROM_THE_STORE
METRICS: dict[str, Metric] = {metric.name: metric for metric in ALL_METRICS}


class Metrics:
    """The service's own counters, on a registry that is passed in. One small method for each thing that happens."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        # A second series for each counter, which nobody reads; it can only be switched off for all registries.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client has no type for it
        self.registry = registry
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        # prometheus_client looks each child up behind checks and a lock, which is most of what counting costs.
        self._counter = cache(lambda name, *labels: self._counters[name].labels(*labels))
        self._histogram = cache(lambda name, *labels: self._histograms[name].labels(*labels))
        self._token_column: int | None = None
        self._version: str | None = None
        self.latency = RecentLatency(clock)
        """Of predictions answered, for the status page."""
        for metric in _OF_THE_SERVICE:
            self._declare(metric)
        ProcessCollector(registry=registry)
        self._start_at_zero()

    def _declare(self, metric: Metric) -> None:
        if metric.kind == "counter":
            self._counters[metric.name] = Counter(metric.name, metric.help, metric.labels, registry=self.registry)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
        else:
            self._histograms[metric.name] = Histogram(
                metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry
            )

    def _start_at_zero(self) -> None:
        for problem in PROBLEMS:
            self._counters["bertwatch_problems_total"].labels(problem.slug)
        for outcome in FEEDBACK_OUTCOMES:
            self._counters["bertwatch_feedback_total"].labels(outcome)
        for stage in STAGES:
            self._histograms["bertwatch_stage_duration_seconds"].labels(stage)
        self._gauges["bertwatch_log_writable"].set(1)

    def know_routes(self, routes: Iterable[tuple[str, str]]) -> None:
        """Start the counters of each (route template, method) at 0, for the answers that objectives count."""
        for route, method in routes:
            self._histograms["bertwatch_http_request_duration_seconds"].labels(route)
            for code in ("200", "500", "503"):
                self._counters["bertwatch_http_requests_total"].labels(route, method, code)

    def know_model(self, model: ModelInfo, engine: str, precision: str, baseline: str | None) -> None:
        self._token_column = model.features.index("tokens") if "tokens" in model.features else None
        self._version = model.version
        for label in model.labels:
            self._counters["bertwatch_predictions_total"].labels(label)
        self._gauges["bertwatch_model_info"].labels(model.version, model.name, engine, precision, baseline or "").set(1)

    def know_build(self, version: str) -> None:
        self._gauges["bertwatch_build_info"].labels(version, platform.python_version()).set(1)

    def watch_queue(self, depth: Callable[[], float], limit: int, workers: int) -> None:
        self._gauges["bertwatch_queue_depth"].set_function(depth)
        self._gauges["bertwatch_queue_limit"].set(limit)
        self._gauges["bertwatch_workers"].set(workers)

    def watch_queued_tokens(self, waiting: Callable[[], float], limit: int) -> None:
        self._gauges["bertwatch_queue_tokens"].set_function(waiting)
        self._gauges["bertwatch_queue_tokens_limit"].set(limit)

    # requests

    def request_began(self) -> None:
        self._gauges["bertwatch_http_requests_in_progress"].inc()

    def request_ended(
        self, route: str, method: str, code: int | None, seconds: float, prediction: UUID | None = None
    ) -> None:
        """`route` is a template of ours or `other`; `code` None means that the client left without an answer.

        `prediction` is the (first) one that was answered: an exemplar, so that a slow answer leads to its row.
        """
        self._gauges["bertwatch_http_requests_in_progress"].dec()
        if code is None:
            self._counters["bertwatch_clients_gone_total"].inc()
            return
        if route in TIMED and code == 200:
            self.latency.add(seconds)
        self._answered(route, method if method in METHODS else OTHER, code, seconds, prediction)

    def request_turned_away(self, route: str, method: str, problem: Problem) -> None:
        """Answered before it was even begun."""
        self._answered(route, method, problem.status, 0.0, None)
        self.problem(problem.slug)

    def _answered(self, route: str, method: str, code: int, seconds: float, prediction: UUID | None) -> None:
        self._counter("bertwatch_http_requests_total", route, method, str(code)).inc()
        duration = self._histogram("bertwatch_http_request_duration_seconds", route)
        duration.observe(seconds, _exemplar(prediction))

    def problem(self, slug: str) -> None:
        self._counter("bertwatch_problems_total", slug).inc()

    # the way of a prediction

    def batch_taken(self, waits: Sequence[float]) -> None:
        """A worker took a batch whose texts had waited for so many seconds."""
        self._histograms["bertwatch_batch_texts"].observe(len(waits))
        queue = self._histogram("bertwatch_stage_duration_seconds", "queue")
        for wait in waits:
            queue.observe(wait)

    def batch_classified(self, seconds: float, tokenise_seconds: float) -> None:
        """A batch took so long in all; what did not turn texts into tokens is inference."""
        self._histogram("bertwatch_stage_duration_seconds", "tokenise").observe(tokenise_seconds)
        self._histogram("bertwatch_stage_duration_seconds", "infer").observe(seconds - tokenise_seconds)

    def committed(self, records: Sequence[Record], seconds: float) -> None:
        """These rows stand in the log now, after a commit of so many seconds.

        What is counted by label, score and length is of this service's model version alone: another one, which only
        uses the log, has other labels.
        """
        self._histogram("bertwatch_stage_duration_seconds", "commit").observe(seconds)
        self._counters["bertwatch_log_rows_total"].inc(len(records))
        self._gauges["bertwatch_log_writable"].set(1)
        for record in records:
            if self._version not in (None, record.model_version):
                continue
            self._counter("bertwatch_predictions_total", record.label).inc()
            exemplar = _exemplar(record.id)
            confidence = self._histograms["bertwatch_prediction_confidence_ratio"]
            confidence.observe(record.prediction.confidence, exemplar)
            if record.prediction.truncated:
                self._counters["bertwatch_texts_truncated_total"].inc()
            if (
                self._token_column is not None
                and (tokens := float(record.prediction.features[self._token_column])) >= 0
            ):
                self._histograms["bertwatch_text_tokens"].observe(tokens, exemplar)

    def log_recovered(self) -> None:
        """The log was seen to be writable again without a commit."""
        self._gauges["bertwatch_log_writable"].set(1)

    def commit_failed(self) -> None:
        self._counters["bertwatch_log_failures_total"].inc()
        self._gauges["bertwatch_log_writable"].set(0)

    # labels

    def label_arrived(self, outcome: Outcome, delay: float | None = None) -> None:
        """`delay`: seconds from the prediction to this label, if it is the first."""
        self._counter("bertwatch_feedback_total", outcome).inc()
        if delay is not None:
            self._histograms["bertwatch_label_delay_seconds"].observe(delay)


def _exemplar(prediction: UUID | None) -> dict[str, str] | None:
    """One answer that a bucket stands for; shown in the OpenMetrics form only."""
    return None if prediction is None else {EXEMPLAR: str(prediction)}
