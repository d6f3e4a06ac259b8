"""Debian's Prometheus with our own configuration and rules, on a free port, with time made to run faster.

Every duration that we ship is divided by one FACTOR: the scrape and evaluation intervals of prometheus.yml (15 s become
1 s), `for`, `keep_firing_for` and `interval` of the rules, the ranges and offsets within expressions, and Prometheus'
own pause before it repeats an alert to Alertmanager. What else is changed: addresses, and the path of the key file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.servers.program import executable, running

FACTOR = 15
SHIPPED = Path(__file__).resolve().parents[2] / "dashboards"

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = r"(?:\d+(?:ms|[smhdw]))+"

Series = tuple[dict[str, str], list[float]]
"""Labels, and one value or several over time."""


def faster(duration: str) -> str:
    """A duration, divided by FACTOR."""
    parts = re.findall(r"(\d+)(ms|[smhdw])", duration)
    assert "".join(number + unit for number, unit in parts) == duration, duration
    return f"{round(sum(int(number) * _UNITS[unit] for number, unit in parts) / FACTOR)}ms"


def faster_expression(expression: str) -> str:
    """PromQL with its ranges and offsets divided by FACTOR; durations as plain numbers of seconds stay."""
    return re.sub(rf"(?<=\[){_DURATION}(?=\])|(?<=\boffset ){_DURATION}", lambda found: faster(found[0]), expression)


def faster_rules(text: str) -> str:
    """A file of rules with all of its durations divided by FACTOR."""
    content = yaml.safe_load(text)
    for group in content["groups"]:
        for each in (group, *group["rules"]):
            for name in each.keys() & {"interval", "for", "keep_firing_for"}:
                each[name] = faster(each[name])
        for rule in group["rules"]:
            rule["expr"] = faster_expression(rule["expr"])
    return yaml.safe_dump(content, sort_keys=False)


@dataclass(frozen=True)
class Prometheus:
    """The API of a running server."""

    client: httpx.Client

    def _get(self, path: str, **asked: Any) -> Any:
        content = self.client.get(f"/api/v1/{path}", params=asked).json()
        assert content["status"] == "success", f"{asked}: {content['error']}"
        return content["data"]

    def query(self, expression: str) -> list[Series]:
        """Every series at this moment."""
        return [(each["metric"], [float(each["value"][1])]) for each in self._get("query", query=expression)["result"]]

    def query_range(self, expression: str, start: float, end: float) -> list[Series]:
        """Every series between two times, second by second."""
        found = self._get("query_range", query=expression, start=start, end=end, step="1s")["result"]
        return [(each["metric"], [float(value) for _, value in each["values"]]) for each in found]

    def label_values(self, selector: str, label: str) -> list[str]:
        values: list[str] = self._get(f"label/{label}/values", **{"match[]": selector})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its `health` and `lastError`."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(directory: Path, address: str, target: str, key_file: Path, alertmanager: str) -> Iterator[Prometheus]:
    """A server at `address` that scrapes `target` with a key and tells `alertmanager`, each host:port."""
    rules = directory / "rules"
    rules.mkdir(parents=True)
    for path in (SHIPPED / "rules").glob("*.yml"):
        (rules / path.name).write_text(faster_rules(path.read_text(encoding="utf-8")), encoding="utf-8")
    config = yaml.safe_load((SHIPPED / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    for name in ("scrape_interval", "evaluation_interval"):
        config["global"][name] = faster(config["global"][name])
    config["rule_files"] = [str(rules / "*.yml")]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    [scraped] = config["scrape_configs"]
    scraped["static_configs"] = [{"targets": [target]}]
    scraped["authorization"]["credentials_file"] = str(key_file)
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        executable("prometheus", package="prometheus"), f"--config.file={file}",
        f"--storage.tsdb.path={directory}/data", f"--web.listen-address={address}", "--log.level=warn",
        f"--rules.alert.resend-delay={faster('1m')}",  # alerts sent before Alertmanager is discovered wait for it
    ]  # fmt: skip
    url = f"http://{address}"
    with running([*command], f"{url}/-/ready", directory / "log"), httpx.Client(base_url=url, timeout=30) as client:
        yield Prometheus(client)
