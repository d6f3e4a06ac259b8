"""What an engineer should know before signing an evaluation, in sentences. Knows nothing of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom

from model.evaluation import Evaluation, proportion
from model.prediction import Estimate

SURE = 0.9
"""Confidence from which an answer counts as sure."""
_FEW_ROWS = 30
_NARROW_SPACE = "\u202f"


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence or two, and whether it is a warning."""

    tone: Literal["good", "plain", "warning"]
    title: str
    body: str


def percent(value: float) -> str:
    """0.8574 → "85.7 %": one place, and never 100 % for less than all."""
    return f"{value * 100 if value >= 1 else min(value * 100, 99.9):.1f}{_NARROW_SPACE}%"


def percent_interval(estimate: Estimate) -> str:
    return f"{percent(estimate.low)} to {percent(estimate.high)}"


def number(value: float) -> str:
    return f"{value:.3f}"


def count(value: int) -> str:
    return f"{value:,}".replace(",", _NARROW_SPACE)


def remarks(evaluation: Evaluation, truncated: float = 0.0) -> tuple[Remark, ...]:
    """The weightiest first. `truncated` is the share of texts that were cut."""
    found = [
        _against_constant(evaluation),
        *_ranking(evaluation),
        _calibration(evaluation),
        _weakest(evaluation),
        _confused(evaluation),
        _segment(evaluation),
        _few(evaluation),
        _cut(truncated),
    ]
    return ordered([remark for remark in found if remark])


def ordered(found: Sequence[Remark]) -> tuple[Remark, ...]:
    """Warnings first, otherwise as they come."""
    return tuple(sorted(found, key=lambda remark: remark.tone != "warning"))


def most_frequent(evaluation: Evaluation) -> str:
    """The class that the best constant answer would give."""
    return evaluation.labels[int(evaluation.confusion.sum(1).argmax())]


def _against_constant(evaluation: Evaluation) -> Remark:
    accuracy, constant = evaluation.accuracy, evaluation.metrics["constant_accuracy"]
    always = f"Answering “{most_frequent(evaluation)}” to everything would be right in {percent(constant.value)}."
    areas = [evaluation.metrics[f"roc_auc[{label}]"] for label in evaluation.roc]
    if accuracy.low <= constant.value and areas and all(area.low > 0.5 for area in areas):
        lowest = min(area.value for area in areas)
        return Remark(
            "warning",
            "Accuracy is not the figure to read here",
            f"{always} The model’s {percent(accuracy.value)} is not clearly above that, and yet its scores tell the "
            f"classes apart (area under ROC {number(lowest)}). Where one class is large, skill shows in recall and "
            "precision of the rare ones, and the cut-off decides how much of it is used.",
        )
    if accuracy.low <= constant.value:
        return Remark(
            "warning",
            "No clear skill beyond the class mix",
            f"{always} The accuracy of {percent(accuracy.value)} is not clearly above that: with one large class, high "
            "accuracy is not skill. Read the balanced accuracy and the recall of the rare classes.",
        )
    points = 100 * (accuracy.value - constant.value)
    return Remark("good", "Far from guessing" if points >= 20 else "Better than guessing",
                  f"{always} The model is {points:.1f} points better.")  # fmt: skip


def _ranking(evaluation: Evaluation) -> list[Remark]:
    found = []
    for label in evaluation.roc:
        area = evaluation.metrics[f"roc_auc[{label}]"]
        shown = f"{number(area.value)} ({number(area.low)} to {number(area.high)})"
        if area.high < 0.5:
            body = f"The area under its ROC curve is {shown}, well below 0.5: scores or labels are probably swapped."
            found.append(Remark("warning", f"“{label}” is ranked upside down", body))
        elif area.low <= 0.5:
            body = f"The area under its ROC curve is {shown}; 0.5 is chance, so its score says nothing here."
            found.append(Remark("warning", f"“{label}” is not told apart", body))
    return found


def _calibration(evaluation: Evaluation) -> Remark:
    temperature, error = evaluation.temperature, evaluation.metrics["ece"]
    sure = evaluation.confidence >= SURE
    shown = f"Confidence and accuracy differ by {100 * error.value:.1f} points on average."
    if sure.any():
        right = proportion(int(evaluation.correct[sure].sum()), int(sure.sum()))
        claimed = percent(float(evaluation.confidence[sure].mean()))
        shown += f" Answers of {SURE * 100:.0f}{_NARROW_SPACE}% or more claim {claimed}"
        shown += f" and are right in {percent(right.value)}."
    shown += f" Temperature {temperature.value:.2f} ({temperature.low:.2f} to {temperature.high:.2f})."
    if temperature.low > 1.15 and error.low > 0.02:
        return Remark("warning", "Too sure of itself", shown)
    if temperature.high < 0.87 and error.low > 0.02:
        return Remark("plain", "More often right than it claims", shown)
    if temperature.low > 1 and error.low > 0:
        return Remark("plain", "A little too sure", shown)
    return Remark("good", "Confidence can be taken at its word", shown)


def _weakest(evaluation: Evaluation) -> Remark | None:
    figures = {label: evaluation.figure("f1", label) for label in evaluation.labels}
    known = {label: f1 for label, f1 in figures.items() if f1 is not None and f1.count}
    if len(known) < 2:
        return None
    label = min(known, key=lambda name: known[name].value)
    recall, precision = evaluation.figure("recall", label), evaluation.figure("precision", label)
    parts = []
    if recall:
        parts.append(f"finds {percent(recall.value)} of its rows (recall)")
    if precision:
        parts.append(f"is right in {percent(precision.value)} of the cases where it says so (precision)")
    tone: Literal["plain", "warning"] = "warning" if known[label].value < 0.5 else "plain"
    return Remark(tone, f"Weakest class: “{label}”", f"The model {' and '.join(parts)}.")


def frequent_errors(evaluation: Evaluation, most: int) -> list[tuple[str, str, int]]:
    """True class, answer and number of rows of the most frequent errors."""
    wrong = evaluation.confusion - np.diag(np.diagonal(evaluation.confusion))
    places = np.argsort(-wrong, axis=None, kind="stable")[:most]
    names, classes = evaluation.labels, len(wrong)
    pairs = [divmod(int(place), classes) for place in places]
    return [(names[true], names[said], int(wrong[true, said])) for true, said in pairs if wrong[true, said]]


def _confused(evaluation: Evaluation) -> Remark | None:
    wrong = evaluation.confusion - np.diag(np.diagonal(evaluation.confusion))
    total = int(wrong.sum())
    if not total or len(evaluation.labels) < 3:
        return None
    true, said = (int(place) for place in np.unravel_index(wrong.argmax(), wrong.shape))
    names = evaluation.labels
    both = int(wrong[true, said] + wrong[said, true])
    title = f"Most mixed up: “{names[true]}” and “{names[said]}”"
    return Remark("plain", title, f"{count(both)} of the {count(total)} errors are between these two.")


def _segment(evaluation: Evaluation) -> Remark | None:
    """The segment that is clearly worse than all rows together, after Bonferroni's correction for looking at each."""
    worst = None
    for name, share in evaluation.segments.items():
        wrong = share.count - round(share.value * share.count)
        chance = float(binom.sf(wrong - 1, share.count, 1 - evaluation.accuracy.value)) if wrong else 1.0
        if chance * len(evaluation.segments) < 0.05 and (worst is None or share.value < worst[1].value):
            worst = (name, share)
    if worst is None:
        return None
    name, share = worst
    overall = percent(evaluation.accuracy.value)
    body = f"Right in {percent(share.value)} of its {count(share.count)} rows, {overall} overall."
    return Remark("warning", f"Worse in segment “{name}”", body)


def _few(evaluation: Evaluation) -> Remark | None:
    rows = evaluation.confusion.sum(1)
    few = [f"{label} ({rows[c]})" for c, label in enumerate(evaluation.labels) if rows[c] < _FEW_ROWS]
    if not few:
        return None
    shown = ", ".join(few[:10]) + (" and others" if len(few) > 10 else "")
    return Remark("warning", "Too few rows of some classes", f"{shown}: their figures have wide intervals, or none.")


def _cut(truncated: float) -> Remark | None:
    if truncated < 0.01:
        return None
    body = f"{percent(truncated)} of the texts are longer than the model reads; it judged their beginning alone."
    return Remark("warning" if truncated > 0.1 else "plain", "Texts were cut", body)
