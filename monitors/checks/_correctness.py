"""How likely each row is right, by regression on all that is known of it. Shared ground of checks; raises no alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.checks._columns import MILD, Pair, Read, embedding, output_numbers, pair, text_numbers
from monitors.statistics.correctness import fit_correctness
from monitors.statistics.support import Support, fit_support
from monitors.window import Window

STRAINED = 0.5
"""What a strained row counts where correctness is learnt, beside 1 of a row as it came."""
RIDGE = 20.0
"""Of the regression that learns from strained rows as well."""
NEAR = 1e-3
"""Added to squared distances before their logarithm is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One table of numbers of both sides, every row of each."""

    read: Read
    sides: Pair


def views_of(known: Window, rows: Window) -> list[View]:
    """Text numbers and embeddings, each where every row has it."""
    found = [View(read, pair(known, rows, read, _all(known, rows))) for read in (text_numbers, embedding)]
    return [view for view in found if _whole(view.sides, known, rows)]


def outside(views: list[View], rows: int) -> NDArray[np.bool_] | None:
    """(n,): which rows lie outside the baseline's support; None where nothing tells.

    Where text numbers and embeddings both speak, capitals are left to the embeddings: a model that sees none is not
    led astray by them, and the embeddings of one that does move.
    """
    if not views:
        return None
    out = np.zeros(rows, np.bool_)
    for view, names in zip(views, _telling(views), strict=True):
        counted = [view.sides.names.index(name) for name in names]
        out |= fit_support(view.sides.base[:, counted]).outside(view.sides.window[:, counted])
    return out


def _telling(views: list[View]) -> list[list[str]]:
    """The columns of each view that say how strange a row is."""
    return [[name for name in view.sides.names if len(views) == 1 or name not in MILD] for view in views]


def as_they_came(known: Window, rows: Window, views: list[View]) -> NDArray[np.float64]:
    """(n,): chance that each row is right, learnt from the baseline's rows alone."""
    design = [pair(known, rows, output_numbers, _all(known, rows)), *(view.sides for view in views)]
    regression = fit_correctness(np.column_stack([sides.base for sides in design]), known.correct)
    return regression(np.column_stack([sides.window for sides in design]))


def under_strain(
    known: Window, rows: Window, strained: Window, views: list[View], mix: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """(n,): the same, learnt from strained rows as well, and set so that the baseline comes out true.

    `mix` (classes,) is how often a row of each true class counts, where another class mix is at hand than the
    baseline's; None is once.

    Rows whose wrong answers are known though they lie where no row of the baseline does: the idea of Deng and Zheng
    2021, *Are labels always necessary for classifier accuracy evaluation?*, row by row in place of set by set. How far
    out a row lies is a number beside its others; it is what tells most strained texts from plain ones.
    """
    columns = [_columns(view, names) for view, names in zip(views, _telling(views), strict=True)]
    supports = [fit_support(read(known)) for read in columns]
    base, live, under = (_design(side, columns, supports) for side in (known, rows, strained))
    whole = np.isfinite(under).all(axis=1)
    mix = np.ones(known.scores.shape[1]) if mix is None else mix
    usual = mix[known.truth]
    counts = np.concatenate([usual, STRAINED * mix[strained.truth[whole]]])
    correct = np.concatenate([known.correct, strained.correct[whole]])
    regression = fit_correctness(np.vstack([base, under[whole]]), correct, counts=counts, ridge=RIDGE)
    return regression(live) + np.average(known.correct - regression(base), weights=usual)


def _columns(view: View, names: list[str]) -> Callable[[Window], NDArray[np.float64]]:
    """What reads these columns of a view."""

    def values(side: Window) -> NDArray[np.float64]:
        table = view.read(side)
        return table.values[:, [table.names.index(name) for name in names]]

    return values


def _design(
    side: Window, columns: list[Callable[[Window], NDArray[np.float64]]], supports: list[Support]
) -> NDArray[np.float64]:
    """(n, columns): the scores, the columns of each view, and each row's distance from the baseline's middle."""
    parts = [output_numbers(side).values]
    for read, support in zip(columns, supports, strict=True):
        values = read(side)
        parts += [values, np.log(NEAR + support.distance(values))[:, None]]
    return np.column_stack(parts)


def _all(known: Window, rows: Window) -> int:
    return max(len(known), len(rows))


def _whole(sides: Pair, known: Window, rows: Window) -> bool:
    return bool(sides.names) and len(sides.base) == len(known) and len(sides.window) == len(rows)
