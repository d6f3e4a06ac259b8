"""The Kubernetes example: every object parses, names what exists, and says the same as rules, boards and compose."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from dashboards.build import BOARDS, HERE
from service.settings import PREFIX, Settings
from tests.dashboards.expressions import ROOT, rules

FOLDER = HERE / "kubernetes"
LABEL = {"app.kubernetes.io/name": "bertwatch"}
LARGEST_ANNOTATION = 262_144


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yml").read_text(encoding="utf-8"))
    files = {path.name for path in FOLDER.glob("*.yml")} - {"kustomization.yml"}
    assert set(kustomization["resources"]) == files
    found = [each for file in files for each in yaml.safe_load_all((FOLDER / file).read_text(encoding="utf-8"))]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture
def container(objects: Any) -> dict[str, Any]:
    [only] = objects["Deployment", "bertwatch"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_what_is_there(objects):
    boards = {("ConfigMap", board.uid) for board in BOARDS}
    others = {(kind, "bertwatch") for kind in ("Deployment", "Service", "ServiceMonitor", "PrometheusRule")}
    assert set(objects) == boards | others
    for each in objects.values():
        assert LABEL.items() <= each["metadata"]["labels"].items()


def test_labels_and_ports_find_each_other(objects, container):
    """Service finds the pods, the monitor finds the service, by a port that has the name."""
    deployment, service, monitor = (
        objects[kind, "bertwatch"]["spec"] for kind in ("Deployment", "Service", "ServiceMonitor")
    )
    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"] == LABEL
    assert service["selector"] == LABEL
    assert monitor["selector"]["matchLabels"] == LABEL
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings.model_fields["port"].default}
    assert {port["targetPort"] for port in service["ports"]} == set(ports)
    [endpoint] = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["ports"]}
    assert endpoint["path"] == "/metrics"


def test_the_name_of_the_service_is_the_job_of_the_rules(objects):
    """The operator names a job after its Service."""
    assert {'job="bertwatch"' in rule["expr"] for rule in rules() if rule.get("alert") == "BertwatchServiceDown"} == {
        True
    }
    assert ("Service", "bertwatch") in objects


def test_probes_ask_routes_that_are_open(container):
    paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"/livez", "/readyz"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_variables_are_settings_and_the_image_is_that_of_compose(container):
    for variable in container["env"]:
        assert variable["name"].removeprefix(PREFIX).lower() in Settings.model_fields, variable["name"]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["bertwatch"]
    assert container["image"] == compose["image"]
    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert values["BERTWATCH_NOTIFY_MODE"] == compose["environment"]["BERTWATCH_NOTIFY_MODE"] == "alertmanager"


def test_mounts_have_volumes_and_secrets_have_keys(objects, container):
    """The secret that the comment makes is the one that pods and monitor read."""
    pod = objects["Deployment", "bertwatch"]["spec"]["template"]["spec"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    keys = {variable["valueFrom"]["secretKeyRef"]["key"] for variable in container["env"] if "valueFrom" in variable}
    keys |= {item["key"] for volume in pod["volumes"] for item in volume.get("secret", {}).get("items", ())}
    [endpoint] = objects["ServiceMonitor", "bertwatch"]["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "bertwatch", "key": "key"}
    comment = (FOLDER / "deployment.yml").read_text(encoding="utf-8").split("apiVersion")[0]
    for key in keys:
        assert f"--from-literal={key}=" in comment
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    values = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    assert values["BERTWATCH_KEY_FILE"] == f"{mounts['key']}/key"
    assert values["BERTWATCH_MODEL"].startswith(mounts["models"])


def test_nothing_runs_with_more_rights_than_it_needs(objects, container):
    pod = objects["Deployment", "bertwatch"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    context = pod["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in dockerfile


def test_the_rules_are_those_of_prometheus(objects):
    groups = objects["PrometheusRule", "bertwatch"]["spec"]["groups"]
    there = [rule for group in groups for rule in group["rules"]]
    assert sorted(map(str, there)) == sorted(map(str, rules()))
    assert len({group["name"] for group in groups}) == len(groups)
    assert "record" in there[0], "recorded before it is read"


def test_the_boards_are_those_of_grafana(objects):
    """Each in a ConfigMap that the sidecar finds and that `kubectl apply` can annotate."""
    for board in BOARDS:
        each = objects["ConfigMap", board.uid]
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        [(name, text)] = each["data"].items()
        assert name == board.file
        assert json.loads(text) == json.loads((HERE / "generated" / name).read_text(encoding="utf-8"))
        assert len(json.dumps(each)) < LARGEST_ANNOTATION
