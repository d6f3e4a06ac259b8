"""Release gates: what a figure must be for a model to be released. Knows nothing of how figures are made or told."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.errors import GateFailed, InputError
from model.prediction import Estimate

OVERALL = (
    "accuracy", "balanced_accuracy", "brier", "constant_accuracy", "ece", "log_loss", "macro_f1", "macro_precision",
    "macro_recall", "macro_roc_auc", "temperature", "weighted_f1", "weighted_precision", "weighted_recall",
)  # fmt: skip
BY_CLASS = ("f1", "precision", "recall", "roc_auc")
BEHAVIOR = "behavior"
"""Alone: every behavior test keeps its own threshold; `behavior[NAME]` is the failure rate of one."""
_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(
    r"\s*(?P<figure>\S.*?)(?:\.(?P<part>low|high))?\s*"
    r"(?P<relation>>=|<=|>|<)\s*(?P<bound>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)
"""What follows the last relation is a number and nothing else, so a class may be called `a>b`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`recall[Sports].low >= 0.8`: a figure, or one end of its interval, and what it must be."""

    figure: str
    part: str
    """`value`, `low` or `high`."""
    relation: str
    bound: float

    def __str__(self) -> str:
        if self.figure == BEHAVIOR:
            return BEHAVIOR
        return f"{self.figure}{'' if self.part == 'value' else '.' + self.part}{self.relation}{self.bound:g}"


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate, whether it was passed, and the figure that decided."""

    gate: Gate
    passed: bool
    value: float | None
    """None where the rows cannot give the figure, or where the gate is about all behavior tests."""
    reason: str
    """One sentence."""


def read_gate(text: str) -> Gate:
    """`accuracy>=0.84`, `recall[Sports]>=0.9`, `accuracy.low>=0.8`, `behavior`. Raises InputError."""
    if text.strip() == BEHAVIOR:
        return Gate(BEHAVIOR, "value", "<=", 0.0)
    found = _FORM.fullmatch(text)
    if found is None:
        raise InputError(
            "A gate is a figure, one of >=, <=, > and <, and a number, such as accuracy>=0.84 or recall[Sports]>=0.9."
        )
    return Gate(found["figure"], found["part"] or "value", found["relation"], float(found["bound"]))


def figure_names(labels: Sequence[str], behavior: Iterable[str] = ()) -> tuple[str, ...]:
    """Every figure that a gate may name, for a model with these classes and these behavior tests."""
    overall = (*OVERALL, "roc_auc") if len(labels) == 2 else OVERALL
    tests = tuple(f"{BEHAVIOR}[{name}]" for name in behavior)
    return (*overall, *(f"{name}[{label}]" for name in BY_CLASS for label in labels), *tests,
            *((BEHAVIOR,) if tests else ()))  # fmt: skip


def refuse_unknown(gates: Iterable[Gate], names: Sequence[str]) -> None:
    """Raise InputError for a gate on a figure that is not among `names`, with the nearest of them."""
    for gate in gates:
        if gate.figure in names:
            continue
        if gate.figure.split("[")[0] == BEHAVIOR and not any(name.startswith(BEHAVIOR) for name in names):
            raise InputError("No behavior test is run here, so no gate can ask for one; give cases with --behavior.")
        plain = {name.casefold(): name for name in names}
        asked = gate.figure.casefold()
        near = difflib.get_close_matches(asked, plain, n=3, cutoff=0.5) or [name for name in plain if asked in name][:3]
        meant = ", ".join(plain[name] for name in near) or ", ".join(names[:6])
        raise InputError(f"A gate asks for {gate.figure[:60]}, which is no figure here; did you mean {meant}?")


def judge_gates(
    gates: Iterable[Gate], figures: Mapping[str, Estimate], undefined: Mapping[str, str], behavior_failed: Sequence[str]
) -> tuple[GateResult, ...]:
    """What became of each gate; a figure that the rows cannot give does not pass.

    `figures` holds the behavior tests' failure rates too, `behavior_failed` the tests beyond their own threshold.
    """
    return tuple(_judged(gate, figures, undefined, behavior_failed) for gate in gates)


def _judged(
    gate: Gate, figures: Mapping[str, Estimate], undefined: Mapping[str, str], behavior_failed: Sequence[str]
) -> GateResult:
    if gate.figure == BEHAVIOR:
        named = ", ".join(behavior_failed)
        reason = f"behavior tests beyond their thresholds: {named}" if named else "every behavior test passed"
        return GateResult(gate, not behavior_failed, None, reason)
    estimate = figures.get(gate.figure)
    if estimate is None:
        why = undefined.get(gate.figure, "These rows do not give it.").rstrip(".")
        return GateResult(gate, False, None, f"{gate.figure} is not known ({why[:1].lower()}{why[1:]})")
    value = {"value": estimate.value, "low": estimate.low, "high": estimate.high}[gate.part]
    what = {"value": "is", "low": "has its lower end at", "high": "has its upper end at"}[gate.part]
    reason = f"{gate.figure} {what} {value:.4f}"
    if gate.part == "value":
        reason += f" ({estimate.low:.4f} to {estimate.high:.4f})"
    return GateResult(gate, _RELATIONS[gate.relation](value, gate.bound), value, reason)


def enforce(results: Sequence[GateResult]) -> None:
    """Raise GateFailed with every gate that was not passed, and its figure."""
    failed = [f"{result.gate} failed: {result.reason}" for result in results if not result.passed]
    if failed:
        raise GateFailed(f"{len(failed)} of {len(results)} gates said no: {'; '.join(failed)}.")
