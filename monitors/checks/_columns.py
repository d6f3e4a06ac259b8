"""What a window looks like from one side: its text numbers, its scores, its embeddings, as tables without NaN.

Shared ground of the checks. Knows windows and numpy, no statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.features import FEATURES
from monitors.window import Window

MOST_ROWS = 4000
"""Rows of either side that a test looks at: more add time, and with a baseline of hundreds hardly any power."""
PRESENT = 0.9
"""Share of rows in which a column must be known, on both sides, to be compared."""

MILD = frozenset({"upper_share", "repeated_share"})
"""Text numbers that change much and hurt little."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Named columns of a window; NaN where unknown."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    """(rows, columns)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A baseline's and a window's rows with the columns that both know, without NaN."""

    names: tuple[str, ...]
    base: NDArray[np.float64]
    window: NDArray[np.float64]
    base_rows: NDArray[np.intp]
    window_rows: NDArray[np.intp]
    """Which rows of the two windows these are."""


Read = Callable[[Window], Table]


def text_numbers(window: Window) -> Table:
    """Numbers read off the texts; for a classifier of something else, the numbers that it was asked about."""
    return Table(window.model.features, np.asarray(window.features, np.float64))


def asked_about(window: Window) -> str:
    """What a row's numbers describe, in a sentence: texts, or the inputs of a classifier that reads none."""
    return "texts" if set(window.model.features) & set(FEATURES) else "inputs"


def output_numbers(window: Window) -> Table:
    """Scores by class, confidence, entropy and margin."""
    scores = np.asarray(window.scores, np.float64)
    rows, classes = scores.shape
    ranked = np.sort(scores, axis=1)
    confidence = scores[np.arange(rows), window.predicted] if rows else np.zeros(0)
    with np.errstate(invalid="ignore"):
        entropy = -(scores * np.log(np.clip(scores, 1e-12, 1.0))).sum(axis=1)
        margin = ranked[:, -1] - ranked[:, -2] if classes > 1 else np.zeros(rows)
    names = (*(f"score of {label}" for label in window.model.labels), "confidence", "entropy", "margin")
    return Table(names, np.column_stack([scores, confidence, entropy, margin]))


def embedding(window: Window) -> Table:
    """The projected embeddings."""
    values = np.asarray(window.projection, np.float64)
    return Table(tuple(f"direction {i + 1}" for i in range(values.shape[1])), values)


def spaced(rows: int, most: int = MOST_ROWS) -> NDArray[np.intp]:
    """At most `most` row numbers, evenly spaced, so that a long window is seen from end to end."""
    if rows <= most:
        return np.arange(rows, dtype=np.intp)
    if most == 0:
        return np.zeros(0, np.intp)
    return np.linspace(0, rows - 1, most).round().astype(np.intp)


def pair(baseline: Window, window: Window, read: Read, most: int = MOST_ROWS) -> Pair:
    """Both sides of one view. Rows without any number and columns that a side lacks are left out first."""
    base_rows, window_rows = spaced(len(baseline), most), spaced(len(window), most)
    base, live = read(_those(baseline, base_rows)), read(_those(window, window_rows))
    if base.names != live.names:
        nothing = np.zeros((0, 0))
        return Pair((), nothing, nothing, base_rows[:0], window_rows[:0])
    one, two = base.values, live.values
    base_rows, one = _with_any(base_rows, one)
    window_rows, two = _with_any(window_rows, two)
    known = _known(one) & _known(two)
    one, two = one[:, known], two[:, known]
    first, second = np.isfinite(one).all(axis=1), np.isfinite(two).all(axis=1)
    names = tuple(name for name, kept in zip(base.names, known, strict=True) if kept)
    return Pair(names, one[first], two[second], base_rows[first], window_rows[second])


def _those(window: Window, rows: NDArray[np.intp]) -> Window:
    return window if len(rows) == len(window) else window.take(rows)


def _with_any(rows: NDArray[np.intp], values: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    some = np.isfinite(values).any(axis=1)
    return rows[some], values[some]


def _known(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if len(values) == 0:
        return np.zeros(values.shape[1], np.bool_)
    return np.asarray(np.isfinite(values).mean(axis=0) >= PRESENT)
