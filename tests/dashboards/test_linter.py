"""The rules of Grafana's dashboard-linter that apply to Prometheus, each under its own name, on the committed JSON.

What departs from a rule stands in EXEMPT with its reason; an exemption that nothing needs fails as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as promql
import pytest

from dashboards.queries import QUERIES
from service.metrics import METRICS
from tests.dashboards.expressions import base_name, nodes, parsed
from tests.dashboards.test_boards import FILES, load, panels

Board = dict[str, Any]
Fault = tuple[str, str]
"""Where (variable, panel or query), and what."""

UNITS = {"none", "short", "percentunit", "s", "bytes", "reqps", "wps"}
"""Of Grafana's units those that we use; the linter's list of valid ones holds all of them."""
SHOWS_NUMBERS = ("stat", "timeseries")
NAMES = {query.expr: name for name, query in QUERIES.items()}
_OF_ALL = "it is said of the service as a whole, as its objectives are"
_SERVED = "what a model answers is asked by model version, over all replicas that serve it"
EXEMPT: dict[str, dict[str, str]] = {
    "template-instance-rule": {"quality.json": "all replicas tell the same newest verdict"},
    "target-instance-rule": {
        **dict.fromkeys(("availability", "error_budget_left", "log_failures_shown"), _OF_ALL),
        **dict.fromkeys(("replicas_up", "replicas_all", "outbox", "notifications_delivered"), _OF_ALL),
        **dict.fromkeys(("burn_errors_1h", "burn_errors_6h", "burn_slow_1h", "burn_slow_6h", "feedback"), _OF_ALL),
        **dict.fromkeys(("model", "baseline", "build"), "what runs is asked by version"),
        **dict.fromkeys(("label_delay_p50", "label_delay_p90", "class_mix", "confidence"), _SERVED),
        **dict.fromkeys(("confidence_heat", "tokens_heat", "truncated_share"), _SERVED),
    },
}  # fmt: skip
"""By rule: what is exempt from it, and why."""


def variables(board: Board) -> dict[str, Board]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def targets(board: Board) -> Iterator[tuple[str, Board, Any]]:
    """Name of the query, its target, and its expression."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield NAMES[target["expr"]], target, parsed(target["expr"])


def selectors(expression: Any) -> list[Any]:
    return [node for node in nodes(expression) if isinstance(node, promql.VectorSelector)]


def matches(selector: Any, label: str) -> bool:
    """Whether it is held to a variable of that name, which may have several values."""
    return any(
        (each.name, each.op, each.value) == (label, promql.MatchOp.Re, f"${label}")
        for each in selector.matchers.matchers
    )


def template_datasource(board: Board) -> Iterator[Fault]:
    found = [variable for variable in variables(board).values() if variable["type"] == "datasource"]
    if [(each["name"], each["query"]) for each in found] != [("datasource", "prometheus")]:
        yield "datasource", "is not the one variable for a Prometheus"


def template_of(label: str) -> Callable[[Board], Iterator[Fault]]:
    def rule(board: Board) -> Iterator[Fault]:
        variable = variables(board).get(label)
        if variable is None:
            yield board["file"], f"has no variable {label}"
            return
        for field, wanted in (("multi", True), ("includeAll", True), ("allValue", ".+"), ("type", "query")):
            if variable[field] != wanted:
                yield label, f"{field} is {variable[field]}"

    return rule


def template_label_promql(board: Board) -> Iterator[Fault]:
    for name, variable in variables(board).items():
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"])
            if asked is None or not selectors(parsed(asked[1])):
                yield name, variable["query"]


def template_on_time_change_reload(board: Board) -> Iterator[Fault]:
    for name, variable in variables(board).items():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield name, "is not read anew when the time changes"


def panel_datasource(board: Board) -> Iterator[Fault]:
    for panel in panels(board):
        if {each["datasource"]["uid"] for each in (panel, *panel["targets"])} != {"${datasource}"}:
            yield panel["title"], "asks another source"


def panel_title_description(board: Board) -> Iterator[Fault]:
    for panel in panels(board):
        if not panel["title"] or not panel["description"]:
            yield str(panel["id"]), "has no title or no description"


def panel_units(board: Board) -> Iterator[Fault]:
    for panel in panels(board):
        if panel["type"] in SHOWS_NUMBERS and panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            yield panel["title"], "has no unit that Grafana knows"


def panel_no_targets(board: Board) -> Iterator[Fault]:
    for panel in panels(board):
        if not panel["targets"]:
            yield panel["title"], "asks nothing"


def target_promql(board: Board) -> Iterator[Fault]:
    for name, _, expression in targets(board):  # parsing raises where it is not PromQL
        if not selectors(expression):
            yield name, "selects nothing"


def target_rate_interval(board: Board) -> Iterator[Fault]:
    for name, target, _ in targets(board):
        if any(range_ != "$__rate_interval" for range_ in re.findall(r"\bi?rate\([^\[]*\[([^\]]+)\]", target["expr"])):
            yield name, "takes a rate over another range"


def target_job(board: Board) -> Iterator[Fault]:
    for name, _, expression in targets(board):
        if not all(matches(each, "job") for each in selectors(expression)):
            yield name, "is not held to the job"


def target_instance(board: Board) -> Iterator[Fault]:
    """Of what each replica says for itself; the newest verdict is the same on all of them, and is held to a version."""
    for name, _, expression in targets(board):
        for each in selectors(expression):
            metric = METRICS.get(base_name(each.name))
            same_everywhere = metric is not None and metric.collected and matches(each, "model_version")
            if not same_everywhere and not matches(each, "instance"):
                yield name, each.name


def target_counter_agg(board: Board) -> Iterator[Fault]:
    for name, _, expression in targets(board):
        calls = [node for node in nodes(expression) if isinstance(node, promql.Call)]
        rates = {str(arg) for call in calls if call.func.name in ("rate", "irate", "increase") for arg in call.args}
        for each in selectors(expression):
            if each.name.endswith("_total") and not any(str(each) in rate for rate in rates):
                yield name, f"{each.name} is no rate"


LINTER: dict[str, Callable[[Board], Iterator[Fault]]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template_of("job"),
    "template-instance-rule": template_of("instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_job,
    "target-instance-rule": target_instance,
    "target-counter-agg-rule": target_counter_agg,
}


@pytest.mark.parametrize("rule", LINTER)
def test_a_rule_of_the_linter_holds_but_for_what_is_exempt(rule: str):
    found = {fault for path in FILES for fault in LINTER[rule](load(path) | {"file": path.name})}
    exempt = EXEMPT.get(rule, {})
    assert [fault for fault in sorted(found) if fault[0] not in exempt] == []
    assert exempt.keys() <= {where for where, _ in found}, "an exemption that nothing needs"
