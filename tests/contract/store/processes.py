"""Starts `writer.py` as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[3]
WRITER = Path(__file__).with_name("writer.py")


class Writer:
    """A process that has its database open and waits for `go`."""

    def __init__(self, url: str, mode: str, number: int = 0, count: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", WRITER, url, mode, str(number), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    @property
    def output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def wait_until_ready(self) -> None:
        assert self.output.readline() == "ready\n"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def finish(self) -> list[str]:
        """What it said, once it has ended by itself; the last line is `done`."""
        output, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return output.split("\n")[:-1]

    def kill(self) -> list[str]:
        """kill -9; what it had said until then, whole lines only."""
        self._process.kill()
        output, _ = self._process.communicate(timeout=60)
        return output.split("\n")[:-1]


@contextmanager
def writers(*processes: Writer) -> Iterator[tuple[Writer, ...]]:
    """Start them together, and leave none behind."""
    try:
        for process in processes:
            process.wait_until_ready()
        for process in processes:
            process.go()
        yield processes
    finally:
        for process in processes:
            if process.running:
                process.kill()
