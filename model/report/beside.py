"""What stands in a report beside the evaluation itself, and what it says in words. Knows nothing of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.evaluation.behavior import KINDS, BehaviorReport
from model.gates import GateResult
from model.prediction import CutOff
from model.report.remarks import Remark, count

if TYPE_CHECKING:
    from model.evaluation import Evaluation
    from model.evaluation.paired import Change, Comparison

_FLIPS_SHOWN = 30
_POINTS = ("accuracy", "balanced_accuracy", "macro_", "weighted_", "recall", "precision", "f1", "behavior")
_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc", "roc_auc", "log_loss", "brier", "ece")
_TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "macro_roc_auc": "Macro area under ROC",
    "roc_auc": "Area under ROC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error",
}


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Each part may be missing; its section is missing then."""

    cut_off: CutOff | None = None
    """How the predicted classes came about; None where the highest score won."""
    behavior: BehaviorReport | None = None
    gates: tuple[GateResult, ...] = ()
    comparison: Comparison | None = None
    remarks: tuple[Remark, ...] = ()
    """On the rows, from who has seen them."""


def remarks(beside: Beside, evaluation: Evaluation) -> Iterator[Remark]:
    """What the parts say to somebody who is about to sign."""
    failed = [result for result in beside.gates if not result.passed]
    if failed:
        title = "A release gate says no" if len(failed) == 1 else f"{len(failed)} release gates say no"
        yield Remark(
            "warning", title, "; ".join(str(result.gate) for result in failed[:6]) + ". The figures are below."
        )
    if beside.comparison is not None:
        yield _compared(beside.comparison)
    if beside.behavior is not None and beside.behavior.failed:
        tests = beside.behavior.tests
        named = ", ".join(f"“{name}”" for name in beside.behavior.failed[:6])
        body = f"Beyond their thresholds: {named}. The cases are shown below."
        yield Remark("warning", f"{len(beside.behavior.failed)} of {len(tests)} behavior tests fail", body)
    if beside.cut_off is not None and beside.cut_off.chosen_by in ("f1", "cost"):
        label = evaluation.labels[beside.cut_off.positive]
        goal = "the highest F1" if beside.cut_off.chosen_by == "f1" else "the lowest cost"
        body = (
            f"“{label}” is answered from {beside.cut_off.value:g} on, which gives {goal} on these rows. "
            "It was chosen on the rows that it is judged by here, so the figures at it are a little too good."
        )
        yield Remark("plain", "The cut-off was fitted to these rows", body)
    yield from beside.remarks


def _compared(comparison: Comparison) -> Remark:
    accuracy = comparison.change("accuracy")
    moved = "" if accuracy is None else f"Accuracy moved by {_shown(accuracy, accuracy.difference)} points. "
    worse = [change.name for change in comparison.worse]
    overall = [_TITLES[name][:1].lower() + _TITLES[name][1:] for name in worse if name in _TITLES]
    classes = dict.fromkeys(name.split("[", 1)[1][:-1] for name in worse if name.startswith(("recall[", "precision[")))
    behavior = [name.split("[", 1)[1][:-1] for name in worse if name.startswith("behavior[")]
    parts = [
        f"{words}: {', '.join(names[:6])}{' and others' if len(names) > 6 else ''}"
        for words, names in (("overall", overall), ("classes", list(classes)), ("behavior tests", behavior))
        if names
    ]
    if parts:
        return Remark("warning", f"Clearly worse than {comparison.old_id}", f"{moved}Worse, {'; '.join(parts)}.")
    if accuracy is not None and accuracy.clear:
        return Remark("good", f"Better than {comparison.old_id}", f"{moved}No figure is clearly worse.")
    if comparison.paired and not comparison.flips:
        body = f"Both are right, and wrong, in the same of the {count(comparison.rows)} rows that they share."
        return Remark("plain", f"The same rows are right as in {comparison.old_id}", body)
    body = f"{moved}No figure is clearly worse. That is no proof that the two are equal: read the intervals."
    return Remark("plain", f"Not told apart from {comparison.old_id}", body)


def _shown(change: Change, value: float) -> str:
    """A difference with its sign, in points for shares."""
    number = f"{100 * value:+.1f}" if _in_points(change.name) else f"{value:+.3f}"
    return number.replace("-", "−") if float(number) else number[1:]


def _in_points(name: str) -> bool:
    return name.startswith(_POINTS) and "roc_auc" not in name


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of the table of differences."""

    title: str
    old: str
    new: str
    difference: str
    interval: str
    tone: str


def change_rows(comparison: Comparison) -> dict[str, list[ChangeRow]]:
    """Overall figures, recall and precision by class, behavior tests."""
    parts: dict[str, list[ChangeRow]] = {"Overall": [], "By class": [], "Behavior tests (share that fails)": []}
    for change in comparison.changes:
        if change.name in _FIGURES and not (change.name == "macro_roc_auc" and comparison.change("roc_auc")):
            parts["Overall"].append(_row(_TITLES[change.name], change))
    by_class = [c for c in comparison.changes if c.name.startswith(("recall[", "precision["))]
    for change in sorted(by_class, key=lambda c: (not c.clear, -abs(c.difference)))[:40]:
        name, label = change.name.split("[", 1)
        parts["By class"].append(_row(f"{name.capitalize()} of {label[:-1]}", change))
    for each in comparison.behavior:
        if each.change.difference or each.newly_failed:
            newly = f" (newly failed: {', '.join(map(str, each.newly_failed[:8]))})" if each.newly_failed else ""
            parts["Behavior tests (share that fails)"].append(_row(f"{each.name}{newly}", each.change))
    return {title: rows for title, rows in parts.items() if rows}


def _row(title: str, change: Change) -> ChangeRow:
    points = _in_points(change.name)

    def level(value: float) -> str:
        return f"{100 * value:.1f}\u202f%" if points else f"{value:.3f}"

    return ChangeRow(
        title=title,
        old=level(change.old.value),
        new=level(change.new.value),
        difference=_shown(change, change.difference) + (" points" if points else ""),
        interval=f"{_shown(change, change.low)} to {_shown(change, change.high)}",
        tone="worse" if change.worse else "better" if change.clear else "",
    )


def flip_rows(comparison: Comparison) -> dict[str, Any]:
    """The rows that flipped: how many, and the first of each kind."""
    parts = {"Now wrong": comparison.regressed, "Now right": comparison.mended}
    return {
        title: {"count": count(len(rows)), "rows": rows[:_FLIPS_SHOWN], "more": len(rows) > _FLIPS_SHOWN}
        for title, rows in parts.items()
    }


def kind_of(kind: str) -> str:
    return KINDS[kind]
