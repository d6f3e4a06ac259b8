"""The interfaces between the monitor and the world. Their docstrings are the contract.

Nothing here has a body. Clocks, logs, journals and channels are passed in; `service.wiring` chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from model.errors import BertwatchError
from monitors.verdict import Aspect, Finding, Kind, Severity, Verdict
from monitors.window import Window

if TYPE_CHECKING:
    from monitors.baseline import Baseline

ROWS_AT_A_TIME = 25_000
"""Rows that a stream is handed at once: however far behind it is, memory stays bounded."""
MOST_ROWS = 25_000
"""Rows of a window that are read, and that its checks look at."""
Clock = Callable[[], int]
"""Now, in microseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a round of checks may look at. Checks are pure functions of it and the baseline."""

    now: int
    window: Window
    """Predictions of the drift window, in order of time."""
    labelled: Window
    """Labelled predictions of the accuracy window, in the order in which their labels arrived."""
    served: int
    """Number of predictions in the accuracy window, labelled or not."""
    margin: float
    """The loss of accuracy (a share, 0.02) that the owner accepts."""
    silence: float = 0.0
    """Seconds without a prediction that are a data fault; 0 is never."""
    last: int | None = None
    """When the newest prediction of this version was made, also before the window; None where that is not known."""
    predictions: int | None = None
    """Number of predictions in the drift window's period; None where `window` holds them all."""
    labels_of_window: Window | None = None
    """All evenly drawn or volunteered labels of the drift window's period; None where `window` holds them all."""
    sample: Window | None = None
    """Predictions of the accuracy window, labelled or not, spread evenly; None where none were read."""


class Check(Protocol):
    """One question about a window. One file in `monitors/checks`, found by itself."""

    name: str
    """snake_case; a label value in metrics."""
    title: str
    """What a person calls it."""
    aspect: Aspect
    """What its findings are about; a FAILED finding, which the runner writes, carries it too."""

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """What the check sees, with a false-alarm probability of at most `alpha` a round.

        Pure. An empty window, one row, constant or NaN columns give INSUFFICIENT or OK, never ALARM.
        A raise is caught by the runner and becomes a FAILED finding.
        """
        ...


class Stream(Protocol):
    """A sequential test with a memory. One file in `monitors/checks`, found by itself."""

    name: str
    title: str
    aspect: Aspect
    reads: Literal["predictions", "labels"]
    """Rows in the order of the log, or labelled rows in the order in which labels arrived."""

    def advance(
        self, baseline: Baseline, state: Mapping[str, Any] | None, new: Window, *, margin: float, alpha: float
    ) -> tuple[Mapping[str, Any], Finding]:
        """The state after `new` (JSON-able), and the finding. `state` None starts anew.

        `alpha` is the probability of ever alarming on a quiet stream. Pure and deterministic:
        advancing by a then b equals advancing by a + b.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamState:
    """The memory of one stream: committed together with the place up to which it has read."""

    cursor: int
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of trouble of one model version. At most one is open at a time."""

    id: str
    model_version: str
    opened: int
    kind: Kind
    """The worst verdict so far."""
    severity: Severity
    """The worst severity so far."""
    reasons: tuple[str, ...]
    quiet_since: int | None = None
    """Since when the rounds have been quiet, if they are; predictions made from then on are the fresh start."""
    quiet_rounds: int = 0
    """Quiet rounds in a row."""
    resolved: int | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one receiver. `key` makes it unique: the same event is told once to each."""

    key: str
    """`<episode id>/<opened | escalated:<severity>:<kind> | resolved>#<receiver>`; a known key is not added again."""
    event: Literal["opened", "escalated", "resolved", "test"]
    severity: Severity
    title: str
    body: str
    created: int
    attempts: int = 0

    @property
    def receiver(self) -> str:
        """Which of the configured receivers this row is for, each with its own retries; empty: the only one."""
        return self.key.rpartition("#")[2] if "#" in self.key else ""

    @property
    def thread(self) -> tuple[str, str]:
        """The episode and the receiver. Within a thread messages leave in their order: no end before its beginning."""
        return self.key.partition("/")[0], self.receiver


@dataclass(frozen=True, slots=True)
class Memory:
    """What the monitor knows when a round begins."""

    verdict: Verdict | None
    episode: Episode | None
    """The open one, if any."""
    streams: Mapping[str, StreamState]
    round: int = 0
    """Number of the newest committed round; 0 before the first. It grows with every one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round leaves behind; committed as one transaction or not at all."""

    slot: str
    verdict: Verdict
    episode: Episode | None
    """The episode as it now is (new, changed, resolved); None when there is none and was none."""
    streams: Mapping[str, StreamState]
    notifications: Sequence[Notification]
    after: int | None = None
    """`Memory.round` of the memory that this was concluded from; None concludes from nothing, and fits any."""


class Overtaken(BertwatchError):
    """Another monitor has committed a round since the memory was read: what was concluded from it is out of date."""


class Log(Protocol):
    """What the monitor reads of the prediction log. Times are microseconds, ranges half-open."""

    def window(self, version: str, start: int, end: int, most: int = MOST_ROWS) -> Window:
        """Rows of [start, end) in order of time, with the newest label of each where there is one.

        Of more than `most`, about so many are read, spread evenly over all: memory and time stay bounded, whatever the
        traffic. What a test of some hundred baseline rows can see is then known long since; `count` is exact.
        """
        ...

    def labelled(self, version: str, start: int, end: int, *, even: bool = False) -> Window:
        """Rows of [start, end) that have a label, in the order in which the newest labels arrived.

        `even` leaves out those that an audit asked for because the model was unsure, as `window` and `after` do.
        """
        ...

    def count(self, version: str, start: int, end: int) -> int: ...

    def start_of_last(self, version: str, rows: int, end: int) -> int | None:
        """Time of the `rows`-th newest row before `end`; None where there are fewer."""
        ...

    def after(
        self, version: str, cursor: int, reads: Literal["predictions", "labels"], most: int = ROWS_AT_A_TIME
    ) -> tuple[Window, int]:
        """The first `most` rows committed after `cursor` in commit order, and the cursor after the last of them.

        A cursor of 0 is the beginning. A cursor that does not move is the end.

        For "labels": one row per *first* label of a prediction, in order of arrival; a corrected
        label does not come again.
        """
        ...

    def end_cursor(self, reads: Literal["predictions", "labels"]) -> int:
        """The cursor that stands after everything committed so far."""
        ...

    def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Texts of the rows whose text is stored; others are left out."""
        ...


class Journal(Protocol):
    """What the monitor remembers: verdicts, episodes, stream states; keyed by model version."""

    def claim(self, version: str, slot: str, now: int) -> bool:
        """True for exactly one caller per (version, slot), also with several monitors on one database."""
        ...

    def memory(self, version: str) -> Memory: ...

    def commit(self, outcome: Outcome) -> None:
        """Verdict, episode, stream states with cursors, and outbox rows, in one transaction.

        Raises Overtaken, and then nothing has changed, where `outcome.after` is not the newest round any more: two
        monitors whose rounds overlap would otherwise each feed the same rows to the streams, or forget the other's.
        """
        ...


class Outbox(Protocol):
    """Notifications that wait for delivery."""

    def due(self, now: int, limit: int = 20) -> Sequence[Notification]:
        """Take what is due and the first of its thread, the oldest first: what follows waits, due or not."""
        ...

    def delivered(self, key: str, now: int) -> None: ...

    def failed(self, key: str, now: int, retry_at: int | None, error: str) -> None:
        """Count an attempt; `retry_at` None gives up for good. `error` holds no secret and no text."""
        ...


class Reports(Protocol):
    """Drift reports: asked for by an opening or a person, made by the monitor, read by the service."""

    def ask(self, version: str, now: int, episode: str | None) -> str:
        """The id of the report to be made (an existing id where one is waiting for the same episode)."""
        ...

    def waiting(self, version: str) -> Sequence[str]: ...

    def save(self, report: str, now: int, html: str | None, error: str | None) -> None: ...


class Channel(Protocol):
    """A way to reach people."""

    def send(self, notification: Notification) -> DeliveryResult: ...


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """`retry` is the one bit that matters after a failure: is another try worth it?"""

    ok: bool
    retry: bool = True
    error: str = ""
