"""A child process that lives as long as the service: started again when it dies, gone when its parent is gone.

Knows nothing of what the child does. The child gets the reading end of a pipe that nobody writes to:
when the parent ends, however it ends, the pipe ends too, and the child with it.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
STEADY = 60.0
"""Seconds after which a child counts as healthy, so that the next pause is the first one again."""


class Companion:
    """Runs `command(read_fd)` and starts it again, with growing pauses, until `stop` is called."""

    def __init__(self, command: Callable[[int], Sequence[str]], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = dict(environment)
        self._read, self._write = os.pipe()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="companion", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience: float = 20.0) -> None:
        """End the child: closing the pipe asks it to finish, SIGTERM insists, SIGKILL ends the patience."""
        self._stopping.set()
        os.close(self._write)
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                log.warning("companion_killed", pid=process.pid)
                process.kill()
                process.wait()
        self._thread.join()
        os.close(self._read)

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = subprocess.Popen(
                    list(self._command(self._read)),
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    pass_fds=(self._read,),
                )
            try:
                status = self._process.wait(STEADY)
            except subprocess.TimeoutExpired:
                pause = FIRST_PAUSE
                status = self._process.wait()
            if self._stopping.is_set():
                return
            log.error("companion_ended", status=status, again_in_seconds=pause)
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
