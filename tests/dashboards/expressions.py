"""What a PromQL expression names: metrics, and the labels used on each. By promql-parser, with our table of metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from service.metrics import ALL_METRICS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "dashboards" / "rules"

TARGET = frozenset({"job", "instance"})
"""Labels that Prometheus adds at the scrape."""
FROM_ELSEWHERE = {
    "up": TARGET,  # Prometheus itself
    "ALERTS": frozenset(
        {"alertname", "alertstate", "severity", "job", "model_version"}
    ),  # so far: of one alert of ours
    "process_start_time_seconds": TARGET,  # prometheus_client's ProcessCollector, and the rest
    "process_cpu_seconds_total": TARGET,
    "process_resident_memory_bytes": TARGET,
    "process_open_fds": TARGET,
    "process_max_fds": TARGET,
}


@dataclass(frozen=True)
class Selected:
    """One selector of an expression."""

    metric: str
    matchers: tuple[tuple[str, str], ...]


def rules() -> list[dict[str, Any]]:
    """Every recording rule and alert, in the order of the files."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def parsed(expression: str) -> Any:
    """The AST, with Grafana's variables of time replaced as Grafana would. Raises ValueError."""
    for variable, value in (("$__rate_interval", "5m"), ("$__interval", "1m"), ("$__range", "1h")):
        expression = expression.replace(variable, value)
    return promql.parse(expression)


def inside(expression: Any) -> list[Any]:
    """The expressions directly within one."""
    match expression:
        case promql.BinaryExpr():
            return [expression.lhs, expression.rhs]
        case promql.Call():
            return list(expression.args)
        case promql.MatrixSelector():
            return [expression.vector_selector]
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [expression.expr]
    return []


def nodes(expression: Any) -> Iterator[Any]:
    """Every node, the outermost first."""
    yield expression
    for each in inside(expression):
        yield from nodes(each)


def selected(expression: Any) -> list[Selected]:
    return [
        Selected(node.name, tuple((each.name, each.value) for each in node.matchers.matchers))
        for node in nodes(expression)
        if isinstance(node, promql.VectorSelector)
    ]


def kept_labels(expression: Any) -> frozenset[str]:
    """Labels that the value of an expression may carry; for a binary operation, those of either side."""
    if isinstance(expression, promql.AggregateExpr):
        return frozenset(expression.modifier.labels) if expression.modifier else frozenset()
    if isinstance(expression, promql.VectorSelector):
        return KNOWN.get(expression.name, frozenset())
    return frozenset[str]().union(*(kept_labels(each) for each in inside(expression)))


def misused_labels(expression: Any) -> set[str]:
    """Labels in matchers, `by`, `on` and `group_left` that the series there do not have."""
    wrong: set[str] = set()
    for node in nodes(expression):
        match node:
            case promql.VectorSelector():
                wrong |= {each.name for each in node.matchers.matchers} - KNOWN.get(node.name, frozenset())
            case promql.AggregateExpr() if node.modifier:
                wrong |= set(node.modifier.labels) - kept_labels(node.expr)
            case promql.BinaryExpr() if node.modifier and node.modifier.matching:
                wrong |= set(node.modifier.matching.labels) - (kept_labels(node.lhs) & kept_labels(node.rhs))
    return wrong


def _exposed() -> dict[str, frozenset[str]]:
    names: dict[str, frozenset[str]] = dict(FROM_ELSEWHERE)
    for metric in ALL_METRICS:
        labels = frozenset(metric.labels) | TARGET
        if metric.kind == "histogram":
            names |= {f"{metric.name}_sum": labels, f"{metric.name}_count": labels}
            names[f"{metric.name}_bucket"] = labels | {"le"}
        else:
            names[metric.name] = labels
    return names


KNOWN = _exposed()
"""Every series name that an expression may select, and its labels; recording rules are added below."""


def base_name(series: str) -> str:
    """The metric of the table that a series belongs to."""
    stem = re.sub(r"_(bucket|sum|count)$", "", series)
    return stem if any(metric.name == stem and metric.kind == "histogram" for metric in ALL_METRICS) else series


for _rule in rules():
    if "record" in _rule:
        KNOWN[_rule["record"]] = kept_labels(parsed(_rule["expr"]))
