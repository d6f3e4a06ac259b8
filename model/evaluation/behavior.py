"""What behavior tests found: nouns that a baseline keeps and a report shows. Knows nothing of how tests are run."""

from __future__ import annotations

from dataclasses import dataclass

from model.prediction import Estimate

KINDS = {"minimum": "minimum functionality", "invariance": "invariance", "directional": "directional expectation"}
"""The three kinds of Ribeiro and others 2020, by the words of a behavior file."""


@dataclass(frozen=True, slots=True)
class FailedCase:
    """One case that went wrong, as a person reads it. Texts are the test's own, never rows of a dataset."""

    case: int
    """Its number within the test, from 1."""
    text: str
    changed: str | None
    """What the text became; None in a test of minimum functionality."""
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class BehaviorResult:
    """One behavior test: the share of its cases that failed, and the share that may."""

    name: str
    kind: str
    about: str
    at_most: float
    failures: Estimate
    """Share of failed cases, Clopper-Pearson. It speaks of cases like these; cases of one template are alike."""
    failed: tuple[int, ...]
    """Numbers of the failed cases, from 1."""
    examples: tuple[FailedCase, ...]
    digest: str
    """Of the cases: equal digests are the same test."""

    @property
    def passed(self) -> bool:
        return self.failures.value <= self.at_most


@dataclass(frozen=True, slots=True)
class BehaviorReport:
    """All tests of one pack."""

    pack: str
    tests: tuple[BehaviorResult, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the tests that fail more often than they may."""
        return tuple(test.name for test in self.tests if not test.passed)

    @property
    def figures(self) -> dict[str, Estimate]:
        """Failure rates as `behavior[name]`."""
        return {f"behavior[{test.name}]": test.failures for test in self.tests}
