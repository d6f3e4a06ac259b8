"""Debian's Prometheus with our own configuration and rules, on a free port, with time made to run faster.

Every duration that we ship is divided by one FACTOR: the evaluation interval of prometheus.yml (15 s become 1 s),
`for`, `keep_firing_for` and `interval` of the rules, the ranges and offsets within expressions. But a busy machine
stalls for seconds, whatever the factor: where patience with a stall is meant, there is a floor in real seconds. A
scrape may take SCRAPE (a time-out cannot exceed its interval), nothing with a `for` fires before PATIENCE has passed,
and an alert stands for four times RESEND in Alertmanager without being repeated. What else is changed: addresses, and
the path of the key file.
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
SCRAPE = "2s"
PATIENCE = "8s"
"""Four scrapes, as the shortest `for` that we ship is four of its scrapes."""
RESEND = "6s"
SHIPPED = Path(__file__).resolve().parents[2] / "dashboards"

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = r"(?:\d+(?:ms|[smhdw]))+"

Series = tuple[dict[str, str], list[float]]
"""Labels, and one value or several over time."""


def faster(duration: str, floor: str = "0s") -> str:
    """A duration, divided by FACTOR, and at least `floor`."""
    return f"{max(round(_milliseconds(duration) / FACTOR), _milliseconds(floor))}ms"


def _milliseconds(duration: str) -> int:
    parts = re.findall(r"(\d+)(ms|[smhdw])", duration)
    assert "".join(number + unit for number, unit in parts) == duration, duration
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def faster_expression(expression: str) -> str:
    """PromQL with its ranges and offsets divided by FACTOR; durations as plain numbers of seconds stay."""
    return re.sub(rf"(?<=\[){_DURATION}(?=\])|(?<=\boffset ){_DURATION}", lambda found: faster(found[0]), expression)


def faster_rules(text: str) -> str:
    """A file of rules with all of its durations divided by FACTOR; `for` is at least PATIENCE."""
    content = yaml.safe_load(text)
    for group in content["groups"]:
        for each in (group, *group["rules"]):
            for name in each.keys() & {"interval", "for", "keep_firing_for"}:
                each[name] = faster(each[name], PATIENCE if name == "for" else "0s")
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

    def exemplars(self, expression: str, start: float, end: float) -> list[tuple[dict[str, str], list[dict[str, str]]]]:
        """Labels of each series that has exemplars between two times, and the labels of these."""
        found = self._get("query_exemplars", query=expression, start=start, end=end)
        return [(each["seriesLabels"], [one["labels"] for one in each["exemplars"]]) for each in found]

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
    config["global"]["evaluation_interval"] = faster(config["global"]["evaluation_interval"])
    config["global"] |= {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE}
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
        f"--rules.alert.resend-delay={RESEND}",  # alerts sent before Alertmanager is discovered wait for it
        "--enable-feature=exemplar-storage",  # as compose.yaml has it
    ]  # fmt: skip
    url = f"http://{address}"
    with running([*command], f"{url}/-/ready", directory / "log"), httpx.Client(base_url=url, timeout=30) as client:
        yield Prometheus(client)
