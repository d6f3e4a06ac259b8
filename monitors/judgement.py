"""Findings in, one Verdict out: the one table that says what they mean together, and how loudly to say it.

Knows aspects, not checks: a new check needs no entry here. Knows nothing of episodes or of who is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.prediction import Estimate
from monitors.baseline import Baseline
from monitors.protocols import Evidence
from monitors.statistics.binomial import exact_interval
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict
from monitors.window import Window

SEVERE = 0.10
"""Loss of accuracy, in the upper end of the estimate, from which on suspicion is severe."""
COMPARISONS = frozenset({Aspect.INPUT, Aspect.OUTPUT, Aspect.CLASS_MIX})
SPEAKING = 30
"""Labels of the window itself from which on they are heard against an estimate."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the findings of one round amount to."""

    proven: bool
    """Labels prove harm."""
    changed: bool
    """Texts, scores or embeddings have changed, and a moved class mix does not explain it. Scores and embeddings count
    as inputs: the model is the same, so other answers mean other texts."""
    mix: bool
    """The class mix has moved."""
    fault: bool
    gross: bool
    """A change so large that no estimate helps."""
    labelled_fine: bool
    """Labels of the window itself put its accuracy within the margin and rule out a severe loss, and what the estimate
    leaves open does not outweigh them."""
    labelled_low: bool
    """Labels of the window itself put its accuracy below the margin, with their whole interval."""
    labelled_along: bool
    """Labels of the window itself lie below the margin, and weighed with the estimate see a severe loss as it does."""
    labels_speak: bool
    """There are enough labels of the window itself to be heard."""
    estimated: bool
    """There is an estimate of accuracy without labels."""
    trusted: bool
    """The estimate may be believed."""
    low: bool
    """The estimate is below the margin, weighed with the window's own labels where they speak."""
    strange: bool
    """Accuracy is below the margin if the model can only guess at texts that are unlike any in the baseline."""
    far_below: bool
    """The estimate's upper end is at least `SEVERE` below the baseline."""
    something_seen: bool
    """At least one comparison of the window with the baseline had enough rows to say something."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table."""

    kind: Kind
    severity: Severity
    when: Callable[[Signs], bool]
    because: str
    """A sentence that stands among the reasons where no finding says it; may be empty."""


TABLE: tuple[Rule, ...] = (
    Rule(Kind.HARMFUL, Severity.PAGE, lambda s: s.proven, ""),
    Rule(
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
        lambda s: (
            (s.changed or s.mix)
            and s.far_below
            and (s.trusted or s.gross)
            and (not s.labels_speak or s.labelled_low or s.labelled_along)
        ),
        "Accuracy without labels is estimated at least 10 points below the baseline.",
    ),
    Rule(
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
        # an estimate that cannot be trusted and yet sees no loss is half a witness: a ticket, whatever the texts are
        lambda s: (
            s.changed
            and s.gross
            and not s.trusted
            and (s.low or not s.estimated)
            and (not s.labels_speak or s.labelled_low)
        ),
        "The texts are so unlike the baseline's that no estimate of accuracy can be trusted.",
    ),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: (s.changed or s.mix) and s.labelled_low,
        "The window's own labels put accuracy below what is accepted.",
    ),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: (s.changed or s.mix) and s.low and s.trusted,
        "Accuracy without labels is estimated below what is accepted.",
    ),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: (
            (s.changed or s.fault or (s.mix and s.far_below))
            and (s.strange or not s.trusted)
            and s.labels_speak
            and not s.labelled_fine
        ),
        "The window's own labels do not put accuracy within the margin, and no estimate helps.",
    ),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: s.changed and s.gross and not s.trusted and not s.labels_speak,
        "The texts are so unlike the baseline's that no estimate of accuracy can be trusted, though it sees no loss.",
    ),
    Rule(Kind.DATA_FAULT, Severity.TICKET, lambda s: s.fault, ""),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: s.changed and not s.trusted and not s.labelled_fine,
        "Nothing that can be trusted says that accuracy has held.",
    ),
    Rule(
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
        lambda s: s.changed and s.strange and not s.labelled_fine,
        "So many texts are unlike any in the baseline that accuracy is below what is accepted if the model guesses at "
        "them.",
    ),
    Rule(Kind.LABEL_SHIFT, Severity.NOTICE, lambda s: s.mix and not s.changed, ""),
    Rule(
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
        lambda s: s.changed and s.labelled_fine,
        "The window's own labels put accuracy within the margin.",
    ),
    Rule(
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
        lambda s: s.changed,
        "Accuracy without labels is estimated to be within the margin.",
    ),
    Rule(Kind.INSUFFICIENT_DATA, Severity.NONE, lambda s: not s.something_seen, ""),
    Rule(Kind.OK, Severity.NONE, lambda s: True, ""),
)
"""Read from above; the first row that holds is the verdict."""


def judge(
    findings: Sequence[Finding],
    baseline: Baseline,
    evidence: Evidence,
    *,
    margin: float,
    page_without_labels: bool,
    baseline_accuracy: float | None = None,
) -> Verdict:
    """The verdict of one round. `baseline_accuracy` None takes the baseline's own.

    Reasons stand in order of weight: what decided, then the findings that alarmed, then what accuracy is known or
    estimated to be, then checks that broke.
    """
    target = baseline.accuracy.value if baseline_accuracy is None else baseline_accuracy
    accuracy = _first(findings, Aspect.ACCURACY)
    estimate = _first(findings, Aspect.ESTIMATE)
    signs = read_signs(findings, evidence, target, margin)
    rule = next(rule for rule in TABLE if rule.when(signs))
    severity = rule.severity
    if rule.kind is Kind.SUSPECTED_HARM_SEVERE and not page_without_labels:
        severity = Severity.TICKET
    window = evidence.window
    details = accuracy.details if accuracy else {}
    return Verdict(
        kind=rule.kind,
        severity=severity,
        model_version=baseline.model.version,
        baseline_id=baseline.id,
        time=evidence.now,
        start=window.start,
        end=window.end,
        count=len(window),
        reasons=_reasons(rule, findings),
        findings=tuple(findings),
        accuracy=accuracy.estimate if accuracy else None,
        coverage=details.get("coverage"),
        label_lag=details.get("lag_seconds"),
        estimated_accuracy=estimate.estimate if estimate else None,
        estimate_trusted=estimate.trusted if estimate else None,
        baseline_accuracy=target,
        details=describe_window(baseline, window),
    )


def read_signs(findings: Sequence[Finding], evidence: Evidence, target: float, margin: float) -> Signs:
    """What the findings amount to, held against a baseline accuracy of `target` and a margin."""
    alarms = [finding for finding in findings if finding.state is State.ALARM]
    aspects = {finding.aspect for finding in alarms}
    estimate = _first(findings, Aspect.ESTIMATE)
    guess = estimate.estimate if estimate else None
    own = _own_accuracy(evidence.window if evidence.labels_of_window is None else evidence.labels_of_window)
    speaks = own is not None and own.count >= SPEAKING
    heard = own if speaks else None
    explained = any(finding.aspect is Aspect.CLASS_MIX and finding.details.get("explains") for finding in alarms)
    compared = [finding for finding in findings if finding.aspect in COMPARISONS and finding.of_window]
    return Signs(
        proven=Aspect.HARM in aspects,
        changed=bool(aspects & {Aspect.INPUT, Aspect.OUTPUT}) and not explained,
        mix=Aspect.CLASS_MIX in aspects,
        fault=Aspect.DATA in aspects,
        gross=any(finding.gross for finding in alarms),
        labelled_fine=heard is not None and _vouches(heard, guess, target, margin),
        labelled_low=heard is not None and heard.high < target - margin,
        labelled_along=guess is not None
        and heard is not None
        and heard.value < target - margin
        and _weighed(guess.value, guess, heard) <= target - SEVERE,
        labels_speak=speaks,
        estimated=guess is not None,
        trusted=bool(estimate and estimate.trusted),
        low=guess is not None and _weighed(guess.value, guess, heard) < target - margin,
        strange=estimate is not None and estimate.details.get("if_guessed", 1.0) < target - margin,
        far_below=guess is not None and guess.high <= target - SEVERE,
        something_seen=any(finding.state in {State.OK, State.ALARM} for finding in compared),
    )


def describe_window(baseline: Baseline, window: Window) -> Mapping[str, Any]:
    """What a page draws beside a verdict: `class_mix` and `baseline_class_mix` by label, mean `confidence` of both.

    None where the window is empty. Shares are of predicted classes.
    """
    return {
        "class_mix": _mix(window),
        "baseline_class_mix": _mix(baseline.reference),
        "confidence": _confidence(window),
        "baseline_confidence": _confidence(baseline.reference),
    }


def _mix(window: Window) -> dict[str, float] | None:
    if len(window) == 0:
        return None
    labels = window.model.labels
    counts = np.bincount(window.predicted, minlength=len(labels))
    return {label: float(count / len(window)) for label, count in zip(labels, counts, strict=True)}


def _confidence(window: Window) -> float | None:
    values = window.scores[np.arange(len(window)), window.predicted]
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _own_accuracy(window: Window) -> Estimate | None:
    """Accuracy on those of the window's own rows that have a label already."""
    known = int(window.known.sum())
    return exact_interval(int(window.correct[window.known].sum()), known) if known else None


def _vouches(own: Estimate, guess: Estimate | None, target: float, margin: float) -> bool:
    """An estimate's interval reaches far down where the model may only guess, so its middle is what it leaves open."""
    if own.value < target - margin or own.low <= target - SEVERE:
        return False
    return guess is None or _weighed((guess.low + guess.high) / 2, guess, own) >= target - margin


def _weighed(value: float, guess: Estimate, own: Estimate | None) -> float:
    """The estimate's value and the labels of the same window, each by the inverse of its squared width; the labels
    alone where the two cannot both be true."""
    if own is None:
        return value
    if own.low > guess.high or own.high < guess.low:
        return own.value
    first, second = ((one.high - one.low) ** -2 if one.high > one.low else 1e12 for one in (guess, own))
    return float((first * value + second * own.value) / (first + second))


def _first(findings: Sequence[Finding], aspect: Aspect) -> Finding | None:
    return next((finding for finding in findings if finding.aspect is aspect and finding.state is State.OK), None)


WEIGHT = (Aspect.HARM, Aspect.DATA, Aspect.CLASS_MIX, Aspect.INPUT, Aspect.OUTPUT)


def _reasons(rule: Rule, findings: Sequence[Finding]) -> tuple[str, ...]:
    alarms = [finding for finding in findings if finding.state is State.ALARM]
    alarms.sort(
        key=lambda finding: (WEIGHT.index(finding.aspect) if finding.aspect in WEIGHT else 9, -_loudness(finding))
    )
    said = [finding.summary for finding in alarms]
    if rule.because:
        said.insert(0 if rule.severity is not Severity.NOTICE else len(said), rule.because)
    if rule.kind is Kind.INSUFFICIENT_DATA:
        said += [finding.summary for finding in findings if finding.state is State.INSUFFICIENT][:1]
    if alarms:
        known = (_first(findings, Aspect.ACCURACY), _first(findings, Aspect.ESTIMATE))
        said += [finding.summary for finding in known if finding is not None]
    said += [f"The check {finding.check} failed." for finding in findings if finding.state is State.FAILED]
    return tuple(dict.fromkeys(said))


def _loudness(finding: Finding) -> float:
    return (finding.score or 0.0) / (finding.threshold or 1.0)
