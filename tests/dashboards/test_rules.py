"""Rules, alerts, routes and inhibition: checked by promtool and amtool, complete, and documented in the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.build import BOARDS
from dashboards.queries import AVAILABILITY_OBJECTIVE, LATENCY_SHARE_OBJECTIVE
from monitors.verdict import Kind, Severity
from service.collector import EPISODE_COMBINATIONS
from service.settings import PREFIX, Settings
from tests.dashboards.expressions import ROOT, RULES, rules

ALERTS = [rule for rule in rules() if "alert" in rule]
TESTS = sorted((RULES / "tests").glob("*.yml"))
ALERTMANAGER = ROOT / "dashboards/alertmanager/alertmanager.yml"
RUNBOOK = (ROOT / "dashboards/runbook.md").read_text(encoding="utf-8")
NEVER_SILENT = {"Watchdog"}

ROUTES = [
    ("watchdog", {"alertname": "Watchdog", "severity": "none"}),
    ("pages", {"alertname": "BertwatchEpisode", "severity": "page", "verdict": "harmful", "model_version": "v1"}),
    (
        "tickets",
        {"alertname": "BertwatchEpisode", "severity": "ticket", "verdict": "data_fault", "model_version": "v1"},
    ),
    ("notices", {"alertname": "BertwatchEpisode", "severity": "notice", "verdict": "label_shift"}),
    ("pages", {"alertname": "BertwatchServiceDown", "severity": "page", "job": "bertwatch"}),
    ("tickets", {"alertname": "BertwatchMonitorStale", "severity": "ticket", "job": "bertwatch"}),
    ("notices", {"alertname": "SomethingWithoutASeverity"}),
]


def run(program: str, *arguments: str | Path) -> str:
    """What the program says; fails with it where it does not end with 0."""
    found = shutil.which(program)
    package = {"promtool": "prometheus", "amtool": "alertmanager"}[program]
    assert found, f"{program} is missing; run tests/system-packages {package}"
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_promtool_accepts_the_rules():
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yml")))


def test_promtool_accepts_the_configuration(tmp_path: Path):
    """With the rules and a key file where compose puts them, but for the folders' names."""
    text = (ROOT / "dashboards/prometheus/prometheus.yml").read_text(encoding="utf-8")
    key = tmp_path / "key"
    key.write_text("k")
    config = tmp_path / "prometheus.yml"
    config.write_text(text.replace("/etc/prometheus/rules", str(RULES)).replace("/run/secrets/key", str(key)))
    said = run("promtool", "check", "config", config)
    assert "2 rule files found" in said
    assert yaml.safe_load(text)["scrape_configs"][0]["job_name"] == "bertwatch", "the rules name this job"


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_promtool_runs_the_tests_of_the_rules(file: Path):
    run("promtool", "test", "rules", file)


def test_groups_run_in_one_order_in_the_tests():
    """promtool takes any order otherwise, and an alert may be a round behind what it reads."""
    files = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (RULES / "recording.yml", RULES / "alerts.yml")
    ]
    groups = [group["name"] for file in files for group in file["groups"]]
    for file in TESTS:
        assert yaml.safe_load(file.read_text(encoding="utf-8"))["group_eval_order"] == groups, file


@cache
def expected() -> dict[tuple[str, str], int]:
    """(alert, severity) to the number of times that a test expects it to fire; ("", alert) likewise for silent."""
    counts: dict[tuple[str, str], int] = {}
    for file in TESTS:
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for each in test.get("alert_rule_test", ()):
                name = each["alertname"]
                for alert in each["exp_alerts"]:
                    key = (name, alert["exp_labels"]["severity"])
                    counts[key] = counts.get(key, 0) + 1
                if not each["exp_alerts"]:
                    counts["", name] = counts.get(("", name), 0) + 1
    return counts


@pytest.mark.parametrize(
    "rule", ALERTS, ids=lambda rule: f"{rule['alert']} {rule.get('labels', {}).get('severity', '')}"
)
def test_an_alert_is_complete(rule: dict[str, Any]):
    """Severity, words, runbook, dashboard; a firing test for each severity, and a silent one."""
    name, notes = rule["alert"], rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert notes["runbook_url"] == f"dashboards/runbook.md#{name.lower()}"
    assert f"\n## {name}\n" in RUNBOOK
    board = re.search(r"/d/([a-z-]+)", notes["dashboard_url"])
    assert board
    assert board[1] in {board.uid for board in BOARDS}
    severities = [rule["labels"]["severity"]] if "labels" in rule else [str(each) for each in list(Severity)[1:]]
    for severity in severities:
        assert expected().get((name, severity)), f"no test lets {name} fire as {severity}"
    assert name in NEVER_SILENT or expected().get(("", name)), f"no test keeps {name} silent"


def test_variables_in_links_are_variables_of_the_dashboard():
    variables = {board.uid: set(board.variables) for board in BOARDS}
    for rule in ALERTS:
        url = rule["annotations"]["dashboard_url"]
        uid = re.search(r"/d/([a-z-]+)", url)
        assert uid
        assert set(re.findall(r"[?&]var-(\w+)=", url)) <= variables[uid[1]], url


def test_every_alert_has_a_heading_and_every_heading_an_alert():
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.M)
    assert set(headings) == {rule["alert"] for rule in ALERTS}
    for part in re.split(r"^## ", RUNBOOK, flags=re.M)[1:]:
        for asked in ("**Means**", "**Look first**", "**Do**", "**Silence**"):
            assert asked in part, part.splitlines()[0]


def test_the_runbook_names_what_exists():
    """Settings, panels, verdicts, severities and files."""
    for name in re.findall(rf"{PREFIX}(\w+)", RUNBOOK):
        assert name.lower() in Settings.model_fields, name
    titles = {panel.title for board in BOARDS for section in board.sections for panel in section.panels}
    titles |= {board.title.removeprefix("bertwatch: ") for board in BOARDS}
    for title in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", RUNBOOK):
        assert title in titles, title
    shown = {(kind, severity) for kind, severity in re.findall(r"^\| `(\w+)` \| (\w+) \|", RUNBOOK, re.M)}
    assert {kind for kind, _ in shown} == {str(kind) for kind, _ in EPISODE_COMBINATIONS}


def test_every_verdict_has_words_of_its_own():
    [summary] = [rule["annotations"]["summary"] for rule in ALERTS if rule["alert"] == "BertwatchEpisode"]
    named = set(re.findall(r'eq \. "(\w+)"', summary))
    loud = {str(kind) for kind, _ in EPISODE_COMBINATIONS}
    assert loud - named == {str(Kind.BENIGN_DRIFT)}, "one stands in the else"
    assert named <= loud


def test_objectives_are_the_same_in_rules_and_panels():
    text = (RULES / "alerts.yml").read_text(encoding="utf-8")
    budgets = {float(value) for value in re.findall(r"> (?:[\d.]+ \* )?(0\.\d+)$", text, re.M)}
    assert budgets == {round(1 - AVAILABILITY_OBJECTIVE, 6), round(1 - LATENCY_SHARE_OBJECTIVE, 6)}


def minutes(duration: str) -> float:
    return float(duration[:-1]) * {"s": 1 / 60, "m": 1, "h": 60, "d": 1440}[duration[-1]]


def test_nothing_ends_before_the_service_is_said_to_be_down():
    """What a dying service would end is kept firing for longer than BertwatchServiceDown needs to inhibit it."""
    [down] = [rule for rule in ALERTS if rule["alert"] == "BertwatchServiceDown"]
    outlives = {
        "BertwatchEpisode": "what is known",
        "BertwatchServiceDown": "is that alert",
        "BertwatchReplicaDown": "reads `up`",
        "Watchdog": "reads nothing",
    }
    for rule in ALERTS:
        if rule["alert"] not in outlives:
            assert minutes(rule["keep_firing_for"]) >= minutes(down["for"]) + 2, rule["alert"]


def test_amtool_accepts_the_configuration():
    assert "SUCCESS" in run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize(("receiver", "labels"), ROUTES, ids=lambda value: value if isinstance(value, str) else "")
def test_amtool_routes(receiver: str, labels: dict[str, str]):
    given = [f"{name}={value}" for name, value in labels.items()]
    run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}", *given)


def holds(matchers: list[str], labels: dict[str, str]) -> bool:
    def one(matcher: str) -> bool:
        name, operator, value = re.fullmatch(r'(\w+) (=|!=|=~|!~) "(.*)"', matcher).groups()  # type: ignore[union-attr]  # a test
        there = labels.get(name, "")
        found = bool(re.fullmatch(value, there)) if "~" in operator else there == value
        return found != operator.startswith("!")

    return all(one(matcher) for matcher in matchers)


def inhibits(source: dict[str, str], target: dict[str, str]) -> bool:
    """As Alertmanager decides it: what matches both sides of a rule is not inhibited by its like."""
    for rule in yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))["inhibit_rules"]:
        of_source, of_target = rule["source_matchers"], rule["target_matchers"]
        same = all(source.get(name, "") == target.get(name, "") for name in rule["equal"])
        both = holds(of_target, source) and holds(of_source, target)
        if holds(of_source, source) and holds(of_target, target) and same and not both:
            return True
    return False


def alert(name: str, severity: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "severity": severity, "job": "bertwatch"} | labels


DOWN = alert("BertwatchServiceDown", "page")
HARM = alert("BertwatchEpisode", "page", model_version="v1", verdict="harmful")


def test_a_service_that_is_down_inhibits_everything_of_its_job_but_itself():
    for rule in ALERTS:
        if rule["alert"] in ("BertwatchServiceDown", "Watchdog"):
            continue
        assert inhibits(DOWN, alert(rule["alert"], "ticket", model_version="v1", instance="a")), rule["alert"]
        assert not inhibits(DOWN, alert(rule["alert"], "ticket") | {"job": "another"})
    assert not inhibits(DOWN, DOWN)
    assert not inhibits(DOWN, {"alertname": "Watchdog", "severity": "none"})


def test_an_escalated_episode_inhibits_its_own_milder_alerts_only():
    ticket = alert("BertwatchEpisode", "ticket", model_version="v1", verdict="suspected_harm")
    assert inhibits(HARM, ticket)
    assert inhibits(HARM, {**ticket, "severity": "notice"})
    assert not inhibits(HARM, {**ticket, "model_version": "v2"})
    assert not inhibits(HARM, alert("BertwatchReplicaDown", "ticket", instance="a"))
    assert not inhibits(HARM, alert("BertwatchMonitorStale", "ticket", model_version="v1")), "nobody would end the page"
    assert not inhibits(ticket, HARM)
    assert inhibits(ticket, {**ticket, "severity": "notice", "verdict": "benign_drift"})


def test_causes_inhibit_their_effects():
    burn = alert("BertwatchAvailabilityBurn", "page")
    assert inhibits(burn, {**burn, "severity": "ticket"})
    assert not inhibits(burn, alert("BertwatchLatencyBurn", "ticket"))
    assert not inhibits(burn, alert("BertwatchDiskFilling", "ticket", instance="a"))
    assert inhibits(alert("BertwatchLogFailing", "page", instance="a"), burn)
