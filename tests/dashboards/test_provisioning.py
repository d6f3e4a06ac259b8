"""compose.yaml, Prometheus' configuration and Grafana's provisioning agree: addresses, paths, secrets, intervals."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from dashboards.build import BOARDS, HERE
from tests.dashboards.expressions import ROOT


def parsed(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = parsed("compose.yaml")["services"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Path within the container to its source."""
    return {volume.split(":")[1]: volume.split(":")[0] for volume in service["volumes"]}


def served(services: dict[str, Any], address: str) -> bool:
    """Whether host:port is a service of the file that publishes this port."""
    host, _, port = address.removeprefix("http://").partition(":")
    return host in services and any(published.endswith(f":{port}") for published in services[host]["ports"])


def test_prometheus_finds_the_service_its_key_its_rules_and_alertmanager(services):
    config, mounted = parsed("dashboards/prometheus/prometheus.yml"), mounts(services["prometheus"])
    [job] = config["scrape_configs"]
    [alertmanager] = config["alerting"]["alertmanagers"]
    for each in (*job["static_configs"], *alertmanager["static_configs"]):
        assert all(served(services, target) for target in each["targets"]), each
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{services['prometheus']['secrets'][0]}"
    assert services["bertwatch"]["environment"]["BERTWATCH_KEY_FILE"] == job["authorization"]["credentials_file"]
    [rules] = config["rule_files"]
    assert mounted[rules.removesuffix("/*.yml")] == "./dashboards/rules"
    command = dict(argument.removeprefix("--").split("=", 1) for argument in services["prometheus"]["command"])
    assert mounted[command["config.file"]] == "./dashboards/prometheus/prometheus.yml"
    assert command["storage.tsdb.path"] in mounted
    assert command["enable-feature"] == "exemplar-storage", "panels show exemplars"


def test_prometheus_keeps_what_the_longest_query_asks_for(services):
    command = dict(argument.removeprefix("--").split("=", 1) for argument in services["prometheus"]["command"])
    text = "".join(path.read_text(encoding="utf-8") for path in (*HERE.glob("rules/*.yml"), HERE / "queries.py"))
    longest = max(int(days) for days in re.findall(r"\[(\d+)d\]", text))
    assert int(command["storage.tsdb.retention.time"].removesuffix("d")) > longest


def test_alertmanager_reads_our_routes(services):
    assert "./dashboards/alertmanager/alertmanager.yml" in mounts(services["alertmanager"]).values()


def test_grafana_finds_prometheus_and_the_boards(services):
    mounted = mounts(services["grafana"])
    [source] = parsed("dashboards/provisioning/datasources.yml")["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert served(services, source["url"])
    interval = parsed("dashboards/prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval, "$__rate_interval is four of them"
    [provider] = parsed("dashboards/provisioning/dashboards.yml")["providers"]
    assert mounted[provider["options"]["path"]] == "./dashboards/generated"
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{BOARDS[0].file}"
    for target, provisioned in mounted.items():
        if provisioned.startswith("./dashboards/provisioning/"):
            assert target.startswith("/etc/grafana/provisioning/")
            assert (ROOT / provisioned).exists()


def test_alerts_and_boards_link_to_addresses_that_compose_publishes(services):
    """localhost, as a person at this machine reaches them."""
    published = {port.split(":")[1] for service in services.values() for port in service.get("ports", ())}
    text = "".join(path.read_text(encoding="utf-8") for path in (HERE / "rules/alerts.yml", HERE / "grafana.py"))
    assert set(re.findall(r"http://localhost:(\d+)", text)) <= published
