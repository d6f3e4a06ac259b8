"""Finding, Verdict, Severity, and the one table that maps findings to a verdict.

Nouns that the whole program may see. Knows nothing of how a finding was computed or who is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from model.prediction import Estimate


class Severity(StrEnum):
    """How loudly a verdict speaks, from silent to waking somebody."""

    NONE = "none"
    NOTICE = "notice"
    TICKET = "ticket"
    PAGE = "page"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Kind(StrEnum):
    """The verdicts, from best to worst; `rank` orders them for escalation."""

    OK = "ok"
    INSUFFICIENT_DATA = "insufficient_data"
    BENIGN_DRIFT = "benign_drift"
    LABEL_SHIFT = "label_shift"
    DATA_FAULT = "data_fault"
    SUSPECTED_HARM = "suspected_harm"
    SUSPECTED_HARM_SEVERE = "suspected_harm_severe"
    HARMFUL = "harmful"

    @property
    def rank(self) -> int:
        return list(Kind).index(self)


class State(StrEnum):
    """What one check says."""

    OK = "ok"
    ALARM = "alarm"
    INSUFFICIENT = "insufficient"
    """Too little to say anything; never counted as an alarm."""
    FAILED = "failed"
    """The check itself broke; said aloud, and never taken for drift."""


class Aspect(StrEnum):
    """What a check looks at; the verdict table reads aspects, not check names."""

    INPUT = "input"
    """The texts have changed."""
    OUTPUT = "output"
    """The scores or embeddings have changed."""
    CLASS_MIX = "class_mix"
    """The mix of classes has changed, the classes themselves have not."""
    DATA = "data"
    """Something upstream is broken: empty, duplicated, truncated, silent, wrong field."""
    HARM = "harm"
    """Labels prove that accuracy has fallen."""
    ACCURACY = "accuracy"
    """Accuracy from labels, with its interval; informs, never alarms by itself."""
    ESTIMATE = "estimate"
    """Accuracy without labels, with its trust flag."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. `score > threshold` exactly when `state` is ALARM."""

    check: str
    aspect: Aspect
    state: State
    summary: str
    """One sentence for a person, without any text of a user."""
    score: float | None = None
    """In the check's own unit; −log10(p) for tests with a p-value."""
    threshold: float | None = None
    p_value: float | None = None
    count: int = 0
    """Rows behind it."""
    estimate: Estimate | None = None
    trusted: bool | None = None
    """For ESTIMATE: whether the number may be believed."""
    gross: bool = False
    """For INPUT and DATA: a change so large that no estimate helps (wrong field, foreign language, flood)."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able: effect sizes by column, F1 by class, …; `stream` where it is of a sequential test."""

    @property
    def of_window(self) -> bool:
        """It compares this round's window. A sequential test speaks of all that came since it began."""
        return not self.details.get("stream", False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one round of checks concluded about one model version."""

    kind: Kind
    severity: Severity
    model_version: str
    baseline_id: str
    time: int
    """When the round ran, microseconds since the epoch."""
    start: int
    end: int
    """The window, half-open."""
    count: int
    """Predictions in the window."""
    reasons: tuple[str, ...]
    """Sentences for a person, the weightiest first; no text of a user."""
    findings: tuple[Finding, ...]
    accuracy: Estimate | None = None
    """From labels, over the accuracy window; `count` is the number of labels."""
    coverage: float | None = None
    """Share of the accuracy window's predictions that have a label."""
    label_lag: float | None = None
    """Median seconds from prediction to label."""
    estimated_accuracy: Estimate | None = None
    estimate_trusted: bool | None = None
    baseline_accuracy: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able: words over- and under-represented, worst segments, ids of examples."""
