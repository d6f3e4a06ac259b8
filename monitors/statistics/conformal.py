"""A test that may be looked at after every prediction: do new numbers still look like those that came before?

Knows strangeness scores, one or several a row, nothing of texts. What it remembers are counts in bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
"""Rows after which products are settled: few enough that no product of winnings overflows."""
HALF_LIFE = 500.0
"""Rows before which a change begins with chance ½; later ones get stakes that fall with the square of time."""
TAILS = np.array([0.1, 0.1, 0.03, 0.03, 0.01, 0.01, 0.01, 0.003, 0.003])
"""How far out each bet looks: the share of usual rows that are as strange."""
SHARES = np.array([0.2, 0.8, 0.08, 0.3, 0.05, 0.2, 0.9, 0.04, 0.3])
"""What share of rows the bet expects there. Small ones: one row in twenty is strange after many a change."""
HIT = np.log(SHARES / TAILS)
MISS = np.log((1 - SHARES) / (1 - TAILS))
CAP = 1e100
INSIDE, BEYOND = 96, 32


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Where scores fall: fixed by rows that are counted nowhere."""

    edges: NDArray[np.float64]
    """(scores, edges): ascending in each row."""

    def place(self, scores: NDArray[np.float64]) -> NDArray[np.intp]:
        """(n, scores): the bin of each score, 0 the least strange."""
        columns = [np.searchsorted(edges, scores[:, at], side="left") for at, edges in enumerate(self.edges)]
        return np.column_stack(columns)


@dataclass(frozen=True, slots=True, eq=False)
class Purse:
    """What is remembered between two rows. Equal however the rows were batched."""

    rows: int
    counts: NDArray[np.int64]
    """(scores, bins): rows that came before, those of the baseline among them."""
    stakes: NDArray[np.float64]
    """(scores, bets): money on the table when the present block began."""
    growth: NDArray[np.float64]
    """(scores, bets): log of what it has become since."""
    later: NDArray[np.float64]
    """(scores, bets): money that was added since, each part divided by the growth at its time."""
    peak: float
    """The largest wealth so far: 1 / peak is an anytime-valid p-value."""


def make_bins(scores: NDArray[np.float64]) -> Bins:
    """Bins that are finer the farther out, and go on beyond the largest score. (n, scores), no NaN."""
    inside = np.quantile(scores, 1 - np.geomspace(1.0, 1 / len(scores), INSIDE), axis=0)
    step = np.maximum(scores.max(axis=0) - np.median(scores, axis=0), 1e-9)
    beyond = scores.max(axis=0) + step * np.geomspace(0.02, 20.0, BEYOND)[:, None]
    return Bins(np.sort(np.concatenate([inside, beyond]), axis=0).T.copy())


def start(bins: Bins, scores: NDArray[np.float64]) -> Purse:
    """Before the first row: what is normal are the scores (n, scores) of rows that did not shape score or bins."""
    places, width = bins.place(scores), bins.edges.shape[1] + 1
    counts = np.stack([np.bincount(places[:, at], minlength=width) for at in range(places.shape[1])])
    shape = (len(counts), len(TAILS))
    return Purse(0, counts.astype(np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape), 0.0)


def advance(bins: Bins, purse: Purse, scores: NDArray[np.float64], seed: int) -> Purse:
    """The purse after more rows (n, scores), in order.

    A conformal test martingale (Vovk, Gammerman and Shafer 2005; Vovk 2021, *Testing randomness online*): each row's
    p-value is its rank among all rows before it, ties broken at random, which are independent and uniform while rows
    are exchangeable. Every past row counts: against a frozen calibration set the same bets end in a false alarm.
    Scores fall into bins, so that counts are all that is remembered; that makes ties, and nothing inexact.

    Each bet says that a larger share of rows than usual has a p-value below ε, and is paid by the likelihood ratio.
    Nobody knows when a change begins: new bets begin with every row, with weights that sum to 1 (Shin, Ramdas and
    Rinaldo 2023); over scores and bets money is averaged. By Ville's inequality the total ever exceeds 1/α with
    probability at most α.

    It cannot see rows that are less strange than usual, nor a change that comes as slowly as the counts grow; it sees
    any departure from exchangeability in the scores, also one of the time of day. `seed` fixes the ties.
    """
    places = bins.place(scores)
    for first, last in _blocks(len(places), purse.rows):
        purse = _within(purse, places[first:last], seed)
    return purse


def _within(purse: Purse, places: NDArray[np.intp], seed: int) -> Purse:
    """Rows of one block."""
    p_values, counts = _p_values(purse, places, seed)
    won = np.where(p_values[:, :, None] <= TAILS, HIT, MISS)
    # accumulated from what stands, row by row, so that batches make no difference in the last digit
    growth = np.cumsum(np.concatenate([purse.growth[None], won]), axis=0)
    at = purse.rows + np.arange(len(places), dtype=np.float64)
    fresh = HALF_LIFE / (at + HALF_LIFE) / (at + 1 + HALF_LIFE) / purse.stakes.size
    added = fresh[:, None, None] * np.exp(-growth[:-1])
    later = np.cumsum(np.concatenate([purse.later[None], added]), axis=0)[1:]
    money = np.minimum((purse.stakes + later) * np.exp(growth[1:]), CAP)
    total = money.reshape(len(money), -1).cumsum(axis=1)[:, -1]
    rows = purse.rows + len(places)
    done = rows % BLOCK == 0
    return Purse(
        rows=rows,
        counts=counts,
        stakes=money[-1] if done else purse.stakes,
        growth=np.zeros_like(purse.growth) if done else growth[-1],
        later=np.zeros_like(purse.later) if done else later[-1],
        peak=max(purse.peak, float(total.max())),
    )


def _p_values(purse: Purse, places: NDArray[np.intp], seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, scores): the rank of each row among all before it, and the counts after the last."""
    rows, scores = places.shape
    above = purse.counts.sum(axis=1)[:, None] - purse.counts.cumsum(axis=1)
    earlier = np.tri(rows, k=-1, dtype=np.bool_)
    ties = uniform(seed, purse.rows, rows, scores)
    known = purse.counts.sum(axis=1)
    p_values = np.empty((rows, scores))
    counts = purse.counts.copy()
    for at in range(scores):
        place = places[:, at]
        higher = above[at, place] + (earlier & (place[None, :] > place[:, None])).sum(axis=1)
        equal = purse.counts[at, place] + (earlier & (place[None, :] == place[:, None])).sum(axis=1)
        p_values[:, at] = (higher + ties[:, at] * (equal + 1)) / (known[at] + np.arange(rows) + 1)
        counts[at] += np.bincount(place, minlength=counts.shape[1])
    return p_values, counts


def uniform(seed: int, first: int, rows: int, columns: int) -> NDArray[np.float64]:
    """(rows, columns) in (0, 1), by place alone: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    place = np.arange(first * columns, (first + rows) * columns, dtype=np.uint64) + np.uint64(1)
    mixed = place * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5).reshape(rows, columns) / 2**53


def _blocks(rows: int, begun: int) -> list[tuple[int, int]]:
    cuts = [0, *range(BLOCK - begun % BLOCK, rows, BLOCK), rows]
    return [(first, last) for first, last in pairwise(cuts) if last > first]
