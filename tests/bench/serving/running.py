"""A contender as a process: started, timed until its first answer, its memory watched, ended with all its children."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from model.errors import SurroundingsError
from tests.bench.serving.contenders import Contender, command, surroundings

READY_SECONDS = 180
MIB = 1 << 20


class Running:
    """A started contender. `ready` is the time in seconds from its start to its first answer of status 200."""

    def __init__(self, contender: Contender, process: psutil.Popen, port: int, body: bytes) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.ready = 0.0
        self._contender = contender
        self._process = process
        self._port = port
        self._body = body

    def ask(self, seconds: float) -> int | None:
        """Status of one request; None without an answer in time."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request("POST", self._contender.route, self._body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def wait_until_ready(self, began: float, log: Path) -> None:
        while self.ask(READY_SECONDS) != 200:
            if self._process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                raise SurroundingsError(f"{self._contender.name} did not start: {log.read_text()[-1500:]}")
            time.sleep(0.02)
        self.ready = time.perf_counter() - began

    def drain(self) -> None:
        """Wait until what an earlier point has left in its queue is done with."""
        for _ in range(3):
            if self.ask(120) == 200:
                return
            time.sleep(1)

    def family(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return [self._process, *self._process.children(recursive=True)]
        return []

    def memory(self) -> float:
        """MiB of all its processes now; what they share is counted once (PSS)."""
        total = 0
        for member in self.family():
            with suppress(psutil.Error):
                total += member.memory_full_info().pss
        return total / MIB


class MemoryWatch:
    """The largest memory seen, looked at twice a second while it is open."""

    def __init__(self, running: Running) -> None:
        self.peak = 0.0
        self._running = running
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._end.wait(0.5):
            self.peak = max(self.peak, self._running.memory())

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.peak = max(self.peak, self._running.memory())


@contextmanager
def started(contender: Contender, python: Path, model: Path, body: bytes) -> Iterator[Running]:
    """The contender with a folder of its own (its database stands there), ready; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bertwatch-bench-") as scratch:
        log, port = Path(scratch) / "log", _free_port()
        with log.open("wb") as lines:
            began = time.perf_counter()
            process = psutil.Popen(
                command(contender, python, port), env=surroundings(contender, model, port, Path(scratch)),
                cwd=scratch, stdout=lines, stderr=lines, start_new_session=True,
            )  # fmt: skip
        running = Running(contender, process, port, body)
        try:
            running.wait_until_ready(began, log)
            yield running
        finally:
            _end(running, process)


def _end(running: Running, process: psutil.Popen) -> None:
    family = running.family()
    with suppress(psutil.Error):
        process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=15)
    for left in alive:
        with suppress(psutil.Error):
            left.kill()
    with suppress(subprocess.TimeoutExpired, psutil.Error):
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
