"""Real processes for the end-to-end tests: the service, and a receiver of notifications.

Started on free ports, waited for on `/readyz`, stopped afterwards; never a sleep, never a log line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`, asked for ten times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class Service:
    """`bertwatch serve` as a process of its own."""

    def __init__(self, port: int, log: Path, **settings: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        environment = {f"BERTWATCH_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = {**os.environ, **environment, "BERTWATCH_PORT": str(port)}
        self.command = [sys.executable, "-m", "service.cli", "serve"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> Service:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        until(self.ready, seconds, f"the service is ready; its log ends with: {self.log.read_text()[-2000:]}")
        return self

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log.read_text()[-3000:]}"
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def family(self) -> list[psutil.Process]:
        """The service and all of its children, as they are now."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 40) -> int:
        """Ends the service and waits until no member of its family is left."""
        assert self.process is not None
        family = self.family() if self.process.poll() is None else []
        self.process.send_signal(how)
        status = self.process.wait(seconds)
        _, alive = psutil.wait_procs(family, timeout=15)
        for left in alive:
            left.kill()
        assert not alive, f"left behind: {[left.pid for left in alive]}"
        return status

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/status", timeout=10).raise_for_status().json()
        return answer

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


class Receiver:
    """A webhook that keeps what it is told; port 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        told: list[dict[str, Any]] = []

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Silence: the default writes to standard error."""

        self.told = told
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Door)
        self.url = f"json://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def titles(self) -> list[str]:
        return [str(message["title"]) for message in self.told]

    def __enter__(self) -> Receiver:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
