"""Verdicts to one episode a model version: opened, escalated, resolved.

Pure: the episode lives in `Memory`, so a restart changes nothing. Knows nothing of who is told, or how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from model.prediction import Estimate
from monitors.protocols import Episode
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict

Event = Literal["opened", "escalated", "resolved"]
Reads = Literal["predictions", "labels"]

SUSPECTED = (Kind.SUSPECTED_HARM, Kind.SUSPECTED_HARM_SEVERE)
COMPARISONS = (Aspect.INPUT, Aspect.OUTPUT, Aspect.CLASS_MIX)
OF_THE_WINDOW = (*COMPARISONS, Aspect.DATA)
"""What can be quiet again by itself; the harm stream stays fired until it is started anew."""


@dataclass(frozen=True, slots=True)
class ResolvePolicy:
    """What it takes until an episode may resolve."""

    rounds: int
    """Quiet rounds in a row."""
    rows: int
    """Predictions since the quiet began: what a window must hold to be believed."""
    labels: int
    """Fresh labels that a harmful episode needs."""
    margin: float
    """The loss of accuracy (a share) that the owner accepts."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was predicted since the quiet of the open episode began: the fresh start."""

    predictions: int = 0
    accuracy: Estimate | None = None
    """From the labels that have arrived for these predictions."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one verdict does to the episode."""

    episode: Episode | None
    event: Event | None
    restart: frozenset[str] = frozenset()
    """Names of the streams that start anew after this round."""


def step(
    episode: Episode | None, verdict: Verdict, fresh: Fresh, policy: ResolvePolicy, streams: Mapping[str, Reads]
) -> Step:
    """The episode after `verdict`. `streams` are the sequential tests by name, with what they read.

    Opening: a verdict of severity notice or more, where no episode is open.
    Escalating: an open episode keeps the worst kind and severity. People are told when the severity rises
    or the kind becomes harmful, and not of a worse kind at the same severity.
    Insufficient data changes nothing: it neither counts as quiet nor ends the quiet.

    A round is quiet when the window is (below) and fresh labels do not contradict: the upper end of accuracy
    over predictions made since the quiet began is not below baseline − margin. If it is, the quiet begins anew,
    so that a stretch that began before the recovery does not hold the resolution up.
    The window is quiet when the verdict says ok. A harmful verdict cannot: the harm stream, once fired, stays so.
    For it the window is quiet when no finding but harm alarms and at least one compared the window and found nothing.

    Resolving: after `policy.rounds` quiet rounds in a row that hold `policy.rows` predictions, and
    - if the episode was harmful: accuracy over at least `policy.labels` fresh labels is ≥ baseline − margin.
      Swapped labels never change an input; only this ends them. Without labels it stays open.
    - if harm was suspected: the same where there are as many labels, and a trusted label-free estimate is no
      lower either. Where neither is known the quiet window suffices: the suspicion was about changed inputs.
    - otherwise the quiet is enough.
    All streams start anew then. A stream over predictions that stands fired while the checks of the window are
    calm starts anew at once: it costs that round, and comes back only if the drift is still there.
    """
    if episode is None:
        return Step(None, None) if verdict.severity is Severity.NONE else Step(_opened(verdict), "opened")
    if verdict.kind is Kind.INSUFFICIENT_DATA:
        return Step(episode, None)

    worse = _worse(episode, verdict)
    if worse.severity is not episode.severity or (worse.kind is Kind.HARMFUL and episode.kind is not Kind.HARMFUL):
        return Step(_troubled(worse), "escalated")

    calm = _calm(verdict, streams)
    if not _quiet(verdict) or _contradicted(verdict, fresh, policy):
        return Step(_troubled(worse), None, calm)
    quiet = replace(
        worse,
        quiet_since=verdict.time if episode.quiet_since is None else episode.quiet_since,
        quiet_rounds=episode.quiet_rounds + 1,
    )
    enough = quiet.quiet_rounds >= policy.rounds and fresh.predictions >= policy.rows
    if enough and _recovered(quiet.kind, verdict, fresh, policy):
        return Step(replace(quiet, resolved=verdict.time), "resolved", frozenset(streams))
    return Step(quiet, None, calm)


def _opened(verdict: Verdict) -> Episode:
    return Episode(
        id=f"{verdict.model_version}-{verdict.time}",
        model_version=verdict.model_version,
        opened=verdict.time,
        kind=verdict.kind,
        severity=verdict.severity,
        reasons=verdict.reasons,
    )


def _worse(episode: Episode, verdict: Verdict) -> Episode:
    """The episode with the worst kind and severity so far, and the reasons of the worst kind."""
    if verdict.severity is Severity.NONE:
        return episode
    severity = max(episode.severity, verdict.severity, key=lambda severity: severity.rank)
    if verdict.kind.rank <= episode.kind.rank:
        return replace(episode, severity=severity)
    return replace(episode, kind=verdict.kind, severity=severity, reasons=verdict.reasons)


def _troubled(episode: Episode) -> Episode:
    return replace(episode, quiet_since=None, quiet_rounds=0)


def _quiet(verdict: Verdict) -> bool:
    if verdict.kind is not Kind.HARMFUL:
        return verdict.severity is Severity.NONE
    seen = [finding for finding in verdict.findings if finding.aspect in OF_THE_WINDOW]
    compared = any(
        finding.state is State.OK and finding.aspect in COMPARISONS and finding.of_window for finding in seen
    )
    return compared and not _alarms(seen)


def _calm(verdict: Verdict, streams: Mapping[str, Reads]) -> frozenset[str]:
    """The prediction streams that stand fired while no check of the window does."""
    fired = _alarms(finding for finding in verdict.findings if finding.aspect in OF_THE_WINDOW)
    of_predictions = {name for name, reads in streams.items() if reads == "predictions"}
    return frozenset(fired) if fired <= of_predictions else frozenset()


def _alarms(findings: Iterable[Finding]) -> set[str]:
    return {finding.check for finding in findings if finding.state is State.ALARM}


def _contradicted(verdict: Verdict, fresh: Fresh, policy: ResolvePolicy) -> bool:
    if fresh.accuracy is None or verdict.baseline_accuracy is None:
        return False
    return fresh.accuracy.high < verdict.baseline_accuracy - policy.margin


def _recovered(kind: Kind, verdict: Verdict, fresh: Fresh, policy: ResolvePolicy) -> bool:
    if kind is not Kind.HARMFUL and kind not in SUSPECTED:
        return True
    if verdict.baseline_accuracy is None:
        return False
    bound = verdict.baseline_accuracy - policy.margin
    labelled = fresh.accuracy is not None and fresh.accuracy.count >= policy.labels
    within = fresh.accuracy is not None and fresh.accuracy.value >= bound
    if kind is Kind.HARMFUL:
        return labelled and within
    if labelled and not within:
        return False
    estimate = verdict.estimated_accuracy
    return not verdict.estimate_trusted or estimate is None or estimate.value >= bound
