"""Debian's Alertmanager with our own routes and inhibition, on a free port; its receivers all lead to one webhook.

Waits and intervals of the routes are divided by the factor of `tests.servers.prometheus`. `repeat_interval` stays as
it is shipped: a reminder is no news, and a test that counts messages shall not depend on how long it takes.
Debian's package brings the template file that Alertmanager reads beside its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.servers.program import executable, running
from tests.servers.prometheus import SHIPPED, faster


@dataclass(frozen=True)
class Alertmanager:
    """The API of a running server."""

    url: str

    def suppressed(self) -> set[str]:
        """Names of the alerts that are active and told to nobody."""
        alerts = httpx.get(f"{self.url}/api/v2/alerts", timeout=30).raise_for_status().json()
        return {each["labels"]["alertname"] for each in alerts if each["status"]["state"] == "suppressed"}


def _with_webhook(text: str, webhook: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(text)
    for route in (config["route"], *config["route"]["routes"]):
        for name in route.keys() & {"group_wait", "group_interval"}:
            route[name] = faster(route[name])
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook}]
    return config


@contextmanager
def alertmanager(directory: Path, address: str, webhook: str) -> Iterator[Alertmanager]:
    """A server at `address` (host:port) whose every receiver posts to `webhook`; the message names the receiver."""
    directory.mkdir(parents=True)
    file = directory / "alertmanager.yml"
    text = (SHIPPED / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    file.write_text(yaml.safe_dump(_with_webhook(text, webhook)), encoding="utf-8")
    command = [
        executable("prometheus-alertmanager", "alertmanager", package="alertmanager"), f"--config.file={file}",
        f"--storage.path={directory}/data", f"--web.listen-address={address}",
        "--cluster.listen-address=",  # alone: with a cluster it would wait a minute for the others
        "--log.level=warn",
    ]  # fmt: skip
    url = f"http://{address}"
    with running([*command], f"{url}/-/ready", directory / "log"):
        yield Alertmanager(url)
