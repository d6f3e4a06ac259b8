"""How long answers took in the last minutes, exactly: a ring of durations, for people without Prometheus."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

KEPT = 8192
"""Durations kept at most; under heavier traffic they cover less than `MINUTES`."""
MINUTES = 5.0


class RecentLatency:
    """Median and 99th percentile of this replica; may be used from several threads. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def add(self, seconds: float) -> None:
        with self._lock:
            self._ring.append((self._clock(), seconds))

    def quantiles(self) -> dict[str, float] | None:
        """`p50` and `p99` in seconds; None where nothing was answered in the last minutes."""
        since = self._clock() - 60 * MINUTES
        with self._lock:
            recent = [seconds for moment, seconds in self._ring if moment >= since]
        if not recent:
            return None
        p50, p99 = np.quantile(recent, (0.5, 0.99))
        return {"p50": float(p50), "p99": float(p99)}
