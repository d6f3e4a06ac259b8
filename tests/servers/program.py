"""A server of the system, started for a test and ended with it; waited for on an address, never on a log line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.processes import until

START_SECONDS = 60.0
STOP_SECONDS = 30.0


def executable(*names: str, package: str) -> str:
    """Path of the first of these programs. Raises LookupError with the way to get one."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise LookupError(f"{names[0]} is missing: run tests/system-packages {package}")


@contextmanager
def running(command: list[str | Path], ready: str, log: Path) -> Iterator[None]:
    """`command` as a process of its own, from the moment `ready` answers 200 until the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output)

    def answers() -> bool:
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}: {log.read_text()[-2000:]}"
        try:
            return httpx.get(ready, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        until(answers, START_SECONDS, f"{ready} answers")
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
