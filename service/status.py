"""The answers of /status and /status/history, made from what the stores hold. Knows nothing of HTTP.

Blocks while it reads; `Cached` keeps an answer for a second, so that any number of readers cost one read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from model.prediction import Estimate
from monitors.protocols import Episode
from monitors.verdict import Finding, State, Verdict
from service.parts import Parts
from service.store.nouns import ReportRow

MOST_EPISODES = 20
MOST_REPORTS = 20
MOST_POINTS = 500
HOUR = 3_600_000_000
STALE_AFTER_ROUNDS = 3
"""Rounds that the monitor may miss before the status says that it is stale."""

T = TypeVar("T")


class Cached(Generic[T]):
    """The value of `make`, made anew when it is older than `seconds`. One caller makes it, the others wait."""

    def __init__(self, make: Callable[[], T], seconds: float = 1.0) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = threading.Lock()
        self._value: T | None = None
        self._made = float("-inf")

    def get(self) -> T:
        value = self._value
        if value is not None and time.monotonic() - self._made < self._seconds:
            return value
        with self._lock:
            if self._value is None or time.monotonic() - self._made >= self._seconds:
                self._value = self._make()
                self._made = time.monotonic()
            return self._value


def iso(microseconds: int | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if microseconds is None:
        return None
    moment = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status(parts: Parts) -> dict[str, Any]:
    """The answer of /status."""
    version = parts.model.version
    now = parts.clock()
    summary = parts.log.summary(version, now)
    verdict, since = parts.verdicts.newest(version) or (None, None)
    reports = parts.reports.listed(version, MOST_REPORTS)
    classifier = parts.predictor.classifier
    return {
        "model": {
            "version": version,
            "name": parts.model.name,
            "labels": list(parts.model.labels),
            "engine": classifier.engine,
            "precision": classifier.precision,
            "baseline": parts.predictor.baseline_id,
            "cut_off": _cut_off(parts),
        },
        "predictions": {
            "total": summary.total,
            "last_hour": summary.last_hour,
            "newest": iso(summary.newest),
            "latency": parts.metrics.latency.quantiles(),
        },
        "accuracy": _accuracy(verdict),
        "estimated_accuracy": _estimated(verdict),
        "verdict": _verdict(verdict, since),
        "checks": [_check(finding) for finding in verdict.findings] if verdict else [],
        "episodes": [_episode(each, reports) for each in parts.verdicts.episodes(version, MOST_EPISODES)],
        "monitor": _monitor(verdict, parts.interval, now),
        "reports": [report_entry(row) for row in reports],
    }


def _cut_off(parts: Parts) -> dict[str, Any] | None:
    """From which score on which of two classes is answered; None where the highest score wins."""
    if parts.cut_off is None:
        return None
    return {"label": parts.model.labels[parts.cut_off.positive], "value": parts.cut_off.value}


def history(parts: Parts, hours: float) -> dict[str, Any]:
    """The answer of /status/history: the verdicts of the last hours, oldest first."""
    start = parts.clock() - round(hours * HOUR)
    verdicts = parts.verdicts.history(parts.model.version, start, MOST_POINTS)
    newest = verdicts[-1] if verdicts else None
    return {
        "points": [_point(verdict) for verdict in verdicts],
        "baseline": {
            "accuracy": newest.baseline_accuracy if newest else None,
            "class_mix": newest.details.get("baseline_class_mix") if newest else None,
        },
    }


def worst_drift(findings: Sequence[Finding]) -> float | None:
    """The largest score in units of its threshold, over the checks that have both."""
    ratios = [
        finding.score / finding.threshold
        for finding in findings
        if finding.score is not None and finding.threshold and finding.state in (State.OK, State.ALARM)
    ]
    return max(ratios, default=None)


def report_entry(row: ReportRow) -> dict[str, Any]:
    state = "failed" if row.error is not None else "waiting" if row.made is None else "made"
    made = iso(row.made) if state == "made" else None
    return {"id": row.id, "asked": iso(row.asked), "made": made, "episode": row.episode, "state": state}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _accuracy(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None or verdict.accuracy is None:
        return None
    return {
        **_estimate(verdict.accuracy),
        "labels": verdict.accuracy.count,
        "coverage": verdict.coverage,
        "lag_seconds": verdict.label_lag,
        "baseline": verdict.baseline_accuracy,
    }


def _estimated(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None or verdict.estimated_accuracy is None:
        return None
    return {**_estimate(verdict.estimated_accuracy), "trusted": bool(verdict.estimate_trusted)}


def _verdict(verdict: Verdict | None, since: int | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "kind": verdict.kind,
        "severity": verdict.severity,
        "time": iso(verdict.time),
        "since": iso(since),
        "reasons": list(verdict.reasons),
        "window": {"start": iso(verdict.start), "end": iso(verdict.end), "count": verdict.count},
        "details": dict(verdict.details),
    }


def _check(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "title": finding.details.get("title") or finding.check.replace("_", " ").capitalize(),
        "aspect": finding.aspect,
        "state": finding.state,
        "score": finding.score,
        "threshold": finding.threshold,
        "p_value": finding.p_value,
        "count": finding.count,
        "summary": finding.summary,
        "estimate": {**_estimate(finding.estimate), "count": finding.estimate.count} if finding.estimate else None,
        "details": dict(finding.details),
    }


def _episode(episode: Episode, reports: Sequence[ReportRow]) -> dict[str, Any]:
    report = next((row.id for row in reports if row.episode == episode.id), None)
    return {
        "id": episode.id,
        "opened": iso(episode.opened),
        "resolved": iso(episode.resolved),
        "kind": episode.kind,
        "severity": episode.severity,
        "reasons": list(episode.reasons),
        "report": report,
    }


def _monitor(verdict: Verdict | None, interval: float, now: int) -> dict[str, Any]:
    last = verdict.time if verdict else None
    stale = last is None or (now - last) / 1_000_000 > STALE_AFTER_ROUNDS * interval
    return {"last_round": iso(last), "interval_seconds": interval, "stale": stale}


def _point(verdict: Verdict) -> dict[str, Any]:
    accuracy = {**_estimate(verdict.accuracy), "labels": verdict.accuracy.count} if verdict.accuracy else None
    return {
        "time": iso(verdict.time),
        "verdict": verdict.kind,
        "severity": verdict.severity,
        "count": verdict.count,
        "accuracy": accuracy,
        "estimated_accuracy": _estimated(verdict),
        "drift": worst_drift(verdict.findings),
        "class_mix": verdict.details.get("class_mix"),
        "confidence": verdict.details.get("confidence"),
    }
