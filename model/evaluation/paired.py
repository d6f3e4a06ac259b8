"""Two classifiers on the same rows: how their figures differ, with intervals, and which rows flipped.

Knows nothing of baselines or files. Figures of the same rows move together, so paired intervals are narrower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest

from model.evaluation.behavior import BehaviorResult
from model.evaluation.curves import auc
from model.evaluation.figures import SMALLEST, averages
from model.evaluation.intervals import Z, resampled_counts, resampled_means
from model.prediction import Estimate, ModelInfo

LOWER_IS_BETTER = ("log_loss", "brier", "ece", "behavior")


@dataclass(frozen=True, slots=True)
class Change:
    """How one figure differs between two baselines: new less old."""

    name: str
    old: Estimate
    new: Estimate
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """The interval of 95 % holds no zero."""
        return self.low > 0 or self.high < 0

    @property
    def worse(self) -> bool:
        """Clearly worse; None of the two for figures that are neither good nor bad."""
        if not self.clear or self.name in ("temperature", "constant_accuracy"):
            return False
        return (self.difference > 0) == (self.name.split("[")[0] in LOWER_IS_BETTER)


@dataclass(frozen=True, slots=True)
class Flip:
    """A row that one of the two answers rightly and the other wrongly."""

    row: int
    true: str
    old: str
    new: str

    @property
    def regressed(self) -> bool:
        return self.old == self.true


@dataclass(frozen=True, slots=True, eq=False)
class BehaviorChange:
    """One behavior test that both baselines have."""

    name: str
    change: Change
    newly_failed: tuple[int, ...] | None
    """Numbers of the cases that only the new one fails; None where the cases are not the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A new baseline beside an old one."""

    old_id: str
    old_model: ModelInfo
    rows: int
    """Rows that both have, on which they are compared; 0 where the comparison is unpaired."""
    old_rows: int
    new_rows: int
    changes: tuple[Change, ...]
    behavior: tuple[BehaviorChange, ...]
    flips: tuple[Flip, ...]
    """Rows of the new baseline that one of the two answers rightly and the other wrongly."""
    p_value: float | None
    """McNemar's exact test of the accuracy; None where the comparison is unpaired."""

    @property
    def paired(self) -> bool:
        return self.rows > 0

    @property
    def regressed(self) -> tuple[Flip, ...]:
        return tuple(flip for flip in self.flips if flip.regressed)

    @property
    def mended(self) -> tuple[Flip, ...]:
        return tuple(flip for flip in self.flips if not flip.regressed)

    def change(self, name: str) -> Change | None:
        return next((change for change in self.changes if change.name == name), None)

    @property
    def worse(self) -> tuple[Change, ...]:
        """Figures and behavior tests that are clearly worse: their interval holds no zero."""
        return tuple(c for c in (*self.changes, *(each.change for each in self.behavior)) if c.worse)


def unpaired(old: Mapping[str, Estimate], new: Mapping[str, Estimate]) -> tuple[Change, ...]:
    """Differences as if the two saw different rows: MOVER (Zou, Donner 2008)."""
    changes = []
    for name, before in old.items():
        after = new.get(name)
        if after is not None:
            difference = after.value - before.value
            low = difference - sqrt((after.value - after.low) ** 2 + (before.high - before.value) ** 2)
            high = difference + sqrt((after.high - after.value) ** 2 + (before.value - before.low) ** 2)
            changes.append(Change(name, before, after, difference, low, high))
    return tuple(changes)


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact two-sided p: the chance of so uneven a split of the rows on which the two differ."""
    return float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0


def accuracy_difference(gained: int, lost: int, rows: int) -> tuple[float, float]:
    """Interval of a difference of two shares of the same rows, of which `gained` and `lost` differ.

    Tango 1998, *Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design*: all differences that the score test does not refuse. It also holds 0 where McNemar's exact test, which is
    more careful, cannot tell the two apart.
    """
    seen = (gained - lost) / rows

    def score(difference: float) -> float:
        slope = (2 * rows - gained + lost) * difference - gained - lost
        root = sqrt(max(slope**2 + 8 * rows * lost * difference * (1 - difference), 0.0))
        share = (root - slope) / (4 * rows)
        variance = rows * (2 * share + difference * (1 - difference))
        return (gained - lost - rows * difference) / sqrt(max(variance, 1e-12))

    edge = 1 - 1e-9
    low = -1.0 if score(-edge) < Z else brentq(lambda at: score(at) - Z, -edge, seen, xtol=1e-9)
    high = 1.0 if score(edge) > -Z else brentq(lambda at: score(at) + Z, seen, edge, xtol=1e-9)
    if mcnemar(gained, lost) > 0.05:
        return min(float(low), 0.0), max(float(high), 0.0)
    return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The same n labelled rows as two classifiers see them."""

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    old_predicted: NDArray[np.int64]
    new_predicted: NDArray[np.int64]
    old_scores: NDArray[np.float64]
    new_scores: NDArray[np.float64]
    rows: NDArray[np.int64]
    """Numbers by which a reader finds them again."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def gained(self) -> int:
        return int(((self.old_predicted != self.truth) & (self.new_predicted == self.truth)).sum())

    @property
    def lost(self) -> int:
        return int(((self.old_predicted == self.truth) & (self.new_predicted != self.truth)).sum())


def flips(pair: Pair) -> tuple[Flip, ...]:
    """The rows that one answers rightly and the other wrongly, in the order of the rows."""
    changed = (pair.old_predicted == pair.truth) != (pair.new_predicted == pair.truth)
    names = pair.labels
    return tuple(
        Flip(
            int(pair.rows[at]),
            names[pair.truth[at]],
            names[pair.old_predicted[at]],
            names[pair.new_predicted[at]],
        )
        for at in np.flatnonzero(changed)
    )


def paired(
    pair: Pair, old: Mapping[str, Estimate], new: Mapping[str, Estimate], resamples: int = 1000, seed: int = 0
) -> tuple[Change, ...]:
    """Differences of the figures that both evaluations of these rows have, in the old one's order.

    Accuracy and recall by class: Tango's, in line with McNemar's exact test. Areas under ROC: DeLong's paired
    variance. Everything else: percentiles of a bootstrap that draws whole rows, so that both classifiers see the same
    draw; with a few hundred rows they cover about 93 %. Figures that a bootstrap of rows does not give (`ece`,
    `temperature`) are compared as if unpaired.
    """
    rng = np.random.default_rng(seed)
    intervals = _count_intervals(pair, resamples, rng) | _score_intervals(pair, resamples, rng) | _areas(pair)
    intervals |= _recalls(pair)
    intervals["accuracy"] = intervals["weighted_recall"] = accuracy_difference(pair.gained, pair.lost, len(pair))
    changes = []
    for change in unpaired(old, new):
        low, high = intervals.get(change.name, (change.low, change.high))
        if change.name == "constant_accuracy":
            low = high = 0.0  # the rows are the same
        value = change.difference
        changes.append(Change(change.name, change.old, change.new, value, min(low, value), max(high, value)))
    return tuple(changes)


_Interval = tuple[float, float]


def _percentiles(draws: NDArray[np.float64]) -> _Interval:
    known = draws[np.isfinite(draws)]
    if not len(known):
        return -1.0, 1.0
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _count_intervals(pair: Pair, resamples: int, rng: np.random.Generator) -> dict[str, _Interval]:
    """Of figures that follow from how often each class is taken for each, by old and by new."""
    classes = len(pair.labels)
    cells = (pair.truth * classes + pair.old_predicted) * classes + pair.new_predicted
    present, counts = np.unique(cells, return_counts=True)
    drawn = resampled_counts(counts, resamples, rng)
    truth, old, new = present // classes**2, present // classes % classes, present % classes
    eye = np.eye(classes)
    of_class = drawn @ eye[truth]
    sides = []
    for said in (old, new):
        hits = drawn @ (eye[truth] * (truth == said)[:, None])
        sides.append(_figures(pair.labels, hits, of_class, drawn @ eye[said]))
    return {name: _percentiles(sides[1][name] - sides[0][name]) for name in sides[0]}


def _recalls(pair: Pair) -> dict[str, _Interval]:
    found = {}
    for c, label in enumerate(pair.labels):
        of_class = pair.truth == c
        old, new = (said[of_class] == c for said in (pair.old_predicted, pair.new_predicted))
        if len(old):
            found[f"recall[{label}]"] = accuracy_difference(int((new & ~old).sum()), int((old & ~new).sum()), len(old))
    return found


def _figures(
    labels: tuple[str, ...], hits: NDArray[np.float64], truth: NDArray[np.float64], said: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    figures = averages(hits, truth, said)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_class = {"precision": hits / said, "f1": 2 * hits / (truth + said)}
    for name, value in by_class.items():
        figures |= {f"{name}[{label}]": value[:, c] for c, label in enumerate(labels)}
    return figures


def _score_intervals(pair: Pair, resamples: int, rng: np.random.Generator) -> dict[str, _Interval]:
    rows = np.arange(len(pair))
    columns = []
    for scores in (pair.old_scores, pair.new_scores):
        loss = -np.log(np.maximum(scores[rows, pair.truth], SMALLEST))
        distance = (scores**2).sum(1) - 2 * scores[rows, pair.truth] + 1
        columns.append(np.column_stack([loss, distance / 2 if scores.shape[1] == 2 else distance]))
    draws = resampled_means(columns[1] - columns[0], resamples, rng)
    return {"log_loss": _percentiles(draws[:, 0]), "brier": _percentiles(draws[:, 1])}


def _areas(pair: Pair) -> dict[str, _Interval]:
    """DeLong, DeLong, Clarke-Pearson 1988: the difference of two areas on the same rows, with their covariance."""
    found: dict[str, _Interval] = {}
    together: list[tuple[float, NDArray[np.float64]]] = []
    for c, label in enumerate(pair.labels):
        positive = pair.truth == c
        if min(positive.sum(), (~positive).sum()) < 2:
            continue
        (old, before), (new, after) = (auc(positive, scores[:, c]) for scores in (pair.old_scores, pair.new_scores))
        together.append((new.value - old.value, after - before))
        found[f"roc_auc[{label}]"] = _around(*together[-1])
    if together:
        difference = float(np.mean([value for value, _ in together]))
        found["macro_roc_auc"] = _around(difference, np.mean([influence for _, influence in together], axis=0))
        if len(pair.labels) == 2:
            found["roc_auc"] = found.get(f"roc_auc[{pair.labels[1]}]", (-1.0, 1.0))
    return found


def _around(difference: float, influence: NDArray[np.float64]) -> _Interval:
    error = float(np.sqrt(np.mean(influence**2) / len(influence)))
    return difference - Z * error, difference + Z * error


def behavior_change(old: BehaviorResult, new: BehaviorResult) -> Change:
    """The failure rates of one behavior test; as pairs where the cases are the same."""
    name = f"behavior[{new.name}]"
    [change] = unpaired({name: old.failures}, {name: new.failures})
    if old.digest != new.digest:
        return change
    before, after = set(old.failed), set(new.failed)
    low, high = accuracy_difference(len(after - before), len(before - after), new.failures.count)
    return Change(name, old.failures, new.failures, change.difference, low, high)
