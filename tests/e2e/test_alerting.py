"""A real Prometheus and a real Alertmanager watch a real service: who is told what, and what the dashboards can show.

One stack, one journey, in the order of the tests: quiet, drift, a dead monitor, a dead service, its return, recovery.
Durations of rules and routes are divided by one factor, down to a floor: see `tests.servers.prometheus`. What is
asserted is who is told what, in which order and how often; never how soon.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from tests.conftest import take_port
from tests.dashboards.live import RIGHTLY_EMPTY, asked_for, faults, not_finite
from tests.processes import Receiver, Service, until
from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.prometheus import Prometheus, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(900)]

PATIENCE = 240
"""Seconds until what must come counts as missing; on a free machine it comes within ten or twenty."""
COMPRESSED = {
    # A round may take eight seconds on a crowded machine, and three intervals without one are an alert.
    "interval": 6,
    "window": 6,
    "minimum_rows": 150,
    "window_reach": 30,
    "accuracy_window": 10,
    "resolve_rounds": 2,
    "resolve_labels": 60,
    # Five million rounds a year: these budgets leave about 1 in 10,000 to a round.
    "false_pages_per_year": 50,
    "false_notices_per_year": 500,
}
MOST_SERIES = 2000
WITH_EXEMPLARS = (
    "bertwatch_http_request_duration_seconds_bucket",
    "bertwatch_prediction_confidence_ratio_bucket",
    "bertwatch_text_tokens_bucket",
)
EPISODE, STALE, DOWN = "BertwatchEpisode", "BertwatchMonitorStale", "BertwatchServiceDown"


class Monitor:
    """`bertwatch monitor` as a process that nobody starts again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.log = log
        self.process: psutil.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "service.cli", "monitor"]
        with self.log.open("ab") as log:
            self.process = psutil.Popen(command, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """Its children end with it."""
        if self.process is None or not self.process.is_running():
            return
        family = [*self.process.children(recursive=True), self.process]
        self.process.kill()
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive, f"left behind: {alive}"


@dataclass
class Stack:
    """What runs, and since when (seconds since the epoch)."""

    service: Service
    monitor: Monitor
    key: str
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: Receiver
    database: Path
    since: float = field(default_factory=time.time)

    def told(self, *alerts: str) -> list[dict[str, Any]]:
        """Messages about these alerts, in the order of their arrival."""
        return [message for message in self.receiver.told if message["groupLabels"]["alertname"] in alerts]

    def heard(self, alert: str, receiver: str) -> list[str]:
        """What the messages to one receiver say of an alert: firing or resolved."""
        return [message["status"] for message in self.told(alert) if message["receiver"] == receiver]

    def pages(self) -> list[tuple[str, ...]]:
        """What the messages to `pages` say of the episode: its verdicts that fire, none when it is resolved."""
        return [
            tuple(alert["labels"]["verdict"] for alert in message["alerts"] if alert["status"] == "firing")
            for message in self.told(EPISODE)
            if message["receiver"] == "pages"
        ]

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        """Until it holds; where it does not, the failure tells what was heard, what fires and how the monitor does."""
        try:
            until(condition, PATIENCE, what)
        except AssertionError as error:
            heard = [(m["receiver"], m["groupLabels"]["alertname"], m["status"]) for m in self.receiver.told]
            alerts = [labels for labels, _ in self.prometheus.query("ALERTS")]
            rounds = self.monitor.log.read_text(encoding="utf-8").splitlines()[-5:]
            said = f"heard: {heard}\nalerts: {alerts}\nmonitor: {rounds}\nscrapes: {self.scrapes()}"
            raise AssertionError(f"{error}\n{said}") from None

    def scrapes(self) -> dict[str, list[float]]:
        """What Prometheus itself saw within five minutes: a machine that starves shows here, a bug elsewhere."""
        asked = {
            "failed": "count_over_time(up[5m]) - sum_over_time(up[5m])",
            "all": "count_over_time(up[5m])",
            "longest, s": "max_over_time(scrape_duration_seconds[5m])",
        }
        return {name: [value for _, [value] in self.prometheus.query(query)] for name, query in asked.items()}

    @contextmanager
    def traffic(self, first_row: int, scenario: str | None = None) -> Iterator[None]:
        """40 labelled rows a second of the sample's live stream, for as long as the block lasts."""
        command = [
            sys.executable, "-m", "service.cli", "replay", "--url", self.service.url, "--dataset", "sample",
            "--rows", f"{first_row}-{first_row + 19_999}", "--rate", "40", "--label-delay", "0.5",
            "--key-file", self.key, "--json", *(("--scenario", scenario) if scenario else ()),
        ]  # fmt: skip
        client = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield
            assert client.poll() is None, "the client sends no more"
        finally:
            client.kill()
            client.wait()


def status(service: Service, key_file: str) -> dict[str, Any]:
    key = {"Authorization": f"Bearer {Path(key_file).read_text()}"}
    answer: dict[str, Any] = httpx.get(f"{service.url}/status", headers=key, timeout=30).raise_for_status().json()
    return answer


@pytest.fixture(scope="module")
def stack(tiny_model: Path, tiny_baseline: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Service and monitor as two processes behind a key, a Prometheus, an Alertmanager, and a webhook that hears it."""
    directory = tmp_path_factory.mktemp("alerting")
    key = directory / "key"
    key.write_text("a-key-for-the-tests-alone")
    here, there = (f"127.0.0.1:{take_port()}" for _ in range(2))
    service = Service(
        int(here.rpartition(":")[2]), directory / "serve.log", model=tiny_model, baseline=tiny_baseline, key_file=key,
        database=f"sqlite:///{directory / 'log.db'}", notify_mode="alertmanager", monitor="false", **COMPRESSED,
    )  # fmt: skip
    monitor = Monitor(service.environment, directory / "monitor.log")
    with ExitStack() as running:
        receiver = running.enter_context(Receiver())
        webhook = f"http://127.0.0.1:{receiver.server.server_port}/"
        teller = running.enter_context(alertmanager(directory / "alertmanager", there, webhook))
        running.enter_context(service)
        running.callback(monitor.kill)
        monitor.start()
        until(lambda: status(service, str(key))["verdict"], PATIENCE, "the monitor has begun")
        watcher = running.enter_context(
            prometheus(directory / "prometheus", f"127.0.0.1:{take_port()}", here, key, there)
        )
        yield Stack(service, monitor, str(key), watcher, teller, receiver, directory / "log.db")


def test_quiet_traffic_tells_nobody_and_the_watchdog_is_heard(stack: Stack) -> None:
    stack.wait(lambda: stack.prometheus.query('up{job="bertwatch"} == 1'), "it is scraped, with its key")
    stack.wait(lambda: stack.prometheus.query("bertwatch:prediction_slow:ratio_rate1h"), "rules have been read")
    assert not_finite(stack.prometheus) == {}, "without requests a panel says so; it shows no NaN"
    with stack.traffic(1):
        stack.wait(lambda: stack.heard("Watchdog", "watchdog"), "the watchdog is heard")
        quiet = 'bertwatch_verdict_active{verdict="ok"} == 1'
        stack.wait(lambda: stack.prometheus.query(quiet), "Prometheus knows of a quiet verdict")
    assert stack.told(EPISODE, STALE, DOWN) == []


def left_after(ask: Callable[[], dict[str, str]], seconds: float) -> dict[str, str]:
    """What `ask` finds wrong in the end; asked again and again until it is nothing or the time is over."""
    end = time.monotonic() + seconds
    while (wrong := ask()) and time.monotonic() < end:
        continue
    return wrong


def test_drift_is_told_and_every_expression_has_data_meanwhile(stack: Stack) -> None:
    """A page with the group and the labels that its readers rely on, and no panel without data."""
    with stack.traffic(30_001, "covert"):
        stack.wait(lambda: ("harmful",) in stack.pages(), "the harm is told as a page")
        assert left_after(lambda: faults(stack.prometheus, stack.since), PATIENCE) == {}
        assert len(stack.prometheus.query('{job="bertwatch"}')) < MOST_SERIES
    assert RIGHTLY_EMPTY.keys() <= asked_for()

    version = status(stack.service, stack.key)["model"]["version"]
    for message in stack.told(EPISODE):
        assert message["status"] == "firing"
        assert message["groupLabels"] == {"alertname": EPISODE, "job": "bertwatch", "model_version": version}
        for alert in message["alerts"]:
            assert message["receiver"] == f"{alert['labels']['severity']}s"
            assert version in alert["annotations"]["summary"]
            assert "%" in alert["annotations"]["description"]
            assert "error" not in "".join(alert["annotations"].values()), "every template is filled in"
    assert len(set(stack.pages())) == len(stack.pages()), "nothing is told twice"


def test_buckets_lead_to_rows_of_the_log(stack: Stack) -> None:
    """Exemplars, in Prometheus' own store of them: each names a prediction that was committed."""
    series = stack.prometheus.exemplars(f'{{__name__=~"{"|".join(WITH_EXEMPLARS)}"}}', stack.since, time.time())
    assert {labels["__name__"] for labels, _ in series} == set(WITH_EXEMPLARS)
    named = {UUID(exemplar["prediction_id"]) for _, exemplars in series for exemplar in exemplars}
    with closing(sqlite3.connect(stack.database)) as log:
        rows = {UUID(bytes=row[0]) for row in log.execute("SELECT id FROM predictions")}
    assert named <= rows
    assert len(named) > len(WITH_EXEMPLARS)


def test_a_dead_monitor_is_told_though_a_page_is_open(stack: Stack) -> None:
    stack.monitor.kill()
    stack.wait(lambda: stack.heard(STALE, "tickets"), "the dead monitor is told")
    assert stack.heard(STALE, "tickets") == ["firing"]
    [message] = stack.told(STALE)
    assert message["commonLabels"]["severity"] == "ticket"
    assert status(stack.service, stack.key)["model"]["version"] in message["commonAnnotations"]["summary"]


def test_a_dead_service_is_told_and_resolves_nothing(stack: Stack) -> None:
    """Its alert inhibits the others, which stay for longer than anything is kept firing; its return adds nothing."""
    before = stack.told(EPISODE, STALE)
    stack.service.stop(signal.SIGKILL)
    stack.wait(lambda: stack.heard(DOWN, "pages"), "the dead service is told")
    stack.wait(lambda: stack.alertmanager.suppressed() >= {EPISODE, STALE}, "the others are inhibited")
    # 5 minutes of keep_firing_for are 20 evaluations here
    longer = f'count_over_time(ALERTS{{alertname="{DOWN}", alertstate="firing"}}[10m]) > 25'
    stack.wait(lambda: stack.prometheus.query(longer), "it is down for longer than alerts are kept firing")
    assert stack.alertmanager.suppressed() >= {EPISODE, STALE}
    assert stack.told(EPISODE, STALE) == before

    stack.service.start()
    stack.wait(lambda: len(stack.heard(DOWN, "pages")) == 2, "the return is told")
    assert stack.heard(DOWN, "pages") == ["firing", "resolved"]
    stack.wait(lambda: not {EPISODE, STALE} & stack.alertmanager.suppressed(), "they are no longer inhibited")
    assert stack.told(EPISODE, STALE) == before


def test_recovery_is_told_once(stack: Stack) -> None:
    """The monitor is back: what it sees now ends both alerts, each with one message."""
    before = stack.pages()
    stack.monitor.start()
    with stack.traffic(60_001):
        stack.wait(lambda: () in stack.pages(), "the end of the episode is told")
        stack.wait(lambda: "resolved" in stack.heard(STALE, "tickets"), "the return of the monitor is told")
    assert stack.pages() == [*before, ()]
    assert stack.heard(STALE, "tickets") == ["firing", "resolved"]
    assert stack.heard(DOWN, "pages") == ["firing", "resolved"]
    for receiver in ("tickets", "notices"):
        assert "resolved" not in stack.heard(EPISODE, receiver), "its escalation was no end, and its end is told once"
