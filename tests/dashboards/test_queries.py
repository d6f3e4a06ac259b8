"""Every expression of every panel, variable, annotation and rule names what exists, with the labels that it has."""

from __future__ import annotations

import re

import promql_parser as promql
import pytest

from dashboards.build import BOARDS
from dashboards.queries import ANNOTATIONS, QUERIES, VARIABLES
from service.metrics import ALL_METRICS, LATENCY_OBJECTIVE, METRICS
from tests.dashboards.expressions import KNOWN, base_name, misused_labels, nodes, parsed, rules, selected

EXPRESSIONS = {
    **{f"query {name}": query.expr for name, query in QUERIES.items()},
    **{f"annotation {name}": query.expr for name, query in ANNOTATIONS.items()},
    **{f"rule {number} {rule.get('record') or rule['alert']}": rule["expr"] for number, rule in enumerate(rules())},
}
UNPLOTTED: dict[str, str] = dict.fromkeys(
    ("bertwatch_queue_tokens", "bertwatch_queue_tokens_limit"),
    "beside texts a second measure of the same queue, 128 times larger: asked for by hand, when texts are long",
)
"""Metrics that stand in no panel, annotation or rule, each with the reason."""


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_names_what_exists(name: str):
    expression = parsed(EXPRESSIONS[name])
    for each in selected(expression):
        assert each.metric in KNOWN, f"there is no metric {each.metric}"
    assert misused_labels(expression) == set()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_asks_for_a_label_that_exists(name: str):
    asked = re.fullmatch(r"label_values\((?P<selector>[^{},]+(?:\{.*\})?), (?P<label>\w+)\)", VARIABLES[name])
    assert asked
    expression = parsed(asked["selector"])
    assert misused_labels(expression) == set()
    assert asked["label"] in KNOWN[expression.name]


def test_legends_and_messages_name_labels_that_are_there():
    for query in [*QUERIES.values(), *ANNOTATIONS.values()]:
        named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        aggregated = [node for node in nodes(parsed(query.expr)) if isinstance(node, promql.AggregateExpr)]
        kept = {label for node in aggregated if node.modifier for label in node.modifier.labels}
        recorded = {label for each in selected(parsed(query.expr)) for label in KNOWN[each.metric]}
        assert named <= (kept if aggregated else recorded), query


def test_every_metric_is_plotted_used_in_a_rule_or_excused():
    shown = {
        name for board in BOARDS for section in board.sections for panel in section.panels for name in panel.queries
    }
    asked = [QUERIES[name].expr for name in shown] + [query.expr for query in ANNOTATIONS.values()]
    used = {base_name(each.metric) for expr in asked for each in selected(parsed(expr))}
    used |= {base_name(each.metric) for rule in rules() for each in selected(parsed(rule["expr"]))}
    missing = {metric.name for metric in ALL_METRICS} - used
    assert missing == set(UNPLOTTED), "plot it, use it in a rule, or say in UNPLOTTED why not"


def test_every_recording_rule_is_read_by_an_alert_or_a_panel():
    read = {each.metric for name, text in EXPRESSIONS.items() for each in selected(parsed(text))}
    assert {rule["record"] for rule in rules() if "record" in rule} <= read


def test_every_query_is_asked_by_a_panel():
    shown = {
        name for board in BOARDS for section in board.sections for panel in section.panels for name in panel.queries
    }
    assert shown == set(QUERIES)


def test_counters_are_only_read_as_rates():
    """A counter by itself means nothing after a restart."""
    for name, text in EXPRESSIONS.items():
        expression = parsed(text)
        ranged = {id_of(node.vector_selector) for node in nodes(expression) if isinstance(node, promql.MatrixSelector)}
        for node in nodes(expression):
            if isinstance(node, promql.VectorSelector) and node.name.endswith(("_total", "_bucket", "_sum", "_count")):
                metric = METRICS.get(base_name(node.name))
                if metric is None or metric.kind == "gauge" or node.offset is not None:
                    continue  # an offset asks only whether it was there
                assert id_of(node) in ranged, name


def id_of(node: promql.VectorSelector) -> str:
    return str(node)


def test_the_latency_objective_is_one_boundary_everywhere():
    """Rules, panels and the histogram speak of the same 0.25 s."""
    edges = {
        value
        for text in EXPRESSIONS.values()
        for each in selected(parsed(text))
        for label, value in each.matchers
        if label == "le"
    }
    assert edges == {str(LATENCY_OBJECTIVE)}
    assert LATENCY_OBJECTIVE in METRICS["bertwatch_http_request_duration_seconds"].buckets
