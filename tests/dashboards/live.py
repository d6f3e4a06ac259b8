"""What every expression of every panel, variable, annotation and rule gives on a real Prometheus.

Knows nothing of how that Prometheus came about; it is asked while predictions and labels arrive and an episode is open.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator

import promql_parser as promql

from dashboards.queries import ANNOTATIONS, QUERIES, VARIABLES
from service.metrics import ALL_METRICS
from tests.dashboards.expressions import nodes, rules
from tests.servers.prometheus import Prometheus, Series, faster_expression

CHOSEN = {
    "$__rate_interval": "8s",  # four scrapes, as Grafana takes it
    "$__range": "30s",
    "$job": "bertwatch",
    "$model_version": ".+",
    "$instance": ".+",
}
"""What Grafana puts in; variables of ours as where everything is chosen."""

NOTHING = "gives nothing"
_QUIET = "it asks for trouble of the service, and there is none"
_YOUNG = "it compares with days ago, and the service is minutes old"
RIGHTLY_EMPTY = {
    "alert BertwatchServiceDown page": _QUIET,
    "alert BertwatchReplicaDown ticket": _QUIET,
    "alert BertwatchRestarting ticket": _QUIET,
    "alert BertwatchLogFailing page": _QUIET,
    "alert BertwatchStoreUnreadable ticket": _QUIET,
    "alert BertwatchDiskFilling ticket": _QUIET,
    "alert BertwatchAvailabilityBurn page": _QUIET,
    "alert BertwatchAvailabilityBurn ticket": _QUIET,
    "alert BertwatchLatencyBurn page": _QUIET,
    "alert BertwatchLatencyBurn ticket": _QUIET,
    "alert BertwatchMonitorStale ticket": _QUIET,
    "alert BertwatchCheckFailing ticket": _QUIET,
    "alert BertwatchNoLabels notice": _YOUNG,
    "alert BertwatchNotificationsFailing ticket": _QUIET,
}
"""Expressions that may give nothing; each series that they select must be there, but for offsets and alerts."""


def instant() -> Iterator[tuple[str, str]]:
    """Name and expression of all that is asked for one moment."""
    yield from ((f"query {name}", query.expr) for name, query in QUERIES.items())
    for rule in rules():
        if "record" in rule:
            yield f"record {rule['record']}", rule["expr"]
            yield f"recorded {rule['record']}", rule["record"]
        else:
            yield f"alert {rule['alert']} {rule.get('labels', {}).get('severity', '')}".strip(), rule["expr"]


def filled_in(expression: str) -> str:
    """With Grafana's variables replaced, and at the speed of the test."""
    expression = faster_expression(expression)
    for name, value in CHOSEN.items():
        expression = re.sub(rf"{re.escape(name)}\b", value, expression)
    assert "$" not in expression, expression
    return expression


def fault(series: list[Series]) -> str | None:
    """What is wrong with an answer."""
    if not series:
        return NOTHING
    wrong = [labels for labels, values in series if not all(math.isfinite(value) for value in values)]
    return f"not finite: {wrong}" if wrong else None


def faults(prometheus: Prometheus, since: float) -> dict[str, str]:
    """Every expression that does not give what it should, with what it gives instead. `since` is when all began."""
    found: dict[str, str | None] = {}
    for name, text in instant():
        expression = filled_in(text)
        found[name] = fault(prometheus.query(expression))
        if name in RIGHTLY_EMPTY and found[name] == NOTHING:
            found[name] = _missing_series(prometheus, expression)
    for name, annotation in ANNOTATIONS.items():
        series = prometheus.query_range(filled_in(annotation.expr), since, time.time())
        found[f"annotation {name}"] = fault(series)
    for name, variable in VARIABLES.items():
        found[f"variable {name}"] = _no_values(prometheus, variable)
    for metric in ALL_METRICS:
        exposed = f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name
        found[f"metric {metric.name}"] = None if prometheus.query(exposed) else "has no series"
    for rule in prometheus.rules():
        found[f"health of {rule['name']}"] = None if rule["health"] == "ok" else rule.get("lastError", rule["health"])
    return {name: wrong for name, wrong in found.items() if wrong}


def not_finite(prometheus: Prometheus) -> dict[str, str]:
    """Expressions that give NaN or an infinity; nothing at all is an answer here."""
    found = {name: fault(prometheus.query(filled_in(query.expr))) for name, query in QUERIES.items()}
    return {name: wrong for name, wrong in found.items() if wrong and wrong != NOTHING}


def _missing_series(prometheus: Prometheus, expression: str) -> str | None:
    selectors = {
        node.prettify()
        for node in nodes(promql.parse(expression))
        if isinstance(node, promql.VectorSelector) and node.offset is None and node.name != "ALERTS"
    }
    missing = [selector for selector in sorted(selectors) if not prometheus.query(selector)]
    return f"selects nothing by {missing}" if missing else None


def _no_values(prometheus: Prometheus, variable: str) -> str | None:
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", filled_in(variable))
    assert asked, variable
    return None if prometheus.label_values(asked[1], asked[2]) else "has no values"


def asked_for() -> set[str]:
    """Every name of an expression that is asked for one moment."""
    return {name for name, _ in instant()}
