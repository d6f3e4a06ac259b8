"""A gate says what it read, passes when its figure does, and an unknown figure is named with its neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import GateFailed, InputError
from model.evaluation import evaluate
from model.gates import Gate, enforce, figure_names, judge_gates, read_gate, refuse_unknown
from model.prediction import Estimate

NAMES = ("World", "Sports", "Sci/Tech")
FIGURES = {
    "accuracy": Estimate(0.85, 0.82, 0.88, 800),
    "recall[Sports]": Estimate(0.9, 0.85, 0.94, 200),
    "ece": Estimate(0.04, 0.01, 0.07, 800),
    "behavior[other people]": Estimate(0.05, 0.01, 0.15, 40),
}


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("accuracy>=0.84", Gate("accuracy", "value", ">=", 0.84)),
        ("  accuracy.low >= .8 ", Gate("accuracy", "low", ">=", 0.8)),
        ("ece.high<1e-1", Gate("ece", "high", "<", 0.1)),
        ("recall[Sci/Tech]>0.9", Gate("recall[Sci/Tech]", "value", ">", 0.9)),
        ("recall[a>=b]>=0.5", Gate("recall[a>=b]", "value", ">=", 0.5)),
        ("recall[x.low]<=1", Gate("recall[x.low]", "value", "<=", 1)),
        ("behavior[other people]<=0.1", Gate("behavior[other people]", "value", "<=", 0.1)),
        ("behavior", Gate("behavior", "value", "<=", 0)),
    ],
)
def test_gates_are_read(text, gate):
    assert read_gate(text) == gate
    assert read_gate(str(gate)) == gate


@pytest.mark.parametrize("text", ["", "accuracy", "accuracy>=", "accuracy>=high", ">=0.5", "accuracy=0.5", "a>=0.5x"])
def test_what_is_no_gate_gets_one_sentence(text):
    with pytest.raises(InputError, match=r"such as accuracy>=0\.84"):
        read_gate(text)


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("accuracy>=0.85", True), ("accuracy>0.85", False), ("accuracy>=0.86", False), ("accuracy.low>=0.82", True),
        ("accuracy.low>=0.83", False), ("ece<=0.04", True), ("ece<0.04", False), ("ece.high<=0.05", False),
        ("behavior[other people]<=0.1", True), ("behavior[other people].high<=0.1", False),
    ],
)  # fmt: skip
def test_gates_are_judged(text, passed):
    [result] = judge_gates([read_gate(text)], FIGURES, {}, ())
    assert result.passed is passed


def test_behavior_alone_asks_for_every_test():
    assert judge_gates([read_gate("behavior")], {}, {}, ())[0].passed
    [result] = judge_gates([read_gate("behavior")], {}, {}, ("typing errors",))
    assert not result.passed
    assert "typing errors" in result.reason


def test_a_figure_that_the_rows_cannot_give_does_not_pass():
    undefined = {"recall[World]": "No row is of this class."}
    [result] = judge_gates([read_gate("recall[World]>=0")], FIGURES, undefined, ())
    assert (result.passed, result.value) == (False, None)
    assert "no row is of this class" in result.reason


def test_every_failed_gate_is_named_with_its_figure():
    gates = [read_gate(text) for text in ("accuracy>=0.9", "ece<=0.1", "recall[Sports].low>=0.9")]
    results = judge_gates(gates, FIGURES, {}, ())
    with pytest.raises(GateFailed, match="2 of 3 gates") as failed:
        enforce(results)
    assert failed.value.exit_status == 1
    assert "accuracy>=0.9 failed: accuracy is 0.8500 (0.8200 to 0.8800)" in str(failed.value)
    assert "0.8500" in str(failed.value)
    assert "ece" not in str(failed.value)
    enforce(results[1:2])


@pytest.mark.parametrize(
    ("text", "near"), [("acuracy>=1", "accuracy"), ("recall[sport]>=1", r"recall\[Sports\]"), ("f1>=0.5", "macro_f1")]
)
def test_an_unknown_figure_is_refused_with_near_ones(text, near):
    with pytest.raises(InputError, match=f"did you mean .*{near}"):
        refuse_unknown([read_gate(text)], figure_names(NAMES))
    with pytest.raises(InputError, match="No behavior test is run"):
        refuse_unknown([read_gate("behavior")], figure_names(NAMES))
    refuse_unknown([read_gate("behavior[a]<=1"), read_gate("behavior")], figure_names(NAMES, ["a"]))


@pytest.mark.parametrize("labels", [NAMES, NAMES[:2]])
def test_the_names_are_those_of_an_evaluation(labels):
    truth = np.arange(60) % len(labels)
    scores = np.random.default_rng(0).dirichlet(np.ones(len(labels)), 60)
    found = evaluate(truth, scores, labels, resamples=10)
    assert set(figure_names(labels)) == set(found.metrics) | set(found.undefined)
