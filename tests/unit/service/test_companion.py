"""The child lives as long as its parent wants: started again when it dies, gone with the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from service.companion import Companion
from tests.processes import until

PATIENT = "import os, sys; os.read(int(sys.argv[1]), 1)"
"""Ends when the pipe does."""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def child(*arguments: str) -> psutil.Process | None:
    """The child of this process that runs with these arguments."""
    for process in psutil.Process().children():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and set(arguments) <= set(process.cmdline()):
                return process
        except psutil.NoSuchProcess:  # reaped between the list and the question
            continue
    return None


def test_a_child_that_dies_is_started_again_and_stop_ends_it() -> None:
    companion = Companion(lambda pipe: [sys.executable, "-c", PATIENT, str(pipe), "again"], os.environ)
    companion.start()
    first = until(lambda: child("again"), 10, "the child runs")
    first.send_signal(signal.SIGKILL)
    second = until(lambda: (found := child("again")) and found.pid != first.pid and found, 15, "it is started again")
    companion.stop()
    assert not psutil.pid_exists(second.pid)


def test_a_child_that_does_not_listen_is_killed() -> None:
    companion = Companion(lambda pipe: [sys.executable, "-c", DEAF, "deaf"], os.environ)
    companion.start()
    found = until(lambda: child("deaf"), 10, "the child runs")
    until(lambda: b"SigIgn" in status(found.pid) and ignores_sigterm(found.pid), 10, "it ignores SIGTERM")
    companion.stop(patience=0.5)
    assert not psutil.pid_exists(found.pid)


def test_a_child_ends_when_its_parent_is_killed() -> None:
    """The parent gets no chance to say goodbye: the end of the pipe is what the child hears."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "from service.companion import Companion\n"
            f"c = Companion(lambda pipe: [sys.executable, '-c', {PATIENT!r}, str(pipe)], os.environ)\n"
            "c.start(); time.sleep(600)",
        ]
    )
    family = until(lambda: psutil.Process(parent.pid).children(), 20, "the grandchild runs")
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_child_that_keeps_dying_is_not_started_in_a_hurry() -> None:
    """Pauses of 1 s and then 2 s: within 2 s it has been started twice at most."""
    started: list[float] = []

    def command(pipe: int) -> list[str]:
        started.append(time.monotonic())
        return [sys.executable, "-c", "raise SystemExit(3)"]

    companion = Companion(command, os.environ)
    companion.start()
    until(lambda: len(started) == 2, 15, "it is started again")
    companion.stop()
    assert started[1] - started[0] >= 1.0


def status(pid: int) -> bytes:
    return Path(f"/proc/{pid}/status").read_bytes()


def ignores_sigterm(pid: int) -> bool:
    mask = next(line.split()[1] for line in status(pid).splitlines() if line.startswith(b"SigIgn:"))
    return bool(int(mask, 16) & (1 << (signal.SIGTERM - 1)))
