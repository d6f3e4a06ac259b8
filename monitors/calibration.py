"""What to expect of the monitor at a given traffic, baseline, margin and budget: answers by seeded simulation.

Runs the very checks and the very betting test that will watch. Knows nothing of commands, logs or time zones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from monitors.baseline import Baseline
from monitors.budget import SPENT
from monitors.protocols import Check, Evidence, Stream
from monitors.statistics.betting import advance, place_bets, start
from monitors.verdict import Aspect, State
from monitors.window import Window

POINTS = (2, 3, 5, 10)
"""Losses of accuracy, in percentage points, that are asked about."""
STRANGE = 0.05
STEP = 20
"""Predictions that a stream is handed at a time: delays are rounded up to it."""
COMPARISONS = frozenset({Aspect.INPUT, Aspect.OUTPUT, Aspect.CLASS_MIX})
DAY = 86_400.0
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What comes in."""

    predictions_per_day: float
    label_share: float
    """Share of predictions that get a label."""
    window_seconds: float
    """Length of the window of a round."""
    minimum_rows: int
    """Rows that a window reaches back for …"""
    reach_seconds: float
    """… and how far."""

    @property
    def rows_in_window(self) -> int:
        """Predictions that a round looks at."""
        plain = self.predictions_per_day * self.window_seconds / DAY
        reached = min(self.minimum_rows, self.predictions_per_day * self.reach_seconds / DAY)
        return int(max(plain, reached))


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is simulated; the defaults take well under a minute."""

    streams: int = 100
    """Streams of labels, for each loss."""
    most_labels: int = 20_000
    quiet_labels: int = 1_000
    """Labels before the loss begins: nobody knows when it will, and the test pays for that."""
    windows: int = 10
    """Windows of each size."""
    sizes: tuple[int, ...] = (50, 100, 200, 400, 800, 1600, 3200)
    quiet_predictions: int = 3_000
    """Predictions before the loss begins, of every stream."""

    @property
    def steps(self) -> int:
        """What `progress` is told of in all."""
        return len(POINTS) * (self.streams + (len(self.sizes) + 1) * self.windows)


@dataclass(frozen=True, slots=True)
class Need:
    """How many rows it takes: at the median, and in nine cases of ten. None is not within `most`."""

    median: int | None
    nine_of_ten: int | None
    most: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What it takes to see one loss of accuracy."""

    points: int
    accepted: bool
    """The loss is within the margin: nothing is to be proven. A loss just within it may page all the same, as nobody
    knows the baseline's own accuracy to the point."""
    labels: Need | None
    """Labels until the harm stream proves it, from the moment it began. None where it is accepted."""
    strange_share: float
    """Share of texts that brings the loss if the model can only guess at them."""
    predictions: Need
    """Predictions that one window must hold until its checks speak, if that share of its texts is strange."""
    one_by_one: Need
    """Predictions from the moment that share of texts became strange until a test of single predictions speaks."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What is tried, how hard, and who is told how far it is."""

    baseline: Baseline
    checks: Sequence[Check]
    """Those that compare a window with the baseline."""
    alphas: Mapping[str, float]
    effort: Effort
    rng: np.random.Generator
    progress: Progress
    streams: Sequence[Stream] = ()
    """Those that read predictions."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer of `calibrate`."""

    notices_per_year: float
    """False notices and tickets to expect on average; the budget is what an unlucky stretch may bring."""
    page_probability: float
    """Chance that the tests over labels ever page for nothing, from start to restart."""
    rows_in_window: int
    losses: tuple[Loss, ...]


def calibrate(
    trial: Trial, traffic: Traffic, *, margin: float, harm: str, false_notices_per_year: float
) -> Expectation:
    """Simulate every loss of `POINTS`. `harm` is the name of the stream over labels, whose share of the budget counts.

    Raises InputError where the baseline holds no labels.
    """
    baseline, effort = trial.baseline, trial.effort
    known = baseline.reference.take(baseline.reference.known)
    if not len(known):
        raise InputError(
            "The baseline holds no labelled row, so nothing can be said of accuracy; make one with labels."
        )
    right = (int(known.correct.sum()), len(known))
    losses: list[Loss] = []
    smallest = 0
    for points in sorted(POINTS, reverse=True):  # the larger loss is seen sooner, and says where to begin with the next
        loss = points / 100
        accepted = loss <= margin + 1e-9
        labels = None
        if accepted:
            trial.progress(effort.streams)
        else:
            labels = labels_needed(trial, right, margin, loss, trial.alphas[harm])
        share = min(1.0, loss / max(baseline.accuracy.value - 1 / len(baseline.model.labels), loss))
        predictions = predictions_needed(trial, share, smallest)
        smallest = predictions.median or effort.sizes[-1]
        losses.append(Loss(points, accepted, labels, share, predictions, predictions_one_by_one(trial, share)))
    return Expectation(
        notices_per_year=SPENT * false_notices_per_year,
        page_probability=trial.alphas[harm],
        rows_in_window=traffic.rows_in_window,
        losses=tuple(reversed(losses)),
    )


def labels_needed(trial: Trial, right: tuple[int, int], margin: float, loss: float, alpha: float) -> Need:
    """Labels from the beginning of a loss to the alarm of the betting test, over many streams.

    `right` is how many of the baseline's labelled rows were right, and of how many. The baseline's own uncertainty is
    in both sides: in the bets, which allow for it, and in the truth, which is drawn from what the baseline leaves
    possible (Jeffreys' posterior of its error rate).
    """
    effort, rng = trial.effort, trial.rng
    hits, count = right
    wager = place_bets(count - hits, count, margin)
    rates = rng.beta(count - hits + 0.5, hits + 0.5, (effort.streams, 1))
    quiet = rng.random((effort.streams, effort.quiet_labels)) < rates
    wealth = advance(wager, start(wager, (effort.streams,)), quiet)
    wealth = replace(wealth, peak=np.zeros(effort.streams))
    delays = np.full(effort.streams, np.inf)
    for label in range(effort.most_labels):
        wealth = advance(wager, wealth, rng.random((effort.streams, 1)) < np.minimum(rates + loss, 1.0))
        seen = (wealth.peak > 1 / alpha) & np.isinf(delays)
        delays[seen] = label + 1
        if seen.any():
            trial.progress(int(seen.sum()))
            if np.isfinite(delays).all():
                break
    trial.progress(int(np.isinf(delays).sum()))
    return Need(_count(np.median(delays)), _count(np.quantile(delays, 0.9, method="higher")), effort.most_labels)


def predictions_needed(trial: Trial, share: float, smallest: int) -> Need:
    """The size of a window from which on its checks see that a share of the texts is strange.

    Both sides are drawn anew from the baseline's rows, with replacement; strange rows are drawn from the twentieth of
    the baseline that lies farthest out. What comes in reality may be stranger, and is then seen sooner; a change of
    meaning is seen in no window. Sizes below `smallest` are not tried.
    """
    effort = trial.effort
    weights = _with_strange(trial.baseline.reference, share)
    median = nine = None
    for size in effort.sizes:
        if size >= smallest and nine is None:
            seen = _windows_seen(trial, weights, size)
            median = size if median is None and 2 * seen >= effort.windows else median
            nine = size if 10 * seen >= 9 * effort.windows else None
        trial.progress(effort.windows)
    return Need(median, nine, effort.sizes[-1])


def predictions_one_by_one(trial: Trial, share: float) -> Need:
    """Predictions from the moment on which a share of the texts is strange until the first stream alarms, rounded up to
    the next `STEP`. Both sides are drawn as for `predictions_needed`."""
    effort, most = trial.effort, trial.effort.sizes[-1]
    delays = np.full(effort.windows, np.inf)
    for at in range(effort.windows):
        for stream in trial.streams:
            delays[at] = min(delays[at], _delay(trial, stream, share, most))
        trial.progress(1)
    return Need(_count(np.median(delays)), _count(np.quantile(delays, 0.9, method="higher")), most)


def _delay(trial: Trial, stream: Stream, share: float, most: int) -> float:
    reference, rng = trial.baseline.reference, trial.rng
    held = replace(trial.baseline, reference=reference.take(rng.integers(0, len(reference), len(reference))))
    usual = rng.integers(0, len(reference), trial.effort.quiet_predictions)
    coming = rng.choice(len(reference), most, p=_with_strange(reference, share))
    read = partial(stream.advance, held, margin=0.0, alpha=trial.alphas[stream.name])
    state, finding = read(None, _unlabelled(reference, usual))
    if finding.state is State.ALARM:  # for nothing, as it may once in a long while: the next one begins anew
        state = {}
    for first in range(0, most, STEP):
        state, finding = read(state or None, _unlabelled(reference, coming[first : first + STEP]))
        if finding.state is State.ALARM:
            return first + STEP
    return math.inf


def _unlabelled(reference: Window, rows: NDArray[np.intp]) -> Window:
    return replace(reference.take(rows), truth=np.full(len(rows), -1))


def _with_strange(reference: Window, share: float) -> NDArray[np.float64]:
    """(rows,): chances by which a share of draws is strange beyond what the baseline holds."""
    strange = strangest(reference)
    weights = np.full(len(reference), (1 - share) / len(reference))
    weights[strange] += share / len(strange)
    return weights


def strangest(reference: Window) -> NDArray[np.intp]:
    """The twentieth of the rows (one at least) that lies farthest out by the Mahalanobis distance of all numbers."""
    values = np.column_stack([reference.features, reference.scores, reference.projection])
    values = values[:, np.isfinite(values).any(axis=0)]
    spread = np.nanstd(values, axis=0)
    points = np.nan_to_num((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1.0))
    points = np.clip(points, -10, 10)
    covariance = points.T @ points / len(points) + 0.01 * np.eye(points.shape[1])
    distance = (points * np.linalg.solve(covariance, points.T).T).sum(axis=1)
    return np.argsort(-distance, kind="stable")[: max(1, round(STRANGE * len(points)))]


def _windows_seen(trial: Trial, weights: NDArray[np.float64], size: int) -> int:
    """In how many of the windows at least one check alarms; given up when half of them cannot be reached."""
    reference, rng, windows, seen = trial.baseline.reference, trial.rng, trial.effort.windows, 0
    for done in range(windows):
        if 2 * (seen + windows - done) < windows:
            break
        base = reference.take(rng.integers(0, len(reference), len(reference)))
        live = reference.take(rng.choice(len(reference), size, p=weights))
        live = replace(live, start=int(rng.integers(2**40)), truth=np.full(size, -1))
        held = replace(trial.baseline, reference=base)
        evidence = Evidence(now=0, window=live, labelled=live.take(slice(0)), served=size, margin=0.0)
        seen += any(check.run(held, evidence, trial.alphas[check.name]).state is State.ALARM for check in trial.checks)
    return seen


def _count(value: float | np.floating) -> int | None:
    return None if not math.isfinite(value) else math.ceil(value)
