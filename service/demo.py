"""The whole journey in one command: train, baseline, serve, drift, alert, recovery.

Runs the commands that a user runs, as processes of their own, in compressed time. Knows nothing of their insides.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from model.errors import BertwatchError
from model.sample import generate
from model.scenarios import apply
from service.replay import Pace, Row, replay

COMPRESSED: Mapping[str, str] = {
    "INTERVAL": "2",
    "WINDOW": "12",
    "MINIMUM_ROWS": "200",
    "WINDOW_REACH": "30",
    "ACCURACY_WINDOW": "15",
    "RESOLVE_ROUNDS": "3",
    "RESOLVE_LABELS": "100",
    "FALSE_PAGES_PER_YEAR": "150",
    "FALSE_NOTICES_PER_YEAR": "5000",
}
"""An hour of a real service in seconds. A round every 2 s makes 15.8 million a year, so the budgets grow as well."""

SCENARIO = "covert"
RATE = 40.0
REST_RATE = 4.0
LABEL_DELAY = 1.0
NORMAL_SECONDS = 20.0
LONGEST_NORMAL = 60.0
SHORTEST_DRIFT = 12.0
LONGEST_DRIFT = 60.0
LONGEST_RECOVERY = 90.0
LONGEST_REPORT = 60.0
ROW_EVERY = 3.0
CHUNK = 20


def run(*, leave: bool, port: int, directory: Path | None) -> int:
    """The demo; the exit status is 0 if the alert fired and resolved. `leave` ends instead of serving on."""
    console = Console(highlight=False)
    with contextlib.ExitStack() as stack:
        place = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bertwatch-demo-")))
        place.mkdir(parents=True, exist_ok=True)
        _prepare(console, place)
        told, receiver = stack.enter_context(_receiver())
        url = f"http://127.0.0.1:{_free_port(port, console)}"
        stack.enter_context(_service(console, place, url, receiver))
        journey = _Journey(console, url, told)
        try:
            passed = asyncio.run(journey.travel())
            _where_to_look(console, url, passed)
            if not leave:
                console.print("Serving on, with a little traffic. Ctrl-C ends it.")
                asyncio.run(journey.rest())
        except KeyboardInterrupt:
            console.print("\nEnding.")
            return 0
    return 0 if passed else 1


def _prepare(console: Console, place: Path) -> None:
    """Model and baseline, unless a former demo left them here."""
    model, baseline = place / "news", place / "news-baseline"
    if not model.exists():
        _do(console, "train", "--dataset", "sample", "--base-model", "tiny", "--output", model)
    if not baseline.exists():
        _do(console, "baseline", "--model", model, "--dataset", "sample", "--output", baseline)


def _do(console: Console, *arguments: str | Path) -> None:
    console.print(Text(f"\n$ bertwatch {shlex.join(map(str, arguments))}", style="bold"))
    done = subprocess.run([sys.executable, "-m", "service.cli", *map(str, arguments)], check=False)
    if done.returncode != 0:
        raise BertwatchError(f"bertwatch {arguments[0]} ended with status {done.returncode}; its message stands above.")


def _free_port(port: int, console: Console) -> int:
    """The port itself, or a free one where it is taken."""
    for wanted in (port, 0):
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind(("127.0.0.1", wanted))
            except OSError:
                console.print(f"Port {port} is in use; the demo takes another one.")
                continue
            return int(door.getsockname()[1])
    raise BertwatchError("There is no free port on this machine.")


@contextmanager
def _receiver() -> Iterator[tuple[list[dict[str, Any]], str]]:
    """A webhook of our own on a free port: what it was told, and its Apprise URL."""
    told: list[dict[str, Any]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Silence: the default writes between the rows of the table."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told, f"json://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _service(console: Console, place: Path, url: str, receiver: str) -> Iterator[None]:
    """`bertwatch serve` with its monitor; its log lines go to a file."""
    log = place / "serve.log"
    arguments = ["--model", place / "news", "--baseline", place / "news-baseline"]
    console.print(Text(f"\n$ bertwatch serve {shlex.join(map(str, arguments))}", style="bold"))
    console.print(
        f"Compressed time: a round of checks every {COMPRESSED['INTERVAL']} s over the last {COMPRESSED['WINDOW']} s. "
        f"At {31_557_600 / float(COMPRESSED['INTERVAL']):,.0f} rounds a year the demo allows itself "
        f"{COMPRESSED['FALSE_NOTICES_PER_YEAR']} false notices and {COMPRESSED['FALSE_PAGES_PER_YEAR']} false pages "
        "a year; an hourly schedule would keep the defaults, 12 and 1."
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BERTWATCH_")}
    environment |= {f"BERTWATCH_{name}": value for name, value in COMPRESSED.items()}
    environment |= {
        "BERTWATCH_DATABASE": f"sqlite:///{place / 'log.db'}",
        "BERTWATCH_PORT": url.rpartition(":")[2],
        "BERTWATCH_NOTIFY_URLS": receiver,
        "BERTWATCH_PUBLIC_URL": url,
    }
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", *map(str, arguments)],
            env=environment, stdout=lines, stderr=lines, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_ready(process, url, log)
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    raise BertwatchError(f"The service did not come up; its last lines are: {log.read_text(errors='replace')[-1000:]}")


@dataclass(slots=True)
class _Phase:
    """What the traffic is now. Rows are made a few at a time, so a change is felt at once."""

    name: str = "normal"
    scenario: str | None = None
    ended: bool = False
    sent: int = 0

    def rows(self) -> Iterator[Row]:
        while not self.ended:
            stories = list(generate("live", CHUNK, seed=0, start=self.sent))
            texts, labels = [story.text for story in stories], [story.label for story in stories]
            if self.scenario is not None:
                texts, labels = apply(self.scenario, texts, labels, seed=self.sent)
            for story, text, label in zip(stories, texts, labels, strict=True):
                self.sent += 1
                yield Row(text, label, f"demo-{self.sent}", story.segment)


@dataclass(slots=True)
class _Journey:
    """Normal traffic, drift until the alert, recovery until it resolves; a table of what is seen on the way."""

    console: Console
    url: str
    told: list[dict[str, Any]]
    phase: _Phase = field(default_factory=_Phase)
    shown: int = 0
    began: float = field(default_factory=time.monotonic)
    row_at: float = 0.0

    async def travel(self) -> bool:
        """True if the alert fired, resolved, and was told once each."""
        self._head()
        traffic = asyncio.create_task(replay(self.phase.rows(), self.url, Pace(RATE, label_delay=LABEL_DELAY)))
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
                quiet = await self._see(client, NORMAL_SECONDS, LONGEST_NORMAL, lambda now: _kind(now) == "ok")
                quiet = quiet and not self.told
                self.phase.name, self.phase.scenario = "drift", SCENARIO
                fired = await self._see(client, SHORTEST_DRIFT, LONGEST_DRIFT, lambda now: self._heard(resolved=False))
                self.phase.name, self.phase.scenario = "recovery", None
                resolved = await self._see(client, 0, LONGEST_RECOVERY, lambda now: self._heard(resolved=True))
                if fired:
                    await self._see(client, 0, LONGEST_REPORT, _report_made)
        finally:
            self.phase.ended = True
            await traffic
        return quiet and fired and resolved

    async def rest(self) -> None:
        """A little traffic, so that the status page stays alive, until somebody ends it."""
        self.phase.ended = False
        await replay(self.phase.rows(), self.url, Pace(REST_RATE, label_delay=LABEL_DELAY))

    async def _see(self, client: httpx.AsyncClient, shortest: float, longest: float, condition: Any) -> bool:
        """Look once a second, show what is new, and come back when the condition holds."""
        start = time.monotonic()
        while time.monotonic() - start < longest:
            await asyncio.sleep(0.5)
            now = (await client.get("/status")).json()
            if time.monotonic() - self.row_at >= ROW_EVERY:
                self._row(now)
            self._news()
            if time.monotonic() - start >= shortest and condition(now):
                return True
        return False

    def _heard(self, *, resolved: bool) -> bool:
        return any(("[resolved]" in str(message.get("title"))) is resolved for message in self.told)

    def _head(self) -> None:
        self.console.print(
            Text(f"\n{'time':>5}  {'traffic':<9} {'predictions':>11}  {'accuracy (95 % interval)':<26} "
                 f"{'labels':>6}  {'drift':>6}  {'verdict':<22} alerts", style="bold")
        )  # fmt: skip

    def _row(self, now: Mapping[str, Any]) -> None:
        self.row_at = time.monotonic()
        accuracy = now["accuracy"]
        shown = (
            f"{accuracy['value']:.1%} ({accuracy['low']:.1%}–{accuracy['high']:.1%})" if accuracy else "no label yet"
        )
        ratios = [
            check["score"] / check["threshold"] for check in now["checks"] if check["threshold"] and check["score"]
        ]
        drift = f"{max(ratios):.1f}×" if ratios else "–"
        kind = _kind(now) or "no round yet"
        colour = {"ok": "green", "insufficient_data": "dim", "no round yet": "dim"}.get(kind, "red")
        elapsed = f"{time.monotonic() - self.began:4.0f}s"
        line = Text(f"{elapsed:>5}  {self.phase.name:<9} {now['predictions']['total']:>11}  {shown:<26} ")
        line.append(f"{accuracy['labels'] if accuracy else 0:>6}  {drift:>6}  ")
        line.append(f"{kind:<22} ", style=colour)
        line.append(str(len(self.told)))
        self.console.print(line, soft_wrap=True)

    def _news(self) -> None:
        """Every alert as it arrives at the receiver."""
        for message in self.told[self.shown :]:
            self.console.print(Text(f"   ALERT  {message.get('title')}", style="bold magenta"), soft_wrap=True)
            for line in str(message.get("message", "")).splitlines():
                self.console.print(Text(f"          {line}", style="magenta"), soft_wrap=True)
            self.shown += 1


def _kind(now: Mapping[str, Any]) -> str | None:
    return now["verdict"]["kind"] if now["verdict"] else None


def _report_made(now: Mapping[str, Any]) -> bool:
    return any(report["state"] != "waiting" for report in now["reports"])


def _where_to_look(console: Console, url: str, passed: bool) -> None:
    if passed:
        console.print(Text("\nThe alert fired once and resolved after recovery.", style="bold green"))
    else:
        console.print(Text("\nThe alert did not fire and resolve as it should.", style="bold red"))
    reports = httpx.get(f"{url}/status", timeout=10).json()["reports"]
    made = [report["id"] for report in reports if report["state"] == "made"]
    for name, where in (
        ("status page", f"{url}/"),
        ("drift report", f"{url}/reports/{made[0]}" if made else "none was made"),
        ("API", f"{url}/docs"),
        ("metrics", f"{url}/metrics"),
    ):
        console.print(f"  {name:<13} {where}")
