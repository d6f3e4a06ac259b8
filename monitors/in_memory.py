"""Log, journal, outbox and reports that live in memory: for `bertwatch check` and for tests.

The same contract as the stores of the service; nothing survives the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from model.prediction import ModelInfo
from monitors.protocols import MOST_ROWS, ROWS_AT_A_TIME, Memory, Notification, Outcome, Overtaken
from monitors.statistics.weighted import count_alike
from monitors.verdict import Verdict
from monitors.window import COLUMNS, Window, empty_window

Reads = Literal["predictions", "labels"]


class MemoryLog:
    """Rows of one model version in commit order, and their first labels in the order of arrival.

    Labels that were drawn with unequal chances are for `labelled` alone, which gives the chances too.
    """

    def __init__(self, model: ModelInfo) -> None:
        self._model = model
        self._rows = empty_window(model, 0, 0)
        self._labels: list[int] = []

    def add(self, rows: Window) -> None:
        """Commit rows; those with a truth are labelled in the order of their `label_time`."""
        before = len(self._rows)
        self._rows = Window(
            model=self._model,
            start=0,
            end=0,
            **{name: np.concatenate([getattr(self._rows, name), getattr(rows, name)]) for name in COLUMNS},
        )
        known = np.flatnonzero(rows.known)
        self._labels += (before + known[np.argsort(rows.label_time[known], kind="stable")]).tolist()

    def label(self, rows: NDArray[np.intp], truth: NDArray[np.int64], time: int) -> None:
        """Label the rows of these numbers (commit order); a second label corrects the first."""
        self._labels += [row for row in rows.tolist() if self._rows.truth[row] < 0]
        self._rows.truth[rows] = truth
        self._rows.label_time[rows] = time

    def window(self, version: str, start: int, end: int, most: int = MOST_ROWS) -> Window:
        rows = self._between(version, start, end)
        rows = rows[np.argsort(self._rows.time[rows], kind="stable")]
        if len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.intp)]
        return self._evenly(rows, start, end)

    def labelled(self, version: str, start: int, end: int, *, even: bool = False) -> Window:
        rows = self._between(version, start, end)
        rows = rows[(self._rows.known & self._alike if even else self._rows.known)[rows]]
        return self._taken(rows[np.argsort(self._rows.label_time[rows], kind="stable")], start, end)

    def count(self, version: str, start: int, end: int) -> int:
        return len(self._between(version, start, end))

    def start_of_last(self, version: str, rows: int, end: int) -> int | None:
        times = np.sort(self._rows.time[self._between(version, 0, end)])
        return int(times[-rows]) if len(times) >= rows else None

    def after(self, version: str, cursor: int, reads: Reads, most: int = ROWS_AT_A_TIME) -> tuple[Window, int]:
        if version != self._model.version:
            return empty_window(self._model, 0, 0), self.end_cursor(reads)
        order = np.asarray(self._labels, np.intp) if reads == "labels" else np.arange(len(self._rows))
        chosen = order[cursor : cursor + most]
        read = chosen[self._alike[chosen]] if reads == "labels" else chosen
        return self._evenly(read, 0, 0), cursor + len(chosen)

    def end_cursor(self, reads: Reads) -> int:
        return len(self._labels) if reads == "labels" else len(self._rows)

    def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        return {}

    def _between(self, version: str, start: int, end: int) -> NDArray[np.intp]:
        if version != self._model.version:
            return np.zeros(0, np.intp)
        return np.flatnonzero((self._rows.time >= start) & (self._rows.time < end))

    @property
    def _alike(self) -> NDArray[np.bool_]:
        return count_alike(self._rows.asked)

    def _evenly(self, rows: NDArray[np.intp], start: int, end: int) -> Window:
        """Without the labels that do not count alike."""
        alike, taken = self._alike[rows], self._taken(rows, start, end)
        truth, label_time = np.where(alike, taken.truth, -1), np.where(alike, taken.label_time, 0)
        return replace(taken, truth=truth, label_time=label_time, asked=np.where(alike, taken.asked, np.nan))

    def _taken(self, rows: NDArray[np.intp], start: int, end: int) -> Window:
        return replace(self._rows.take(rows), start=start, end=end)


@dataclass
class _Waiting:
    notification: Notification
    retry_at: int
    state: Literal["waiting", "delivered", "given up"] = "waiting"


@dataclass
class MemoryOutbox:
    """Notifications by key; a known key is not added again."""

    rows: dict[str, _Waiting] = field(default_factory=dict)

    def add(self, notifications: Sequence[Notification]) -> None:
        for notification in notifications:
            self.rows.setdefault(notification.key, _Waiting(notification, notification.created))

    def due(self, now: int, limit: int = 20) -> Sequence[Notification]:
        first: dict[tuple[str, str], _Waiting] = {}
        for row in sorted(self.rows.values(), key=lambda row: (row.notification.created, row.notification.key)):
            if row.state == "waiting":
                first.setdefault(row.notification.thread, row)
        return [row.notification for row in first.values() if row.retry_at <= now][:limit]

    def delivered(self, key: str, now: int) -> None:
        self.rows[key].state = "delivered"

    def failed(self, key: str, now: int, retry_at: int | None, error: str) -> None:
        row = self.rows[key]
        row.notification = replace(row.notification, attempts=row.notification.attempts + 1)
        if retry_at is None:
            row.state = "given up"
        else:
            row.retry_at = retry_at


@dataclass
class MemoryJournal:
    """What the monitor remembers, by model version."""

    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    verdicts: list[Verdict] = field(default_factory=list)
    _claims: set[tuple[str, str]] = field(default_factory=set)
    _memories: dict[str, Memory] = field(default_factory=dict)

    def claim(self, version: str, slot: str, now: int) -> bool:
        taken = (version, slot) in self._claims
        self._claims.add((version, slot))
        return not taken

    def memory(self, version: str) -> Memory:
        return self._memories.get(version, Memory(verdict=None, episode=None, streams={}))

    def commit(self, outcome: Outcome) -> None:
        before = self.memory(outcome.verdict.model_version).round
        if outcome.after not in (None, before):
            raise Overtaken("Another monitor has finished a round meanwhile.")
        episode = outcome.episode if outcome.episode and outcome.episode.resolved is None else None
        self._memories[outcome.verdict.model_version] = Memory(outcome.verdict, episode, outcome.streams, before + 1)
        self.verdicts.append(outcome.verdict)
        self.outbox.add(outcome.notifications)


@dataclass
class MemoryReports:
    """Reports asked for and made."""

    asked: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    made: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def ask(self, version: str, now: int, episode: str | None) -> str:
        for report, wanted in self.asked.items():
            if episode is not None and wanted == (version, episode) and report not in self.made:
                return report
        report = f"r{len(self.asked) + 1}"
        self.asked[report] = (version, episode)
        return report

    def waiting(self, version: str) -> Sequence[str]:
        return [report for report, (wanted, _) in self.asked.items() if wanted == version and report not in self.made]

    def save(self, report: str, now: int, html: str | None, error: str | None) -> None:
        self.made[report] = (html, error)
