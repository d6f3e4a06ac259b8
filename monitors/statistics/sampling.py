"""Drawing rows with known chances: what an audit asks to be labelled. Knows chances and coins, nothing of rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def scale_for(weight: NDArray[np.float64], wanted: float) -> float:
    """The c at which `min(1, c * weight)` sums to `wanted`; infinite where even certainty for all is too little.

    A row of weight 0 is never drawn. Chances in proportion to the standard deviation of what is measured make the
    estimate most precise (Neyman 1934); for right and wrong that is `unsure`.

    >>> scale_for(np.array([1.0, 1.0, 1.0, 1.0]), 1.0)
    0.25
    """
    positive = np.sort(weight[weight > 0])[::-1]
    if wanted <= 0:
        return 0.0
    if wanted >= len(positive):
        return float("inf")
    # The rows of largest weight are certain; the rest share what is left in proportion.
    certain = np.arange(len(positive))
    rest = np.cumsum(positive[::-1])[::-1]
    scales = (wanted - certain) / rest
    return float(scales[np.argmax(scales * positive <= 1.0 + 1e-12)])


def chances(weight: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """(n,): `min(1, scale * weight)`, where infinity means every row of positive weight."""
    if np.isinf(scale):
        return np.asarray(weight > 0, np.float64)
    return np.asarray(np.minimum(1.0, scale * weight))


def unsure(confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): standard deviation of being right, if a row is right with chance `confidence`; 0.5 where that is NaN."""
    known = np.clip(np.nan_to_num(confidence, nan=0.5), 0.0, 1.0)
    return np.asarray(np.sqrt(known * (1 - known)))


def draw_systematic(chance: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,): each row with exactly its chance, and as many as the chances sum to, but for rounding.

    One random start, steps of 1 along the chances in random order: Madow 1949; Hartley and Rao 1962. Rows are drawn
    nearly independently; against independent coins the count is fixed, so that 20 asked for are 20.
    """
    order = rng.permutation(len(chance))
    ends = np.cumsum(chance[order])
    # A sum that is whole but for rounding errors must not lose its last row to them.
    ends = np.where(np.abs(ends - np.round(ends)) < 1e-9, np.round(ends), ends)
    start = rng.random()
    drawn = np.zeros(len(chance), np.bool_)
    drawn[order] = np.floor(ends - start) > np.floor(np.concatenate([[0.0], ends[:-1]]) - start)
    return drawn


def compound(rounds: Iterable[NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """(count,): chance of being drawn in any of independent rounds, 1 - (1 - p1)(1 - p2)…

    >>> compound([np.array([0.5]), np.array([0.5])], 1)
    array([0.75])
    """
    drawn = np.zeros(count)
    for chance in rounds:
        drawn += chance * (1 - drawn)
    return drawn
