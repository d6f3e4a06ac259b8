"""The table from findings to a verdict, row by row, and what a verdict carries."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from model.prediction import Estimate
from monitors.judgement import TABLE, describe_window, judge
from monitors.verdict import Aspect, Finding, Kind, Severity, State
from monitors.window import empty_window
from tests.statistics.simulation import HOUR, LABELS, MODEL, World, baseline_of, draw, evidence_of, without_labels

BASE = baseline_of(draw(np.random.default_rng(200), 800))
TARGET = 0.88
UNLABELLED = without_labels(draw(np.random.default_rng(201), 400))


def finding(aspect: Aspect, state: State = State.OK, **more) -> Finding:
    numbers = {State.ALARM: {"score": 9.0, "threshold": 3.0}, State.OK: {"score": 1.0, "threshold": 3.0}}
    given = numbers.get(state, {}) | more
    return Finding(check=f"{aspect}_check", aspect=aspect, state=state, summary=f"{aspect} is {state}.", **given)


def alarm(aspect: Aspect, **more) -> Finding:
    return finding(aspect, State.ALARM, **more)


def estimated(value: float, *, half: float = 0.03, trusted: bool = True) -> Finding:
    guess = Estimate(value, value - half, value + half, 400)
    return Finding("estimate", Aspect.ESTIMATE, State.OK, "An estimate.", estimate=guess, trusted=trusted)


def with_strange(value: float, guessed: float) -> Finding:
    return replace(estimated(value), details={"if_guessed": guessed})


def labelled(accuracy: float, labels: int = 200, rows: int = 400):
    """A window with so many labels of its own, of which that share is right."""
    window = draw(np.random.default_rng(202), rows)
    right = np.arange(labels) < round(accuracy * labels)
    truth = np.full(rows, -1)
    truth[:labels] = np.where(right, window.predicted[:labels], (window.predicted[:labels] + 1) % 4)
    return replace(window, truth=truth)


def verdict(findings, window=UNLABELLED, *, page=True):
    return judge(findings, BASE, evidence_of(window), margin=0.02, page_without_labels=page, baseline_accuracy=TARGET)


QUIET = [finding(Aspect.INPUT), finding(Aspect.OUTPUT), finding(Aspect.CLASS_MIX), finding(Aspect.DATA)]
CHANGED = alarm(Aspect.INPUT)
GROSS = alarm(Aspect.INPUT, gross=True)
MOVED = alarm(Aspect.CLASS_MIX)
EXPLAINED = alarm(Aspect.CLASS_MIX, details={"explains": True})
FAULT = alarm(Aspect.DATA)
FINE = estimated(0.875)
LOW = estimated(0.84)
FAR = estimated(0.70)
BLIND = estimated(0.875, trusted=False)
DIM = estimated(0.84, trusted=False)
OPEN = replace(
    BLIND, trusted=True, estimate=Estimate(0.875, 0.70, 0.905, 400), details={"if_guessed": 0.70}
)  # fmt: skip
"""Many texts are strange: accuracy is far below if the model guesses at them."""

CASES = {
    "all quiet": ([*QUIET, FINE], UNLABELLED, Kind.OK, Severity.NONE),
    "harm beats everything": ([alarm(Aspect.HARM), FAULT, GROSS, MOVED, FAR], UNLABELLED, Kind.HARMFUL, Severity.PAGE),
    "far below": ([CHANGED, FAR], UNLABELLED, Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE),
    "scores count as inputs": ([alarm(Aspect.OUTPUT), FAR], UNLABELLED, Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE),
    "far below without any change": ([*QUIET, FAR], UNLABELLED, Kind.OK, Severity.NONE),
    "far below but labels speak": ([CHANGED, FAR], labelled(0.89), Kind.BENIGN_DRIFT, Severity.NOTICE),
    "far below, and labels say so too": (
        [MOVED, FAR],
        labelled(0.66, labels=100),
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
    ),
    "far below, and few labels go along": (
        [CHANGED, FAR],
        labelled(0.80, labels=60),
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
    ),
    "far below, and few labels are fine": (
        [CHANGED, FAR],
        labelled(0.87, labels=30),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "far below and blind": (
        [CHANGED, replace(FAR, trusted=False)],
        UNLABELLED,
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "far below, blind and gross": (
        [GROSS, replace(FAR, trusted=False)],
        UNLABELLED,
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
    ),
    "far below and blind, and labels cannot vouch": (
        [MOVED, replace(FAR, trusted=False)],
        labelled(0.80, labels=30),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "gross and blind, and labels are low": (
        [GROSS, BLIND],
        labelled(0.66, labels=100),
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
    ),
    "gross and dim": ([GROSS, DIM], UNLABELLED, Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE),
    "gross, and no estimate": ([GROSS], UNLABELLED, Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE),
    "gross and blind, but nothing says that accuracy fell": (
        [GROSS, BLIND],
        UNLABELLED,
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "gross, dim and a fault": ([GROSS, FAULT, DIM], UNLABELLED, Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE),
    "gross, blind and a fault": ([GROSS, FAULT, BLIND], UNLABELLED, Kind.SUSPECTED_HARM, Severity.TICKET),
    "a low estimate outweighs few labels": (
        [CHANGED, LOW],
        labelled(0.88, labels=60),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "many labels outweigh a low estimate": (
        [CHANGED, LOW],
        labelled(0.89, labels=400),
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
    ),
    "few labels do not vouch for what may be guessed": (
        [CHANGED, OPEN],
        labelled(0.88, labels=100),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "many labels vouch for what may be guessed": (
        [CHANGED, OPEN],
        labelled(0.89, labels=400),
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
    ),
    "a gross fault with changed inputs": (
        [CHANGED, alarm(Aspect.DATA, gross=True), DIM],
        UNLABELLED,
        Kind.SUSPECTED_HARM_SEVERE,
        Severity.PAGE,
    ),
    "gross but trusted": ([GROSS, FINE], UNLABELLED, Kind.BENIGN_DRIFT, Severity.NOTICE),
    "below the margin": ([CHANGED, LOW], UNLABELLED, Kind.SUSPECTED_HARM, Severity.TICKET),
    "blind": ([CHANGED, BLIND], UNLABELLED, Kind.SUSPECTED_HARM, Severity.TICKET),
    "no estimate at all": ([CHANGED], UNLABELLED, Kind.SUSPECTED_HARM, Severity.TICKET),
    "blind but labels vouch": ([CHANGED, BLIND], labelled(0.89), Kind.BENIGN_DRIFT, Severity.NOTICE),
    "labels of the window are low": ([CHANGED, FINE], labelled(0.70), Kind.SUSPECTED_HARM, Severity.TICKET),
    "too few labels to vouch": ([CHANGED, BLIND], labelled(1.0, labels=25), Kind.SUSPECTED_HARM, Severity.TICKET),
    "a fault": ([*QUIET[:3], FAULT, FINE], UNLABELLED, Kind.DATA_FAULT, Severity.TICKET),
    "a fault while blind": ([CHANGED, FAULT, BLIND], UNLABELLED, Kind.DATA_FAULT, Severity.TICKET),
    "a fault, blind, and labels do not vouch": (
        [CHANGED, FAULT, BLIND],
        labelled(0.84, labels=100),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "a fault while blind, and labels vouch": (
        [CHANGED, FAULT, BLIND],
        labelled(0.89),
        Kind.DATA_FAULT,
        Severity.TICKET,
    ),
    "some texts are strange": ([CHANGED, with_strange(0.875, 0.84)], UNLABELLED, Kind.SUSPECTED_HARM, Severity.TICKET),
    "some texts are strange, and nothing changed": (
        [*QUIET, with_strange(0.875, 0.8)],
        UNLABELLED,
        Kind.OK,
        Severity.NONE,
    ),
    "some texts are strange, but labels vouch": (
        [CHANGED, with_strange(0.875, 0.84)],
        labelled(0.89),
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
    ),
    "labels pull a wide estimate down": (
        [CHANGED, estimated(0.875, half=0.06)],
        labelled(0.80, labels=100),
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "labels do not outweigh a narrow estimate": (
        [CHANGED, FINE],
        labelled(0.80, labels=100),
        Kind.BENIGN_DRIFT,
        Severity.NOTICE,
    ),
    "the mix alone": ([*QUIET[:2], MOVED, FINE], UNLABELLED, Kind.LABEL_SHIFT, Severity.NOTICE),
    "the mix explains the rest": ([CHANGED, EXPLAINED, FINE], UNLABELLED, Kind.LABEL_SHIFT, Severity.NOTICE),
    "the mix does not explain the rest": ([CHANGED, MOVED, FINE], UNLABELLED, Kind.BENIGN_DRIFT, Severity.NOTICE),
    "the mix explains but accuracy falls": (
        [CHANGED, EXPLAINED, LOW],
        UNLABELLED,
        Kind.SUSPECTED_HARM,
        Severity.TICKET,
    ),
    "benign": ([CHANGED, FINE], UNLABELLED, Kind.BENIGN_DRIFT, Severity.NOTICE),
    "nothing to compare": (
        [finding(aspect, State.INSUFFICIENT) for aspect in (Aspect.INPUT, Aspect.OUTPUT, Aspect.CLASS_MIX)],
        empty_window(MODEL, 0, HOUR),
        Kind.INSUFFICIENT_DATA,
        Severity.NONE,
    ),
    "a broken check is no drift": (
        [finding(Aspect.INPUT, State.FAILED), QUIET[1], FINE],
        UNLABELLED,
        Kind.OK,
        Severity.NONE,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_table(case):
    findings, window, kind, severity = CASES[case]
    found = verdict(findings, window)
    assert (found.kind, found.severity) == (kind, severity)
    if kind not in {Kind.OK}:
        assert found.reasons


def test_a_sampled_window_is_judged_by_all_of_its_labels():
    """A thousand labels of a million rows: 25 of them are in the 25,000 rows that were read, and would not be heard."""
    read = evidence_of(labelled(0.70, labels=25))
    whole = replace(read, labels_of_window=labelled(0.70, labels=1000, rows=1000))
    kinds = [
        judge([CHANGED, FINE], BASE, evidence, margin=0.02, page_without_labels=True, baseline_accuracy=TARGET).kind
        for evidence in (read, whole)
    ]
    assert kinds == [Kind.BENIGN_DRIFT, Kind.SUSPECTED_HARM]


def test_every_kind_stands_in_the_table():
    assert {rule.kind for rule in TABLE} == set(Kind)
    assert TABLE[-1].kind is Kind.OK


def test_paging_without_labels_can_be_switched_off():
    off = verdict([GROSS, DIM], page=False)
    assert (off.kind, off.severity) == (Kind.SUSPECTED_HARM_SEVERE, Severity.TICKET)
    assert verdict([alarm(Aspect.HARM)], page=False).severity is Severity.PAGE


def test_the_weightiest_reason_comes_first():
    louder = replace(alarm(Aspect.INPUT), check="louder", score=50.0, summary="This is louder.")
    broken = replace(finding(Aspect.OUTPUT, State.FAILED), check="broken")
    found = verdict([CHANGED, louder, alarm(Aspect.HARM), FINE, broken])
    assert found.reasons[0] == "harm is alarm."
    assert found.reasons.index("This is louder.") < found.reasons.index("input is alarm.")
    assert found.reasons[-1] == "The check broken failed."


def test_a_verdict_carries_what_is_known_of_accuracy():
    known = Finding(
        "accuracy", Aspect.ACCURACY, State.OK, "Known.",
        estimate=Estimate(0.9, 0.85, 0.94, 120), details={"coverage": 0.3, "lag_seconds": 60.0},
    )  # fmt: skip
    found = verdict([*QUIET, known, LOW])
    assert found.accuracy == known.estimate
    assert (found.coverage, found.label_lag) == (0.3, 60.0)
    assert found.estimated_accuracy == LOW.estimate
    assert found.estimate_trusted is True
    assert found.baseline_accuracy == TARGET
    assert (found.count, found.model_version, found.baseline_id) == (400, "simulated", BASE.id)


def test_the_baselines_accuracy_is_taken_where_none_is_given():
    found = judge(QUIET, BASE, evidence_of(UNLABELLED), margin=0.02, page_without_labels=True)
    assert found.baseline_accuracy == BASE.accuracy.value


def test_describe_window():
    details = describe_window(BASE, draw(np.random.default_rng(203), 500, World(mix=(0.1, 0.7, 0.1, 0.1))))
    assert set(details["class_mix"]) == set(LABELS)
    assert sum(details["class_mix"].values()) == pytest.approx(1)
    assert details["class_mix"]["Sports"] > 0.5 > details["baseline_class_mix"]["Sports"]
    assert 0.5 < details["confidence"] < 1
    json.dumps(dict(details), allow_nan=False)


def test_describe_an_empty_window():
    details = describe_window(BASE, empty_window(MODEL, 0, HOUR))
    assert details["class_mix"] is None
    assert details["confidence"] is None
