"""What each cut-off of one class's score does, and which one is best. Knows nothing of who serves it or of plots.

A row counts as positive when its score is at least the cut-off, as on the curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.errors import InputError
from model.evaluation.curves import sweep
from model.prediction import CutOff

GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Cut-offs that a table shows: 0.05 to 0.95."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What one error costs, in whatever unit; a right answer costs nothing."""

    false_positive: float = 1.0
    false_negative: float = 1.0

    def __post_init__(self) -> None:
        both = (self.false_positive, self.false_negative)
        if not all(np.isfinite(cost) and cost >= 0 for cost in both) or sum(both) == 0:
            raise InputError("The costs of the two errors must be numbers from 0 on, and not both 0.")


@dataclass(frozen=True, slots=True, eq=False)
class CutOffs:
    """What happens at k cut-offs of one class against the rest; columns of shape (k,)."""

    label: str
    value: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    positives: int
    """Rows of the class."""
    negatives: int
    costs: Costs = field(default_factory=Costs)

    def __len__(self) -> int:
        return len(self.value)

    @property
    def recall(self) -> NDArray[np.float64]:
        """The true positive rate; NaN where no row is of the class."""
        return np.asarray(self.true_positives / (self.positives or np.nan))

    @property
    def false_positive_rate(self) -> NDArray[np.float64]:
        """NaN where every row is of the class."""
        return np.asarray(self.false_positives / (self.negatives or np.nan))

    @property
    def precision(self) -> NDArray[np.float64]:
        """NaN where no row is answered with the class."""
        taken = self.true_positives + self.false_positives
        return np.where(taken > 0, self.true_positives / np.maximum(taken, 1), np.nan)

    @property
    def f1(self) -> NDArray[np.float64]:
        return np.asarray(
            2 * self.true_positives / np.maximum(self.true_positives + self.false_positives + self.positives, 1)
        )

    @property
    def cost(self) -> NDArray[np.float64]:
        """Mean cost of a row."""
        missed = self.positives - self.true_positives
        total = self.costs.false_positive * self.false_positives + self.costs.false_negative * missed
        return np.asarray(total / (self.positives + self.negatives))

    def at(self, values: ArrayLike) -> CutOffs:
        """What happens at other cut-offs, in the order given. Needs the columns of `cut_offs`: every step there is."""
        wanted = np.asarray(values, np.float64)
        # how many of the falling scores are at or above each cut-off; the first step takes no row
        step = np.searchsorted(-self.value, -wanted, side="right") - 1
        hits, false = self.true_positives[step], self.false_positives[step]
        return CutOffs(self.label, wanted, hits, false, self.positives, self.negatives, self.costs)


def cut_offs(
    truth: NDArray[np.int64], scores: NDArray[np.float64], labels: Sequence[str], label: str, costs: Costs | None = None
) -> CutOffs:
    """Every cut-off at which something changes, from the one that takes no row (infinite) down.

    `truth` is (n,), `scores` (n, classes). Figures at a cut-off equal scikit-learn's of `scores >= cutoff`.
    """  # fmt: skip
    positive = truth == labels.index(label)
    value, hits, taken = sweep(positive, scores[:, labels.index(label)])
    return CutOffs(
        label=label,
        value=np.append(np.inf, value),
        true_positives=np.append(0, hits),
        false_positives=np.append(0, taken - hits),
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        costs=costs or Costs(),
    )


def best(steps: CutOffs, by: str) -> float:
    """The cut-off of the highest F1 (`f1`) or of the lowest mean cost (`cost`); the higher one of equals.

    It lies in the middle of the gap that it may lie in, as short a number as that allows: a cut-off that equals a
    score would change its answer with the last digit of a float.
    """
    goodness = steps.f1 if by == "f1" else -steps.cost
    step = int(np.argmax(goodness))
    top = float(steps.value[step]) if step else 1.0
    below = float(steps.value[step + 1]) if step + 1 < len(steps) else 0.0
    return _short_between(below, top)


def _short_between(low: float, high: float) -> float:
    """The shortest decimal near the middle that is above `low` and not above `high`."""
    middle = (low + high) / 2
    for digits in range(1, 16):
        short = round(middle, digits)
        if low < short <= high:
            return short
    return high


@dataclass(frozen=True, slots=True)
class CutOffWish:
    """What was asked of the cut-off: a number between 0 and 1, `f1` or `cost`; None is 0.5."""

    rule: float | str | None = None
    positive: str | None = None
    """The class whose score is cut; the second one where it is None."""
    costs: Costs = field(default_factory=Costs)

    @classmethod
    def read(cls, rule: str | None, positive: str | None, costs: Costs) -> CutOffWish:
        """From the words of a command line. Raises InputError."""
        if rule is None or rule in ("f1", "cost"):
            return cls(rule, positive, costs)
        try:
            value = float(rule)
        except ValueError:
            value = float("nan")
        if not 0 < value < 1:
            raise InputError("A cut-off is a number between 0 and 1, or f1 or cost, which find the best one.")
        return cls(value, positive, costs)

    def positive_class(self, labels: Sequence[str]) -> int | None:
        """Index of the class whose score is cut; None where there are more than two classes. Raises InputError."""
        if self.positive is not None and self.positive not in labels:
            raise InputError(f"The positive class must be one of the model's classes: {', '.join(labels)}.")
        if len(labels) == 2:
            return 1 if self.positive is None else list(labels).index(self.positive)
        if self.rule is not None or self.positive is not None:
            raise InputError(
                f"A cut-off decides between two classes and this model has {len(labels)}: the highest score wins there."
            )
        return None

    def chosen(self, truth: NDArray[np.int64], scores: NDArray[np.float64], labels: Sequence[str]) -> CutOff | None:
        """The cut-off for these rows; None where there are more than two classes. Raises InputError."""
        positive = self.positive_class(labels)
        if positive is None:
            return None
        if isinstance(self.rule, str):
            value, by = best(cut_offs(truth, scores, labels, labels[positive], self.costs), self.rule), self.rule
        else:
            value, by = (0.5, "default") if self.rule is None else (self.rule, "given")
        return CutOff(positive, value, by, self.costs.false_positive, self.costs.false_negative)


def cut_off_table(
    truth: NDArray[np.int64], scores: NDArray[np.float64], labels: Sequence[str], costs: Costs | None = None
) -> dict[str, dict[str, list[float | None]]]:
    """By class, what each cut-off of `GRID` does, as columns of numbers; None where a figure is undefined."""

    def column(values: NDArray[np.float64]) -> list[float | None]:
        return [float(value) if np.isfinite(value) else None for value in values]

    table = {}
    for label in labels:
        steps = cut_offs(truth, scores, labels, label, costs).at(GRID)
        table[label] = {
            "cut_off": column(steps.value),
            "true_positive_rate": column(steps.recall),
            "false_positive_rate": column(steps.false_positive_rate),
            "precision": column(steps.precision),
            "recall": column(steps.recall),
            "f1": column(steps.f1),
            "cost": column(steps.cost),
        }
    return table
