"""When to stop: on a signal, and when the parent process is gone. Knows nothing of what is being stopped."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1
PATIENCE = 30.0
"""Seconds that work in progress may take once the parent is gone."""


def stop_on_signals(stop: threading.Event) -> None:
    """SIGTERM and SIGINT ask to stop; what is in progress is finished. Main thread only."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def watch_parent(pipe: int, stop: threading.Event, patience: float = PATIENCE) -> threading.Thread:
    """Ask to stop when the pipe ends: its only writer is the parent. Work that takes longer than `patience`
    seconds after that is abandoned, for nobody is left to end this process."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(pipe, 4096):
                pass
        stop.set()
        threading.Event().wait(patience)
        os._exit(1)

    thread = threading.Thread(target=watch, name="parent", daemon=True)
    thread.start()
    return thread


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the Linux kernel for a signal when the parent ends; elsewhere nothing (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
