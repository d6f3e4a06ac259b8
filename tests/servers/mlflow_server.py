"""A real MLflow server for tests, on a free port: SQLite behind it, artifacts in files. Knows no run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

START_SECONDS = 90


@contextmanager
def mlflow_server(directory: Path, port: int) -> Iterator[Callable[[], str]]:
    """A server that is gone, with all of its workers, when the block ends.

    It starts while the block goes on, which takes it ten seconds; a call waits until it answers and gives its
    tracking URI.
    """
    options = {
        "backend-store-uri": f"sqlite:///{directory / 'mlflow.db'}",
        "artifacts-destination": str(directory / "artifacts"),
        "host": "127.0.0.1",
        "port": str(port),
        "workers": "1",
    }
    url = f"http://127.0.0.1:{port}"
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with (directory / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *flags],
            stdout=log, stderr=log, cwd=directory, env={**os.environ, **quiet},
        )  # fmt: skip

        def ready() -> str:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("MLflow did not start:\n" + (directory / "server.log").read_text()[-3000:])
                time.sleep(0.1)
            return url

        try:
            yield ready
        finally:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for member in family:
                member.kill()  # nothing of it is kept
            process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
