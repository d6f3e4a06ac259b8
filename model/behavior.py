"""Behavior tests after CheckList (Ribeiro, Wu, Guestrin, Singh 2020, arXiv 2005.04118): what a model must be able to
do, what must not change its answer, and what must move it. Knows nothing of files, engines or reports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation import proportion
from model.evaluation.behavior import BehaviorReport, BehaviorResult, FailedCase
from model.prediction import Predictions

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One case: a text, what becomes of it, and the class that it is about."""

    text: str
    changed: str | None = None
    """None for minimum functionality."""
    label: str | None = None
    """None for invariance."""


@dataclass(frozen=True, slots=True)
class BehaviorTest:
    """Cases that are judged in one way.

    `minimum`: the answer is the label. `invariance`: the changed text gets the same answer. `directional`: the
    label's score does not fall (`up`) or rise (`down`) by more than the tolerance.
    """

    name: str
    kind: str
    cases: tuple[Case, ...]
    about: str = ""
    at_most: float = 0.0
    """The share of cases that may fail."""
    direction: str = "up"
    tolerance: float = 0.0

    @property
    def digest(self) -> str:
        facts = [self.kind, self.direction, self.tolerance, [asdict(case) for case in self.cases]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Pack:
    """All tests of one file."""

    name: str
    tests: tuple[BehaviorTest, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text once, in order."""
        cases = (case for test in self.tests for case in test.cases)
        return tuple(dict.fromkeys(text for case in cases for text in (case.text, case.changed) if text is not None))


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """What the model says of each text of a pack."""

    labels: Sequence[str]
    row: dict[str, int]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]

    def said(self, text: str) -> str:
        return self.labels[int(self.classes[self.row[text]])]

    def score(self, text: str, label: str) -> float:
        return float(self.scores[self.row[text], self.labels.index(label)])


def run_pack(pack: Pack, labels: Sequence[str], classify: Callable[[Sequence[str]], Predictions]) -> BehaviorReport:
    """Every test of the pack, each text classified once. `labels` are the model's classes.

    A case that fails is one of the test's failures, however many ways it fails in; rates have exact intervals.
    """
    texts = pack.texts
    predictions = classify(texts)
    rows = {text: row for row, text in enumerate(texts)}
    answers = _Answers(list(labels), rows, predictions.labels, predictions.scores)
    return BehaviorReport(pack.name, tuple(_result(test, answers) for test in pack.tests))


def _result(test: BehaviorTest, answers: _Answers) -> BehaviorResult:
    judge = {"minimum": _minimum, "invariance": _invariance, "directional": _directional}[test.kind]
    failures = []
    for number, case in enumerate(test.cases, start=1):
        wrong = judge(test, case, answers)
        if wrong is not None:
            failures.append(FailedCase(number, case.text, case.changed, *wrong))
    return BehaviorResult(
        name=test.name,
        kind=test.kind,
        about=test.about,
        at_most=test.at_most,
        failures=proportion(len(failures), len(test.cases)),
        failed=tuple(failure.case for failure in failures),
        examples=tuple(failures[:_EXAMPLES]),
        digest=test.digest,
    )


def _minimum(test: BehaviorTest, case: Case, answers: _Answers) -> tuple[str, str] | None:
    """What was expected and what came instead; None where the case is passed."""
    said = answers.said(case.text)
    return None if said == case.label else (str(case.label), said)


def _invariance(test: BehaviorTest, case: Case, answers: _Answers) -> tuple[str, str] | None:
    before, after = answers.said(case.text), answers.said(str(case.changed))
    return None if before == after else (before, after)


def _directional(test: BehaviorTest, case: Case, answers: _Answers) -> tuple[str, str] | None:
    label = str(case.label)
    before, after = answers.score(case.text, label), answers.score(str(case.changed), label)
    moved = after - before if test.direction == "up" else before - after
    if moved >= -test.tolerance:
        return None
    return f"{label} {'not below' if test.direction == 'up' else 'not above'} {before:.2f}", f"{label} {after:.2f}"
