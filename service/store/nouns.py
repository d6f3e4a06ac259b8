"""What the store hands out and takes in besides the nouns of the other rooms. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LogSummary:
    """The log of one model version in numbers."""

    total: int
    """Rows ever committed."""
    last_hour: int
    newest: int | None
    """Time of the newest prediction."""


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label that arrives: for a prediction's id, or else for the newest prediction with that reference."""

    prediction_id: UUID | None
    reference: str | None
    label: str
    source: str = "feedback"
    """Who says so. The store writes `audit` or `audit_uncertain` where an audit has drawn the prediction."""
    asked: float | None = None
    """The probability with which an audit elsewhere asked for it; the store's own audits are known to the store."""


class Strategy(StrEnum):
    """How an audit chooses."""

    UNIFORM = "uniform"
    """Every prediction alike."""
    UNCERTAIN = "uncertain"
    """Half of them alike, half rather where the model is unsure: narrower intervals for the same labels."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prediction that an audit asks to be labelled."""

    prediction_id: UUID
    probability: float
    """With which it was drawn in any round so far."""


class Outcome(StrEnum):
    """What became of a label. `STORED` and `CORRECTED` have left a row."""

    STORED = "stored"
    REPEATED = "repeated"
    """The newest label of this prediction says the same already."""
    CORRECTED = "corrected"
    UNKNOWN_PREDICTION = "unknown_prediction"
    UNKNOWN_LABEL = "unknown_label"
    """The model that made the prediction has no such class."""


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """What became of one label."""

    outcome: Outcome
    prediction_id: UUID | None = None
    """The prediction, where there is one."""
    delay: float | None = None
    """Seconds from the prediction to this label, if it is the first."""


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """One entry in the history of a prediction."""

    label: str
    time: int
    """When it arrived."""
    source: str
    asked: float | None
    newest: bool


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report that was asked for, without its page."""

    id: str
    asked: int
    made: int | None
    """When it was finished; None while it waits."""
    episode: str | None
    error: str | None
    """Why there is no page."""


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Notifications that wait, and those given up for good."""

    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class WatchCounts:
    """Rounds that have ended and episodes that were opened for a model version within some time."""

    rounds: int
    episodes: int


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes that the database takes, and bytes that are left for it; None where its disk is not ours to see."""

    used: int
    free: int | None
