"""Every PromQL query that a dashboard, a variable or an annotation asks, by name.

Knows nothing of panels. `$job`, `$model_version` and `$instance` are variables of the dashboards; what is read from the
stored verdict is the same on every replica, so `max` folds equals and never mixes versions.
Shares and quantiles of nothing are NaN, which Grafana shows as "NaN": `>= 0` leaves the panel's own words for no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service.metrics import LATENCY_OBJECTIVE

AVAILABILITY_OBJECTIVE = 0.999
LATENCY_SHARE_OBJECTIVE = 0.99

_JOB = 'job=~"$job"'
_REPLICA = f'{_JOB}, instance=~"$instance"'
_VERSION = f'{_JOB}, model_version=~"$model_version"'
_PREDICTIONS = f'{_JOB}, route=~"/predict|/predict/batch", method="POST"'
_SERVED = f"and on (job, instance) bertwatch_model_info{{{_VERSION}}}"
"""Keeps the replicas that serve a chosen version, for counters that carry no version."""
_RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression and the name of its series."""

    expr: str
    legend: str
    format: Literal["time_series", "heatmap"] = "time_series"
    exemplars: bool = False
    """Whether single predictions are shown as dots, by their id; one query of a panel is enough."""


def _of_version(metric: str, legend: str, *labels: str, where: str = "") -> Query:
    keys = ", ".join(("model_version", *labels))
    return Query(f"max by ({keys}) ({metric}{{{_VERSION}{where}}})", legend)


def _quantile(share: float, metric: str, labels: str = "", where: str = _REPLICA, served: str = "") -> str:
    keys = ", ".join(filter(None, ("le", labels)))
    rate = f"rate({metric}_bucket{{{where}}}{_RATE})"
    return f"histogram_quantile({share}, sum by ({keys}) ({rate}{' ' + served if served else ''})) >= 0"


def _heat(metric: str, where: str, served: str = "") -> Query:
    rate = f"increase({metric}_bucket{{{where}}}{_RATE})"
    return Query(f"sum by (le) ({rate}{' ' + served if served else ''})", "{{le}}", "heatmap", exemplars=True)


def _sum(metric: str, legend: str, *labels: str, where: str = _REPLICA, function: str = "rate") -> Query:
    keys = f" by ({', '.join(labels)})" if labels else ""
    return Query(f"sum{keys} ({function}({metric}{{{where}}}{_RATE}))", legend)


def _missed(window: str) -> str:
    total = f"sum(increase(bertwatch_http_requests_total{{{_PREDICTIONS}}}[{window}]))"
    return f'sum(increase(bertwatch_http_requests_total{{{_PREDICTIONS}, code=~"5.."}}[{window}])) / {total} >= 0'


_REQUESTS = "bertwatch_http_requests_total"
_DURATION = "bertwatch_http_request_duration_seconds"
_PREDICT = f'{_REPLICA}, route="/predict"'
_AGE = f"time() - max by (model_version) (bertwatch_monitor_last_success_timestamp_seconds{{{_VERSION}}} > 0)"

SERVICE: dict[str, Query] = {
    "availability": Query(f"1 - ({_missed('$__range')})", "availability"),
    "error_budget_left": Query(f"1 - ({_missed('30d')}) / {1 - AVAILABILITY_OBJECTIVE:.3f}", "budget left"),
    "predict_p50": Query(_quantile(0.5, _DURATION, where=_PREDICT), "p50"),
    "predict_p95": Query(_quantile(0.95, _DURATION, where=_PREDICT), "p95"),
    "predict_p99": Query(_quantile(0.99, _DURATION, where=_PREDICT), "p99", exemplars=True),
    "predict_heat": _heat(_DURATION, _PREDICT),
    "predict_slow_share": Query(
        f'1 - (sum(rate({_DURATION}_bucket{{{_PREDICT}, le="{LATENCY_OBJECTIVE}"}}{_RATE}))'
        f" / sum(rate({_DURATION}_count{{{_PREDICT}}}{_RATE})) >= 0)",
        f"slower than {LATENCY_OBJECTIVE} s",
    ),
    "route_p99": Query(_quantile(0.99, _DURATION, "route"), "{{route}}"),
    "requests": _sum(_REQUESTS, "requests"),
    "requests_failed": _sum(_REQUESTS, "failed (5xx)", where=f'{_REPLICA}, code=~"5.."'),
    "requests_by_route": _sum(_REQUESTS, "{{method}} {{route}}", "route", "method"),
    "requests_by_code": _sum(_REQUESTS, "{{code}}", "code"),
    "problems": _sum("bertwatch_problems_total", "{{problem}}", "problem"),
    "clients_gone": _sum("bertwatch_clients_gone_total", "clients gone"),
    "requests_in_progress": Query(f"sum(bertwatch_http_requests_in_progress{{{_REPLICA}}})", "being answered"),
    "burn_errors_1h": Query(f"bertwatch:prediction_errors:ratio_rate1h{{{_JOB}}} / 0.001 >= 0", "availability, 1 h"),
    "burn_errors_6h": Query(f"bertwatch:prediction_errors:ratio_rate6h{{{_JOB}}} / 0.001 >= 0", "availability, 6 h"),
    "burn_slow_1h": Query(f"bertwatch:prediction_slow:ratio_rate1h{{{_JOB}}} / 0.01 >= 0", "latency, 1 h"),
    "burn_slow_6h": Query(f"bertwatch:prediction_slow:ratio_rate6h{{{_JOB}}} / 0.01 >= 0", "latency, 6 h"),
    "stage_p50": Query(_quantile(0.5, "bertwatch_stage_duration_seconds", "stage"), "{{stage}} p50"),
    "stage_p99": Query(_quantile(0.99, "bertwatch_stage_duration_seconds", "stage"), "{{stage}} p99"),
    "queue_depth": Query(f"sum(bertwatch_queue_depth{{{_REPLICA}}})", "waiting"),
    "queue_limit": Query(f"sum(bertwatch_queue_limit{{{_REPLICA}}})", "limit"),
    "workers": Query(f"sum(bertwatch_workers{{{_REPLICA}}})", "workers"),
    "batch_texts": Query(
        f"sum(rate(bertwatch_batch_texts_sum{{{_REPLICA}}}{_RATE}))"
        f" / sum(rate(bertwatch_batch_texts_count{{{_REPLICA}}}{_RATE})) >= 0",
        "texts a batch",
    ),
    "batch_texts_p99": Query(_quantile(0.99, "bertwatch_batch_texts"), "p99"),
    "log_rows": _sum("bertwatch_log_rows_total", "rows"),
    "log_failures": _sum("bertwatch_log_failures_total", "failed commits", function="increase"),
    "log_failures_shown": Query(f"sum(increase(bertwatch_log_failures_total{{{_JOB}}}[$__range]))", "failed commits"),
    "log_writable": Query(f"min by (instance) (bertwatch_log_writable{{{_REPLICA}}})", "log of {{instance}}"),
    "store_readable": Query(f"min by (instance) (bertwatch_store_readable{{{_REPLICA}}})", "store of {{instance}}"),
    "store_bytes": Query(f"max(bertwatch_store_bytes{{{_REPLICA}}})", "database"),
    "store_free_bytes": Query(f"min(bertwatch_store_free_bytes{{{_REPLICA}}})", "room left"),
    "outbox": Query(f"max by (state) (bertwatch_outbox_notifications{{{_JOB}}})", "{{state}}"),
    "notifications_delivered": Query(f"max(bertwatch_notifications_delivered_last_day{{{_JOB}}})", "delivered"),
    "replicas_up": Query(f"sum(up{{{_JOB}}})", "up"),
    "replicas_all": Query(f"count(up{{{_JOB}}})", "of"),
    "up": Query(f"max by (instance) (up{{{_REPLICA}}})", "{{instance}}"),
    "cpu": _sum("process_cpu_seconds_total", "{{instance}}", "instance"),
    "memory": Query(f"max by (instance) (process_resident_memory_bytes{{{_REPLICA}}})", "{{instance}}"),
    "files_open": Query(
        f"max by (instance) (process_open_fds{{{_REPLICA}}} / process_max_fds{{{_REPLICA}}})", "{{instance}}"
    ),
    "uptime": Query(f"time() - min by (instance) (process_start_time_seconds{{{_REPLICA}}})", "{{instance}}"),
}

QUALITY: dict[str, Query] = {
    "accuracy": _of_version("bertwatch_online_accuracy_ratio", "accuracy"),
    "accuracy_now": _of_version("bertwatch_online_accuracy_ratio", "{{model_version}}"),
    "baseline_now": _of_version("bertwatch_baseline_accuracy_ratio", "{{model_version}}"),
    "accuracy_low": _of_version("bertwatch_online_accuracy_ratio_low", "low"),
    "accuracy_high": _of_version("bertwatch_online_accuracy_ratio_high", "high"),
    "accuracy_labels": _of_version("bertwatch_online_accuracy_ratio_labels", "{{model_version}}"),
    "accuracy_baseline": _of_version("bertwatch_baseline_accuracy_ratio", "baseline"),
    "accuracy_delta": Query(
        f"max by (model_version) (bertwatch_online_accuracy_ratio{{{_VERSION}}}"
        f" - bertwatch_baseline_accuracy_ratio{{{_VERSION}}})",
        "{{model_version}}",
    ),
    "label_coverage": _of_version("bertwatch_label_coverage_ratio", "{{model_version}}"),
    "label_lag": _of_version("bertwatch_label_lag_seconds", "{{model_version}}"),
    "label_delay_p50": Query(_quantile(0.5, "bertwatch_label_delay_seconds", where=_JOB, served=_SERVED), "p50"),
    "label_delay_p90": Query(_quantile(0.9, "bertwatch_label_delay_seconds", where=_JOB, served=_SERVED), "p90"),
    "feedback": _sum("bertwatch_feedback_total", "{{outcome}}", "outcome", where=_JOB, function="increase"),
    "estimate": _of_version("bertwatch_estimated_accuracy_ratio", "estimate"),
    "estimate_low": _of_version("bertwatch_estimated_accuracy_ratio_low", "low"),
    "estimate_high": _of_version("bertwatch_estimated_accuracy_ratio_high", "high"),
    "estimate_trusted": _of_version("bertwatch_estimated_accuracy_trusted", "{{model_version}}"),
    "drift": Query(
        f"max by (model_version, check) (bertwatch_check_score{{{_VERSION}}}"
        f" / (bertwatch_check_threshold{{{_VERSION}}} > 0))",
        "{{check}}",
    ),
    "drift_worst": Query(
        f"max by (model_version) (bertwatch_check_score{{{_VERSION}}} / (bertwatch_check_threshold{{{_VERSION}}} > 0))",
        "{{model_version}}",
    ),
    "checks_in_drift": Query(
        f'sum by (model_version) (max by (model_version, check) (bertwatch_check_state{{{_VERSION}, state="alarm"}}))',
        "in drift",
    ),
    "checks_all": Query(
        f'count by (model_version) (max by (model_version, check) (bertwatch_check_state{{{_VERSION}, state="ok"}}))',
        "of",
    ),
    "check_state": Query(
        "max by (model_version, check) ("
        f'bertwatch_check_state{{{_VERSION}, state="insufficient"}} * 1'
        f' or bertwatch_check_state{{{_VERSION}, state="alarm"}} * 2'
        f' or bertwatch_check_state{{{_VERSION}, state="failed"}} * 3)',
        "{{check}}",
    ),
    "check_rows": _of_version("bertwatch_check_rows", "{{check}}", "check"),
    "rounds": _of_version("bertwatch_check_rounds_last_day", "rounds"),
    "episodes": _of_version("bertwatch_episodes_last_day", "episodes"),
    "window_rows": _of_version("bertwatch_window_rows", "the window"),
    "verdict": Query(
        f"max by (model_version, verdict, severity) (bertwatch_verdict_active{{{_VERSION}}}) == 1", "{{verdict}}"
    ),
    "episode": Query(
        f"max by (model_version, verdict, severity) (bertwatch_episode_active{{{_VERSION}}}) == 1",
        "{{verdict}} ({{severity}})",
    ),
    "monitor_age": Query(_AGE, "{{model_version}}"),
    "monitor_age_intervals": Query(
        f"({_AGE}) / max by (model_version) (bertwatch_monitor_interval_seconds{{{_VERSION}}})", "{{model_version}}"
    ),
    "monitors_dead": Query(
        f"count(({_AGE}) > 3 * max by (model_version) (bertwatch_monitor_interval_seconds{{{_VERSION}}}))"
        f" or 0 * count(bertwatch_monitor_interval_seconds{{{_VERSION}}})",
        "dead",
    ),
    "class_mix": Query(
        f"sum by (label) (increase(bertwatch_predictions_total{{{_JOB}}}{_RATE}) {_SERVED})"
        f" / on () group_left () sum(increase(bertwatch_predictions_total{{{_JOB}}}{_RATE}) {_SERVED}) >= 0",
        "{{label}}",
    ),
    "confidence": Query(
        f"sum(rate(bertwatch_prediction_confidence_ratio_sum{{{_JOB}}}{_RATE}) {_SERVED})"
        f" / sum(rate(bertwatch_prediction_confidence_ratio_count{{{_JOB}}}{_RATE}) {_SERVED}) >= 0",
        "mean confidence",
    ),
    "confidence_heat": _heat("bertwatch_prediction_confidence_ratio", _JOB, _SERVED),
    "tokens_heat": _heat("bertwatch_text_tokens", _JOB, _SERVED),
    "truncated_share": Query(
        f"sum(rate(bertwatch_texts_truncated_total{{{_JOB}}}{_RATE}) {_SERVED})"
        f" / sum(rate(bertwatch_log_rows_total{{{_JOB}}}{_RATE}) {_SERVED}) >= 0",
        "truncated",
    ),
    "model": Query(
        f"max by (model_version, name, engine, precision) (bertwatch_model_info{{{_VERSION}}})",
        "{{name}} {{model_version}} ({{engine}} {{precision}})",
    ),
    "baseline": Query(f"max by (baseline) (bertwatch_model_info{{{_VERSION}}})", "{{baseline}}"),
    "build": Query(
        f"max by (version, python) (bertwatch_build_info{{{_JOB}}})", "bertwatch {{version}}, Python {{python}}"
    ),
}

QUERIES: dict[str, Query] = SERVICE | QUALITY

VARIABLES: dict[str, str] = {
    "job": "label_values(bertwatch_build_info, job)",
    "model_version": f"label_values(bertwatch_model_info{{{_JOB}}}, model_version)",
    "instance": f"label_values(bertwatch_build_info{{{_JOB}}}, instance)",
}

ANNOTATIONS: dict[str, Query] = {
    # What was not there within the day before: a restart is no deploy.
    "Deploys of a model": Query(
        f"max by (model_version) (bertwatch_model_info{{{_JOB}}})"
        f" unless max by (model_version) (last_over_time(bertwatch_model_info{{{_JOB}}}[1d] offset 5m))",
        "model {{model_version}}",
    ),
    "Deploys of a build": Query(
        f"max by (version) (bertwatch_build_info{{{_JOB}}})"
        f" unless max by (version) (last_over_time(bertwatch_build_info{{{_JOB}}}[1d] offset 5m))",
        "build {{version}}",
    ),
    "Changes of the baseline": Query(
        f"max by (baseline) (bertwatch_model_info{{{_JOB}}})"
        f" unless max by (baseline) (last_over_time(bertwatch_model_info{{{_JOB}}}[1d] offset 5m))",
        "baseline {{baseline}}",
    ),
    "Episodes": Query(
        f"max by (model_version, verdict, severity) (bertwatch_episode_active{{{_VERSION}}}) == 1",
        "{{verdict}} ({{severity}}), model {{model_version}}",
    ),
}
