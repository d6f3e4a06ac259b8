"""A log that is written beforehand and comes to light as the clock goes on: months of rounds without copying rows.

The same contract as `monitors.in_memory.MemoryLog`, which copies everything at each commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.protocols import MOST_ROWS, ROWS_AT_A_TIME
from monitors.window import Window
from monitors.window_file import numbered_ids

HOUR = 3_600_000_000


class Tape:
    """Rows in the order of time. A row is there once its time has passed, its label once `label_time` has."""

    def __init__(self, rows: Window) -> None:
        self.now = 0
        self._rows = rows
        labelled = np.flatnonzero(rows.known)
        self._arrived = labelled[np.argsort(rows.label_time[labelled], kind="stable")]
        self._arrival = rows.label_time[self._arrived]

    def clock(self) -> int:
        return self.now

    def window(self, version: str, start: int, end: int, most: int = MOST_ROWS) -> Window:
        rows = np.arange(*self._between(start, end))
        if len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.intp)]
        return self._seen(rows, start, end)

    def labelled(self, version: str, start: int, end: int, *, even: bool = False) -> Window:
        first, last = self._between(start, end)
        known = self._arrived[: self.end_cursor("labels")]
        return self._seen(known[(known >= first) & (known < last)], start, end)

    def count(self, version: str, start: int, end: int) -> int:
        first, last = self._between(start, end)
        return last - first

    def start_of_last(self, version: str, rows: int, end: int) -> int | None:
        last = self._between(0, end)[1]
        return int(self._rows.time[last - rows]) if last >= rows else None

    def after(
        self, version: str, cursor: int, reads: Literal["predictions", "labels"], most: int = ROWS_AT_A_TIME
    ) -> tuple[Window, int]:
        end = min(self.end_cursor(reads), cursor + most)
        rows = np.arange(cursor, end) if reads == "predictions" else self._arrived[cursor:end]
        return self._seen(rows, 0, 0), max(end, cursor)

    def end_cursor(self, reads: Literal["predictions", "labels"]) -> int:
        times = self._rows.time if reads == "predictions" else self._arrival
        return int(np.searchsorted(times, self.now, side="right"))

    def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        return {}

    def _between(self, start: int, end: int) -> tuple[int, int]:
        first, last = np.searchsorted(self._rows.time, [start, min(end, self.now + 1)])
        return int(first), int(last)

    def _seen(self, rows: NDArray[np.intp], start: int, end: int) -> Window:
        taken = self._rows.take(rows)
        late = taken.label_time > self.now
        truth, time = np.where(late, -1, taken.truth), np.where(late, 0, taken.label_time)
        return replace(taken, start=start, end=end, truth=truth, label_time=time)


def hours(windows: Sequence[Window], share: float, lag: int, rng: np.random.Generator) -> Window:
    """One window an hour as rows of a log, spread over their hours; `share` of them get a label after `lag`."""
    columns = {
        name: np.concatenate([getattr(window, name) for window in windows])
        for name in ("predicted", "scores", "features", "projection", "text_hash", "truncated", "segment", "truth")
    }
    count = sum(map(len, windows))
    time = np.concatenate([at * HOUR + np.sort(rng.integers(0, HOUR, len(one))) for at, one in enumerate(windows)])
    labelled = rng.random(count) < share
    return Window(
        model=windows[0].model,
        start=0,
        end=len(windows) * HOUR,
        ids=numbered_ids(np.arange(1, count + 1)),
        time=time,
        **{name: column for name, column in columns.items() if name != "truth"},
        truth=np.where(labelled, columns["truth"], -1),
        label_time=np.where(labelled, time + lag, 0),
        asked=np.full(count, np.nan),
    )
